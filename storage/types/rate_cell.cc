#include "storage/types/rate_cell.h"

#include <algorithm>

#include "storage/number.h"
#include "storage/types/rate_limit.h"
#include "storage/types/string.h"

namespace larder::storage {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

// redis-cell adds a second if whole milliseconds are left over; what is below one is lost.
int64_t whole_seconds(int64_t ns) {
  return (ns / kNsPerMs + 999) / 1000;
}

// redis-cell divides microseconds, which leaves nothing of an interval below one.
int64_t tokens_in(int64_t ns, int64_t interval_ns) {
  return interval_ns < 1000 ? ns / interval_ns : (ns / 1000) / (interval_ns / 1000);
}

}  // namespace

Result<CellDecision> throttle_cell(Keyspace& db, const Key& key, const CellRequest& request) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  const int64_t now_ns = db.now_ms() * kNsPerMs;
  int64_t arrival_ns = now_ns;
  Entry* entry = found.value();
  if (entry != nullptr) {
    char digits[kIntegerTextMax];
    if (!parse_integer(entry->string(digits), arrival_ns)) return Status::kNotInteger;
  }

  const int64_t interval_ns = request.interval_ns();
  const int64_t tolerance_ns = interval_ns * (request.burst_max + 1);
  arrival_ns = std::max(arrival_ns, now_ns);
  const bool set_back = arrival_ns - now_ns > tolerance_ns;
  int64_t ahead_ns = std::min(arrival_ns - now_ns, tolerance_ns);
  const __int128 increment_ns = static_cast<__int128>(interval_ns) * request.quantity;
  const __int128 excess_ns = ahead_ns + increment_ns - tolerance_ns;

  CellDecision decision{.limited = excess_ns > 0, .limit = request.burst_max + 1};
  if (!decision.limited) {
    ahead_ns += static_cast<int64_t>(increment_ns);
  } else if (increment_ns <= tolerance_ns) {
    decision.retry_after_s = whole_seconds(static_cast<int64_t>(excess_ns));
  }
  decision.remaining = std::min(tokens_in(tolerance_ns - ahead_ns, interval_ns), decision.limit);
  decision.reset_after_s = whole_seconds(ahead_ns);
  decision.stored = set_back || (!decision.limited && request.quantity > 0);
  if (decision.stored) {
    arrival_ns = now_ns + ahead_ns;
    const int64_t expire_at_ms =
        rate_expiry(db.now_ms(), (ahead_ns + kNsPerMs - 1) / kNsPerMs, request.period_s * 1000);
    if (entry != nullptr && entry->kind() == ValueKind::kInteger &&
        entry->expire_at_ms() == expire_at_ms) {
      db.set_integer(key, *entry, arrival_ns);
    } else {
      db.put_integer(key, arrival_ns, expire_at_ms, kKeepTags);
    }
  }
  return decision;
}

}  // namespace larder::storage
