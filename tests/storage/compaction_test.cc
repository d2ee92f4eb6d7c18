// Compaction against a model: keys keep their values, expiries and access bits wherever they lie,
// and the memory of what went comes back.
#include "storage/compaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "storage/entry_arena.h"
#include "storage/garbage.h"
#include "storage/keyspace.h"
#include "storage/memory_recount.h"
#include "storage/types/hash.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

// A store whose values change at random, and what it should hold.
class Twins {
 public:
  Twins(uint64_t seed, size_t workers) : random_(seed), compaction_(workers) {
    for (size_t i = 0; i < workers; i++) compactors_.emplace_back(store_, compaction_, i, workers);
  }

  void set(size_t number, size_t bytes, size_t database = 0, int64_t expire_at_ms = kNoExpiry) {
    std::string value(bytes, 'a');
    for (size_t i = 0; i < bytes; i += 37) value[i] = static_cast<char>('a' + random_() % 26);
    with_key(number, database,
             [&](Keyspace& db, const Key& key) { db.put_text(key, value, expire_at_ms, false); });
    model_[place(number, database)] = {std::move(value), expire_at_ms};
  }

  void erase(size_t number, size_t database = 0) {
    if (model_.erase(place(number, database)) == 0) return;
    with_key(number, database, [&](Keyspace& db, const Key& key) { EXPECT_TRUE(db.erase(key)); });
  }

  // All workers' shares of rounds until no more is worth it. Returns the rounds.
  size_t compact() {
    size_t rounds = 0;
    for (; rounds < 20 && compaction_.plan(0); rounds++) {
      for (Compactor& compactor : compactors_) {
        while (compactor.step()) {
        }
      }
      EXPECT_FALSE(compaction_.running());
    }
    return rounds;
  }

  void expect_equal() {
    const LockedKeys all = store_.lock_all();
    for (size_t s = 0; s < Store::kShards; s++) {
      for (size_t d = 0; d < store_.databases(); d++) {
        ASSERT_TRUE(store_.table(all, s, d).recount());
      }
    }
    for (const auto& [place, value] : model_) {
      const std::string name = std::to_string(place >> 4);
      Keyspace db(all, place & 15, kNow);
      const Entry* entry = db.find(store_.key(name), Keyspace::Access::kPeek);
      ASSERT_NE(entry, nullptr) << name;
      char digits[kIntegerTextMax];
      ASSERT_EQ(entry->string(digits), value.text) << name;
      ASSERT_EQ(entry->expire_at_ms(), value.expire_at_ms) << name;
    }
    const MemoryRecount sum = recount_memory(store_, all);
    ASSERT_EQ(sum.elsewhere(), 0u);
    ASSERT_GT(sum.entries, 0u);
    ASSERT_TRUE(EntryArena::recount());
  }

  template <typename Action>
  void with_key(size_t number, size_t database, Action&& action) {
    const std::string name = std::to_string(number);
    const Key key = store_.key(name);
    const LockedKeys locked = store_.lock(key);
    Keyspace db(locked, database, kNow);
    action(db, key);
  }

  size_t draw(size_t n) { return random_() % n; }
  Store& store() { return store_; }
  Compaction& compaction() { return compaction_; }
  Compactor& compactor(size_t i) { return compactors_[i]; }

 private:
  struct Value {
    std::string text;
    int64_t expire_at_ms;
  };
  static size_t place(size_t number, size_t database) { return number << 4 | database; }

  std::mt19937_64 random_;
  Store store_{{.databases = 3, .hash_seed = 5}};
  Compaction compaction_;
  std::vector<Compactor> compactors_;
  std::unordered_map<size_t, Value> model_;
};

size_t wasted_after_giving_back() {
  for (int i = 0; i < 30; i++) EntryArena::maintain();
  while (EntryArena::maintain()) {
  }
  const ArenaUse use = EntryArena::use();
  return use.held_bytes() - use.record_bytes - use.living_slab_bytes();
}

TEST(Compaction, WinsBackWhatDeletedKeysLeft) {
  Twins twins(1, 1);
  for (size_t i = 0; i < 200'000; i++) twins.set(i, 20 + twins.draw(300));
  for (size_t i = 0; i < 200'000; i++) {
    if (i % 5 != 0) twins.erase(i);
  }
  const size_t living = EntryArena::use().living_slab_bytes();
  EXPECT_GT(twins.compact(), 0u);
  EXPECT_GT(twins.compaction().moved(), 0u);
  EXPECT_EQ(EntryArena::use().living_slab_bytes(), living);
  if (!kSystemMalloc) {
    EXPECT_LT(wasted_after_giving_back(), living / 10 + 2 * kSpanBytes);
  }
  twins.expect_equal();
}

TEST(Compaction, MovesWhateverThereIsInAnyDatabase) {
  Twins twins(2, 3);
  for (int phase = 0; phase < 3; phase++) {
    for (size_t i = 0; i < 60'000; i++) {
      const size_t number = twins.draw(15'000);
      const size_t database = twins.draw(3);
      if (twins.draw(4) == 0) {
        twins.erase(number, database);
      } else {
        const size_t bytes = phase == 1 ? 500 + twins.draw(5'000) : 16 + twins.draw(200);
        const bool expires = twins.draw(2) == 0;
        twins.set(number, bytes, database, expires ? kNow + 1 + phase : kNoExpiry);
      }
    }
    twins.compact();
    ASSERT_NO_FATAL_FAILURE(twins.expect_equal()) << phase;
  }
}

TEST(Compaction, GoesOnWhereKeysChangeBetweenItsSteps) {
  Twins twins(3, 2);
  for (size_t i = 0; i < 60'000; i++) twins.set(i, 20 + twins.draw(400));
  for (size_t i = 0; i < 60'000; i++) {
    if (twins.draw(4) != 0) twins.erase(i);
  }
  for (int round = 0; round < 5 && twins.compaction().plan(0); round++) {
    bool more = true;
    while (more) {
      more = twins.compactor(0).step({.shards = 16, .segments = 3, .moves = 20});
      more |= twins.compactor(1).step({.shards = 16, .segments = 3, .moves = 20});
      for (int i = 0; i < 20; i++) {
        const size_t number = twins.draw(60'000);
        twins.draw(3) != 0 ? twins.set(number, 20 + twins.draw(400)) : twins.erase(number);
      }
    }
    EXPECT_FALSE(twins.compaction().running());
  }
  twins.expect_equal();
}

TEST(Compaction, ABlobThatIsBeingSentStaysWhereItIs) {
  Twins twins(4, 1);
  constexpr size_t kBytes = 3000;
  for (size_t i = 0; i < 4'000; i++) twins.set(i, kBytes);
  std::vector<Blob*> sent;
  for (size_t i = 0; i < 4'000; i += 10) {
    twins.with_key(i, 0, [&](Keyspace& db, const Key& key) {
      sent.push_back(db.find(key)->blob());
      sent.back()->retain();
    });
  }
  for (size_t i = 0; i < 4'000; i++) {
    if (i % 5 != 0) twins.erase(i);
  }
  EXPECT_GT(twins.compact(), 0u);
  EXPECT_GT(twins.compaction().moved(), 200u);  // the other blobs
  for (size_t i = 0; i < 4'000; i += 10) {
    twins.with_key(
        i, 0, [&](Keyspace& db, const Key& key) { EXPECT_EQ(db.find(key)->blob(), sent[i / 10]); });
  }
  for (Blob* blob : sent) blob->release();
  twins.expect_equal();
}

TEST(Compaction, WorkersMoveAndChangeAtTheSameTime) {
  constexpr size_t kWorkers = 3;
  constexpr size_t kKeys = 30'000;
  Twins twins(8, kWorkers);
  for (size_t i = 0; i < kKeys; i++) twins.set(i, 200);
  for (size_t i = 0; i < kKeys; i++) {
    if (i % 3 != 0) twins.erase(i);
  }
  ASSERT_TRUE(twins.compaction().plan(0));
  std::vector<std::thread> threads;
  for (size_t w = 0; w < kWorkers; w++) {
    threads.emplace_back([&twins, w] {
      std::mt19937_64 random(w);
      bool more = true;
      for (int i = 0; i < 20'000 || more; i++) {
        if (i % 10 == 0) more = twins.compactor(w).step({.segments = 2, .moves = 30});
        // A third of the keys is each worker's own to write, and all read all of them.
        const size_t read = random() % (kKeys / 3) * 3;
        twins.with_key(read, 0, [](Keyspace& db, const Key& key) {
          const Entry* entry = db.read(key);
          ASSERT_NE(entry, nullptr);
          ASSERT_EQ(entry->string_bytes(), 200u);
        });
        const size_t written = kKeys + random() % 2'000 * kWorkers + w;
        twins.with_key(written, 0, [&](Keyspace& db, const Key& key) {
          db.put_text(key, std::string(1 + random() % 2'000, 'x'), kNoExpiry, false);
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(twins.compaction().running());
  EXPECT_GT(twins.compaction().moved(), 0u);
  twins.expect_equal();
}

TEST(Compaction, KeepsAccessBits) {
  Twins twins(5, 1);
  twins.store().eviction().set_kind(EvictionKind::kAllkeysLfu, 60'000);
  constexpr size_t kKeys = 60'000;
  for (size_t i = 0; i < kKeys; i++) twins.set(i, 100);
  const auto access = [&](size_t number, int times) {
    for (int i = 0; i < times; i++) {
      twins.with_key(number, 0, [&](Keyspace& db, const Key& key) { db.read(key); });
    }
  };
  std::vector<uint32_t> before;
  std::vector<const Entry*> places;
  const auto look = [&](auto&& see) {
    for (size_t i = 0; i < kKeys; i += 6) {
      twins.with_key(i, 0, [&](Keyspace& db, const Key& key) {
        see(db.access_history(key)->frequency, db.find(key, Keyspace::Access::kPeek));
      });
    }
  };
  for (size_t i = 0; i < kKeys; i++)
    i % 6 == 0 ? access(i, static_cast<int>(i % 50)) : twins.erase(i);
  look([&](uint32_t frequency, const Entry* entry) {
    before.push_back(frequency);
    places.push_back(entry);
  });
  ASSERT_GT(twins.compact(), 0u);
  size_t at = 0;
  size_t moved = 0;
  look([&](uint32_t frequency, const Entry* entry) {
    ASSERT_EQ(frequency, before[at]);
    moved += entry != places[at] ? 1 : 0;
    at++;
  });
  EXPECT_GT(moved, places.size() / 2);
  EXPECT_GT(*std::max_element(before.begin(), before.end()), before[0]);
}

TEST(Compaction, NothingIsDoneWhereLittleCanBeWon) {
  if (kSystemMalloc) GTEST_SKIP() << "there is always something to do";
  Twins twins(6, 1);
  for (size_t i = 0; i < 2'000; i++) twins.set(i, 100);
  wasted_after_giving_back();  // of other tests
  EXPECT_FALSE(twins.compaction().plan(0));
  EXPECT_FALSE(twins.compactor(0).step());
  EXPECT_EQ(twins.compaction().moved(), 0u);
}

TEST(Compaction, RestsLongerThanItWorked) {
  Twins twins(7, 1);
  for (size_t i = 0; i < 60'000; i++) twins.set(i, 200);
  for (size_t i = 0; i < 60'000; i++) {
    if (i % 5 != 0) twins.erase(i);
  }
  ASSERT_TRUE(twins.compaction().plan(1'000));
  EXPECT_FALSE(twins.compaction().plan(1'400));  // still at work
  while (twins.compactor(0).step({.moves = 1})) {
  }
  for (size_t i = 0; i < 60'000; i++) twins.set(i, 300);
  for (size_t i = 0; i < 60'000; i++) {
    if (i % 5 != 0) twins.erase(i);
  }
  EXPECT_FALSE(twins.compaction().plan(1'400 + Compaction::kRestPart * 400 - 1));
  EXPECT_TRUE(twins.compaction().plan(1'400 + Compaction::kRestPart * 400));
}

// What a large hash is made of is not moved, though the arena would like it to be.
TEST(Compaction, RestsEverLongerWhereItMovesNothing) {
  Store store{StoreOptions{.databases = 1, .hash_seed = 8, .concurrent = false}};
  const Key key = store.key("h");
  {
    const LockedKeys locked = store.lock(key);
    Keyspace db(locked, 0, 0);
    Hash hash(db, key, {});
    ASSERT_EQ(hash.find(), Status::kOk);
    for (int i = 0; i < 100'000; i++) hash.set(std::to_string(i), {std::string(200, 'x')});
    for (int i = 0; i < 100'000; i++) {
      if (i % 7 != 0) hash.erase(std::to_string(i));
    }
    hash.finish();
  }
  Compaction compaction(1);
  Compactor compactor(store, compaction, 0, 1);
  int64_t now_ms = 1'000;
  for (int64_t part = 4; part <= 16; part *= 2) {
    ASSERT_TRUE(compaction.plan(now_ms));
    EXPECT_FALSE(compaction.plan(now_ms + 100));  // at work for so long
    while (compactor.step()) {
    }
    now_ms += 100 + 100 * part * Compaction::kRestPart;
    EXPECT_FALSE(compaction.plan(now_ms - 1));
  }
  EXPECT_LT(compaction.moved(), Compaction::kMovesWorthARound);
  const LockedKeys locked = store.lock(key);
  Keyspace(locked, 0, 0).erase(key);
  Garbage::free_all();
}

}  // namespace
}  // namespace larder::storage
