// The generic cell rate algorithm as redis-cell's CL.THROTTLE has it, to the rounding
// (https://github.com/brandur/redis-cell). The key holds what redis-cell keeps there: the
// theoretical arrival time in nanoseconds since the epoch, as an integer.
#pragma once

#include <cstdint>

#include "storage/keyspace.h"
#include "storage/result.h"

namespace larder::storage {

// Of the terms and the quantity. Beyond, sums might leave 64 bits.
inline constexpr int64_t kCellMax = 1'000'000'000;
inline constexpr int64_t kCellPeriodSecondsMax = 366LL * 24 * 3600;
// An empty bucket must be full again within 2^62 ns: 146 years.
inline constexpr int64_t kCellRefillNsMax = int64_t{1} << 62;

struct CellRequest {
  int64_t burst_max;  // 0..kCellMax: the bucket holds one token more
  int64_t count;      // of tokens that come back in each period: 1..kCellMax
  int64_t period_s;   // 1..kCellPeriodSecondsMax
  int64_t quantity;   // 0..kCellMax; 0 only looks

  // Between two tokens; rounded down as redis-cell does it. At least 1.
  int64_t interval_ns() const { return period_s * 1'000'000'000 / count; }
  bool refills_too_slowly() const { return interval_ns() > kCellRefillNsMax / (burst_max + 1); }
};

struct CellDecision {
  bool limited = false;
  int64_t limit = 0;
  int64_t remaining = 0;
  int64_t retry_after_s = -1;  // rounded up by whole milliseconds; -1: it passes now, or never
  int64_t reset_after_s = 0;   // until the bucket is full; rounded likewise
  bool stored = false;
};

// Decides, and takes the tokens unless the request is limited. An arrival time further in the
// future than an empty bucket's, after the clock was set back, is taken for that. kWrongType,
// kNotInteger.
Result<CellDecision> throttle_cell(Keyspace& db, const Key& key, const CellRequest& request);

}  // namespace larder::storage
