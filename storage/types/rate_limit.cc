#include "storage/types/rate_limit.h"

#include <algorithm>
#include <cstring>

#include "storage/types/rate_log.h"
#include "storage/types/rate_meters.h"
#include "storage/types/string.h"

namespace larder::storage {
namespace {

// What one limit of the request amounts to.
RateTerms terms_of(const RateRequest& request, const RateLimit& limit) {
  const RateLimit scaled{scaled_rate(limit.limit, request.scale_percent), limit.period_ms};
  if (request.burst == 0) return {scaled.limit, limit.period_ms, scaled.limit, limit.period_ms};
  const int64_t burst = scaled_rate(request.burst, request.scale_percent);
  return {scaled.limit, limit.period_ms, burst,
          std::max(refill_ms(request.burst, limit), refill_ms(burst, scaled))};
}

// Finds the limit that binds: offered one after the other.
class Binding {
 public:
  // The limit refuses, until a time has passed; kNeverPasses if it always will.
  void refuse(size_t index, int64_t retry_after_ms) {
    if (limited_ && !later(retry_after_ms, retry_after_ms_)) return;
    limited_ = true;
    index_ = index;
    retry_after_ms_ = retry_after_ms;
  }
  void allow(size_t index, int64_t remaining) {
    if (limited_ || (index_ != kNone && remaining >= remaining_)) return;
    index_ = index;
    remaining_ = remaining;
  }

  bool limited() const { return limited_; }
  size_t index() const { return index_; }
  int64_t retry_after_ms() const { return retry_after_ms_; }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  static bool later(int64_t a, int64_t b) {
    return b != kNeverPasses && (a == kNeverPasses || a > b);
  }

  bool limited_ = false;
  size_t index_ = kNone;
  int64_t remaining_ = 0;
  int64_t retry_after_ms_ = kNeverPasses;
};

// A state begins with the number of its algorithm.
bool is_state(std::string_view state) {
  if (state.empty()) return true;
  switch (static_cast<RateAlgorithm>(state[0])) {
    case RateAlgorithm::kGcra:
    case RateAlgorithm::kFixed:
    case RateAlgorithm::kSliding:
      return state.size() > 1 && (state.size() - 1) % RateState::kMeterBytes == 0;
    case RateAlgorithm::kLog:
      return (state.size() - 1) % kRateStampBytes == 0;
  }
  return false;
}

// Takes the meters of these limits from a state, or new ones if it is of others.
template <typename Meter>
void read_meters(const RateRequest& request, std::string_view state, int64_t now_ms,
                 Meter* meters) {
  const size_t count = request.limits.size();
  bool ours = state.size() == 1 + count * RateState::kMeterBytes &&
              static_cast<RateAlgorithm>(state[0]) == request.algorithm;
  MeterRecord records[kRateLimitsMax];
  for (size_t i = 0; i < count && ours; i++) {
    records[i] = read_record(state.data() + 1 + i * RateState::kMeterBytes);
    ours = records[i].period_ms == request.limits[i].period_ms;
  }
  for (size_t i = 0; i < count; i++) {
    const RateTerms terms = terms_of(request, request.limits[i]);
    meters[i] = ours ? Meter(terms, records[i], now_ms) : Meter(terms, now_ms);
  }
}

template <typename Meter>
RateStep decide_by_meters(const RateRequest& request, std::string_view state, int64_t now_ms,
                          RateState& next) {
  Meter meters[kRateLimitsMax];
  read_meters(request, state, now_ms, meters);
  const size_t count = request.limits.size();
  Binding binding;
  RateStep step;
  for (size_t i = 0; i < count; i++) {
    if (!meters[i].passes(request.cost)) binding.refuse(i, meters[i].retry_after_ms(request.cost));
    step.changed |= !request.peek && meters[i].set_back();
  }
  const bool charged = !binding.limited() && !request.peek;
  step.changed |= charged;
  next.meters[0] = static_cast<char>(request.algorithm);
  next.used = 1 + count * RateState::kMeterBytes;
  for (size_t i = 0; i < count; i++) {
    if (charged) meters[i].charge(request.cost);
    binding.allow(i, meters[i].remaining());
    step.expire_at_ms = std::max(step.expire_at_ms, rate_expiry(now_ms, meters[i].reset_after_ms(),
                                                                request.limits[i].period_ms));
    if (step.changed) {
      write_record(meters[i].record(), next.meters + 1 + i * RateState::kMeterBytes);
    }
  }
  const Meter& binds = meters[binding.index()];
  step.decision = {binding.limited(), binding.index(),          binds.limit(),
                   binds.remaining(), binding.retry_after_ms(), binds.reset_after_ms()};
  return step;
}

RateStep decide_by_log(const RateRequest& request, std::string_view state, int64_t now_ms,
                       RateState& next) {
  const bool ours = !state.empty() && static_cast<RateAlgorithm>(state[0]) == RateAlgorithm::kLog;
  RateLog log(ours ? state.substr(1) : std::string_view(), now_ms);
  Binding binding;
  for (size_t i = 0; i < request.limits.size(); i++) {
    const RateTerms terms = terms_of(request, request.limits[i]);
    if (!log.passes(terms, request.cost)) {
      binding.refuse(i, log.retry_after_ms(terms, request.cost));
    }
  }
  RateStep step{.changed = !request.peek && log.set_back()};
  if (!binding.limited() && !request.peek) {
    log.charge(request.cost);
    step.changed = true;
  }
  int64_t longest_ms = 0;
  for (size_t i = 0; i < request.limits.size(); i++) {
    binding.allow(i, log.remaining(terms_of(request, request.limits[i])));
    longest_ms = std::max(longest_ms, request.limits[i].period_ms);
  }
  if (step.changed) {
    next.log = static_cast<char>(RateAlgorithm::kLog);
    log.append_to(next.log, longest_ms);
  }
  step.expire_at_ms = rate_expiry(now_ms, log.reset_after_ms(longest_ms), longest_ms);
  const RateTerms binds = terms_of(request, request.limits[binding.index()]);
  step.decision = {
      binding.limited(),    binding.index(),          binds.limit,
      log.remaining(binds), binding.retry_after_ms(), log.reset_after_ms(binds.period_ms)};
  return step;
}

// In place of `entry`, the live one of the key or null: mostly only some of its bytes change.
void store(Keyspace& db, const Key& key, Entry* entry, std::string_view state,
           int64_t expire_at_ms) {
  if (entry == nullptr || entry->kind() != ValueKind::kText ||
      entry->text().size() != state.size() || entry->expire_at_ms() != expire_at_ms) {
    return db.put_text(key, state, expire_at_ms, false, kKeepTags);
  }
  std::memcpy(entry->text_bytes(), state.data(), state.size());
  db.note_written(key);
}

}  // namespace

int64_t scaled_rate(int64_t limit, int64_t scale_percent) {
  if (scale_percent == 100) return limit;
  return std::clamp<int64_t>(limit * scale_percent / 100, 1, kRateMax);
}

bool refills_too_slowly(const RateRequest& request) {
  return std::any_of(request.limits.begin(), request.limits.end(), [&](const RateLimit& limit) {
    return product(request.burst, limit.period_ms) > product(kRateRefillMsMax, limit.limit);
  });
}

Result<RateStep> decide(const RateRequest& request, std::string_view state, int64_t now_ms,
                        RateState& next) {
  if (!is_state(state)) return Status::kNotRateLimit;
  switch (request.algorithm) {
    case RateAlgorithm::kGcra:
      return decide_by_meters<TokenBucket>(request, state, now_ms, next);
    case RateAlgorithm::kFixed:
      return decide_by_meters<FixedWindow>(request, state, now_ms, next);
    case RateAlgorithm::kSliding:
      return decide_by_meters<SlidingWindow>(request, state, now_ms, next);
    case RateAlgorithm::kLog:
      break;
  }
  return decide_by_log(request, state, now_ms, next);
}

Result<Throttled> throttle(Keyspace& db, const Key& key, const RateRequest& request) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  std::string_view state;
  Entry* entry = found.value();
  if (entry != nullptr) {
    if (entry->kind() == ValueKind::kInteger) return Status::kNotRateLimit;
    char digits[kIntegerTextMax];
    state = entry->string(digits);
    if (state.empty()) return Status::kNotRateLimit;
  }
  RateState next;
  const Result<RateStep> step = decide(request, state, db.now_ms(), next);
  if (!step.ok()) return step.status();
  const auto& [decision, changed, expire_at_ms] = step.value();
  if (changed) store(db, key, entry, next.bytes(), expire_at_ms);
  return Throttled{decision, changed};
}

}  // namespace larder::storage
