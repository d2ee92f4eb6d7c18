// A clock for measuring commands: monotonic, cheap enough to be read once a command. On x86-64 with
// an invariant time stamp counter it is that counter, elsewhere clock_gettime.
#pragma once

#include <cstdint>

namespace larder::core {

class TickClock {
 public:
  // Measures the counter's speed; takes some milliseconds. Called once, before any thread starts.
  static void calibrate();

  static uint64_t now() {
#if defined(__x86_64__)
    if (nanoseconds_per_tick_ > 0) return __builtin_ia32_rdtsc();
#endif
    return system_nanoseconds();
  }
  static uint64_t nanoseconds(uint64_t ticks) {
    if (nanoseconds_per_tick_ == 0) return ticks;
    return static_cast<uint64_t>(static_cast<double>(ticks) * nanoseconds_per_tick_);
  }

 private:
  static uint64_t system_nanoseconds();
  static double nanoseconds_per_tick_;  // 0: ticks are nanoseconds
};

}  // namespace larder::core
