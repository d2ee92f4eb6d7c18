#include "storage/key_eraser.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "storage/keyspace.h"

namespace larder::storage {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;
constexpr auto kIgnore = [](const Key&) {};

void put(Store& store, const std::string& name) {
  const Key key = store.key(name);
  const LockedKeys locked = store.lock(key);
  Keyspace(locked, 0, kNowMs).put_string(key, "v", kNoExpiry);
}

size_t erase_all(Store& store, KeyEraser& eraser) {
  size_t erased = 0;
  while (!eraser.finished()) {
    ScanBudget budget = eraser.step_budget();
    erased += eraser.step(nullptr, kNowMs, budget, SIZE_MAX, kIgnore);
  }
  return erased;
}

// What is inserted between two steps splits segments that the walk has passed or is about to: none
// of the keys that were there may be left.
TEST(KeyEraser, MissesNoKeyWhileTablesGrow) {
  Store store({.databases = 1});
  constexpr int kKeys = 60'000;
  for (int i = 0; i < kKeys; i++) put(store, "old:" + std::to_string(i));
  KeyEraser eraser(store, 0, {.pattern = "old:*"});
  size_t erased = 0;
  int added = 0;
  while (!eraser.finished()) {
    ScanBudget budget = eraser.step_budget();
    erased += eraser.step(nullptr, kNowMs, budget, SIZE_MAX, kIgnore);
    for (int i = 0; i < 200; i++) put(store, "new:" + std::to_string(added++));
  }
  EXPECT_EQ(erased, static_cast<size_t>(kKeys));
  EXPECT_EQ(store.size(0, nullptr).keys, static_cast<size_t>(added));
}

// A pattern to be compared at length pauses inside segments, which get smaller as it erases.
TEST(KeyEraser, MissesNoKeyWhereItPausesInsideSegments) {
  Store store({.databases = 1});
  constexpr int kKeys = 60'000;
  for (int i = 0; i < kKeys; i++) put(store, "key:" + std::to_string(i));
  KeyEraser eraser(store, 0, {.pattern = "key:" + std::string(900, '*') + "[02468]"});
  EXPECT_LT(eraser.step_budget().entries, 10u);
  EXPECT_EQ(erase_all(store, eraser), static_cast<size_t>(kKeys / 2));
  EXPECT_EQ(store.size(0, nullptr).keys, static_cast<size_t>(kKeys / 2));
}

TEST(KeyEraser, MissesNoKeyWhileAnotherThreadWrites) {
  Store store({.databases = 1});
  constexpr int kKeys = 20'000;
  for (int i = 0; i < kKeys; i++) put(store, "old:" + std::to_string(i));
  std::atomic<bool> done = false;
  int added = 0;
  std::thread writer([&] {
    while (!done) put(store, "new:" + std::to_string(added++));
  });
  KeyEraser eraser(store, 0, {.pattern = "old:*"});
  EXPECT_EQ(erase_all(store, eraser), static_cast<size_t>(kKeys));
  done = true;
  writer.join();
  EXPECT_EQ(store.size(0, nullptr).keys, static_cast<size_t>(added));
}

TEST(KeyEraser, ErasesNoMoreThanAskedForAndSaysWhich) {
  Store store({.databases = 1});
  for (int i = 0; i < 1000; i++) put(store, std::to_string(i));
  KeyEraser eraser(store, 0, {});
  std::set<std::string> told;
  size_t left = 100;
  while (left > 0) {
    ScanBudget budget = eraser.step_budget();
    left -= eraser.step(nullptr, kNowMs, budget, left,
                        [&](const Key& key) { told.emplace(key.bytes); });
  }
  EXPECT_EQ(told.size(), 100u);
  EXPECT_EQ(store.size(0, nullptr).keys, 900u);
}

}  // namespace
}  // namespace larder::storage
