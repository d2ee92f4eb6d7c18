// The time of each token taken, in order: what RateAlgorithm::kLog goes by. Only for rate_limit.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/types/rate_terms.h"

namespace larder::storage {

// A stamp: milliseconds since the epoch.
inline constexpr size_t kRateStampBytes = 6;

// A token counts against a limit for its period: one taken at t until t + period, excluded.
class RateLog {
 public:
  // `stamps` must outlive it. Those that lie in the future are taken to be now.
  RateLog(std::string_view stamps, int64_t now_ms);

  bool passes(const RateTerms& terms, int64_t cost) const {
    return counted(terms.period_ms) + cost <= terms.limit;
  }
  int64_t remaining(const RateTerms& terms) const {
    return std::max<int64_t>(terms.limit - counted(terms.period_ms), 0);
  }
  // Of a request that does not pass.
  int64_t retry_after_ms(const RateTerms& terms, int64_t cost) const;
  int64_t reset_after_ms(int64_t period_ms) const;
  void charge(int64_t cost) { charged_ += cost; }
  bool set_back() const { return set_back_; }

  // The stamps that count in a period of that length, and those charged now.
  void append_to(std::string& state, int64_t period_ms) const;

 private:
  int64_t stamp(int64_t i) const;
  // How many tokens of the last `period_ms` there are.
  int64_t counted(int64_t period_ms) const { return charged_ + size_ - first_within(period_ms); }
  int64_t first_within(int64_t period_ms) const;

  std::string_view stamps_;
  int64_t now_ms_;
  int64_t size_;
  int64_t charged_ = 0;  // now
  bool set_back_;
};

}  // namespace larder::storage
