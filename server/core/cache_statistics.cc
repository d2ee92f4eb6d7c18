#include "server/core/cache_statistics.h"

#include <algorithm>
#include <optional>

namespace larder::core {

double hit_ratio(uint64_t hits, uint64_t misses) {
  return hits == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(hits + misses);
}

double CacheStatistics::Span::hit_ratio() const {
  return core::hit_ratio(hits, misses);
}

CacheStatistics::CacheStatistics(Config& config, storage::Store& store, int64_t now_ms)
    : values_(config.values), store_(store), begin_{now_ms, {}} {
  for (const char* name : {"stats-prefix-separator", "stats-prefixes-max"}) {
    config.on_change(name, [this] {
      apply_options();
      return std::string();
    });
  }
  apply_options();
}

// CONFIG SET holds all shards; at the start there are no others who use them.
void CacheStatistics::apply_options() {
  const std::string separator = values_.stats_prefix_separator.get();
  bool empty = true;
  for (const storage::DatabaseSize& size : store_.sizes()) empty &= size.keys == 0;
  store_.prefixes.configure(
      separator.empty() ? storage::PrefixStats::kOff : static_cast<uint8_t>(separator[0]),
      static_cast<size_t>(values_.stats_prefixes_max.load()), empty);
}

void CacheStatistics::each_second(int64_t now_ms) {
  {
    const std::lock_guard lock(mutex_);
    const Sample& last =
        samples_.empty() ? begin_ : samples_[(next_ + samples_.size() - 1) % samples_.size()];
    if (now_ms < last.at_ms) {  // the clock was set back
      begin_ = {now_ms, store_.counters()};
      samples_.clear();
      next_ = 0;
    } else if (now_ms - last.at_ms >= kSampleMs) {
      const Sample sample{now_ms, store_.counters()};
      if (samples_.size() < kSamplesMax) {
        samples_.push_back(sample);
      } else {
        samples_[next_] = sample;
        next_ = (next_ + 1) % kSamplesMax;
      }
    }
  }
  if (store_.prefixes.turn(now_ms)) {
    const storage::LockedKeys all = store_.lock_all();
    store_.prefixes.exchange();
  }
}

void CacheStatistics::reset(const storage::LockedKeys* held, int64_t now_ms) {
  std::optional<storage::LockedKeys> own;
  if (held == nullptr) held = &own.emplace(store_.lock_all());
  store_.reset_counters(held);
  store_.prefixes.reset();
  const std::lock_guard lock(mutex_);
  begin_ = {now_ms, store_.counters()};
  samples_.clear();
  next_ = 0;
}

CacheStatistics::Span CacheStatistics::since(int64_t window_ms, int64_t now_ms) const {
  const storage::StoreCounters now = store_.counters();
  const std::lock_guard lock(mutex_);
  Sample from = begin_;
  // From the oldest on, to the last one that is old enough.
  for (size_t i = 0; i < samples_.size(); i++) {
    const Sample& sample = samples_[(next_ + i) % samples_.size()];
    if (now_ms - sample.at_ms < window_ms) break;
    from = sample;
  }
  const auto more = [](uint64_t end, uint64_t begin) { return end - std::min(end, begin); };
  return {.ms = std::max<int64_t>(now_ms - from.at_ms, 0),
          .hits = more(now.hits, from.counters.hits),
          .misses = more(now.misses, from.counters.misses),
          .evicted = more(now.evicted, from.counters.evicted),
          .expired = more(now.expired, from.counters.expired)};
}

}  // namespace larder::core
