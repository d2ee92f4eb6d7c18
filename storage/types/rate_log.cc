#include "storage/types/rate_log.h"

#include <cstring>

namespace larder::storage {
namespace {

int64_t read_stamp(std::string_view stamps, int64_t i) {
  int64_t at_ms = 0;
  std::memcpy(&at_ms, stamps.data() + i * static_cast<int64_t>(kRateStampBytes), kRateStampBytes);
  return at_ms;
}

}  // namespace

RateLog::RateLog(std::string_view stamps, int64_t now_ms)
    : stamps_(stamps),
      now_ms_(now_ms),
      size_(static_cast<int64_t>(stamps.size() / kRateStampBytes)),
      set_back_(size_ != 0 && read_stamp(stamps, size_ - 1) > now_ms) {}

int64_t RateLog::stamp(int64_t i) const {
  return std::min(read_stamp(stamps_, i), now_ms_);
}

int64_t RateLog::first_within(int64_t period_ms) const {
  int64_t first = 0;
  for (int64_t end = size_; first < end;) {
    const int64_t middle = first + (end - first) / 2;
    if (stamp(middle) > now_ms_ - period_ms) {
      end = middle;
    } else {
      first = middle + 1;
    }
  }
  return first;
}

int64_t RateLog::retry_after_ms(const RateTerms& terms, int64_t cost) const {
  if (cost > terms.limit) return kNeverPasses;
  // As many of the newest as may stay; the one before them has to go.
  const int64_t stay = terms.limit - cost;
  return std::max<int64_t>(stamp(size_ - stay - 1) + terms.period_ms - now_ms_, 1);
}

int64_t RateLog::reset_after_ms(int64_t period_ms) const {
  if (charged_ != 0) return period_ms;
  if (first_within(period_ms) == size_) return 0;
  return std::max<int64_t>(stamp(size_ - 1) + period_ms - now_ms_, 0);  // whoever wrote it
}

void RateLog::append_to(std::string& state, int64_t period_ms) const {
  const int64_t first = first_within(period_ms);
  const auto tokens = static_cast<size_t>(size_ - first + charged_);
  state.reserve(state.size() + tokens * kRateStampBytes);
  const auto append = [&](int64_t at_ms) {
    state.append(reinterpret_cast<const char*>(&at_ms), kRateStampBytes);
  };
  for (int64_t i = first; i < size_; i++) append(stamp(i));
  for (int64_t i = 0; i < charged_; i++) append(now_ms_);
}

}  // namespace larder::storage
