#include "storage/store.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <numeric>
#include <optional>
#include <utility>

#include "storage/entry_arena.h"
#include "storage/held_bytes.h"

namespace larder::storage {

Store::Store(const StoreOptions& options) : prefixes(options.hash_seed), options_(options) {
  assert(options.databases >= 1);
  EntryArena::set_concurrent(options.concurrent);
  shards_.reserve(kShards);
  for (size_t i = 0; i < kShards; i++) {
    shards_.push_back(std::make_unique<Shard>(options.databases, options.hash_seed));
  }
}

LockedKeys Store::lock(std::span<const Key> keys) {
  if (keys.size() == 1) return lock(keys[0]);
  if (!options_.concurrent) return lock_all();  // takes no lock either
  std::vector<uint32_t> shards;
  shards.reserve(keys.size());
  for (const Key& key : keys) shards.push_back(static_cast<uint32_t>(shard_of(key.hash)));
  return lock_some(std::move(shards));
}

LockedKeys Store::lock_shards(std::span<const uint32_t> shards) {
  if (!options_.concurrent) return lock_all();  // takes no lock either
  return lock_some({shards.begin(), shards.end()});
}

LockedKeys Store::lock_some(std::vector<uint32_t>&& shards) {
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  lock_indices(shards);
  LockedKeys locked(*this, LockedKeys::Scope::kSome);
  locked.shards_ = std::move(shards);
  return locked;
}

LockedKeys Store::lock_all() {
  static constexpr auto kEvery = [] {
    std::array<uint32_t, kShards> indices{};
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
  }();
  if (options_.concurrent) {
    lock_indices(kEvery);
    all_held_by_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  return LockedKeys(*this, LockedKeys::Scope::kAll);
}

// All or none.
void Store::lock_indices(std::span<const uint32_t> ascending) {
  size_t locked = 0;
  try {
    for (; locked < ascending.size(); locked++) lock_index(ascending[locked]);
  } catch (const HeldForLong&) {
    while (locked > 0) unlock_index(ascending[--locked]);
    throw;
  }
}

Table& Store::table(const LockedKeys& locked, size_t shard, size_t database) {
  assert(locked.holds(static_cast<KeyHash>(shard) << (64 - kShardBits)));
  (void)locked;
  return shards_[shard]->table(database);
}

void Store::count_gone(size_t database, const Entry& entry, KeyHash hash, PrefixCount why) {
  if (!prefixes.on()) return;
  const auto bytes = static_cast<int64_t>(held_bytes(entry));
  prefixes.count(database, {entry.key(), hash}, why, -1, -bytes);
}

DatabaseSize Store::size(size_t database, const LockedKeys* held) {
  DatabaseSize size;
  measure(database, {&size, 1}, held);
  return size;
}

std::vector<DatabaseSize> Store::sizes(const LockedKeys* held) {
  std::vector<DatabaseSize> sizes(options_.databases);
  measure(0, sizes, held);
  return sizes;
}

// Fills `sizes` with those of as many databases from the first one on.
void Store::measure(size_t first_database, std::span<DatabaseSize> sizes, const LockedKeys* held) {
  assert(held == nullptr || held->holds_all());
  struct Expiries {  // of all entries
    uint64_t count = 0;
    uint64_t sum_s = 0;
  };
  std::vector<Expiries> expiries(sizes.size());
  for (size_t i = 0; i < kShards; i++) {
    std::optional<LockedKeys> own;
    if (held == nullptr && !all_held_here()) own.emplace(lock_shard(i));
    for (size_t d = 0; d < sizes.size(); d++) {
      const Table& table = shards_[i]->table(first_database + d);
      const size_t keys = table.size() - table.doomed();
      sizes[d].keys += keys;
      // How many of the doomed have an expiry nobody knows; in a cache, mostly all of them or none.
      sizes[d].volatile_keys += std::min(table.volatile_size(), keys);
      sizes[d].table_bytes += table.memory_bytes();
      expiries[d].count += table.volatile_size();
      expiries[d].sum_s += table.expire_at_sum_s();
    }
  }
  for (size_t d = 0; d < sizes.size(); d++) {
    if (sizes[d].volatile_keys == 0) continue;
    sizes[d].mean_expire_at_ms = static_cast<int64_t>(expiries[d].sum_s / expiries[d].count * 1000);
  }
}

StoreCounters Store::counters() const {
  StoreCounters sum;
  for (const auto& shard : shards_) {
    sum.hits += shard->hits.get();
    sum.misses += shard->misses.get();
    sum.sets += shard->sets.get();
    sum.deletes += shard->deletes.get();
    sum.expired += shard->expired.get();
    sum.evicted += shard->evicted.get();
    sum.writes += shard->writes.get();
  }
  return sum;
}

void Store::reset_counters(const LockedKeys* held) {
  assert(held == nullptr || held->holds_all());
  for (size_t i = 0; i < kShards; i++) {
    std::optional<LockedKeys> own;
    if (held == nullptr) own.emplace(lock_shard(i));
    shards_[i]->hits.reset();
    shards_[i]->misses.reset();
    shards_[i]->sets.reset();
    shards_[i]->deletes.reset();
    shards_[i]->expired.reset();
    shards_[i]->evicted.reset();
  }
}

size_t Store::table_bytes() {
  size_t bytes = kShards * sizeof(Shard);
  for (size_t i = 0; i < kShards; i++) {
    const LockedKeys locked = lock_shard(i);
    for (size_t d = 0; d < options_.databases; d++) bytes += shards_[i]->table(d).memory_bytes();
  }
  return bytes;
}

void Store::prefetch(const LockedKeys& locked, std::span<const Key> keys, size_t database) {
  // As many misses as a core keeps under way.
  constexpr size_t kAtOnce = 16;
  for (size_t from = 0; from < keys.size(); from += kAtOnce) {
    const auto group = keys.subspan(from, std::min(kAtOnce, keys.size() - from));
    for (const Key& key : group) prefetch_shard(key.hash, database);
    for (const Key& key : group)
      table(locked, shard_of(key.hash), database).prefetch_directory(key.hash);
    for (const Key& key : group)
      table(locked, shard_of(key.hash), database).prefetch_bucket(key.hash);
    for (const Key& key : group)
      table(locked, shard_of(key.hash), database).prefetch_entry(key.hash);
  }
}

void Store::swap_databases(const LockedKeys& locked, size_t a, size_t b) {
  assert(locked.holds_all());
  (void)locked;
  if (a == b) return;
  for (const auto& shard : shards_) {
    shard->table(a).swap(shard->table(b));
    shard->others_used = true;
  }
  swaps.fetch_add(1, std::memory_order_relaxed);
  if (tag_deletions.any()) tag_deletions.follow(a, b);
  prefixes.swap_databases(a, b);
  if (Observer* to_tell = observer()) to_tell->swapped(a, b);
}

std::vector<Table> Store::detach(const LockedKeys& locked, size_t database) {
  assert(locked.holds_all());
  (void)locked;
  std::vector<Table> tables;
  tables.reserve(kShards);
  for (const auto& shard : shards_) {
    Table& table = shard->table(database);
    shard->writes.add(table.size());
    // A table whose keys were all deleted still has its segments.
    if (table.memory_bytes() > 0) tables.emplace_back(std::move(table));
  }
  uint64_t keys = 0;
  for (const auto& shard : shards_) {
    for (size_t d = 0; d < options_.databases; d++) keys += shard->table(d).size();
  }
  eviction_.set_keys(keys);
  prefixes.flush(database, keys == 0);
  if (Observer* to_tell = observer()) to_tell->flushed(database);
  return tables;
}

}  // namespace larder::storage
