// The deletions of tags that are under way. They go from shard to shard, so a key that is renamed
// or copied meanwhile may come from a shard where they have not been to one where they have: who
// does that asks here. Who swaps databases tells it here.
//
// Any thread. The mutex is a leaf: it may be locked under shards, and nothing is locked under it.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

#include "storage/function_ref.h"

namespace larder::storage {

class TagDeletion;

class TagDeletions {
 public:
  // Whether there is any: mostly not.
  bool any() const { return count_.load(std::memory_order_relaxed) > 0; }
  void add(TagDeletion& deletion);
  void remove(TagDeletion& deletion);

  // Both shards are locked. Whether a key for whose tags `carries` answers true would escape on its
  // way from one to the other; then it must be erased, and has been counted as deleted.
  bool catches(size_t database, size_t from_shard, size_t to_shard,
               FunctionRef<bool(std::string_view)> carries);
  // All shards are locked, and the keys of these two databases are being swapped.
  void follow(size_t a, size_t b);

 private:
  std::atomic<size_t> count_{0};
  std::mutex mutex_;
  std::vector<TagDeletion*> deletions_;  // guarded by mutex_
};

}  // namespace larder::storage
