#include "storage/due_times.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
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
    DueTimes successor;
    successor.succeed(due);
    ASSERT_EQ(successor.next_ms(), due.next_ms());
    for (uint32_t g = 0; g < DueTimes::kGroups; g++) {
      ASSERT_LE(due.next_ms(g), earliest[g]);
      ASSERT_EQ(due.next_ms(g) == DueTimes::kNothingDue, earliest[g] == DueTimes::kNothingDue);
      successor.moved(due, g, g / 2);
      ASSERT_EQ(successor.next_ms(g / 2), std::min(due.next_ms(g), due.next_ms(g / 2 * 2)));
    }
  }
}

// Groups in which things die at random times, looked at every 100 ms as a sweep does.
TEST(DueTimes, AreSeldomLookedAtInVain) {
  std::mt19937_64 random(7);
  for (const int64_t seconds : {10, 1000, 100'000}) {
    std::vector<std::vector<int64_t>> deaths(DueTimes::kGroups);
    DueTimes due;
    for (auto& group : deaths) {
      for (int i = 0; i < 11; i++) {
        group.push_back(kNow + static_cast<int64_t>(random() % (seconds * 1000)));
      }
      std::sort(group.begin(), group.end(), std::greater<>());
    }
    for (uint32_t g = 0; g < DueTimes::kGroups; g++) {
      for (const int64_t at_ms : deaths[g]) due.note(g, at_ms);
    }
    size_t looks = 0;
    for (int64_t now_ms = kNow; now_ms <= kNow + seconds * 1000; now_ms += 100) {
      if (due.next_ms() > now_ms) continue;
      const uint32_t groups = due.due_groups(now_ms);
      ASSERT_NE(groups, 0u) << "due, and nobody is";
      DueTimes::GroupTimes next_ms{};
      for (uint32_t g = 0; g < DueTimes::kGroups; g++) {
        const bool looked_at = (groups >> g & 1) != 0;
        while (looked_at && !deaths[g].empty() && deaths[g].back() <= now_ms) deaths[g].pop_back();
        next_ms[g] = deaths[g].empty() ? DueTimes::kNothingDue : deaths[g].back();
        ASSERT_GT(next_ms[g], now_ms) << "something dead was passed over";
        looks += looked_at;
      }
      due.renew(groups, next_ms, now_ms);
      ASSERT_LE(due.next_ms(), *std::min_element(next_ms.begin(), next_ms.end()));
      for (uint32_t g = 0; g < DueTimes::kGroups; g++) ASSERT_LE(due.next_ms(g), next_ms[g]);
    }
    EXPECT_EQ(due.next_ms(), DueTimes::kNothingDue);
    // Each brings the bound eight times nearer.
    EXPECT_LT(looks, 4 * 11 * DueTimes::kGroups) << seconds;
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
