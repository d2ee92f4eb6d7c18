// The best candidates for eviction that sampling has found so far, as in Redis: what one round of
// samples leaves over is not lost for the next, so that few samples a round choose nearly as well
// as many. Each thread that evicts has a pool of its own.
//
// A candidate is a note about a key, not a hold on it: when its turn comes the caller looks it up
// again, and finds it gone, changed, or as it was.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "storage/key_hash.h"

namespace larder::storage {

struct Candidate {
  KeyHash hash = 0;
  uint64_t where = 0;  // what the caller needs to find the key again
  double score = 0;    // the lowest goes first
};

class CandidatePool {
 public:
  static constexpr size_t kCapacity = 16;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  // Keeps the candidate if there is room or a higher score to be dropped for it. One with the same
  // hash and place is replaced.
  void offer(const Candidate& candidate);

  // Takes the candidate with the lowest score out. The pool is not empty.
  Candidate take_lowest() { return candidates_[--size_]; }
  // The lowest score that would remain after take_lowest(), or infinity.
  double next_score() const;

 private:
  std::array<Candidate, kCapacity> candidates_;  // by score, the lowest last
  size_t size_ = 0;
};

}  // namespace larder::storage
