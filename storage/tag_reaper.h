// Frees the entries of deleted tags, which nobody can see any more (storage/tags.h), behind
// everything else. The work is divided between workers by shards, as the expiry sweep's is.
//
// A reaper is used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/entry.h"
#include "storage/store.h"

namespace larder::storage {

class TagReaper {
 public:
  // Owns the shards whose index is `worker` modulo `workers`.
  TagReaper(Store& store, size_t worker, size_t workers);

  // Does a part of a round over its shards: frees some entries, about kEntriesPerStep, or looks at
  // kShardsPerStep; 100 us. The first part of a new one if the last was finished and a tag was
  // deleted since it began. True: the round is not finished.
  bool step();
  static constexpr size_t kEntriesPerStep = 256;
  static constexpr size_t kShardsPerStep = 512;

 private:
  // Taken out under one hold of a shard's lock.
  static constexpr size_t kEntriesPerLock = 64;

  bool reap_shard();

  Store& store_;
  const size_t first_shard_;
  const size_t stride_;
  size_t shard_;
  uint64_t round_of_ = 0;     // Store::doomings when the present round began
  std::vector<Entry*> dead_;  // taken out of a table, destroyed when the lock is gone
};

}  // namespace larder::storage
