// From a loop's monotonic milliseconds to those since the epoch.
//
// The two clocks' milliseconds do not begin at the same time, so the difference of the whole ones
// is one more or less from one reading to the next, and time would go back between two commands.
// Therefore the offset stays until it is wrong by more than half a millisecond beyond its own.
#pragma once

#include <cstdint>

namespace larder::core {

class EpochOffset {
 public:
  int64_t ms() const { return ms_; }
  // Both clocks, read at the same time, in microseconds.
  void update(int64_t epoch_us, int64_t monotonic_us) {
    constexpr int64_t kMs = 1000;
    const int64_t offset_us = epoch_us - monotonic_us;
    const int64_t beyond_us = offset_us - ms_ * kMs;
    if (beyond_us < -kMs / 2 || beyond_us >= kMs + kMs / 2) ms_ = offset_us / kMs;
  }

 private:
  int64_t ms_ = 0;
};

}  // namespace larder::core
