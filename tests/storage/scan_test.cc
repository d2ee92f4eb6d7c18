// Walks over the whole store: what they return while keys come and go, and what they may cost.
#include "storage/scan.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "storage/glob.h"
#include "storage/keyspace.h"
#include "storage/random_key.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

std::string name(size_t i) {
  return "key:" + std::to_string(i);
}

void put(Store& store, const std::string& bytes, int64_t expire_at_ms = kNoExpiry,
         size_t database = 0) {
  const Key key = store.key(bytes);
  const LockedKeys locked = store.lock(key);
  Keyspace(locked, database, kNow).put_string(key, "v", expire_at_ms);
}

void erase(Store& store, const std::string& bytes) {
  const Key key = store.key(bytes);
  const LockedKeys locked = store.lock(key);
  Keyspace(locked, 0, kNow).erase(key);
}

// Walks as a client of SCAN does: each step from the cursor of the last.
std::map<std::string, int> walk(
    Store& store, ScanBudget budget, FunctionRef<void()> between = [] {}) {
  std::map<std::string, int> seen;
  ScanCursor cursor = 0;
  do {
    KeyScanner scanner(store, 0, cursor);
    ScanBudget left = budget;
    scanner.step(nullptr, kNow, left,
                 [&](const Entry& entry) { seen[std::string(entry.key())]++; });
    cursor = scanner.cursor();
    EXPECT_EQ(scanner.finished(), cursor == 0);
    EXPECT_LT(cursor, ScanCursor{1} << kScanCursorBits);
    between();
  } while (cursor != 0);
  return seen;
}

TEST(KeyScanner, ReturnsEachKeyOnceIfNothingChanges) {
  Store store({.databases = 2});
  for (size_t i = 0; i < 20'000; i++) put(store, name(i));
  put(store, "elsewhere", kNoExpiry, 1);
  for (const ScanBudget budget :
       {ScanBudget{1, kUnlimited}, ScanBudget{10, 2048},
        ScanBudget{kUnlimited, Table::kSegmentBuckets}, ScanBudget{kUnlimited, kUnlimited}}) {
    const auto seen = walk(store, budget);
    EXPECT_EQ(seen.size(), 20'000u);
    for (const auto& [key, times] : seen) ASSERT_EQ(times, 1) << key;
  }
}

TEST(KeyScanner, ReturnsWhatWasThereThroughout) {
  Store store({.databases = 1});
  for (size_t i = 0; i < 3'000; i++) put(store, name(i));
  size_t next = 3'000;
  std::mt19937_64 random(2);
  const auto seen = walk(store, {20, 2048}, [&] {
    for (int i = 0; i < 2'000 && next < 400'000; i++) put(store, name(next++));
    for (int i = 0; i < 10; i++) erase(store, name(3'000 + random() % (next - 3'000)));
  });
  for (size_t i = 0; i < 3'000; i++) ASSERT_TRUE(seen.contains(name(i))) << i;
}

TEST(KeyScanner, ReturnsNoDeadKeyAndLeavesItAlone) {
  Store store({.databases = 1});
  put(store, "dead", kNow);
  put(store, "dying", kNow + 1);
  const auto seen = walk(store, {10, 2048});
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen.contains("dying"));
}

TEST(KeyScanner, AStepLooksAtAboutItsBudget) {
  Store store({.databases = 1});
  for (size_t i = 0; i < 50'000; i++) put(store, name(i));
  size_t looked_at = 0;
  ScanBudget budget{10, 2048};
  KeyScanner scanner(store, 0);
  scanner.step(nullptr, kNow, budget, [&](const Entry&) { looked_at++; });
  EXPECT_GE(looked_at, 10u);
  EXPECT_LE(looked_at, 80u);
}

TEST(KeyScanner, CrossesAnEmptiedStoreInBoundedSteps) {
  Store store({.databases = 1});
  for (size_t i = 0; i < 300'000; i++) put(store, name(i));
  for (size_t i = 0; i < 300'000; i++) erase(store, name(i));
  put(store, "last");
  EXPECT_EQ(walk(store, {10, 2048}).size(), 1u);
}

TEST(KeyScanner, TakesAnyCursor) {
  Store store({.databases = 1});
  for (size_t i = 0; i < 1'000; i++) put(store, name(i));
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; i++) {
    KeyScanner scanner(store, 0, random() >> (random() % 64));
    ScanBudget budget{5, 100};
    scanner.step(nullptr, kNow, budget, [](const Entry&) {});
  }
  EXPECT_TRUE(KeyScanner(store, 0, std::numeric_limits<uint64_t>::max()).finished());
}

TEST(KeyScanner, WorksUnderALockOfAllShards) {
  Store store({.databases = 1});
  for (size_t i = 0; i < 100; i++) put(store, name(i));
  const LockedKeys all = store.lock_all();
  KeyScanner scanner(store, 0);
  ScanBudget budget{kUnlimited, kUnlimited};
  size_t found = 0;
  scanner.step(&all, kNow, budget, [&](const Entry&) { found++; });
  EXPECT_EQ(found, 100u);
  EXPECT_TRUE(scanner.finished());
}

TEST(KeyScanner, ReturnsWhatStaysWhileAnotherThreadWrites) {
  Store store({.databases = 1});
  for (size_t i = 0; i < 2'000; i++) put(store, name(i));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (size_t i = 2'000; !stop; i++) {
      put(store, name(i % 200'000 + 2'000));
      erase(store, name(i * 7 % 200'000 + 2'000));
    }
  });
  for (int round = 0; round < 5; round++) {
    const auto seen = walk(store, {100, 2048});
    for (size_t i = 0; i < 2'000; i++) EXPECT_TRUE(seen.contains(name(i))) << i;
  }
  stop = true;
  writer.join();
}

TEST(KeyPattern, AgreesWithTheGlobMatcher) {
  const std::string_view patterns[] = {"",     "*",   "**",    "a",      "ab",   "a*",   "ab*",
                                       "a?",   "?",   "*a",    "a*b",    "a**",  "[ab]", "a[bc]*",
                                       "\\a*", "a\\", "a\\*b", "user:*", "a*?*", "[",    "a["};
  const std::string_view keys[] = {"",    "a",     "b",      "ab", "abc",
                                   "a*b", "user:", "user:1", "\\", "a\\"};
  for (const std::string_view pattern : patterns) {
    for (const std::string_view key : keys) {
      const bool wanted = pattern == "*" || glob_match(pattern, key);
      EXPECT_EQ(KeyPattern(pattern).matches(key), wanted) << pattern << ' ' << key;
    }
  }
  EXPECT_TRUE(KeyPattern("").is_literal());
  EXPECT_TRUE(KeyPattern("user:1").is_literal());
  for (const std::string_view pattern : {"*", "a?", "[a]", "\\a"}) {
    EXPECT_FALSE(KeyPattern(pattern).is_literal()) << pattern;
  }
}

TEST(RandomKey, EveryLiveKeyHasTheSameChanceAndNoDeadOne) {
  Store store({.databases = 1});
  constexpr size_t kKeys = 50;
  constexpr int kDraws = 10'000;
  for (size_t i = 0; i < kKeys; i++) put(store, name(i));
  for (size_t i = 0; i < 200; i++) put(store, "dead:" + std::to_string(i), kNow);
  std::map<std::string, int> counts;
  std::mt19937_64 random(1);
  for (int i = 0; i < kDraws; i++) {
    const RandomKey drawn = pick_random_key(store, nullptr, 0, kNow, random(), 1000);
    ASSERT_TRUE(drawn.key);
    counts[*drawn.key]++;
  }
  EXPECT_EQ(counts.size(), kKeys);
  for (const auto& [key, n] : counts) {
    EXPECT_TRUE(key.starts_with("key:"));
    EXPECT_NEAR(n, kDraws / kKeys, 6 * 15) << key;
  }
}

TEST(RandomKey, GivesUpOnDeadKeysAndComesToAnEnd) {
  Store store({.databases = 1});
  for (size_t i = 0; i < 500; i++) put(store, name(i), kNow);
  int calls = 0;
  RandomKey drawn;
  do {
    drawn = pick_random_key(store, nullptr, 0, kNow, static_cast<uint64_t>(calls), 10);
    EXPECT_FALSE(drawn.key);
    ASSERT_LT(++calls, 1000);
  } while (!drawn.empty);
  EXPECT_GT(calls, 40);
}

}  // namespace
}  // namespace larder::storage
