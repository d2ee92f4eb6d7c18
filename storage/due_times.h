// When something in a segment dies next: a lower bound for all of it, and a rough one for each two
// of its buckets, so that a sweep reads few entries that live.
//
// The rough bounds are codes of a byte, times from a common base on, in steps that grow with the
// distance: a bound is early by an eighth of it at most. When that no longer tells what is due from
// what will be soon, the base is moved up.
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
  int64_t next_ms(uint32_t group) const { return time_of(codes_[group]); }
  // The groups in which something may be due, as bits.
  uint32_t due_groups(int64_t now_ms) const {
    const uint8_t now = code_of(now_ms);
    uint32_t due = 0;
    for (uint32_t g = 0; g < kGroups; g++) due |= uint32_t{codes_[g] <= now} << g;
    return due;
  }

  void note(uint32_t group, int64_t due_ms) {
    if (due_ms == kNothingDue) return;
    if (next_ms_ == kNothingDue && base_ms_ == 0) base_ms_ = due_ms;
    next_ms_ = std::min(next_ms_, due_ms);
    codes_[group] = std::min(codes_[group], code_of(due_ms));
  }
  // Makes this one, which knows nothing yet, the successor of `from`, whose entries go to other
  // groups; what they are is told by moved().
  void succeed(const DueTimes& from) {
    next_ms_ = from.next_ms_;
    base_ms_ = from.base_ms_;
  }
  void moved(const DueTimes& from, uint32_t from_group, uint32_t group) {
    codes_[group] = std::min(codes_[group], from.codes_[from_group]);
  }

  // Of some groups, as bits, it is known now when something there is due next.
  using GroupTimes = std::array<int64_t, kGroups>;
  void renew(uint32_t groups, const GroupTimes& next_ms, int64_t now_ms);

 private:
  static constexpr uint8_t kNothing = 255;
  static constexpr int kUnitBits = 4;  // of 16 ms
  // What is due so much later is not to be looked at again before.
  static constexpr int64_t kSoonMs = 64;

  // Eight steps to each power of two of units, the first sixteen of one unit each.
  static int64_t distance_ms(uint8_t code) {
    const int64_t units = code < 8 ? code : int64_t{8 + (code & 7)} << ((code >> 3) - 1);
    return units << kUnitBits;
  }
  int64_t time_of(uint8_t code) const {
    if (code == kNothing) return kNothingDue;
    return code == 0 ? std::numeric_limits<int64_t>::min() : base_ms_ + distance_ms(code);
  }
  // The largest that is not behind the time.
  uint8_t code_of(int64_t due_ms) const {
    if (due_ms <= base_ms_) return 0;
    if (due_ms == kNothingDue) return kNothing;
    const uint64_t units =
        (static_cast<uint64_t>(due_ms) - static_cast<uint64_t>(base_ms_)) >> kUnitBits;
    if (units < 8) return static_cast<uint8_t>(units);
    const int power = std::bit_width(units) - 4;
    const uint64_t code = static_cast<uint64_t>(power + 1) << 3 | (units >> power & 7);
    return static_cast<uint8_t>(std::min<uint64_t>(code, kNothing - 1));
  }
  void move_base(int64_t base_ms);

  int64_t next_ms_ = kNothingDue;
  int64_t base_ms_ = 0;
  std::array<uint8_t, kGroups> codes_;
};

inline void DueTimes::renew(uint32_t groups, const GroupTimes& next_ms, int64_t now_ms) {
  const auto each = [&](auto visit) {
    for (uint32_t rest = groups; rest != 0; rest &= rest - 1) visit(std::countr_zero(rest));
  };
  const uint8_t now = code_of(now_ms);
  bool told_apart = true;
  int64_t earliest_ms = kNothingDue;
  each([&](int group) {
    codes_[group] = code_of(next_ms[group]);
    told_apart &= codes_[group] > now || next_ms[group] < now_ms + kSoonMs;
    earliest_ms = std::min(earliest_ms, next_ms[group]);
  });
  if (!told_apart) {
    move_base(now_ms);
    each([&](int group) { codes_[group] = code_of(next_ms[group]); });
  }
  uint8_t others = kNothing;
  for (uint32_t g = 0; g < kGroups; g++) {
    others = std::min(others, static_cast<uint8_t>(codes_[g] | -(groups >> g & 1)));
  }
  next_ms_ = std::min(earliest_ms, time_of(others));
}

// What lay between loses up to an eighth of its distance.
inline void DueTimes::move_base(int64_t base_ms) {
  const DueTimes before = *this;
  base_ms_ = base_ms;
  for (uint32_t g = 0; g < kGroups; g++) {
    if (codes_[g] != kNothing) codes_[g] = code_of(before.next_ms(g));
  }
}

}  // namespace larder::storage
