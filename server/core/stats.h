// What the server counts. Each worker has its own counters, which only its thread changes, without
// atomics' cost; INFO adds them up. Reports are exact once the workers are quiet.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/shard.h"

namespace larder::core {

using storage::Counter;

// Durations in buckets whose bounds grow by 2^(1/4) to 2^(1/3): eight linear steps to each power of
// two of nanoseconds, so a percentile is off by at most 12.5 %.
class DurationHistogram {
 public:
  void add(uint64_t nanoseconds) { buckets_[bucket_of(nanoseconds)].add(); }
  void reset();

  static constexpr size_t kSteps = 8;
  static constexpr size_t kBuckets = 40 * kSteps;
  static size_t bucket_of(uint64_t nanoseconds);
  // Largest duration that falls into the bucket.
  static uint64_t bucket_limit_ns(size_t bucket);

  const std::array<Counter, kBuckets>& buckets() const { return buckets_; }

 private:
  std::array<Counter, kBuckets> buckets_;
};

// A sum of histograms, to be asked.
class DurationSummary {
 public:
  void add(const DurationHistogram& histogram);
  uint64_t count() const { return count_; }
  // In nanoseconds, the upper bound of the bucket; `percent` in 0..100. 0 if nothing was counted.
  uint64_t percentile_ns(double percent) const;
  // How many took at most `nanoseconds` (a bucket counts by its upper bound).
  uint64_t count_within_ns(uint64_t nanoseconds) const;

 private:
  std::array<uint64_t, DurationHistogram::kBuckets> buckets_{};
  uint64_t count_ = 0;
};

struct CommandCounters {
  Counter calls;
  Counter nanoseconds;
  Counter rejected;  // refused before running: arity, authentication, memory
  Counter failed;    // answered with an error
  DurationHistogram durations;
};

// Of one worker; changed by its thread only.
struct WorkerCounters {
  explicit WorkerCounters(size_t command_count) : by_command(command_count) {}

  // The command's counters, made at its first use.
  CommandCounters& command(uint32_t index) {
    CommandCounters* counters = by_command[index].load(std::memory_order_relaxed);
    return counters != nullptr ? *counters : make_command(index);
  }

  Counter commands;
  Counter connections;
  Counter net_input_bytes;
  Counter net_output_bytes;
  Counter protocol_errors;
  Counter query_buffer_limit_closes;
  Counter output_buffer_limit_closes;
  Counter reads;   // times that a connection had something to read
  Counter writes;  // times that replies were sent on
  Counter ratelimit_allowed;
  Counter ratelimit_limited;
  Counter invalidations_by_pattern;  // keys, as
  Counter invalidations_by_tag;
  std::vector<std::atomic<CommandCounters*>> by_command;

  ~WorkerCounters();

 private:
  CommandCounters& make_command(uint32_t index);
};

struct CommandTotals {
  uint64_t calls = 0;
  uint64_t nanoseconds = 0;
  uint64_t rejected = 0;
  uint64_t failed = 0;
  DurationSummary durations;
};

// The counters of all workers, and what is rare enough for a lock.
class Statistics {
 public:
  Statistics(size_t workers, size_t commands);

  size_t workers() const { return workers_.size(); }
  WorkerCounters& worker(size_t index) { return *workers_[index]; }

  uint64_t sum(Counter WorkerCounters::*counter) const;
  CommandTotals command(uint32_t index) const;
  void reset();
  void reset_invalidations();  // which reset() does too

  // Counts an error reply by its code (the first word). At most kErrorCodesMax codes are kept, as a
  // script could make up any number of them.
  void count_error(std::string_view text);
  std::map<std::string, uint64_t> errors() const;
  uint64_t errors_total() const;

  // Rates over the last seconds, fed by one worker's timer every kSamplePeriodMs.
  static constexpr int64_t kSamplePeriodMs = 100;
  void sample_rates(int64_t now_ms);
  struct Rates {
    double commands = 0;      // a second
    double input_kbytes = 0;  // KiB a second
    double output_kbytes = 0;
  };
  Rates rates() const;

  // Connections refused at accept, before any worker has them.
  Counter accept_rejected;

 private:
  static constexpr size_t kErrorCodesMax = 128;
  static constexpr size_t kSamples = 16;
  struct Sample {
    int64_t at_ms = 0;
    uint64_t commands = 0;
    uint64_t input_bytes = 0;
    uint64_t output_bytes = 0;
  };

  std::vector<std::unique_ptr<WorkerCounters>> workers_;

  mutable std::mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> errors_;  // guarded by mutex_
  uint64_t errors_total_ = 0;                            // guarded by mutex_
  std::array<Sample, kSamples> samples_{};               // guarded by mutex_
  size_t sampled_ = 0;                                   // guarded by mutex_
};

}  // namespace larder::core
