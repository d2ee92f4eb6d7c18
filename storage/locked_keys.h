// The proof that shards of a store are held (storage/store.h).
#pragma once

#include <cstdint>
#include <vector>

#include "storage/key_hash.h"

namespace larder::storage {

class Store;

// Holds shards until destroyed. Movable, so that it can be kept by whoever runs several commands
// under one lock.
class LockedKeys {
 public:
  LockedKeys(LockedKeys&& other) noexcept;
  LockedKeys& operator=(LockedKeys&&) = delete;
  // Holds nothing.
  static LockedKeys none_of(Store& store) { return {store, Scope::kNone}; }
  ~LockedKeys() {
    if (scope_ != Scope::kNone) release();
  }

  Store& store() const { return *store_; }
  bool holds_all() const { return scope_ == Scope::kAll; }
  bool holds(KeyHash hash) const;
  // They will be held for long: see ShardLock.
  void hold_long() const;

 private:
  friend class Store;
  enum class Scope : uint8_t { kNone, kOne, kSome, kAll };
  LockedKeys(Store& store, Scope scope) : store_(&store), scope_(scope) {}
  void release();
  void unlock();

  Store* store_;
  Scope scope_;
  uint32_t shard_ = 0;            // kOne
  std::vector<uint32_t> shards_;  // kSome: ascending, distinct
};

}  // namespace larder::storage
