#include "server/core/epoch_offset.h"

#include <gtest/gtest.h>

namespace larder::core {
namespace {

constexpr int64_t kStartUs = 1'700'000'000'000'900;

TEST(EpochOffset, NeverLetsTimeGoBack) {
  for (const int64_t phase_us : {0, 1, 499, 500, 999}) {
    EpochOffset offset;
    int64_t before_ms = 0;
    // The readings are some microseconds apart, now in this order, now in that.
    for (int64_t us = 0; us < 3'000'000; us += 777) {
      offset.update(kStartUs + us + us % 7 - 3, us + phase_us);
      const int64_t now_ms = (us + phase_us) / 1000 + offset.ms();
      ASSERT_GE(now_ms, before_ms);
      ASSERT_NEAR(static_cast<double>(now_ms * 1000), static_cast<double>(kStartUs + us), 2'000);
      before_ms = now_ms;
    }
  }
}

TEST(EpochOffset, FollowsAClockThatIsSet) {
  EpochOffset offset;
  offset.update(kStartUs, 5'000);
  offset.update(kStartUs + 3'600'000'000, 6'000);
  EXPECT_EQ(6 + offset.ms(), (kStartUs + 3'600'000'000) / 1000);
  offset.update(kStartUs - 3'600'000'000, 7'000);
  EXPECT_EQ(7 + offset.ms(), (kStartUs - 3'600'000'000) / 1000);
}

}  // namespace
}  // namespace larder::core
