// The store: all shards, and the only place that locks them.
//
// A command hashes its keys, asks the store for the lock of their shards, and gets a LockedKeys:
// the proof that those shards are held, without which no entry can be reached. Shards are locked in
// ascending order, so commands that share shards cannot deadlock; a thread that holds a LockedKeys
// must not ask for another. With one thread (`concurrent` false) no lock is taken at all.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "storage/key_hash.h"
#include "storage/locked_keys.h"
#include "storage/observer.h"
#include "storage/prefetch.h"
#include "storage/prefix_stats.h"
#include "storage/shard.h"
#include "storage/tag_deletions.h"

namespace larder::storage {

struct StoreOptions {
  size_t databases = 16;
  uint64_t hash_seed = 0;
  bool concurrent = true;  // whether more than one thread will use the store
};

struct DatabaseSize {
  size_t keys = 0;                // without those of deleted tags
  size_t volatile_keys = 0;       // with an expiry, perhaps some of those as well
  int64_t mean_expire_at_ms = 0;  // of those, in whole seconds; 0 if there are none
  size_t table_bytes = 0;         // memory of the tables without their entries
};

class Store {
 public:
  static constexpr int kShardBits = 10;
  static constexpr size_t kShards = size_t{1} << kShardBits;

  explicit Store(const StoreOptions& options);

  size_t databases() const { return options_.databases; }
  uint64_t hash_seed() const { return options_.hash_seed; }
  bool concurrent() const { return options_.concurrent; }
  Key key(std::string_view bytes) const { return {bytes, hash_key(bytes, options_.hash_seed)}; }

  // Each waits for as long as another thread holds one of the shards, but throws HeldForLong, and
  // holds nothing, if that will be long.
  LockedKeys lock(const Key& key);
  LockedKeys lock(std::span<const Key> keys);
  LockedKeys lock_shard(size_t shard);
  // In any order, and repeatedly.
  LockedKeys lock_shards(std::span<const uint32_t> shards);
  LockedKeys lock_all();

  // Calls work(locked) with the shard locked: by `held`, which then holds all shards, or, if that
  // is null, for the call.
  template <typename Work>
  decltype(auto) with_shard(const LockedKeys* held, size_t shard, Work&& work) {
    if (held != nullptr) return work(*held);
    const LockedKeys locked = lock_shard(shard);
    return work(locked);
  }

  // The table of a locked shard. Only for what works on whole shards (scan, sweep, flush, reports);
  // commands on keys use Keyspace.
  Table& table(const LockedKeys& locked, size_t shard, size_t database);

  EvictionPolicy& eviction() { return eviction_; }
  // Counts deletions of tags, which leave entries to be reaped (storage/tag_reaper.h). Any thread.
  std::atomic<uint64_t> doomings{0};
  // Counts swaps of databases.
  std::atomic<uint32_t> swaps{0};
  TagDeletions tag_deletions;
  PrefixStats prefixes;
  // Counts for its prefix an entry that was taken out of a table, under the shard's lock. `hash`:
  // of its key.
  void count_gone(size_t database, const Entry& entry, KeyHash hash, PrefixCount why);

  // Null: nobody is to be told. The observer must outlive its last call, which may come as long as
  // another thread holds a shard that it locked before. Any thread.
  void set_observer(Observer* observer) { observer_.store(observer, std::memory_order_release); }
  Observer* observer() const { return observer_.load(std::memory_order_acquire); }

  static size_t shard_of(KeyHash hash) { return static_cast<size_t>(hash >> (64 - kShardBits)); }
  Shard& shard(size_t index) { return *shards_[index]; }
  // Of one database or of every one, in one pass over the shards, which locks one after the other.
  // `held`: a lock on all shards that the caller has, or null; then it may hold all shards or none.
  DatabaseSize size(size_t database, const LockedKeys* held = nullptr);
  std::vector<DatabaseSize> sizes(const LockedKeys* held = nullptr);
  StoreCounters counters() const;
  // All but `writes`. `held` as in sizes().
  void reset_counters(const LockedKeys* held = nullptr);
  size_t table_bytes();  // of all tables, without their entries

  // Ask for the memory that finding the keys in the database will need, so that the cache misses of
  // several keys overlap: a key's shard as soon as its hash is known, then its directory, bucket
  // and entry, each some time after the one before. All but the first take and release the shard's
  // lock, but under a lock that holds the keys.
  struct Place {
    KeyHash hash = 0;
    uint32_t database = 0;
    Shard* shard = nullptr;
  };
  Place prefetch_shard(KeyHash hash, size_t database) const {
    const Place place{hash, static_cast<uint32_t>(database), shards_[shard_of(hash)].get()};
    storage::prefetch(place.shard);
    return place;
  }
  void prefetch_directory(const Place& place) {
    look(place, [&](const Table& table) { table.prefetch_directory(place.hash); });
  }
  void prefetch_bucket(const Place& place) {
    look(place, [&](const Table& table) { table.prefetch_bucket(place.hash); });
  }
  void prefetch_segment(const Place& place) {
    look(place, [&](const Table& table) { table.prefetch_segment(place.hash); });
  }
  void prefetch_entry(const Place& place) {
    look(place, [&](const Table& table) { table.prefetch_entry(place.hash); });
  }
  void prefetch(const LockedKeys& locked, std::span<const Key> keys, size_t database);

  // Swaps two databases; all shards are held.
  void swap_databases(const LockedKeys& locked, size_t a, size_t b);

  // Takes all tables of a database away; all shards are held. The keys are gone at once; freeing
  // them is left to whoever gets the tables.
  std::vector<Table> detach(const LockedKeys& locked, size_t database);

 private:
  friend class LockedKeys;
  void measure(size_t first_database, std::span<DatabaseSize> sizes, const LockedKeys* held);
  template <typename Look>
  void look(const Place& place, Look look) {
    if (!options_.concurrent) return look(place.shard->table(place.database));
    const LockedKeys locked = lock_shard(shard_of(place.hash));
    look(place.shard->table(place.database));
  }
  void lock_indices(std::span<const uint32_t> ascending);
  bool all_held_here() const {
    return all_held_by_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  LockedKeys lock_some(std::vector<uint32_t>&& shards);
  void lock_index(size_t index) { shards_[index]->lock.lock(); }
  void unlock_index(size_t index) { shards_[index]->lock.unlock(); }

  const StoreOptions options_;
  std::atomic<Observer*> observer_{nullptr};
  // The thread that holds all shards; written by it alone, so it never sees its own id wrongly.
  std::atomic<std::thread::id> all_held_by_{};
  EvictionPolicy eviction_{EvictionKind::kNoEviction, kShards};
  std::vector<std::unique_ptr<Shard>> shards_;
};

// Inline, since they stand in the middle of every command.

inline void LockedKeys::release() {
  if (store_->options_.concurrent) unlock();
}

inline LockedKeys Store::lock_shard(size_t shard) {
  LockedKeys locked(*this, LockedKeys::Scope::kOne);
  locked.shard_ = static_cast<uint32_t>(shard);
  if (options_.concurrent) lock_index(shard);
  return locked;
}

inline LockedKeys Store::lock(const Key& key) {
  return lock_shard(shard_of(key.hash));
}

}  // namespace larder::storage
