#include "storage/due_times.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'800'000'000'000;

TEST(DueTimes, KnowNothingAtFirst) {
  const DueTimes due;
  EXPECT_EQ(due.next_ms(), DueTimes::kNothingDue);
  for (uint32_t g = 0; g < DueTimes::kGroups; g++) EXPECT_EQ(due.next_ms(g), DueTimes::kNothingDue);
}

TEST(DueTimes, AreEarlyByAnEighthOfTheDistanceAtMost) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 100'000; i++) {
    const int64_t distance_ms = static_cast<int64_t>(random() >> (random() % 36 + 28));
    DueTimes due(kNow);
    due.note(3, kNow + distance_ms);
    ASSERT_EQ(due.next_ms(), kNow + distance_ms);
    ASSERT_LE(due.next_ms(3), kNow + distance_ms);
    if (distance_ms >= 16) {
      ASSERT_GE(due.next_ms(3), kNow + distance_ms - distance_ms / 8 - 16) << distance_ms;
    }
  }
}

TEST(DueTimes, OfAGroupAreTheEarliest) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 1000; round++) {
    DueTimes due(round % 2 == 0 ? kNow : 0);
    std::vector<int64_t> earliest(DueTimes::kGroups, DueTimes::kNothingDue);
    for (int i = 0; i < 40; i++) {
      const uint32_t group = random() % DueTimes::kGroups;
      const int64_t due_ms = kNow - 1000 + static_cast<int64_t>(random() % 1'000'000);
      due.note(group, due_ms);
      earliest[group] = std::min(earliest[group], due_ms);
      due.note(group, DueTimes::kNothingDue);
    }
    ASSERT_EQ(due.next_ms(), *std::min_element(earliest.begin(), earliest.end()));
    DueTimes elsewhere;
    elsewhere.note_all(due);
    for (uint32_t g = 0; g < DueTimes::kGroups; g++) {
      ASSERT_LE(due.next_ms(g), earliest[g]);
      ASSERT_EQ(due.next_ms(g) == DueTimes::kNothingDue, earliest[g] == DueTimes::kNothingDue);
      ASSERT_LE(elsewhere.next_ms(g), due.next_ms());
    }
  }
}

TEST(DueTimes, ReachAsFarAsTimeDoes) {
  DueTimes due(kNow);
  due.note(0, DueTimes::kNothingDue - 1);
  EXPECT_GT(due.next_ms(0), kNow + int64_t{7} * 365 * 24 * 3600 * 1000);
  EXPECT_LT(due.next_ms(0), DueTimes::kNothingDue);
}

}  // namespace
}  // namespace larder::storage
