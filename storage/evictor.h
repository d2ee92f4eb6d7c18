// Makes room by evicting keys, one at a time, each the best that sampling finds under the store's
// EvictionPolicy (which see for how the hand goes over the store).
//
// An evictor belongs to one thread, which must not hold a lock of the store. It locks one shard at
// a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/candidate_pool.h"
#include "storage/store.h"

namespace larder::storage {

class Evictor {
 public:
  // `first_shard`: where its hand begins; different for each, or they would meet all the time.
  Evictor(Store& store, size_t first_shard) : store_(store), shard_(first_shard) {}

  enum class Outcome {
    kEvicted,
    kNotYet,   // looked at as many keys as one call may, and none could go: call again
    kNothing,  // went round the whole store and met no key that may be evicted
  };
  struct Result {
    Outcome outcome;
    size_t bytes = 0;  // what the key and its value held
  };
  // Evicts one key. `samples`: how many keys to look at, at least (maxmemory-samples). Some
  // microseconds, at most some tens.
  Result evict(uint32_t samples, int64_t now_ms);

 private:
  bool sample(size_t samples, int64_t now_ms);
  bool step(size_t& wanted, int64_t now_ms);
  void consider(Shard& shard, Slot slot, int64_t now_ms);
  double score(Shard& shard, size_t database, Slot slot, int64_t now_ms) const;
  size_t try_evict(Candidate candidate, int64_t now_ms);

  Store& store_;
  CandidatePool pool_;
  EvictionKind pool_kind_ = EvictionKind::kNoEviction;  // whose scores the pool holds
  size_t shard_;
  size_t database_ = 0;
  TablePosition position_ = 0;
  size_t steps_without_candidate_ = 0;
  bool found_candidate_ = false;
};

}  // namespace larder::storage
