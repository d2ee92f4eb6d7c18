// Locks of the store, from one thread and from several.
#include "storage/store.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/keyspace.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

void set(Store& store, const std::string& name, int64_t value, size_t database = 0,
         int64_t expire_at_ms = kNoExpiry) {
  const Key key = store.key(name);
  const LockedKeys locked = store.lock(key);
  Keyspace(locked, database, kNow).put_integer(key, value, expire_at_ms);
}

bool has(Store& store, const std::string& name, size_t database = 0) {
  const Key key = store.key(name);
  const LockedKeys locked = store.lock(key);
  return Keyspace(locked, database, kNow).find(key) != nullptr;
}

TEST(Store, LockHoldsTheShardsOfItsKeysOnly) {
  Store store({.databases = 1});
  const Key a = store.key("a");
  const Key b = store.key("b");
  const Key c = store.key("c");
  ASSERT_NE(Store::shard_of(a.hash), Store::shard_of(b.hash));
  ASSERT_NE(Store::shard_of(a.hash), Store::shard_of(c.hash));
  {
    const LockedKeys one = store.lock(a);
    EXPECT_TRUE(one.holds(a.hash));
    EXPECT_FALSE(one.holds(b.hash));
  }
  {
    const std::vector<Key> keys = {a, b, a};  // a key twice must not lock its shard twice
    const LockedKeys some = store.lock(keys);
    EXPECT_TRUE(some.holds(a.hash) && some.holds(b.hash));
    EXPECT_FALSE(some.holds(c.hash) || some.holds_all());
  }
  const LockedKeys all = store.lock_all();
  EXPECT_TRUE(all.holds_all() && all.holds(c.hash));
}

TEST(Store, AMovedTokenUnlocksOnce) {
  Store store({.databases = 1});
  const Key key = store.key("a");
  {
    LockedKeys first = store.lock(key);
    const LockedKeys second = std::move(first);
    EXPECT_TRUE(second.holds(key.hash));
    EXPECT_FALSE(
        first.holds(key.hash));  // NOLINT: what a moved token answers is part of the contract
  }
  const LockedKeys again = store.lock(key);  // would hang if the shard were still held
  EXPECT_TRUE(again.holds(key.hash));
}

constexpr size_t kCounters = 40;

std::string counter(size_t i) {
  return "counter:" + std::to_string(i);
}

void add(Keyspace& db, const Key& key, int64_t n) {
  Entry* entry = db.find(key);
  db.put_integer(key, (entry != nullptr ? entry->integer() : 0) + n, kNoExpiry);
}

// Adds to one counter, moves between two, or (seldom) reads all of them: the sum must always be
// what was added and nothing else.
class Worker {
 public:
  Worker(Store& store, uint64_t seed) : store_(store), random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; i++) {
      const uint64_t choice = random_() % 1000;
      if (choice == 0) {
        check_sum();
      } else if (choice < 500) {
        transfer();
      } else {
        increment();
      }
    }
  }

  int64_t added = 0;
  bool negative_sum = false;

 private:
  void increment() {
    const std::string name = counter(random_() % kCounters);
    const Key key = store_.key(name);
    const LockedKeys locked = store_.lock(key);
    Keyspace db(locked, 0, kNow);
    add(db, key, 1);
    added++;
  }

  void transfer() {
    const std::string from = counter(random_() % kCounters);
    const std::string to = counter(random_() % kCounters);
    const std::vector<Key> keys = {store_.key(from), store_.key(to)};
    const LockedKeys locked = store_.lock(keys);
    Keyspace db(locked, 0, kNow);
    add(db, keys[0], -7);
    add(db, keys[1], 7);
  }

  void check_sum() {
    const LockedKeys locked = store_.lock_all();
    Keyspace db(locked, 0, kNow);
    int64_t sum = 0;
    for (size_t i = 0; i < kCounters; i++) {
      const std::string name = counter(i);
      Entry* entry = db.find(store_.key(name));
      sum += entry != nullptr ? entry->integer() : 0;
    }
    negative_sum |= sum < 0;
  }

  Store& store_;
  std::mt19937_64 random_;
};

TEST(Store, LosesNoUpdateBetweenThreads) {
  Store store({.databases = 1});
  std::vector<Worker> workers;
  for (uint64_t i = 0; i < 4; i++) workers.emplace_back(store, i + 1);
  std::vector<std::thread> threads;
  for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(30'000); });
  for (std::thread& thread : threads) thread.join();

  int64_t added = 0;
  for (const Worker& worker : workers) {
    added += worker.added;
    EXPECT_FALSE(worker.negative_sum);
  }
  int64_t sum = 0;
  for (size_t i = 0; i < kCounters; i++) {
    const std::string name = counter(i);
    const Key key = store.key(name);
    const LockedKeys locked = store.lock(key);
    sum += Keyspace(locked, 0, kNow).find(key)->integer();
  }
  EXPECT_EQ(sum, added);
}

TEST(Store, CountsKeysOfADatabase) {
  Store store({.databases = 2});
  for (int i = 0; i < 100; i++) set(store, "k" + std::to_string(i), i);
  for (int i = 0; i < 10; i++) set(store, "v" + std::to_string(i), i, 0, kNow + 5'000);
  set(store, "other", 1, 1);
  const DatabaseSize size = store.size(0);
  EXPECT_EQ(size.keys, 110u);
  EXPECT_EQ(size.volatile_keys, 10u);
  EXPECT_EQ(size.mean_expire_at_ms, kNow + 5'000);
  EXPECT_EQ(store.size(1).keys, 1u);
  const LockedKeys all = store.lock_all();
  EXPECT_EQ(store.size(0, &all).keys, 110u);
}

TEST(Store, SwapsDatabases) {
  Store store({.databases = 3});
  set(store, "a", 1, 0);
  set(store, "b", 2, 2);
  {
    const LockedKeys all = store.lock_all();
    store.swap_databases(all, 0, 2);
    store.swap_databases(all, 1, 1);
  }
  EXPECT_TRUE(has(store, "b", 0) && has(store, "a", 2));
  EXPECT_FALSE(has(store, "a", 0) || has(store, "b", 2));
}

TEST(Store, DetachLeavesEmptyTablesAndTakesEmptiedOnesToo) {
  Store store({.databases = 2});
  for (int i = 0; i < 5'000; i++) set(store, "k" + std::to_string(i), i);
  set(store, "kept", 1, 1);
  {
    const Key key = store.key("gone");
    const LockedKeys locked = store.lock(key);
    Keyspace db(locked, 0, kNow);
    db.put_integer(key, 1, kNoExpiry);
    db.erase(key);
  }
  const size_t writes = store.counters().writes;
  std::vector<Table> tables;
  {
    const LockedKeys all = store.lock_all();
    tables = store.detach(all, 0);
  }
  size_t detached = 0;
  for (const Table& table : tables) detached += table.size();
  EXPECT_EQ(detached, 5'000u);
  EXPECT_EQ(store.counters().writes, writes + 5'000);
  EXPECT_EQ(store.size(0).keys, 0u);
  EXPECT_TRUE(has(store, "kept", 1));
  // No segment of database 0 is left: what remains is the one of "kept".
  Store fresh({.databases = 2});
  set(fresh, "kept", 1, 1);
  EXPECT_EQ(store.table_bytes(), fresh.table_bytes());
}

}  // namespace
}  // namespace larder::storage
