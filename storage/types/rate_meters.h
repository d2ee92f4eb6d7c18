// How much of one limit is used up, for the algorithms that keep a number or two of it; only for
// rate_limit.cc. A meter is made from its record at the time of a decision, asked, perhaps charged,
// and written back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "storage/types/rate_terms.h"

namespace larder::storage {

// What a meter is stored as, in 20 bytes: 6, 6, 4 and 4. Times are milliseconds since the epoch.
//
//   TokenBucket     time: when it is full again, plus first / second of a millisecond
//   FixedWindow     time: when the window began, first: tokens taken in it
//   SlidingWindow   the same, second: tokens taken in the window before
struct MeterRecord {
  int64_t period_ms;
  int64_t time_ms;
  uint32_t first;
  uint32_t second;
};

inline MeterRecord read_record(const char* from) {
  MeterRecord record{};
  std::memcpy(&record.period_ms, from, 6);
  std::memcpy(&record.time_ms, from + 6, 6);
  std::memcpy(&record.first, from + 12, 4);
  std::memcpy(&record.second, from + 16, 4);
  return record;
}

inline void write_record(const MeterRecord& record, char* to) {
  std::memcpy(to, &record.period_ms, 6);
  std::memcpy(to + 6, &record.time_ms, 6);
  std::memcpy(to + 12, &record.first, 4);
  std::memcpy(to + 16, &record.second, 4);
}

// What is taken is measured in parts of 1/limit of a millisecond: a token is `period_ms` of them,
// and each millisecond gives `limit` back. So nothing is ever rounded.
class TokenBucket {
 public:
  TokenBucket() = default;
  TokenBucket(const RateTerms& terms, int64_t now_ms)
      : terms_(terms),
        now_ms_(now_ms),
        capacity_(product(terms.burst, terms.period_ms)),
        used_(0) {}
  TokenBucket(const RateTerms& terms, const MeterRecord& record, int64_t now_ms)
      : TokenBucket(terms, now_ms) {
    const int64_t ahead_ms = record.time_ms - now_ms;
    if (ahead_ms < 0) return;
    set_back_ = ahead_ms > terms.refill_ms;
    used_ = product(std::min(ahead_ms, terms.refill_ms), terms.limit);
    if (set_back_ || record.first == 0 || record.second == 0) return;
    // Under another limit than the last one a part of a millisecond is rounded up.
    used_ += record.second == terms.limit
                 ? record.first
                 : quotient_up(product(record.first, terms.limit), record.second);
  }

  bool passes(int64_t cost) const { return used_ + price(cost) <= capacity_; }
  void charge(int64_t cost) { used_ += price(cost); }
  bool set_back() const { return set_back_; }

  int64_t limit() const { return terms_.burst; }
  int64_t remaining() const {
    return used_ >= capacity_ ? 0 : quotient(capacity_ - used_, terms_.period_ms);
  }
  int64_t retry_after_ms(int64_t cost) const {
    if (price(cost) > capacity_) return kNeverPasses;
    return quotient_up(used_ + price(cost) - capacity_, terms_.limit);
  }
  int64_t reset_after_ms() const { return quotient_up(used_, terms_.limit); }
  MeterRecord record() const {
    const int64_t whole_ms = quotient(used_, terms_.limit);
    return {terms_.period_ms, now_ms_ + whole_ms,
            static_cast<uint32_t>(used_ - product(whole_ms, terms_.limit)),
            static_cast<uint32_t>(terms_.limit)};
  }

 private:
  Wide price(int64_t cost) const { return product(cost, terms_.period_ms); }

  RateTerms terms_;
  int64_t now_ms_;
  Wide capacity_;
  Wide used_;
  bool set_back_ = false;
};

class FixedWindow {
 public:
  FixedWindow() = default;
  FixedWindow(const RateTerms& terms, int64_t now_ms)
      : terms_(terms), now_ms_(now_ms), began_ms_(now_ms), taken_(0) {}
  FixedWindow(const RateTerms& terms, const MeterRecord& record, int64_t now_ms)
      : FixedWindow(terms, now_ms) {
    if (now_ms - record.time_ms >= terms.period_ms) return;
    set_back_ = record.time_ms > now_ms;
    began_ms_ = std::min(record.time_ms, now_ms);
    taken_ = record.first;
  }

  bool passes(int64_t cost) const { return taken_ + cost <= terms_.limit; }
  void charge(int64_t cost) { taken_ += cost; }
  bool set_back() const { return set_back_; }

  int64_t limit() const { return terms_.limit; }
  int64_t remaining() const { return std::max<int64_t>(terms_.limit - taken_, 0); }
  int64_t retry_after_ms(int64_t cost) const {
    return cost > terms_.limit ? kNeverPasses : reset_after_ms();
  }
  int64_t reset_after_ms() const {
    return taken_ == 0 ? 0 : began_ms_ + terms_.period_ms - now_ms_;
  }
  MeterRecord record() const {
    return {terms_.period_ms, began_ms_, static_cast<uint32_t>(taken_), 0};
  }

 private:
  RateTerms terms_;
  int64_t now_ms_;
  int64_t began_ms_;
  int64_t taken_;
  bool set_back_ = false;
};

// Of the window before counts taken * (period - elapsed) / period: all is multiplied by the period.
class SlidingWindow {
 public:
  SlidingWindow() = default;
  SlidingWindow(const RateTerms& terms, int64_t now_ms)
      : terms_(terms), now_ms_(now_ms), began_ms_(now_ms), taken_(0), before_(0) {}
  SlidingWindow(const RateTerms& terms, const MeterRecord& record, int64_t now_ms)
      : SlidingWindow(terms, now_ms) {
    const int64_t passed_ms = now_ms - record.time_ms;
    set_back_ = passed_ms < 0;
    if (passed_ms < terms.period_ms) {
      began_ms_ = std::min(record.time_ms, now_ms);
      taken_ = record.first;
      before_ = record.second;
    } else if (passed_ms - terms.period_ms < terms.period_ms) {
      began_ms_ = record.time_ms + terms.period_ms;
      before_ = record.first;
    }
  }

  bool passes(int64_t cost) const { return weight() + price(cost) <= price(terms_.limit); }
  void charge(int64_t cost) { taken_ += cost; }
  bool set_back() const { return set_back_; }

  int64_t limit() const { return terms_.limit; }
  int64_t remaining() const {
    const Wide all = price(terms_.limit);
    return weight() >= all ? 0 : quotient(all - weight(), terms_.period_ms);
  }
  int64_t retry_after_ms(int64_t cost) const {
    if (cost > terms_.limit) return kNeverPasses;
    const int64_t free = terms_.limit - cost;
    // Either the window before must fade further, or this one must become it and fade.
    if (taken_ <= free) return quotient_up(weight() - price(free), before_);
    return left_ms() + quotient_up(price(taken_ - free), taken_);
  }
  int64_t reset_after_ms() const {
    if (taken_ != 0) return left_ms() + terms_.period_ms;
    return before_ != 0 ? left_ms() : 0;
  }
  MeterRecord record() const {
    return {terms_.period_ms, began_ms_, static_cast<uint32_t>(taken_),
            static_cast<uint32_t>(before_)};
  }

 private:
  Wide price(int64_t tokens) const { return product(tokens, terms_.period_ms); }
  int64_t left_ms() const { return began_ms_ + terms_.period_ms - now_ms_; }
  Wide weight() const { return product(before_, left_ms()) + price(taken_); }

  RateTerms terms_;
  int64_t now_ms_;
  int64_t began_ms_;
  int64_t taken_;
  int64_t before_;
  bool set_back_ = false;
};

}  // namespace larder::storage
