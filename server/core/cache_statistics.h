// How well the cache does: hits, evictions and expirations over the last minutes. And what the
// options of statistics by prefix (storage/prefix_stats.h) have to say to the store.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "server/core/config.h"
#include "storage/store.h"

namespace larder::core {

class CacheStatistics {
 public:
  // Subscribes to the options, and applies them at once.
  CacheStatistics(Config& config, storage::Store& store, int64_t now_ms);

  // What is done now and then, by one worker; it locks shards. Throws HeldForLong, and then has
  // only not given prefixes to the busier.
  void each_second(int64_t now_ms);

  // All that the key space counted begins at 0, but keys and bytes. `held`: a lock on all shards
  // that the caller has, or null. Any thread.
  void reset(const storage::LockedKeys* held, int64_t now_ms);

  struct Window {
    std::string_view name;
    int64_t ms;
  };
  static constexpr std::array<Window, 3> kWindows{
      {{"1m", 60'000}, {"5m", 300'000}, {"60m", 3'600'000}}};
  static constexpr int64_t kSampleMs = 5000;

  // What was counted in a span of time.
  struct Span {
    int64_t ms = 0;
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t evicted = 0;
    uint64_t expired = 0;

    double hit_ratio() const;  // 0 without hits and misses
    double per_second(uint64_t count) const {
      return ms > 0 ? static_cast<double>(count) * 1000 / static_cast<double>(ms) : 0;
    }
  };
  // In the last `window_ms`, and up to kSampleMs more; less if it was not counted so long. Any
  // thread.
  Span since(int64_t window_ms, int64_t now_ms) const;

 private:
  struct Sample {
    int64_t at_ms = 0;
    storage::StoreCounters counters;
  };
  static constexpr size_t kSamplesMax = kWindows.back().ms / kSampleMs + 1;

  void apply_options();

  ConfigValues& values_;
  storage::Store& store_;

  mutable std::mutex mutex_;
  // Guarded by mutex_: where counting began, and since then a ring, kSampleMs apart.
  Sample begin_;
  std::vector<Sample> samples_;
  size_t next_ = 0;
};

// Of hits among hits and misses: 0 if there was neither.
double hit_ratio(uint64_t hits, uint64_t misses);

}  // namespace larder::core
