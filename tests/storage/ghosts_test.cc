#include "storage/ghosts.h"

#include <gtest/gtest.h>

namespace larder::storage {
namespace {

KeyHash hash_of(uint32_t key) {
  return hash_key({reinterpret_cast<const char*>(&key), sizeof key}, 1);
}

uint32_t recalled_of(Ghosts& ghosts, uint32_t first, uint32_t count, uint32_t frequency) {
  uint32_t recalled = 0;
  for (uint32_t key = first; key < first + count; key++) {
    if (ghosts.recall(hash_of(key)) == frequency) recalled++;
  }
  return recalled;
}

TEST(Ghosts, WithoutRoomRememberNothing) {
  Ghosts ghosts;
  ghosts.remember(hash_of(1), 3);
  EXPECT_EQ(ghosts.recall(hash_of(1)), 0U);
  EXPECT_EQ(ghosts.memory_bytes(), 0U);
}

TEST(Ghosts, AreForgottenWhenTheyWereRecalled) {
  Ghosts ghosts;
  ghosts.resize(8);
  ghosts.remember(hash_of(1), 3);
  ghosts.remember(hash_of(2), 15);
  EXPECT_EQ(ghosts.recall(hash_of(1)), 3U);
  EXPECT_EQ(ghosts.recall(hash_of(1)), 0U);
  EXPECT_EQ(ghosts.recall(hash_of(2)), 15U);
}

TEST(Ghosts, OfTheSameKeyReplaceEachOther) {
  Ghosts ghosts;
  ghosts.resize(2);
  ghosts.remember(hash_of(1), 3);
  ghosts.remember(hash_of(2), 4);
  ghosts.remember(hash_of(1), 9);
  EXPECT_EQ(ghosts.recall(hash_of(1)), 9U);
  EXPECT_EQ(ghosts.recall(hash_of(2)), 4U);
}

TEST(Ghosts, TheOldestOfASetFallsOut) {
  Ghosts ghosts;
  ghosts.resize(3);
  for (uint32_t key = 1; key <= 4; key++) ghosts.remember(hash_of(key), key);
  EXPECT_EQ(ghosts.recall(hash_of(1)), 0U);
  for (uint32_t key = 2; key <= 4; key++) EXPECT_EQ(ghosts.recall(hash_of(key)), key);
}

TEST(Ghosts, MostOfTheLatestAreKept) {
  Ghosts ghosts;
  ghosts.resize(1'600);
  for (uint32_t key = 0; key < 10'000; key++) ghosts.remember(hash_of(key), 2);
  EXPECT_GT(recalled_of(ghosts, 9'200, 800, 2), 700U);
}

TEST(Ghosts, OfStrangersAreRarelyRecalled) {
  Ghosts ghosts;
  ghosts.resize(800);
  for (uint32_t key = 0; key < 800; key++) ghosts.remember(hash_of(key), 2);
  EXPECT_LT(recalled_of(ghosts, 10'000, 10'000, 2), 60U);
}

TEST(Ghosts, SurviveGrowingAndShrinking) {
  for (const size_t capacity : {5U, 9U, 500U, 1'601U}) {
    Ghosts ghosts;
    ghosts.resize(100);
    for (uint32_t key = 0; key < 30; key++) ghosts.remember(hash_of(key), 6);
    ghosts.resize(capacity);
    EXPECT_GE(ghosts.capacity(), capacity);
    EXPECT_LT(ghosts.capacity(), capacity + 8);
    const uint32_t kept = recalled_of(ghosts, 0, 30, 6);
    EXPECT_GE(kept, capacity < 30 ? capacity : 30) << capacity;
  }
}

}  // namespace
}  // namespace larder::storage
