#include "storage/due_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'800'000'000'000;
constexpr int64_t kSlotMs = DueSchedule::kSlotMs;

std::vector<KeyHash> take_all(DueSchedule& schedule, int64_t now_ms, size_t at_once = 100) {
  std::vector<KeyHash> taken;
  for (auto ripe = schedule.ripe(now_ms); !ripe.empty(); ripe = schedule.ripe(now_ms)) {
    const auto items = ripe.last(std::min(at_once, ripe.size()));
    for (const DueSchedule::Item& item : items) taken.push_back(item.hash);
    schedule.drop(items.size());
  }
  return taken;
}

// Items are numbered by the time they are due.
TEST(DueSchedule, GivesEachItemWithinASlotOfItsTime) {
  std::mt19937_64 random(3);
  DueSchedule schedule;
  std::vector<KeyHash> waiting;
  int64_t now_ms = kNow;
  for (int i = 0; i < 20'000; i++) {
    const int64_t end_ms = schedule.end_ms(now_ms);
    ASSERT_GT(end_ms, now_ms);
    ASSERT_LE(end_ms, now_ms + DueSchedule::kHorizonMs);
    for (size_t n = random() % 5; n > 0; n--) {
      const auto ahead = static_cast<int64_t>(random()) & 0xffff;
      const int64_t due_ms = now_ms + 1 + ahead % (end_ms - now_ms);
      ASSERT_TRUE(schedule.add(due_ms, {.hash = static_cast<KeyHash>(due_ms)}));
      waiting.push_back(static_cast<KeyHash>(due_ms));
    }
    now_ms += static_cast<int64_t>(random() % (random() % 100 == 0 ? 5'000 : 50));
    for (const KeyHash due : take_all(schedule, now_ms, 1 + random() % 7)) {
      ASSERT_LE(static_cast<int64_t>(due), now_ms);
      const auto found = std::find(waiting.begin(), waiting.end(), due);
      ASSERT_NE(found, waiting.end());
      *found = waiting.back();
      waiting.pop_back();
    }
    for (const KeyHash due : waiting) ASSERT_GT(static_cast<int64_t>(due) + kSlotMs, now_ms);
    ASSERT_EQ(schedule.size(), waiting.size());
  }
}

TEST(DueSchedule, TakesNothingMoreWhenFull) {
  DueSchedule schedule;
  ASSERT_GT(schedule.end_ms(kNow), kNow);
  for (size_t i = 0; i < DueSchedule::kItemsMax; i++) ASSERT_TRUE(schedule.add(kNow + 100, {}));
  EXPECT_EQ(schedule.end_ms(kNow), kNow);
  EXPECT_FALSE(schedule.add(kNow + 100, {}));
  EXPECT_EQ(take_all(schedule, kNow + 100 + kSlotMs).size(), DueSchedule::kItemsMax);
  EXPECT_GT(schedule.end_ms(kNow), kNow);
}

TEST(DueSchedule, WaitsForAClockThatWasSetBack) {
  DueSchedule schedule;
  ASSERT_GE(schedule.end_ms(kNow), kNow + 500);
  ASSERT_TRUE(schedule.add(kNow + 500, {.hash = 1}));
  EXPECT_TRUE(take_all(schedule, kNow - 10'000).empty());
  EXPECT_EQ(schedule.end_ms(kNow - 10'000), kNow - 10'000);
  EXPECT_EQ(take_all(schedule, kNow + 500 + kSlotMs), std::vector<KeyHash>{1});
  EXPECT_GT(schedule.end_ms(kNow - 10'000), kNow - 10'000) << "it is empty";
}

}  // namespace
}  // namespace larder::storage
