// The table against a model, and what it promises about scans, sweeps and random choice.
#include "storage/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace larder::storage {
namespace {

constexpr uint64_t kSeed = 42;
constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

Key key_of(const std::string& bytes) {
  return {bytes, hash_key(bytes, kSeed)};
}

Entry* make_entry(const std::string& key, int64_t value, int64_t expire_at_ms = kNoExpiry) {
  return Entry::create(
      {.key = key, .expire_at_ms = expire_at_ms, .kind = ValueKind::kInteger, .integer = value});
}

void insert(Table& table, const std::string& key, int64_t value = 0,
            int64_t expire_at_ms = kNoExpiry) {
  table.insert(key_of(key).hash, make_entry(key, value, expire_at_ms));
}

void erase(Table& table, const std::string& key) {
  const Slot slot = table.find(key_of(key));
  ASSERT_TRUE(slot);
  Entry::destroy(table.erase(slot, key_of(key).hash));
}

std::string name(size_t i) {
  return "key:" + std::to_string(i);
}

void fill(Table& table, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) insert(table, name(i), static_cast<int64_t>(i));
}

// A table and a map that are changed alike.
class Twins {
 public:
  explicit Twins(uint64_t seed) : random_(seed) {}

  void step(size_t names) {
    const std::string key = name(random_() % names);
    const Slot slot = table_.find(key_of(key));
    const auto found = model_.find(key);
    ASSERT_EQ(static_cast<bool>(slot), found != model_.end()) << key;
    if (!slot) return add(key);
    ASSERT_EQ(slot.entry()->key(), key);
    ASSERT_EQ(slot.entry()->integer(), found->second.value);
    ASSERT_EQ(slot.entry()->expire_at_ms(), found->second.expire_at_ms);
    change(key, slot);
  }

  void expect_equal() {
    ASSERT_TRUE(table_.recount());
    ASSERT_EQ(table_.size(), model_.size());
    size_t visited = 0;
    ScanBudget all{kUnlimited, kUnlimited};
    table_.scan(0, all, [&](const Entry& entry) {
      visited++;
      ASSERT_EQ(model_.at(std::string(entry.key())).value, entry.integer());
    });
    ASSERT_EQ(visited, model_.size());
  }

  size_t size() const { return model_.size(); }

 private:
  struct Value {
    int64_t value;
    int64_t expire_at_ms;
  };

  Value draw() {
    const auto random = static_cast<int64_t>(random_() >> 1);
    const int64_t expire_at_ms = random % 3 == 0 ? kNoExpiry : random % 100'000;
    return {random, expire_at_ms};
  }

  void add(const std::string& key) {
    const Value value = draw();
    insert(table_, key, value.value, value.expire_at_ms);
    model_[key] = value;
  }

  void change(const std::string& key, Slot slot) {
    const Value value = draw();
    switch (random_() % 3) {
      case 0:
        Entry::destroy(table_.erase(slot, key_of(key).hash));
        model_.erase(key);
        return;
      case 1:
        Entry::destroy(table_.replace(slot, make_entry(key, value.value, value.expire_at_ms)));
        model_[key] = value;
        return;
      default:
        table_.forget_expiry(*slot.entry());
        if (slot.entry()->set_expire_at_ms(value.expire_at_ms)) {
          model_[key].expire_at_ms = value.expire_at_ms;
        }
        table_.note_expiry(slot);
    }
  }

  std::mt19937_64 random_;
  Table table_{kSeed};
  std::unordered_map<std::string, Value> model_;
};

TEST(Table, AgreesWithAModelOverRandomOperations) {
  for (const size_t names : {3u, 300u, 5'000u, 60'000u}) {
    Twins twins(names);
    for (int round = 0; round < 8; round++) {
      for (int i = 0; i < 60'000; i++) {
        ASSERT_NO_FATAL_FAILURE(twins.step(names));
      }
      ASSERT_NO_FATAL_FAILURE(twins.expect_equal());
    }
    EXPECT_GT(twins.size(), names / 3);
  }
}

TEST(Table, IsEmptyAgainAfterEverythingWasErased) {
  Table table(kSeed);
  fill(table, 0, 20'000);
  for (size_t i = 0; i < 20'000; i++) erase(table, name(i));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_TRUE(table.recount());
  EXPECT_FALSE(table.find(key_of(name(5))));
  fill(table, 0, 100);
  EXPECT_EQ(table.size(), 100u);
  EXPECT_TRUE(table.recount());
}

// Keys with equal home buckets and fingerprints are told apart by their bytes.
TEST(Table, TellsKeysWithEqualFingerprintsApart) {
  Table table(kSeed);
  std::map<uint64_t, std::vector<std::string>> by_low_bits;
  for (size_t i = 0; i < 200'000; i++) {
    const KeyHash hash = key_of(name(i)).hash;
    // The fingerprint and the leading bits of the home.
    by_low_bits[hash & 0x3ffe00].push_back(name(i));
  }
  const std::vector<std::string>& alike = by_low_bits.begin()->second;
  ASSERT_GE(alike.size(), 10u);
  for (size_t i = 0; i < 10; i++) insert(table, alike[i], static_cast<int64_t>(i));
  for (size_t i = 0; i < 10; i++) {
    ASSERT_TRUE(table.find(key_of(alike[i])));
    EXPECT_EQ(table.find(key_of(alike[i])).entry()->integer(), static_cast<int64_t>(i));
  }
}

// More keys of one home bucket than two buckets hold go to the stash, and come back from it.
TEST(Table, KeepsKeysOfACrowdedBucketInTheStash) {
  Table table(kSeed);
  std::vector<std::string> crowd;
  for (size_t i = 0; crowd.size() < 40; i++) {
    if ((key_of(name(i)).hash & 0x3fff) < 0x200) crowd.push_back(name(i));
  }
  for (const std::string& key : crowd) insert(table, key);
  EXPECT_TRUE(table.recount());
  for (const std::string& key : crowd) EXPECT_TRUE(table.find(key_of(key)));
  for (const std::string& key : crowd) erase(table, key);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_TRUE(table.recount());
}

// Scans in steps while `between` changes the table, and returns how often each key was seen.
std::map<std::string, int> scan_in_steps(Table& table, ScanBudget budget,
                                         const std::function<void()>& between) {
  std::map<std::string, int> seen;
  TablePosition position = 0;
  do {
    ScanBudget left = budget;
    size_t visited = 0;
    position = table.scan(position, left, [&](const Entry& entry) {
      seen[std::string(entry.key())]++;
      visited++;
    });
    EXPECT_LE(visited / Table::kSegmentEntriesMax, budget.buckets / Table::kSegmentBuckets);
    between();
  } while (position != 0);
  return seen;
}

TEST(TableScan, ReturnsEveryKeyThatWasThereWhenTheTableIsTightened) {
  constexpr size_t kBefore = 50'000;
  constexpr size_t kEach = 500;  // every so many stay
  for (const size_t steps_before : {1u, 20u, 100u, 300u, 600u}) {
    Table table(kSeed);
    fill(table, 0, kBefore);
    const size_t bytes_before = table.segment_bytes();
    size_t steps = 0;
    const auto seen = scan_in_steps(table, {50, kUnlimited}, [&] {
      if (++steps != steps_before) return;
      for (size_t i = 0; i < kBefore; i++) {
        if (i % kEach != 0) erase(table, name(i));
      }
      table.tighten();
      EXPECT_LT(table.segment_bytes(), bytes_before / 100);
    });
    EXPECT_GE(steps, steps_before);
    for (size_t i = 0; i < kBefore; i += kEach) EXPECT_TRUE(seen.contains(name(i))) << i;
    EXPECT_TRUE(table.recount());
    EXPECT_EQ(table.size(), kBefore / kEach);
  }
}

TEST(TableScan, ReturnsEveryKeyThatWasThereThroughoutSplits) {
  for (const size_t start : {10u, 500u, 3'000u}) {
    Table table(kSeed);
    fill(table, 0, start);
    size_t next = start;
    const size_t limit = start * 20;
    const auto seen = scan_in_steps(table, {3, kUnlimited}, [&] {
      const size_t to = std::min(next + 50, limit);
      fill(table, next, to);
      next = to;
    });
    for (size_t i = 0; i < start; i++) EXPECT_TRUE(seen.contains(name(i))) << i;
    EXPECT_TRUE(table.recount());
  }
}

TEST(TableScan, BudgetOfBucketsOnlyReturnsNoKeyTwice) {
  Table table(kSeed);
  fill(table, 0, 3'000);
  size_t next = 3'000;
  const auto seen = scan_in_steps(table, {kUnlimited, Table::kSegmentBuckets + 7}, [&] {
    const size_t to = std::min<size_t>(next + 500, 30'000);
    fill(table, next, to);
    next = to;
  });
  for (size_t i = 0; i < 3'000; i++) EXPECT_TRUE(seen.contains(name(i))) << i;
  for (const auto& [key, times] : seen) EXPECT_EQ(times, 1) << key;
}

TEST(TableScan, ReturnsEachKeyOnceIfNothingChanges) {
  Table table(kSeed);
  fill(table, 0, 5'000);
  for (const size_t entries : {1u, 7u, 200u, 100'000u}) {
    const auto seen = scan_in_steps(table, {entries, kUnlimited}, [] {});
    EXPECT_EQ(seen.size(), 5'000u);
    for (const auto& [key, times] : seen) EXPECT_EQ(times, 1) << key;
  }
}

TEST(TableScan, LooksAtLittleMoreThanItsBudget) {
  Table table(kSeed);
  fill(table, 0, 5'000);
  size_t visited = 0;
  ScanBudget budget{10, kUnlimited};
  EXPECT_NE(table.scan(0, budget, [&](const Entry&) { visited++; }), 0u);
  EXPECT_GE(visited, 10u);
  EXPECT_LE(visited, 10u + 63u);  // a home bucket with its neighbour and the stash
  fill(table, 5'000, 100'000);
  for (size_t i = 1; i < 100'000; i++) erase(table, name(i));
  ScanBudget buckets{kUnlimited, 2 * Table::kSegmentBuckets};
  table.scan(0, buckets, [](const Entry&) {});
  EXPECT_LT(buckets.buckets, Table::kSegmentBuckets);
}

TEST(TableScan, TakesAnyPosition) {
  Table table(kSeed);
  fill(table, 0, 1'000);
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; i++) {
    ScanBudget budget{5, 100};
    table.scan(random() >> (random() % 64), budget, [](const Entry&) {});
  }
}

TEST(TableSweep, TakesOutTheDeadAndKeepsTheBound) {
  Table table(kSeed);
  for (size_t i = 0; i < 6'000; i++) {
    insert(table, name(i), 0, i % 3 == 0 ? kNoExpiry : static_cast<int64_t>(i));
  }
  for (int64_t now_ms = 0; now_ms < 7'000; now_ms += 100) {
    size_t steps = 0;
    const auto destroy = [&](Entry* entry, KeyHash) {
      EXPECT_LE(entry->expire_at_ms(), now_ms);
      Entry::destroy(entry);
    };
    while (table.sweep({now_ms, destroy}, 3)) ASSERT_LT(++steps, 10'000u);
    ASSERT_TRUE(table.recount());
    EXPECT_GT(table.next_due_ms(), now_ms);
    for (size_t i = 0; i < 6'000; i += 7) {
      const bool alive = i % 3 == 0 || static_cast<int64_t>(i) > now_ms;
      ASSERT_EQ(static_cast<bool>(table.find(key_of(name(i)))), alive);
    }
  }
  EXPECT_EQ(table.size(), 2'000u);
  EXPECT_EQ(table.volatile_size(), 0u);
  EXPECT_EQ(table.next_due_ms(), Table::kNothingDue);
}

TEST(TableDestroySome, FreesEverythingInSmallSteps) {
  Table table(kSeed);
  std::vector<Blob*> blobs;
  for (size_t i = 0; i < 5'000; i++) {
    Blob* blob = Blob::create(1, 1);
    blob->retain();
    blobs.push_back(blob);
    const std::string key = name(i);
    table.insert(key_of(key).hash,
                 Entry::create({.key = key, .kind = ValueKind::kBlob, .blob = blob}));
  }
  size_t steps = 1;
  while (table.destroy_some(1)) steps++;
  EXPECT_GT(steps, 8u);
  EXPECT_EQ(table.memory_bytes(), 0u);
  for (Blob* blob : blobs) {
    EXPECT_TRUE(blob->unique());
    blob->release();
  }
  fill(table, 0, 10);
  EXPECT_TRUE(table.recount());
}

TEST(TableDestroySome, IsFinishedByTheDestructor) {
  Blob* blob = Blob::create(1, 1);
  {
    Table table(kSeed);
    fill(table, 0, 3'000);
    for (size_t i = 0; i < 100; i++) {
      const std::string key = "blob:" + std::to_string(i);
      blob->retain();
      table.insert(key_of(key).hash,
                   Entry::create({.key = key, .kind = ValueKind::kBlob, .blob = blob}));
    }
    EXPECT_TRUE(table.destroy_some(2));
  }
  EXPECT_TRUE(blob->unique());
  blob->release();
}

// Counts of a fair draw stay within six standard deviations.
void expect_uniform(const Table& table, size_t draws_a_key) {
  std::mt19937_64 random(3);
  std::unordered_map<const Entry*, size_t> counts;
  const size_t draws = draws_a_key * table.size();
  for (size_t i = 0; i < draws; i++) counts[table.random_entry(random())]++;
  EXPECT_EQ(counts.size(), table.size());
  const double slack = 6 * std::sqrt(static_cast<double>(draws_a_key));
  for (const auto& [entry, n] : counts) {
    EXPECT_NEAR(static_cast<double>(n), static_cast<double>(draws_a_key), slack) << entry->key();
  }
}

TEST(TableRandomEntry, IsFairInTablesOfAnySize) {
  for (const size_t size : {1u, 2u, 20u, 300u, 4'000u}) {
    Table table(kSeed);
    fill(table, 0, size);
    expect_uniform(table, 200);
  }
}

TEST(TableRandomEntry, IsFairWhereSegmentsAreEmptyOrUneven) {
  Table table(kSeed);
  fill(table, 0, 5'000);
  for (size_t i = 0; i < 4'900; i++) erase(table, name(i));
  expect_uniform(table, 200);
  Table empty(kSeed);
  EXPECT_EQ(empty.random_entry(1), nullptr);
}

TEST(Table, SwapsWithAnother) {
  Table a(kSeed);
  Table b(kSeed);
  fill(a, 0, 1'000);
  insert(b, "only", 1, 5);
  a.swap(b);
  EXPECT_EQ(a.size(), 1u);
  EXPECT_EQ(a.next_due_ms(), 5);
  EXPECT_EQ(b.size(), 1'000u);
  EXPECT_EQ(b.next_due_ms(), Table::kNothingDue);
  EXPECT_TRUE(a.recount() && b.recount());
}

}  // namespace
}  // namespace larder::storage
