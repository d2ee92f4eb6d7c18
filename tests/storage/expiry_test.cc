// Expiry against a model with a clock that stands still until it is moved: no reader sees a dead
// key, no live key is lost, and a finished round of the sweep leaves no dead key behind.
#include "storage/expiry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "storage/keyspace.h"

namespace larder::storage {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;
constexpr size_t kDatabases = 3;

// A store and a map that are changed alike.
class Twins {
 public:
  explicit Twins(uint64_t seed) : random_(seed) {}

  void step() {
    const std::string from = name();
    const std::string to = name();
    const size_t database = draw(4) == 0 ? 1 + draw(kDatabases - 1) : 0;
    const std::vector<Key> keys = {store_.key(from), store_.key(to)};
    {
      const LockedKeys locked = store_.lock(keys);
      Keyspace db(locked, database, clock_.now_ms());
      change(db, keys[0], keys[1]);
      check(db, from);
      check(db, to);
    }
    if (draw(1'000) == 0) swap(draw(kDatabases), draw(kDatabases));
    if (draw(50) == 0) clock_.advance_ms(static_cast<int64_t>(draw(40)));
    if (draw(50) == 0) sweeper_.step(clock_.now_ms(), {.shards = 100, .segments = 1 + draw(3)});
  }

  // At the end of a slot of the schedule, two rounds: the one that was under way, and a full one.
  void finish_round() {
    clock_.advance_ms(DueSchedule::kSlotMs - 1 - clock_.now_ms() % DueSchedule::kSlotMs);
    for (int i = 0; i < 2; i++) {
      while (sweeper_.step(clock_.now_ms()).more) {
      }
    }
    forget_dead();
  }

  void expect_equal() {
    size_t keys = 0;
    for (size_t d = 0; d < kDatabases; d++) keys += store_.size(d).keys;
    ASSERT_EQ(keys, model_.size());
    const LockedKeys all = store_.lock_all();
    for (size_t s = 0; s < Store::kShards; s++) {
      for (size_t d = 0; d < kDatabases; d++) ASSERT_TRUE(store_.table(all, s, d).recount());
    }
    for (const auto& [place, value] : model_) {
      Keyspace db(all, place.first, clock_.now_ms());
      ASSERT_NO_FATAL_FAILURE(check(db, place.second));
    }
  }

  void advance_ms(int64_t ms) { clock_.advance_ms(ms); }
  size_t size() const { return model_.size(); }

 private:
  struct Value {
    int64_t value;
    int64_t expire_at_ms;
  };
  using Place = std::pair<size_t, std::string>;

  size_t draw(size_t n) { return random_() % n; }
  std::string name() { return "k" + std::to_string(draw(3'000)); }

  int64_t draw_expiry() {
    switch (draw(8)) {
      case 0:
      case 1:
        return kNoExpiry;
      case 2:
        return clock_.now_ms() + (int64_t{1} << 48);
      case 3:
        return clock_.now_ms() + 100'000'000;
      default:
        return clock_.now_ms() + 1 + static_cast<int64_t>(draw(3'000));
    }
  }

  Value* live(size_t database, std::string_view key) {
    const auto found = model_.find({database, std::string(key)});
    if (found == model_.end()) return nullptr;
    const int64_t at_ms = found->second.expire_at_ms;
    if (at_ms == kNoExpiry || at_ms > clock_.now_ms()) return &found->second;
    model_.erase(found);
    return nullptr;
  }

  void forget_dead() {
    std::erase_if(model_, [&](const auto& item) {
      const int64_t at_ms = item.second.expire_at_ms;
      return at_ms != kNoExpiry && at_ms <= clock_.now_ms();
    });
  }

  void check(Keyspace& db, std::string_view key) {
    const Entry* entry = db.find(store_.key(key));
    const Value* value = live(db.database(), key);
    ASSERT_EQ(entry != nullptr, value != nullptr) << key;
    if (entry == nullptr) return;
    ASSERT_EQ(entry->expire_at_ms(), value->expire_at_ms);
    char digits[kIntegerTextMax];
    ASSERT_EQ(std::stoll(std::string(entry->string(digits))), value->value);
  }

  void change(Keyspace& db, const Key& from, const Key& to) {
    Value* source = live(db.database(), from.bytes);
    switch (draw(6)) {
      case 0:
      case 1:
        return put(db, from);
      case 2:
        return set_expiry(db, from, source);
      case 3:
        ASSERT_EQ(db.erase(from), source != nullptr);
        model_.erase({db.database(), std::string(from.bytes)});
        return;
      case 4:
        if (source != nullptr) move(db, from, to, *source);
        return;
      default:
        if (source != nullptr) copy(db, from, to, *source);
    }
  }

  void put(Keyspace& db, const Key& key) {
    const Value value{static_cast<int64_t>(draw(1'000'000)), draw_expiry()};
    // Blanks in front make it a text, or a blob.
    const std::string digits = std::to_string(value.value);
    const size_t blanks = draw(3) == 0 ? 2'000 : draw(2);
    db.put_string(key, std::string(blanks, ' ') + digits, value.expire_at_ms);
    model_[{db.database(), std::string(key.bytes)}] = value;
  }

  void set_expiry(Keyspace& db, const Key& key, Value* value) {
    const int64_t at_ms = draw(10) == 0 ? clock_.now_ms() : draw_expiry();
    ASSERT_EQ(db.set_expiry(key, at_ms), value != nullptr);
    if (value != nullptr) value->expire_at_ms = at_ms;
  }

  void move(Keyspace& db, const Key& from, const Key& to, Value value) {
    Keyspace target = db.in_database(draw(kDatabases));
    if (target.database() == db.database() && from.bytes == to.bytes) return;
    db.move(from, target, to);
    model_.erase({db.database(), std::string(from.bytes)});
    model_[{target.database(), std::string(to.bytes)}] = value;
  }

  void copy(Keyspace& db, const Key& from, const Key& to, Value value) {
    Keyspace target = db.in_database(draw(kDatabases));
    if (target.database() == db.database() && from.bytes == to.bytes) return;
    db.copy(from, target, to);
    model_[{target.database(), std::string(to.bytes)}] = value;
  }

  void swap(size_t a, size_t b) {
    store_.swap_databases(store_.lock_all(), a, b);
    std::map<Place, Value> swapped;
    for (auto& [place, value] : model_) {
      const size_t database = place.first == a ? b : place.first == b ? a : place.first;
      swapped[{database, place.second}] = value;
    }
    model_ = std::move(swapped);
  }

  std::mt19937_64 random_;
  ManualClock clock_{kStart};
  Store store_{{.databases = kDatabases, .hash_seed = 5, .concurrent = false}};
  ExpirySweeper sweeper_{store_, 0, 1};
  std::map<Place, Value> model_;
};

TEST(Expiry, AgreesWithAModelOverRandomOperations) {
  Twins twins(11);
  for (int round = 0; round < 30; round++) {
    for (int i = 0; i < 10'000; i++) {
      twins.step();
      if (::testing::Test::HasFatalFailure()) return;
    }
    twins.finish_round();
    ASSERT_NO_FATAL_FAILURE(twins.expect_equal());
  }
  EXPECT_GT(twins.size(), 1'000u);
}

TEST(Expiry, NoKeyWithATimeOutlivesIt) {
  Twins twins(12);
  for (int i = 0; i < 50'000; i++) twins.step();
  twins.advance_ms(int64_t{1} << 50);
  twins.finish_round();
  ASSERT_NO_FATAL_FAILURE(twins.expect_equal());
}

void put(Store& store, const std::string& name, int64_t expire_at_ms, size_t database = 0) {
  const Key key = store.key(name);
  const LockedKeys locked = store.lock(key);
  Keyspace(locked, database, kStart).put_string(key, "v", expire_at_ms);
}

TEST(ExpirySweeper, AStepIsBounded) {
  Store store({.databases = 1});
  for (int i = 0; i < 50'000; i++) put(store, "k" + std::to_string(i), kStart + 10);
  ExpirySweeper sweeper(store, 0, 1);
  size_t removed = 0;
  size_t steps = 0;
  ExpirySweeper::Progress progress;
  do {
    progress = sweeper.step(kStart + 10, {.shards = 512, .segments = 4});
    EXPECT_LE(progress.removed, 4 * Table::kSegmentEntriesMax);
    removed += progress.removed;
    steps++;
  } while (progress.more);
  EXPECT_EQ(removed, 50'000u);
  EXPECT_EQ(store.size(0).keys, 0u);
  EXPECT_EQ(store.counters().expired, 50'000u);
  EXPECT_GE(steps, 50'000 / (4 * Table::kSegmentEntriesMax));
}

void sweep(ExpirySweeper& sweeper, int64_t now_ms) {
  while (sweeper.step(now_ms).more) {
  }
}

TEST(ExpirySweeper, FreesKeysWithinASlotOfTheirDeath) {
  Store store({.databases = 1});
  for (int i = 0; i < 5'000; i++) put(store, "k" + std::to_string(i), kStart + i);
  ExpirySweeper sweeper(store, 0, 1);
  for (int64_t ms = 0; ms < 5'000 + DueSchedule::kSlotMs; ms += 10) {
    sweep(sweeper, kStart + ms);
    const auto dead = static_cast<size_t>(std::min<int64_t>(ms + 1, 5'000));
    const size_t held = store.size(0).keys;
    ASSERT_GE(held, 5'000 - dead);
    ASSERT_LE(held, 5'000 - dead + DueSchedule::kSlotMs);
  }
  EXPECT_EQ(store.size(0).keys, 0u);
}

TEST(ExpirySweeper, LeavesScheduledKeysThatGotAnotherTime) {
  Store store({.databases = 1});
  // All in one segment, so that the first one's death has the sweep see the others.
  std::vector<std::string> names;
  for (int i = 0; names.size() < 5; i++) {
    const std::string name = "k" + std::to_string(i);
    if (Store::shard_of(store.key(name).hash) == 7) names.push_back(name);
  }
  for (const std::string& name : names) put(store, name, kStart + (name == names[0] ? 10 : 500));
  ExpirySweeper sweeper(store, 0, 1);
  sweep(sweeper, kStart + 10);
  EXPECT_EQ(store.size(0).keys, 4u);
  const Key lives = store.key(names[1]);
  const Key later = store.key(names[2]);
  const Key replaced = store.key(names[3]);
  {
    const LockedKeys locked = store.lock(lives);
    Keyspace db(locked, 0, kStart + 20);
    ASSERT_TRUE(db.find(lives)->scheduled());
    ASSERT_TRUE(db.find(later)->scheduled());
    db.set_expiry(lives, kNoExpiry);
    db.set_expiry(later, kStart + 900);
    db.put_string(replaced, "w", kStart + 1'400);
    EXPECT_FALSE(db.find(later)->scheduled());
  }
  sweep(sweeper, kStart + 600);
  EXPECT_EQ(store.size(0).keys, 3u);
  sweep(sweeper, kStart + 1'000);
  EXPECT_EQ(store.size(0).keys, 2u);
  sweep(sweeper, kStart + 1'500);
  EXPECT_EQ(store.size(0).keys, 1u);
}

TEST(ExpirySweeper, WorkersShareTheShards) {
  Store store({.databases = 1});
  for (int i = 0; i < 3'000; i++) put(store, "k" + std::to_string(i), kStart + 10);
  size_t removed = 0;
  for (size_t worker = 0; worker < 3; worker++) {
    ExpirySweeper sweeper(store, worker, 3);
    ExpirySweeper::Progress progress;
    size_t of_this = 0;
    do {
      progress = sweeper.step(kStart + 10);
      of_this += progress.removed;
    } while (progress.more);
    EXPECT_NEAR(static_cast<double>(of_this), 1'000, 200);
    removed += of_this;
  }
  EXPECT_EQ(removed, 3'000u);
}

TEST(ExpirySweeper, FindsScheduledKeysOfSwappedDatabases) {
  Store store({.databases = 3});
  for (int i = 0; i < 10'000; i++) {
    put(store, "k" + std::to_string(i), kStart + 10 + i % 1'000, static_cast<size_t>(i % 2));
  }
  ExpirySweeper sweeper(store, 0, 1);
  sweep(sweeper, kStart + 50);
  store.swap_databases(store.lock_all(), 0, 2);
  store.swap_databases(store.lock_all(), 1, 2);
  sweep(sweeper, kStart + 1'100);
  for (size_t d = 0; d < 3; d++) EXPECT_EQ(store.size(d).keys, 0u) << d;
}

TEST(ExpirySweeper, FindsDeadKeysOfSwappedDatabases) {
  Store store({.databases = 2});
  put(store, "a", kStart + 10);
  {
    const LockedKeys all = store.lock_all();
    store.swap_databases(all, 0, 1);
  }
  ExpirySweeper sweeper(store, 0, 1);
  while (sweeper.step(kStart + 10).more) {
  }
  EXPECT_EQ(store.size(1).keys, 0u);
}

}  // namespace
}  // namespace larder::storage
