// What a limit amounts to in one request, and the arithmetic of rates; only for rate_limit.cc.
#pragma once

#include <cstdint>

#include "storage/types/rate_limit.h"

namespace larder::storage {

struct RateTerms {
  int64_t limit;  // under the scale, as is the burst
  int64_t period_ms;
  int64_t burst;
  int64_t refill_ms;  // of an empty bucket, rounded up; with or without the scale, the longer
};

// Instead of a time to wait.
inline constexpr int64_t kNeverPasses = -1;

// Products of rates and times: up to 10^9 tokens times a century.
using Wide = unsigned __int128;

// Rounded down; mostly both fit 64 bits, and the machine's division is much faster.
inline int64_t quotient(Wide a, int64_t b) {
  const auto divisor = static_cast<uint64_t>(b);
  if (a >> 64 == 0) return static_cast<int64_t>(static_cast<uint64_t>(a) / divisor);
  return static_cast<int64_t>(a / divisor);
}
inline int64_t quotient_up(Wide a, int64_t b) {
  return quotient(a + static_cast<uint64_t>(b) - 1, b);
}
inline Wide product(int64_t a, int64_t b) {
  return static_cast<Wide>(a) * static_cast<uint64_t>(b);
}

inline int64_t refill_ms(int64_t burst, const RateLimit& limit) {
  return quotient_up(product(burst, limit.period_ms), limit.limit);
}

}  // namespace larder::storage
