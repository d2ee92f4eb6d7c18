// The histogram against a sorted list of the same samples.
#include "bench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace larder::bench {
namespace {

TEST(LatencyHistogram, AnswersZeroWithoutSamples) {
  const auto histogram = std::make_unique<LatencyHistogram>();
  EXPECT_EQ(histogram->percentile_ns(99.9), 0u);
  EXPECT_EQ(histogram->max_ns(), 0u);
}

TEST(LatencyHistogram, PercentilesAreWithinOnePercentAboveTheTruth) {
  const auto histogram = std::make_unique<LatencyHistogram>();
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(0, 11.5);  // 1 ns to 5 minutes
  std::vector<uint64_t> samples;
  for (int i = 0; i < 100'000; i++) {
    samples.push_back(static_cast<uint64_t>(std::pow(10, exponent(random))));
    histogram->add(samples.back());
  }
  std::sort(samples.begin(), samples.end());
  for (const double percent : {0.001, 1.0, 50.0, 99.0, 99.9, 99.999}) {
    const auto rank = static_cast<size_t>(std::ceil(percent / 100 * 100'000));
    const uint64_t truth = samples[rank - 1];
    EXPECT_GE(histogram->percentile_ns(percent), truth) << percent;
    EXPECT_LE(histogram->percentile_ns(percent), truth + truth / 100 + 1) << percent;
  }
  EXPECT_EQ(histogram->percentile_ns(100), samples.back());
  EXPECT_EQ(histogram->max_ns(), samples.back());
}

TEST(LatencyHistogram, OneStallAmongAThousandShowsAtTheEndOnly) {
  const auto histogram = std::make_unique<LatencyHistogram>();
  for (int i = 0; i < 9990; i++) histogram->add(50'000);
  for (int i = 0; i < 10; i++) histogram->add(20'000'000);
  EXPECT_LT(histogram->percentile_ns(99.9), 51'000u);
  EXPECT_EQ(histogram->percentile_ns(99.91), 20'000'000u);
}

TEST(LatencyHistogram, WhatIsTooLongForItIsKeptAsTheMaximum) {
  const auto histogram = std::make_unique<LatencyHistogram>();
  histogram->add(LatencyHistogram::kNanosecondsMax + 5);
  EXPECT_EQ(histogram->max_ns(), LatencyHistogram::kNanosecondsMax + 5);
  EXPECT_EQ(histogram->percentile_ns(50), LatencyHistogram::kNanosecondsMax);
}

}  // namespace
}  // namespace larder::bench
