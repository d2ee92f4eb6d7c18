#include "storage/candidate_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace larder::storage {
namespace {

TEST(CandidatePool, GivesTheLowestFirst) {
  CandidatePool pool;
  pool.offer({1, 0, 5});
  pool.offer({2, 0, 3});
  pool.offer({3, 0, 4});
  EXPECT_EQ(pool.next_score(), 3);
  EXPECT_EQ(pool.take_lowest().hash, 2U);
  EXPECT_EQ(pool.take_lowest().hash, 3U);
  EXPECT_EQ(pool.take_lowest().hash, 1U);
  EXPECT_TRUE(pool.empty());
  EXPECT_EQ(pool.next_score(), std::numeric_limits<double>::infinity());
}

TEST(CandidatePool, ANewOfferForAKeyReplacesTheOld) {
  CandidatePool pool;
  pool.offer({1, 7, 5});
  pool.offer({2, 7, 3});
  pool.offer({1, 7, 1});
  EXPECT_EQ(pool.size(), 2U);
  EXPECT_EQ(pool.take_lowest().score, 1);
  pool.offer({2, 8, 9});  // the same hash elsewhere is another key
  EXPECT_EQ(pool.size(), 2U);
}

TEST(CandidatePool, KeepsTheLowestOfAll) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; round++) {
    CandidatePool pool;
    std::vector<double> scores;
    for (uint64_t i = 0; i < 50; i++) {
      scores.push_back(random() % 1'000);
      pool.offer({i, 0, scores.back()});
    }
    std::sort(scores.begin(), scores.end());
    ASSERT_EQ(pool.size(), CandidatePool::kCapacity);
    for (size_t i = 0; i < CandidatePool::kCapacity; i++) {
      ASSERT_EQ(pool.take_lowest().score, scores[i]);
    }
  }
}

}  // namespace
}  // namespace larder::storage
