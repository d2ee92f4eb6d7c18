// The commands that took longest lately (SLOWLOG), and the latency spikes by event (LATENCY). Both
// are thread-safe; a command touches them only when it was slow.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larder::core {

struct SlowCommand {
  uint64_t id = 0;
  int64_t at_s = 0;  // Unix time
  int64_t duration_us = 0;
  std::vector<std::string> arguments;  // cut as Redis cuts them: 32 arguments of 128 bytes
  std::string peer;
  std::string client_name;
};

class Slowlog {
 public:
  static constexpr size_t kArgumentsMax = 32;
  static constexpr size_t kArgumentBytesMax = 128;

  // Keeps at most `max_entries` newest.
  void add(std::span<const std::string_view> arguments, int64_t at_s, int64_t duration_us,
           std::string_view peer, std::string_view client_name, size_t max_entries);
  // The newest first; `count` < 0 is all.
  std::vector<SlowCommand> newest(int64_t count) const;
  size_t size() const;
  void clear();

 private:
  mutable std::mutex mutex_;
  uint64_t next_id_ = 0;             // guarded by mutex_
  std::deque<SlowCommand> entries_;  // guarded by mutex_, newest first
};

struct LatencySample {
  int64_t at_s = 0;
  int64_t latency_ms = 0;
};

struct LatencyEvent {
  std::string name;
  LatencySample latest;
  int64_t max_ms = 0;
};

class LatencyMonitor {
 public:
  static constexpr size_t kSamplesMax = 160;  // an event, as Redis
  static constexpr size_t kEventsMax = 64;

  // Two spikes within the same second are kept as the larger.
  void add(std::string_view event, int64_t at_s, int64_t latency_ms);
  std::vector<LatencyEvent> latest() const;
  std::vector<LatencySample> history(std::string_view event) const;  // the oldest first
  // A sentence for each event: how many spikes, how long, how often. Empty if there were none.
  std::string describe() const;
  // The spikes of one event as columns of text, the oldest first, each over its age at `now_s`.
  // Empty if there were none.
  std::string graph(std::string_view event, int64_t now_s) const;
  // Forgets one event, or all with an empty name; returns how many were there.
  size_t reset(std::string_view event);

 private:
  struct Series {
    std::deque<LatencySample> samples;
    int64_t max_ms = 0;
  };
  static constexpr int64_t kGraphRows = 4;
  static std::string describe(std::string_view event, const Series& series);
  static std::string ages(const Series& series, int64_t now_s);

  mutable std::mutex mutex_;
  std::map<std::string, Series, std::less<>> events_;  // guarded by mutex_
};

}  // namespace larder::core
