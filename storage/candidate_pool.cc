#include "storage/candidate_pool.h"

#include <algorithm>
#include <limits>

namespace larder::storage {

void CandidatePool::offer(const Candidate& candidate) {
  Candidate* const begin = candidates_.data();
  Candidate* const same = std::find_if(begin, begin + size_, [&](const Candidate& other) {
    return other.hash == candidate.hash && other.where == candidate.where;
  });
  if (same != begin + size_) {
    std::move(same + 1, begin + size_, same);
    size_--;
  }
  if (size_ == kCapacity) {
    if (candidate.score >= begin[0].score) return;
    std::move(begin + 1, begin + size_, begin);
    size_--;
  }
  Candidate* const place = std::find_if(
      begin, begin + size_, [&](const Candidate& other) { return other.score <= candidate.score; });
  std::move_backward(place, begin + size_, begin + size_ + 1);
  *place = candidate;
  size_++;
}

double CandidatePool::next_score() const {
  return size_ == 0 ? std::numeric_limits<double>::infinity() : candidates_[size_ - 1].score;
}

}  // namespace larder::storage
