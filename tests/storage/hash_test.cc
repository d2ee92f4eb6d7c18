// Hashes against a model: random commands on a few keys whose hashes pass from pairs to triples to
// tables, with expiries of fields, a clock that is moved, and a sweep that is always behind.
#include "storage/types/hash.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/expiry.h"
#include "storage/garbage.h"

namespace larder::storage {
namespace {

constexpr HashLimits kSmall{.fields_max = 8, .value_bytes_max = 16};

struct ModelValue {
  std::string text;
  int64_t expire_at_ms = kNoExpiry;
};
using Model = std::map<std::string, std::map<std::string, ModelValue>>;

class Twins {
 public:
  explicit Twins(uint64_t seed) : random_(seed) {}

  void step() {
    const std::string name = key();
    const std::string other = key();
    const std::vector<Key> keys = {store_.key(name), store_.key(other)};
    {
      const LockedKeys locked = store_.lock(keys);
      Keyspace db(locked, 0, clock_.now_ms());
      change(db, keys[0], keys[1]);
      check(db, name);
      check(db, other);
    }
    if (draw(20) == 0) clock_.advance_ms(static_cast<int64_t>(draw(30)));
    if (draw(20) == 0) sweeper_.step(clock_.now_ms(), {.shards = 300, .segments = 1 + draw(2)});
    if (draw(500) == 0) flush();
  }

  // Behind a whole round of the sweep, no dead field is held any more.
  void expect_all_swept() {
    for (int i = 0; i < 2; i++) {
      while (sweeper_.step(clock_.now_ms()).more) {
      }
    }
    forget_dead();
    size_t fields = 0;
    const LockedKeys all = store_.lock_all();
    for (size_t s = 0; s < Store::kShards; s++) {
      const Table& table = store_.table(all, s, 0);
      ASSERT_TRUE(table.recount());
      ScanBudget budget{SIZE_MAX, SIZE_MAX};
      table.scan(0, budget, [&](const Entry& entry) {
        ASSERT_EQ(model_.count(std::string(entry.key())), 1u) << entry.key();
        fields += raw_size(entry.object());
      });
    }
    size_t expected = 0;
    for (const auto& [name, hash] : model_) expected += hash.size();
    EXPECT_EQ(fields, expected);
    for (const auto& [name, hash] : model_) {
      Keyspace db(all, 0, clock_.now_ms());
      check(db, name);
    }
  }

 private:
  static size_t raw_size(Object object) {
    if (!object.is_packed()) return object.container()->size();
    return listpack::count(object.packed()) / (object.encoding() == Encoding::kListpack ? 2 : 3);
  }

  size_t draw(size_t n) { return random_() % n; }
  std::string key() { return "key:" + std::to_string(draw(6)); }
  std::string field() {
    return draw(2) == 0 ? std::to_string(draw(12)) : "f" + std::to_string(draw(20));
  }
  std::string value() {
    const size_t kind = draw(40);
    if (kind == 0) return std::string(2000, 'x');
    if (kind == 1) return std::string(17, 'y');
    return kind < 20 ? std::to_string(draw(1 << 20)) : "v" + std::to_string(draw(1000));
  }

  void forget_dead() {
    for (auto hash = model_.begin(); hash != model_.end();) {
      std::erase_if(hash->second, [&](const auto& f) {
        return f.second.expire_at_ms != kNoExpiry && f.second.expire_at_ms <= clock_.now_ms();
      });
      hash = hash->second.empty() ? model_.erase(hash) : std::next(hash);
    }
  }

  void change(Keyspace& db, const Key& key, const Key& other) {
    forget_dead();
    const std::string name(key.bytes);
    const std::string target(other.bytes);
    switch (draw(16)) {
      case 0:
        return erase_key(db, key);
      case 1:
        return rename_or_copy(db, key, other, draw(2) == 0);
      case 2:
      case 3:
        return erase_field(db, key, field());
      case 4:
      case 5:
      case 6:
        return set_expiry(db, key, field());
      case 7:
        if (model_.count(name) != 0) {  // the expiry of the key itself, which is never reached
          EXPECT_TRUE(
              db.set_expiry(key, draw(2) == 0 ? kNoExpiry : clock_.now_ms() + 1'000'000'000));
        }
        return;
      default:
        return set(db, key, field());
    }
  }

  void erase_key(Keyspace& db, const Key& key) {
    EXPECT_EQ(db.erase(key), model_.erase(std::string(key.bytes)) == 1);
  }

  void rename_or_copy(Keyspace& db, const Key& key, const Key& other, bool copy) {
    const auto found = model_.find(std::string(key.bytes));
    ASSERT_EQ(db.find(key) != nullptr, found != model_.end());
    if (found == model_.end() || key.bytes == other.bytes) return;
    if (copy) {
      db.copy(key, db, other);
    } else {
      db.move(key, db, other);
    }
    model_[std::string(other.bytes)] = found->second;
    if (!copy) model_.erase(std::string(key.bytes));
  }

  void erase_field(Keyspace& db, const Key& key, const std::string& field) {
    Hash hash(db, key, kSmall);
    ASSERT_EQ(hash.find(), Status::kOk);
    const bool there = model_.count(std::string(key.bytes)) != 0 &&
                       model_[std::string(key.bytes)].erase(field) != 0;
    EXPECT_EQ(hash.erase(field), there);
    hash.finish();
    forget_dead();
    if (model_.count(std::string(key.bytes)) != 0 && model_[std::string(key.bytes)].empty()) {
      model_.erase(std::string(key.bytes));
    }
  }

  int64_t some_expiry() { return clock_.now_ms() + 1 + static_cast<int64_t>(draw(100)); }

  void set(Keyspace& db, const Key& key, const std::string& field) {
    Hash hash(db, key, kSmall);
    ASSERT_EQ(hash.find(), Status::kOk);
    const ModelValue put{value(), draw(3) == 0 ? some_expiry() : kNoExpiry};
    const bool made = model_[std::string(key.bytes)].insert_or_assign(field, put).second;
    EXPECT_EQ(hash.set(field, {put.text}, put.expire_at_ms), made) << field;
    hash.finish();
  }

  void set_expiry(Keyspace& db, const Key& key, const std::string& field) {
    Hash hash(db, key, kSmall);
    ASSERT_EQ(hash.find(), Status::kOk);
    auto& fields = model_[std::string(key.bytes)];
    const auto found = fields.find(field);
    if (found != fields.end()) {
      found->second.expire_at_ms = draw(3) == 0 ? kNoExpiry : some_expiry();
      hash.set_expiry(field, found->second.expire_at_ms);
    } else {
      EXPECT_EQ(hash.expire_at_ms(field), std::nullopt);
    }
    hash.finish();
    forget_dead();
  }

  void flush() {
    const LockedKeys all = store_.lock_all();
    store_.detach(all, 0);
    model_.clear();
  }

  void check(Keyspace& db, const std::string& name) {
    forget_dead();
    const Key key = store_.key(name);
    Hash hash(db, key, kSmall);
    ASSERT_EQ(hash.read(), Status::kOk);
    const auto found = model_.find(name);
    ASSERT_EQ(hash.exists(), found != model_.end()) << name;
    if (found == model_.end()) return;
    EXPECT_EQ(hash.size(), found->second.size());
    std::map<std::string, ModelValue> seen;
    hash.each([&](const HashField& field) {
      char name_digits[kIntegerTextMax];
      char value_digits[kIntegerTextMax];
      const std::string field_name(field.name.string(name_digits));
      EXPECT_TRUE(
          seen.try_emplace(field_name, ModelValue{std::string(field.value.string(value_digits)),
                                                  field.expire_at_ms})
              .second);
    });
    ASSERT_EQ(seen.size(), found->second.size());
    for (const auto& [field, value] : found->second) {
      ASSERT_EQ(seen.count(field), 1u);
      EXPECT_EQ(seen[field].text, value.text);
      EXPECT_EQ(seen[field].expire_at_ms, value.expire_at_ms);
      EXPECT_EQ(hash.expire_at_ms(field), value.expire_at_ms);
      char digits[kIntegerTextMax];
      EXPECT_EQ(hash.get(field)->string(digits), value.text);
    }
  }

  std::mt19937_64 random_;
  ManualClock clock_{1'700'000'000'000};
  Store store_{StoreOptions{.databases = 1, .hash_seed = 7, .concurrent = false}};
  ExpirySweeper sweeper_{store_, 0, 1};
  Model model_;
};

TEST(Hash, AgreesWithAModelThroughExpiryRenameCopyAndFlush) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    Twins twins(seed);
    for (int i = 0; i < 15'000; i++) {
      ASSERT_NO_FATAL_FAILURE(twins.step());
      if (i % 1000 == 0) {
        ASSERT_NO_FATAL_FAILURE(twins.expect_all_swept());
      }
      if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << ", step " << i;
    }
    ASSERT_NO_FATAL_FAILURE(twins.expect_all_swept());
  }
  Garbage::free_all();
}

// One hash in a store, opened anew for each step.
class HashTest : public ::testing::Test {
 protected:
  Keyspace db() { return {locked_, 0, clock_.now_ms()}; }
  Key key() const { return store_.key("h"); }

  void fill(size_t fields, int64_t expire_at_ms = kNoExpiry, size_t from = 0) {
    Keyspace keyspace = db();
    Hash hash(keyspace, key(), {});
    ASSERT_EQ(hash.find(), Status::kOk);
    for (size_t i = from; i < from + fields; i++) {
      hash.set("field:" + std::to_string(i), {"value"}, expire_at_ms);
    }
    hash.finish();
  }
  Object object() {
    Keyspace keyspace = db();
    const Entry* entry = keyspace.find(key());
    return entry != nullptr ? entry->object() : Object();
  }
  size_t size() {
    Keyspace keyspace = db();
    Hash hash(keyspace, key(), {});
    EXPECT_EQ(hash.find(), Status::kOk);
    return hash.size();
  }

  ManualClock clock_{1'700'000'000'000};
  Store store_{StoreOptions{.databases = 1, .hash_seed = 7, .concurrent = false}};
  LockedKeys locked_ = store_.lock_all();
};

TEST_F(HashTest, BecomesATableAtItsLimitsAndStaysOne) {
  fill(HashLimits().fields_max);
  EXPECT_EQ(object().encoding(), Encoding::kListpack);
  fill(HashLimits().fields_max + 1);
  EXPECT_EQ(object().encoding(), Encoding::kTable);
  Keyspace keyspace = db();
  Hash hash(keyspace, key(), {});
  ASSERT_EQ(hash.find(), Status::kOk);
  for (size_t i = 1; i <= HashLimits().fields_max; i++) hash.erase("field:" + std::to_string(i));
  hash.finish();
  EXPECT_EQ(size(), 1u);
  EXPECT_EQ(object().encoding(), Encoding::kTable);
}

TEST_F(HashTest, DeadFieldsOfALargeHashAreSweptInSteps) {
  const int64_t soon_ms = clock_.now_ms() + 10;
  fill(20'000, soon_ms);
  fill(100, kNoExpiry, 20'000);
  EXPECT_EQ(object().encoding(), Encoding::kTableTimed);
  const size_t before = object().memory_bytes();
  clock_.advance_ms(10);
  ExpirySweeper sweeper(store_, 0, 1);
  int steps = 1;
  while (sweeper.step(clock_.now_ms(), {.segments = 2}).more) steps++;
  EXPECT_GT(steps, 5);
  EXPECT_EQ(object().container()->size(), 100u);
  EXPECT_EQ(object().encoding(), Encoding::kTable) << "none has an expiry any more";
  EXPECT_LT(object().memory_bytes(), before / 20);
}

TEST_F(HashTest, CountsExactlyWhileAStormOfDeadFieldsWaitsForTheSweep) {
  fill(50'000, clock_.now_ms() + 10);
  fill(7, kNoExpiry, 50'000);
  clock_.advance_ms(10);
  EXPECT_EQ(size(), 7u);
  EXPECT_GT(object().container()->size(), 30'000u) << "the command did not free all of them";
}

TEST_F(HashTest, LivesAsLongAsOneFieldAmongManyDead) {
  fill(1000, clock_.now_ms() + 10);
  fill(1, clock_.now_ms() + 30, 1000);
  fill(1, clock_.now_ms() + 20, 1001);
  fill(1, clock_.now_ms() + 1000, 1002);
  {
    Keyspace keyspace = db();
    Hash hash(keyspace, key(), {});
    ASSERT_EQ(hash.find(), Status::kOk);
    hash.set_expiry("field:1002", clock_.now_ms() + 25);  // so the latest is known too late only
    hash.finish();
  }
  for (const size_t live : {3u, 2u, 1u}) {
    clock_.advance_ms(live == 3 ? 10 : live == 2 ? 10 : 5);
    for (int i = 0; i < 3; i++) EXPECT_FALSE(object().all_dead(clock_.now_ms()));
    EXPECT_EQ(size(), live);
  }
  clock_.advance_ms(5);
  EXPECT_FALSE(object());
  Garbage::free_all();
}

class ChangeCounter final : public Observer {
 public:
  void changed(size_t /*database*/, const Key& /*key*/, KeyChange /*change*/) override { count++; }
  void flushed(size_t /*database*/) override {}
  void swapped(size_t /*database*/, size_t /*other*/) override {}
  size_t count = 0;
};

TEST_F(HashTest, AnExpiryThatWasPutOffIsNoChangeWhenItsFirstTimeComes) {
  fill(1000);
  const auto set_expiry = [&](int64_t in_ms) {
    Keyspace keyspace = db();
    Hash hash(keyspace, key(), {});
    ASSERT_EQ(hash.find(), Status::kOk);
    hash.set_expiry("field:1", clock_.now_ms() + in_ms);
    hash.finish();
  };
  set_expiry(10);
  set_expiry(1000);
  ChangeCounter changes;
  store_.set_observer(&changes);
  clock_.advance_ms(10);
  EXPECT_EQ(size(), 1000u);
  EXPECT_EQ(changes.count, 0u) << "a command looked at it";
  clock_.advance_ms(-10);
  set_expiry(10);
  set_expiry(1000);
  changes.count = 0;
  clock_.advance_ms(10);
  ExpirySweeper sweeper(store_, 0, 1);
  while (sweeper.step(clock_.now_ms()).more) {
  }
  EXPECT_EQ(changes.count, 0u) << "the sweep came by";
  clock_.advance_ms(1000);
  EXPECT_EQ(size(), 999u);
  EXPECT_GT(changes.count, 0u) << "now it is dead";
}

TEST_F(HashTest, IsGoneWithItsLastFieldEvenIfAnotherWasToLiveLonger) {
  fill(1000, clock_.now_ms() + 10);
  fill(1, clock_.now_ms() + 1000, 1000);
  {
    Keyspace keyspace = db();
    Hash hash(keyspace, key(), {});
    ASSERT_EQ(hash.find(), Status::kOk);
    EXPECT_TRUE(hash.erase("field:1000"));
    hash.finish();
  }
  clock_.advance_ms(10);
  EXPECT_FALSE(object());
  EXPECT_EQ(store_.counters().expired, 1u);
  Garbage::free_all();
}

TEST_F(HashTest, WhatIsLeftOfALargeOneIsSmall) {
  constexpr size_t kFields = 20'000;
  fill(kFields);
  Keyspace keyspace = db();
  Hash hash(keyspace, key(), {});
  ASSERT_EQ(hash.find(), Status::kOk);
  for (size_t i = 10; i < kFields; i++) hash.erase("field:" + std::to_string(i));
  hash.finish();
  EXPECT_LT(object().memory_bytes(), 10'000u);
  for (size_t i = 0; i < 10; i++) EXPECT_TRUE(hash.get("field:" + std::to_string(i))) << i;
}

TEST_F(HashTest, SampleIsDistinctAndFair) {
  for (const size_t fields : {10u, 2000u}) {
    fill(fields);
    std::mt19937_64 random(5);
    const auto bits = [&] { return random(); };
    for (const size_t count : {size_t{1}, fields / 10, fields / 2, fields}) {
      std::map<std::string, size_t> drawn;
      constexpr size_t kRounds = 40;
      for (size_t round = 0; round < kRounds; round++) {
        Keyspace keyspace = db();
        Hash hash(keyspace, key(), {});
        ASSERT_EQ(hash.find(), Status::kOk);
        std::set<std::string> once;
        hash.sample(count, bits, [&](const HashField& field) {
          char digits[kIntegerTextMax];
          once.emplace(field.name.string(digits));
          drawn[std::string(field.name.string(digits))]++;
        });
        EXPECT_EQ(once.size(), count);
      }
      if (count == fields / 2) {
        // Each is drawn 20 times on the average; 3 or 37 times is beyond five standard deviations.
        ASSERT_EQ(drawn.size(), fields);
        for (const auto& [name, times] : drawn) {
          EXPECT_GT(times, 2u);
          EXPECT_LT(times, 38u);
        }
      }
    }
  }
}

TEST_F(HashTest, MemoryIsCountedWithoutWalking) {
  std::mt19937_64 random(3);
  Keyspace keyspace = db();
  Hash hash(keyspace, key(), {});
  ASSERT_EQ(hash.find(), Status::kOk);
  for (int i = 0; i < 20'000; i++) {
    const std::string field = std::to_string(random() % 3000);
    switch (random() % 4) {
      case 0:
        hash.erase(field);
        break;
      case 1:
        if (hash.get(field))
          hash.set_expiry(field, clock_.now_ms() + 1 + static_cast<int64_t>(random() % 50));
        break;
      default:
        hash.set(field, {std::string(random() % 3 == 0 ? random() % 3000 : random() % 30, 'v')});
    }
  }
  hash.finish();
  const auto expect_agreement = [&] {
    const auto& fields = static_cast<const HashFields&>(*object().container());
    const size_t directory = fields.table().memory_bytes() - fields.table().segment_bytes();
    EXPECT_EQ(fields.memory_bytes(), sizeof fields + directory + fields.recount_arena_bytes());
    EXPECT_TRUE(fields.table().recount());
  };
  expect_agreement();
  clock_.advance_ms(25);
  ExpirySweeper sweeper(store_, 0, 1);
  while (sweeper.step(clock_.now_ms()).more) {
  }
  expect_agreement();
}

TEST(PackedHash, TriplesStandInTheOrderOfTheirExpiries) {
  Packed* list = listpack::create();
  const auto add = [&](std::string_view field, int64_t expire_at_ms) {
    packed_hash::add(list, packed_hash::kTriple,
                     {listpack::element_of(field), listpack::element_of("v")}, expire_at_ms);
  };
  add("none", kNoExpiry);
  add("late", 300);
  add("early", 100);
  add("middle", 200);
  add("none too", kNoExpiry);
  const auto order = [&] {
    std::string names;
    for (auto at = listpack::first(list); at != listpack::kNone;
         at = packed_hash::next(list, packed_hash::kTriple, at)) {
      names += std::string(listpack::get(list, at).text) + ",";
    }
    return names;
  };
  EXPECT_EQ(order(), "early,middle,late,none,none too,");
  EXPECT_EQ(packed_hash::next_due_ms(list), 100);
  EXPECT_FALSE(packed_hash::all_dead(list, 300));
  const auto at = packed_hash::find(list, packed_hash::kTriple, listpack::element_of("early"));
  packed_hash::replace(list, at, packed_hash::get(list, at), 250);
  EXPECT_EQ(order(), "middle,early,late,none,none too,");
  size_t elements = 100;
  packed_hash::sweep(list, 250, elements);
  EXPECT_EQ(order(), "late,none,none too,");
  Packed::destroy(list);
}

}  // namespace
}  // namespace larder::storage
