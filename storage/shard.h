// A shard: one part of the key space with its lock, its tables (one a database) and its counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "storage/eviction_policy.h"
#include "storage/shard_lock.h"
#include "storage/table.h"

namespace larder::storage {

// A counter that one thread at a time changes (under the shard's lock) and any thread may read.
class Counter {
 public:
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }
  void reset() { value_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What all shards counted since the last reset; exact once the writers are quiet.
struct StoreCounters {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t sets = 0;  // as PrefixCount has them
  uint64_t deletes = 0;
  uint64_t expired = 0;
  uint64_t evicted = 0;
  uint64_t writes = 0;
};

// Members stand by what protects them: the counters may be read by anyone, the rest is guarded by
// `lock`, which only Store takes.
struct alignas(64) Shard {
  Shard(size_t databases, uint64_t hash_seed) : first(hash_seed) {
    for (size_t i = 1; i < databases; i++) others.emplace_back(hash_seed);
  }

  Table& table(size_t database) { return database == 0 ? first : others[database - 1]; }

  ShardLock lock;
  Table first;  // database 0: beside the lock, since nearly every key of a cache is in it
  bool others_used = false;  // whether another database ever had a key here: sweeps look at this
  std::vector<Table> others;
  ShardEviction eviction;

  Counter hits;
  Counter misses;
  Counter sets;
  Counter deletes;
  Counter expired;
  Counter evicted;
  Counter writes;  // changes of any key
};

}  // namespace larder::storage
