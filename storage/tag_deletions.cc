#include "storage/tag_deletions.h"

#include <algorithm>

#include "storage/tag_deletion.h"

namespace larder::storage {

void TagDeletions::add(TagDeletion& deletion) {
  const std::lock_guard lock(mutex_);
  deletions_.push_back(&deletion);
  count_.store(deletions_.size(), std::memory_order_relaxed);
}

void TagDeletions::remove(TagDeletion& deletion) {
  const std::lock_guard lock(mutex_);
  std::erase(deletions_, &deletion);
  count_.store(deletions_.size(), std::memory_order_relaxed);
}

bool TagDeletions::catches(size_t database, size_t from_shard, size_t to_shard,
                           FunctionRef<bool(std::string_view)> carries) {
  const std::lock_guard lock(mutex_);
  return std::any_of(deletions_.begin(), deletions_.end(), [&](TagDeletion* deletion) {
    return deletion->catches(database, from_shard, to_shard, carries);
  });
}

void TagDeletions::follow(size_t a, size_t b) {
  const std::lock_guard lock(mutex_);
  for (TagDeletion* deletion : deletions_) deletion->follow(a, b);
}

}  // namespace larder::storage
