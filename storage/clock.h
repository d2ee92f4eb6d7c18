// Time as a parameter. The engine never reads a clock: callers pass milliseconds since the Unix
// epoch, taken from one of these at the edge.
#pragma once

#include <chrono>
#include <cstdint>

namespace larder::storage {

// The expiry of a key that never expires, in every interface that carries one.
inline constexpr int64_t kNoExpiry = -1;

class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since the Unix epoch. May step backwards when the system's clock is set.
  virtual int64_t now_us() const = 0;
  int64_t now_ms() const { return now_us() / 1000; }
};

class SystemClock final : public Clock {
 public:
  int64_t now_us() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
  }
};

// For tests: stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t start_ms = 1'700'000'000'000) : now_us_(start_ms * 1000) {}
  int64_t now_us() const override { return now_us_; }
  void advance_ms(int64_t ms) { now_us_ += ms * 1000; }
  void set_ms(int64_t ms) { now_us_ = ms * 1000; }

 private:
  int64_t now_us_;
};

}  // namespace larder::storage
