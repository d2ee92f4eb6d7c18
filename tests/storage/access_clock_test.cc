#include "storage/access_clock.h"

#include <gtest/gtest.h>

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

TEST(AccessClock, MovesSixtyFourTicksWhileAsManyAccessesPassAsThereAreKeys) {
  for (const uint64_t keys : {64U, 1'000U, 137'000U, 5'000'000U}) {
    AccessClock clock;
    clock.set_keys(keys);
    const uint64_t reports = keys * 10 / clock.batch();
    for (uint64_t i = 0; i < reports; i++) clock.advance(clock.batch(), kNow);
    EXPECT_NEAR(static_cast<double>(clock.ticks()), 640, 8) << keys;
  }
}

TEST(AccessClock, WithFewKeysATickIsAnAccess) {
  AccessClock clock;
  for (int i = 0; i < 100; i++) EXPECT_TRUE(clock.advance(1, kNow));
  EXPECT_EQ(clock.tick(), 100U);
}

TEST(AccessClock, WrapsAndStillTellsAges) {
  AccessClock clock;
  for (int i = 0; i < 65'500; i++) clock.advance(1, kNow);
  const uint32_t then = clock.tick();
  for (int i = 0; i < 1'000; i++) clock.advance(1, kNow);
  EXPECT_LT(clock.tick(), then);
  EXPECT_EQ(clock.age_of(then), 1'000U);
  EXPECT_EQ(clock.ticks(), 66'500U);
}

TEST(AccessClock, ATickFromAThreadThatIsAheadIsNotOld) {
  AccessClock clock;
  for (int i = 0; i < 10; i++) clock.advance(1, kNow);
  EXPECT_EQ(clock.age_of(clock.tick() + 3), 0U);
}

TEST(AccessClock, BatchesAccessesOnlyWhereThereAreManyKeys) {
  AccessClock clock;
  clock.set_keys(4'000);
  EXPECT_EQ(clock.batch(), 1U);
  clock.set_keys(65'536);
  EXPECT_EQ(clock.batch(), 32U);
  clock.set_keys(1'000'000'000);
  EXPECT_EQ(clock.batch(), AccessClock::kBatchMax);
}

TEST(AccessClock, KnowsWhenItsTicksWere) {
  AccessClock clock;
  int64_t now = kNow;
  // Slow accesses, then quick ones: a tick each.
  for (int i = 0; i < 1'000; i++) clock.advance(1, now += 10'000);
  const uint32_t slow = clock.tick();
  const int64_t slow_ms = now;
  for (int i = 0; i < 5'000; i++) clock.advance(1, now += 20);
  EXPECT_NEAR(static_cast<double>(clock.seconds_since(slow, now)),
              static_cast<double>(now - slow_ms) / 1000, 650);
  EXPECT_NEAR(static_cast<double>(clock.seconds_since(slow - 500, now)),
              static_cast<double>(now - slow_ms) / 1000 + 5'000, 650);
  EXPECT_EQ(clock.seconds_since(clock.tick(), now + 3'000), 3U);
}

}  // namespace
}  // namespace larder::storage
