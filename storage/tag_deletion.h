// Deletes tags with all keys that carry them: TAGDEL and TAGDELEX. The work is done shard by shard,
// so that it may be interrupted between two of them; when it is finished, nobody can see a key that
// carried a tag when it began.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/function_ref.h"
#include "storage/store.h"
#include "storage/tag_walk.h"

namespace larder::storage {

class TagDeletion {
 public:
  // Which keys go: those with at least one of the tags, or those with each of them.
  enum class Which : uint8_t { kAny, kAll };

  TagDeletion(Store& store, size_t database, std::vector<std::string> names, Which which);
  ~TagDeletion();
  TagDeletion(const TagDeletion&) = delete;
  TagDeletion& operator=(const TagDeletion&) = delete;

  bool finished() const { return shard() >= Store::kShards; }
  // Does the next piece: one shard, or some keys of it. For kAny that is a fraction of a
  // microsecond, but in shards where some of the keys may have died, or where somebody is to be
  // told, a tenth of a microsecond for each key. `held`: all shards, or null, as elsewhere. `tell`:
  // null, or called for each live key that goes, under its shard's lock, behind the store's
  // observer. Throws std::bad_alloc; what was done stays.
  using Tell = FunctionRef<void(size_t database, const Key&)>;
  void step(const LockedKeys* held, int64_t now_ms, Tell* tell);

  const std::vector<std::string>& names() const { return names_; }
  // Live keys that went.
  uint64_t keys() const { return keys_ + caught_.load(std::memory_order_relaxed); }
  // What their records had counted, one for each name; for kAny alone.
  const std::vector<TagUses>& uses() const { return uses_; }

  // See TagDeletions. Any thread that holds both shards, or all.
  bool catches(size_t database, size_t from_shard, size_t to_shard,
               FunctionRef<bool(std::string_view)> carries);
  void follow(size_t a, size_t b);

 private:
  // Keys erased under one hold of a shard's lock.
  static constexpr size_t kKeysPerLock = 128;

  size_t shard() const { return shard_.load(std::memory_order_relaxed); }
  void go_on() { shard_.store(shard() + 1, std::memory_order_relaxed); }
  void doom(Table& table, int64_t now_ms, Tell* tell);
  void erase_some(const LockedKeys& locked, const Table& table, int64_t now_ms, Tell* tell);

  Store& store_;
  // What began in one goes on in it, whatever its number: changed under all shards.
  size_t database_;
  const std::vector<std::string> names_;
  const Which which_;
  // Changed under the lock of that shard: who holds one knows on which side of it the deletion is.
  std::atomic<size_t> shard_{0};
  HashFragment from_ = kFragmentMin;  // of the shard's keys, for kAll
  uint64_t keys_ = 0;
  std::atomic<uint64_t> caught_{0};
  std::vector<TagUses> uses_;
};

}  // namespace larder::storage
