// Rate limits: may something be done now, or has there been too much of it?
//
// A key holds the state of a limiter as a string, which expires when nothing of it counts any more.
// Every decision is a function of the state, the time and what is asked; limits come with each
// request and are not stored, so they may differ from one to the next. All arithmetic is in
// integers and exact.
//
//   kGcra     the token bucket: `burst` tokens at most, `limit` come back in each period
//             (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm)
//   kFixed    windows of a period, each begun by the first request behind the one before
//   kSliding  the same, where of the window before counts the share that a sliding window covers
//   kLog      the time of each request: in no period are there ever more
//
// A state may live longer than it matters: for a period, up to kRateLingerMs, since who comes once
// mostly comes again, and to make a key costs several times what it costs to change one; and until
// the end of a second, since a sweep would else find some dead in every part of every table, all
// the time.
//
// A clock that is set back gives nobody more, and locks nobody out for longer than an exhausted
// limit does: what lies in the future is taken to be now.
//
// Everything here runs under the lock that the Keyspace was made for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/keyspace.h"
#include "storage/result.h"

namespace larder::storage {

enum class RateAlgorithm : uint8_t { kGcra = 1, kFixed, kSliding, kLog };

inline constexpr int64_t kRateMax = 1'000'000'000;  // limits, bursts, costs
inline constexpr int64_t kRatePeriodMsMax = 366LL * 24 * 3600 * 1000;
inline constexpr size_t kRateLimitsMax = 16;
inline constexpr int64_t kRateScaleMax = 10'000;  // percent
// An empty bucket must be full again after this time.
inline constexpr int64_t kRateRefillMsMax = 100 * kRatePeriodMsMax;
// Of a limit of kLog, which keeps 6 bytes for each token.
inline constexpr int64_t kRateLogMax = 10'000;

inline constexpr int64_t kRateLingerMs = 60'000;
inline constexpr int64_t kRateGrainMs = 1000;
// When the state of a limit is to expire.
inline int64_t rate_expiry(int64_t now_ms, int64_t reset_after_ms, int64_t period_ms) {
  const int64_t at_ms = now_ms + std::max(reset_after_ms, std::min(period_ms, kRateLingerMs));
  return (at_ms + kRateGrainMs - 1) / kRateGrainMs * kRateGrainMs;
}

struct RateLimit {
  int64_t limit;      // tokens a period, 1..kRateMax
  int64_t period_ms;  // 1..kRatePeriodMsMax
};

struct RateRequest {
  std::span<const RateLimit> limits;  // 1..kRateLimitsMax
  RateAlgorithm algorithm = RateAlgorithm::kGcra;
  int64_t burst = 0;            // capacity of every bucket, 1..kRateMax; 0: its limit
  int64_t cost = 1;             // tokens asked for, 1..kRateMax
  int64_t scale_percent = 100;  // of limits and bursts, 1..kRateScaleMax
  bool peek = false;            // decides, but takes nothing
};

// `limit` or a burst under a scale: at least 1 and at most kRateMax.
int64_t scaled_rate(int64_t limit, int64_t scale_percent);
// Whether an empty bucket of any of the limits takes more than kRateRefillMsMax to fill.
bool refills_too_slowly(const RateRequest& request);

// All limits are asked; tokens are taken from each or from none. The numbers are those of the
// binding limit: of those that refuse the one to wait for longest, else the one with least left.
struct RateDecision {
  bool limited;
  size_t binding;          // index
  int64_t limit;           // under the scale; for kGcra the bucket's capacity
  int64_t remaining;       // tokens left now
  int64_t retry_after_ms;  // when the same request would pass; -1: it passes now, or never
  int64_t reset_after_ms;  // when nothing counts any more
};

// A state to be stored.
class RateState {
 public:
  // What one limit takes, of all algorithms but kLog; in front of all stands a byte.
  static constexpr size_t kMeterBytes = 20;

  std::string_view bytes() const { return log.empty() ? std::string_view(meters, used) : log; }

  char meters[1 + kRateLimitsMax * kMeterBytes];
  size_t used = 0;
  std::string log;  // of kLog
};

// Decides and stores what follows: a request that is refused or only looks changes nothing (but for
// a clock that was set back). The state of other limits than these, in number or periods, or of
// another algorithm, counts as none; limits, bursts and scales may change. kWrongType,
// kNotRateLimit: the key holds something else, and is left alone.
struct Throttled {
  RateDecision decision{};
  bool stored = false;
};
Result<Throttled> throttle(Keyspace& db, const Key& key, const RateRequest& request);

// The decision alone. `state` is the present one, empty for none; `next`, which it must be no part
// of, becomes the one to store, until `expire_at_ms`, if `changed`. kNotRateLimit.
struct RateStep {
  RateDecision decision{};
  bool changed = false;
  int64_t expire_at_ms = 0;
};
Result<RateStep> decide(const RateRequest& request, std::string_view state, int64_t now_ms,
                        RateState& next);

}  // namespace larder::storage
