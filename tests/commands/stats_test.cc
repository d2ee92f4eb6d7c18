#include "server/core/stats.h"

#include <gtest/gtest.h>

namespace larder::core {
namespace {

TEST(DurationHistogram, EveryValueLiesWithinItsBucket) {
  for (uint64_t value = 0; value < (uint64_t{1} << 41); value += 1 + value / 7) {
    const size_t bucket = DurationHistogram::bucket_of(value);
    ASSERT_LT(bucket, DurationHistogram::kBuckets);
    EXPECT_LE(value, DurationHistogram::bucket_limit_ns(bucket)) << value;
    if (bucket > 0) {
      EXPECT_GT(value, DurationHistogram::bucket_limit_ns(bucket - 1)) << value;
    }
  }
}

TEST(DurationHistogram, LimitsAreTheLastValueOfTheirBucket) {
  for (size_t bucket = 0; bucket + 1 < DurationHistogram::kBuckets; bucket++) {
    const uint64_t limit = DurationHistogram::bucket_limit_ns(bucket);
    EXPECT_EQ(DurationHistogram::bucket_of(limit), bucket);
    EXPECT_EQ(DurationHistogram::bucket_of(limit + 1), bucket + 1);
  }
}

TEST(DurationHistogram, BucketsAreAtMostAnEighthWide) {
  for (size_t bucket = DurationHistogram::kSteps; bucket < DurationHistogram::kBuckets; bucket++) {
    const uint64_t below = DurationHistogram::bucket_limit_ns(bucket - 1);
    const uint64_t limit = DurationHistogram::bucket_limit_ns(bucket);
    EXPECT_LE((limit - below) * 8, below + 1) << bucket;
  }
}

TEST(DurationHistogram, LastBucketTakesWhateverIsLonger) {
  EXPECT_EQ(DurationHistogram::bucket_of(UINT64_MAX), DurationHistogram::kBuckets - 1);
}

TEST(DurationSummary, PercentilesAreUpperBoundsOfTheirBuckets) {
  DurationHistogram histogram;
  for (uint64_t i = 1; i <= 1000; i++) histogram.add(i * 1000);
  DurationSummary summary;
  summary.add(histogram);
  EXPECT_EQ(summary.count(), 1000u);
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const double exact = percent * 10'000;
    const auto found = static_cast<double>(summary.percentile_ns(percent));
    EXPECT_GE(found, exact);
    EXPECT_LE(found, exact * 1.125 + 1000) << percent;
  }
}

TEST(DurationSummary, PercentileZeroIsTheShortest) {
  DurationHistogram histogram;
  histogram.add(5);
  histogram.add(1000);
  DurationSummary summary;
  EXPECT_EQ(summary.percentile_ns(50), 0u);
  summary.add(histogram);
  EXPECT_EQ(summary.percentile_ns(0), 5u);
}

TEST(DurationSummary, AddsUpHistograms) {
  DurationHistogram a;
  DurationHistogram b;
  a.add(10);
  b.add(20);
  b.add(5000);
  DurationSummary summary;
  summary.add(a);
  summary.add(b);
  EXPECT_EQ(summary.count(), 3u);
  EXPECT_EQ(summary.count_within_ns(9), 0u);
  EXPECT_EQ(summary.count_within_ns(31), 2u);
  EXPECT_EQ(summary.count_within_ns(UINT64_MAX), 3u);
}

TEST(Statistics, SumsWorkersAndCommands) {
  Statistics statistics(2, 3);
  statistics.worker(0).commands.add(5);
  statistics.worker(1).commands.add(7);
  EXPECT_EQ(statistics.sum(&WorkerCounters::commands), 12u);
  statistics.worker(0).command(1).calls.add(2);
  statistics.worker(1).command(1).calls.add(3);
  statistics.worker(1).command(1).durations.add(100);
  EXPECT_EQ(statistics.command(1).calls, 5u);
  EXPECT_EQ(statistics.command(1).durations.count(), 1u);
  EXPECT_EQ(statistics.command(2).calls, 0u);
  statistics.reset();
  EXPECT_EQ(statistics.sum(&WorkerCounters::commands), 0u);
  EXPECT_EQ(statistics.command(1).calls, 0u);
  EXPECT_EQ(statistics.command(1).durations.count(), 0u);
}

TEST(Statistics, KeepsABoundedNumberOfErrorCodes) {
  Statistics statistics(1, 1);
  for (int i = 0; i < 1000; i++) statistics.count_error("CODE" + std::to_string(i) + " text");
  statistics.count_error("CODE0 again");
  EXPECT_EQ(statistics.errors_total(), 1001u);
  EXPECT_EQ(statistics.errors().size(), 128u);
  EXPECT_EQ(statistics.errors().at("CODE0"), 2u);
}

TEST(Statistics, RatesLookBackOverTheSamplesKept) {
  Statistics statistics(1, 1);
  int64_t now_ms = 1000;
  for (int i = 0; i < 40; i++) {
    statistics.sample_rates(now_ms);
    // The first half at 10 a sample, the second at 20: only the second is looked at.
    statistics.worker(0).commands.add(i < 20 ? 10 : 20);
    now_ms += Statistics::kSamplePeriodMs;
  }
  EXPECT_NEAR(statistics.rates().commands, 200, 0.001);
  statistics.reset();
  statistics.sample_rates(now_ms);
  EXPECT_EQ(statistics.rates().commands, 0);
}

}  // namespace
}  // namespace larder::core
