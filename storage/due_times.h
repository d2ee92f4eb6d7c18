// When something in a segment dies next: a lower bound for all of it, and a rough one for each two
// of its buckets, so that a sweep reads few entries that live.
//
// The rough bounds are codes of a byte, times from a common base on, in steps that grow with the
// distance: a bound is early by an eighth of it at most. Whoever looks where nothing is due yet
// notes anew what is there, from a later base, and so comes closer.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace larder::storage {

// Times are milliseconds since the epoch.
class DueTimes {
 public:
  static constexpr int64_t kNothingDue = std::numeric_limits<int64_t>::max();
  static constexpr uint32_t kGroups = 32;
  // Two neighbours, and in the rare larger segment every kGroups-th pair.
  static uint32_t group_of(uint32_t bucket) { return bucket / 2 % kGroups; }

  DueTimes() { codes_.fill(kNothing); }
  explicit DueTimes(int64_t base_ms) : DueTimes() { base_ms_ = base_ms; }

  int64_t next_ms() const { return next_ms_; }
  // kNothingDue if nothing is in the group that dies.
  int64_t next_ms(uint32_t group) const {
    const uint8_t code = codes_[group];
    if (code == kNothing) return kNothingDue;
    return code == 0 ? std::numeric_limits<int64_t>::min() : base_ms_ + distance_ms(code);
  }

  void note(uint32_t group, int64_t due_ms) {
    if (due_ms == kNothingDue) return;
    if (next_ms_ == kNothingDue && base_ms_ == 0) base_ms_ = due_ms;
    next_ms_ = std::min(next_ms_, due_ms);
    codes_[group] = std::min(codes_[group], code_of(due_ms));
  }
  // Of `from`, whose entries went to unknown groups.
  void note_all(const DueTimes& from) {
    next_ms_ = from.next_ms_;
    base_ms_ = from.base_ms_;
    if (next_ms_ != kNothingDue) codes_.fill(code_of(next_ms_));
  }

 private:
  static constexpr uint8_t kNothing = 255;
  static constexpr int kUnitBits = 4;  // of 16 ms

  // Eight steps to each power of two of units, the first sixteen of one unit each.
  static int64_t distance_ms(uint8_t code) {
    const int64_t units = code < 8 ? code : int64_t{8 + (code & 7)} << ((code >> 3) - 1);
    return units << kUnitBits;
  }
  // The largest that is not behind the time.
  uint8_t code_of(int64_t due_ms) const {
    if (due_ms <= base_ms_) return 0;
    const uint64_t units =
        (static_cast<uint64_t>(due_ms) - static_cast<uint64_t>(base_ms_)) >> kUnitBits;
    if (units < 8) return static_cast<uint8_t>(units);
    const int power = std::bit_width(units) - 4;
    const uint64_t code = static_cast<uint64_t>(power + 1) << 3 | (units >> power & 7);
    return static_cast<uint8_t>(std::min<uint64_t>(code, kNothing - 1));
  }

  int64_t next_ms_ = kNothingDue;
  int64_t base_ms_ = 0;
  std::array<uint8_t, kGroups> codes_;
};

}  // namespace larder::storage
