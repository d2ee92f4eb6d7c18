// Latencies in log-linear buckets, after Gil Tene's HdrHistogram: each power of two of nanoseconds
// is divided into 128 equal steps, so that a percentile is off by less than one percent at any
// scale, and adding a sample costs the same however many there were. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace larder::bench {

class LatencyHistogram {
 public:
  // What is longer counts as this: about 18 minutes.
  static constexpr uint64_t kNanosecondsMax = (uint64_t{1} << 40) - 1;

  void add(uint64_t nanoseconds) {
    buckets_[bucket_of(std::min(nanoseconds, kNanosecondsMax))]++;
    count_++;
    max_ns_ = std::max(max_ns_, nanoseconds);
  }

  uint64_t count() const { return count_; }
  // The largest sample itself, not its bucket.
  uint64_t max_ns() const { return max_ns_; }

  // The smallest bound below which at least `percent` (0..100) of the samples lie: the upper end of
  // their last bucket, but never more than max_ns(). 0 if there are none.
  uint64_t percentile_ns(double percent) const {
    const auto rank = std::max<uint64_t>(
        1, static_cast<uint64_t>(percent / 100 * static_cast<double>(count_) + 0.999999));
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < kBuckets; bucket++) {
      seen += buckets_[bucket];
      if (seen >= rank) return std::min(limit_ns(bucket), max_ns_);
    }
    return max_ns_;
  }

 private:
  static constexpr int kStepBits = 7;
  static constexpr uint64_t kSteps = uint64_t{1} << kStepBits;
  // The first row holds everything below kSteps in steps of one, each further row a power of two.
  static constexpr size_t kBuckets = (40 - kStepBits + 1) * kSteps;

  static size_t bucket_of(uint64_t nanoseconds) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(nanoseconds)) - 1 - kStepBits);
    return static_cast<size_t>(shift) * kSteps + (nanoseconds >> shift);
  }

  // The largest value that bucket_of() puts there.
  static uint64_t limit_ns(size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const size_t shift = bucket / kSteps - 1;
    return ((bucket - shift * kSteps + 1) << shift) - 1;
  }

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  uint64_t max_ns_ = 0;
};

}  // namespace larder::bench
