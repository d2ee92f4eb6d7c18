#include "server/core/stats.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace larder::core {

size_t DurationHistogram::bucket_of(uint64_t nanoseconds) {
  if (nanoseconds < kSteps) return static_cast<size_t>(nanoseconds);
  const int exponent = std::bit_width(nanoseconds) - 4;  // leaves the top four bits: 8..15
  const size_t step = static_cast<size_t>(nanoseconds >> exponent) - kSteps;
  return std::min(kBuckets - 1, (static_cast<size_t>(exponent) + 1) * kSteps + step);
}

uint64_t DurationHistogram::bucket_limit_ns(size_t bucket) {
  if (bucket < kSteps) return bucket;
  const size_t exponent = bucket / kSteps - 1;
  return ((bucket % kSteps + kSteps + 1) << exponent) - 1;
}

void DurationHistogram::reset() {
  for (Counter& bucket : buckets_) bucket.reset();
}

void DurationSummary::add(const DurationHistogram& histogram) {
  for (size_t i = 0; i < buckets_.size(); i++) {
    const uint64_t n = histogram.buckets()[i].get();
    buckets_[i] += n;
    count_ += n;
  }
}

uint64_t DurationSummary::percentile_ns(double percent) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); i++) {
    seen += buckets_[i];
    if (buckets_[i] > 0 && seen >= wanted) return DurationHistogram::bucket_limit_ns(i);
  }
  return 0;
}

uint64_t DurationSummary::count_within_ns(uint64_t nanoseconds) const {
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); i++) {
    if (DurationHistogram::bucket_limit_ns(i) > nanoseconds) break;
    seen += buckets_[i];
  }
  return seen;
}

CommandCounters& WorkerCounters::make_command(uint32_t index) {
  auto* counters = new CommandCounters;
  by_command[index].store(counters, std::memory_order_release);
  return *counters;
}

WorkerCounters::~WorkerCounters() {
  for (auto& counters : by_command) delete counters.load();
}

Statistics::Statistics(size_t workers, size_t commands) {
  for (size_t i = 0; i < workers; i++) {
    workers_.push_back(std::make_unique<WorkerCounters>(commands));
  }
}

uint64_t Statistics::sum(Counter WorkerCounters::*counter) const {
  uint64_t total = 0;
  for (const auto& worker : workers_) total += ((*worker).*counter).get();
  return total;
}

CommandTotals Statistics::command(uint32_t index) const {
  CommandTotals totals;
  for (const auto& worker : workers_) {
    const CommandCounters* counters = worker->by_command[index].load(std::memory_order_acquire);
    if (counters == nullptr) continue;
    totals.calls += counters->calls.get();
    totals.nanoseconds += counters->nanoseconds.get();
    totals.rejected += counters->rejected.get();
    totals.failed += counters->failed.get();
    totals.durations.add(counters->durations);
  }
  return totals;
}

// A worker that counts at the same moment may keep its old value: a reset under load is
// approximate.
void Statistics::reset() {
  for (const auto& worker : workers_) {
    for (Counter WorkerCounters::*counter :
         {&WorkerCounters::commands, &WorkerCounters::connections, &WorkerCounters::net_input_bytes,
          &WorkerCounters::net_output_bytes, &WorkerCounters::protocol_errors,
          &WorkerCounters::query_buffer_limit_closes, &WorkerCounters::output_buffer_limit_closes,
          &WorkerCounters::reads, &WorkerCounters::writes, &WorkerCounters::ratelimit_allowed,
          &WorkerCounters::ratelimit_limited}) {
      ((*worker).*counter).reset();
    }
    for (auto& slot : worker->by_command) {
      CommandCounters* counters = slot.load(std::memory_order_acquire);
      if (counters == nullptr) continue;
      counters->calls.reset();
      counters->nanoseconds.reset();
      counters->rejected.reset();
      counters->failed.reset();
      counters->durations.reset();
    }
  }
  reset_invalidations();
  accept_rejected.reset();
  const std::lock_guard lock(mutex_);
  errors_.clear();
  errors_total_ = 0;
}

void Statistics::reset_invalidations() {
  for (const auto& worker : workers_) {
    worker->invalidations_by_pattern.reset();
    worker->invalidations_by_tag.reset();
  }
}

void Statistics::count_error(std::string_view text) {
  const std::string_view code = text.substr(0, text.find(' '));
  const std::lock_guard lock(mutex_);
  errors_total_++;
  const auto found = errors_.find(code);
  if (found != errors_.end()) {
    found->second++;
  } else if (errors_.size() < kErrorCodesMax) {
    errors_.emplace(code, 1);
  }
}

std::map<std::string, uint64_t> Statistics::errors() const {
  const std::lock_guard lock(mutex_);
  return {errors_.begin(), errors_.end()};
}

uint64_t Statistics::errors_total() const {
  const std::lock_guard lock(mutex_);
  return errors_total_;
}

void Statistics::sample_rates(int64_t now_ms) {
  const Sample sample{now_ms, sum(&WorkerCounters::commands), sum(&WorkerCounters::net_input_bytes),
                      sum(&WorkerCounters::net_output_bytes)};
  const std::lock_guard lock(mutex_);
  samples_[sampled_++ % kSamples] = sample;
}

Statistics::Rates Statistics::rates() const {
  const std::lock_guard lock(mutex_);
  if (sampled_ < 2) return {};
  const Sample& last = samples_[(sampled_ - 1) % kSamples];
  const Sample& first = samples_[sampled_ < kSamples ? 0 : sampled_ % kSamples];
  const double seconds = static_cast<double>(last.at_ms - first.at_ms) / 1000;
  // After CONFIG RESETSTAT the older samples are larger: nothing to tell for a moment.
  if (seconds <= 0 || last.commands < first.commands || last.input_bytes < first.input_bytes ||
      last.output_bytes < first.output_bytes) {
    return {};
  }
  return {static_cast<double>(last.commands - first.commands) / seconds,
          static_cast<double>(last.input_bytes - first.input_bytes) / 1024 / seconds,
          static_cast<double>(last.output_bytes - first.output_bytes) / 1024 / seconds};
}

}  // namespace larder::core
