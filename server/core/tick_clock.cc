#include "server/core/tick_clock.h"

#include <chrono>
#include <fstream>
#include <string>

namespace larder::core {

double TickClock::nanoseconds_per_tick_ = 0;

uint64_t TickClock::system_nanoseconds() {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_start).count());
}

void TickClock::calibrate() {
#if defined(__x86_64__)
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line;
  bool invariant = false;
  while (!invariant && std::getline(cpuinfo, line)) {
    invariant = line.rfind("flags", 0) == 0 && line.find("constant_tsc") != std::string::npos &&
                line.find("nonstop_tsc") != std::string::npos;
  }
  if (!invariant) return;
  constexpr uint64_t kMeasureNs = 5'000'000;
  const uint64_t start_ns = system_nanoseconds();
  const uint64_t start = __builtin_ia32_rdtsc();
  uint64_t end_ns = start_ns;
  while (end_ns - start_ns < kMeasureNs) end_ns = system_nanoseconds();
  const uint64_t ticks = __builtin_ia32_rdtsc() - start;
  nanoseconds_per_tick_ = static_cast<double>(end_ns - start_ns) / static_cast<double>(ticks);
#endif
}

}  // namespace larder::core
