#include "storage/learned_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

namespace larder::storage {
namespace {

TEST(LearnedScores, AgeBucketsAreTwoToADoubling) {
  for (uint32_t age = 0; age < 65'536; age++) {
    const double exact = 2 * std::log2(age + 1.0);
    ASSERT_EQ(LearnedScores::age_bucket(age), static_cast<uint32_t>(exact + 1e-9)) << age;
  }
  EXPECT_EQ(LearnedScores::age_bucket(65'535), LearnedScores::kAgeBuckets - 1);
}

TEST(LearnedScores, BeforeEvidenceFrequentAndYoungKeysAreWorthMore) {
  const LearnedScores scores;
  for (uint32_t f = 1; f < LearnedScores::kFrequencies; f++) {
    EXPECT_GT(scores.score(f, 10), scores.score(f - 1, 10));
  }
  EXPECT_GT(scores.score(3, 5), scores.score(3, 25));
}

TEST(LearnedScores, EvidenceOverrulesWhatWasAssumed) {
  LearnedScores scores;
  // Used once, but sure to be used again; used often, but never again at any age.
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 1'000; i++) {
      scores.count_sample(1, 12);
      for (uint32_t b = 12; b < LearnedScores::kAgeBuckets; b++) scores.count_sample(8, b);
    }
    scores.count_hit(1, 12, 500);
    scores.learn(16, 1'000);
  }
  EXPECT_GT(scores.score(1, 12), 10 * scores.score(8, 12));
}

TEST(LearnedScores, WaitsThroughAgesWithoutHitsForOnesWithMany) {
  LearnedScores scores;
  // Nothing happens at age bucket 10, much at 12: whoever is at 10 is close to a hit.
  for (int round = 0; round < 20; round++) {
    for (const uint32_t bucket : {10U, 12U, 20U}) {
      for (int i = 0; i < 1'000; i++) scores.count_sample(2, bucket);
    }
    scores.count_hit(2, 12, 5'000);
    scores.learn(16, 1'000);
  }
  EXPECT_GT(scores.score(2, 10), 5 * scores.score(2, 20));
}

TEST(LearnedScores, OldEvidenceFades) {
  LearnedScores scores;
  const auto rounds = [&](uint32_t hit_frequency, int count) {
    for (int round = 0; round < count; round++) {
      for (int i = 0; i < 100; i++) {
        scores.count_sample(2, 12);
        scores.count_sample(3, 12);
      }
      scores.count_hit(hit_frequency, 12, 100);
      scores.learn(16, 1'000);
    }
  };
  rounds(2, 100);
  EXPECT_GT(scores.score(2, 12), scores.score(3, 12));
  rounds(3, 100);
  EXPECT_LT(scores.score(2, 12), scores.score(3, 12));
}

// Nothing to expect but that the thread sanitizer is content and the scores are sane.
TEST(LearnedScores, AreSafeUnderSeveralThreads) {
  LearnedScores scores;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 4; t++) {
    threads.emplace_back([&scores, t] {
      for (uint32_t i = 0; i < 20'000; i++) {
        scores.count_hit(i % 16, (i + t) % 33, 1);
        scores.count_sample((i + t) % 16, i % 33);
        if (i % 1'000 == 0) scores.learn(16, 1'000);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  scores.learn(16, 1'000);
  for (uint32_t f = 0; f < LearnedScores::kFrequencies; f++) {
    for (uint32_t b = 0; b < LearnedScores::kAgeBuckets; b++) {
      EXPECT_GT(scores.score(f, b), 0);
      EXPECT_TRUE(std::isfinite(scores.score(f, b)));
    }
  }
}

}  // namespace
}  // namespace larder::storage
