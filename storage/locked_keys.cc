#include "storage/locked_keys.h"

#include <algorithm>
#include <utility>

#include "storage/store.h"

namespace larder::storage {

LockedKeys::LockedKeys(LockedKeys&& other) noexcept
    : store_(other.store_),
      scope_(std::exchange(other.scope_, Scope::kNone)),
      shard_(other.shard_),
      shards_(std::move(other.shards_)) {}

void LockedKeys::unlock() {
  switch (scope_) {
    case Scope::kNone:
      break;
    case Scope::kOne:
      store_->unlock_index(shard_);
      break;
    case Scope::kSome:
      for (const uint32_t index : shards_) store_->unlock_index(index);
      break;
    case Scope::kAll:
      store_->all_held_by_.store(std::thread::id(), std::memory_order_relaxed);
      for (size_t i = 0; i < Store::kShards; i++) store_->unlock_index(i);
      break;
  }
}

void LockedKeys::hold_long() const {
  if (!store_->options_.concurrent) return;
  switch (scope_) {
    case Scope::kNone:
      break;
    case Scope::kOne:
      store_->shards_[shard_]->lock.hold_long();
      break;
    case Scope::kSome:
      for (const uint32_t index : shards_) store_->shards_[index]->lock.hold_long();
      break;
    case Scope::kAll:
      for (const auto& shard : store_->shards_) shard->lock.hold_long();
      break;
  }
}

bool LockedKeys::holds(KeyHash hash) const {
  const auto index = static_cast<uint32_t>(Store::shard_of(hash));
  switch (scope_) {
    case Scope::kNone:
      return false;
    case Scope::kOne:
      return shard_ == index;
    case Scope::kSome:
      return std::binary_search(shards_.begin(), shards_.end(), index);
    case Scope::kAll:
      return true;
  }
  return false;
}

}  // namespace larder::storage
