#include "storage/access_clock.h"

#include <algorithm>
#include <bit>

namespace larder::storage {
namespace {

constexpr uint64_t kKeysPerBatchedAccess = 2'048;

}  // namespace

uint64_t AccessClock::keys() const {
  return static_cast<uint64_t>(std::max<int64_t>(keys_.load(std::memory_order_relaxed), 0));
}

void AccessClock::set_keys(uint64_t keys) {
  keys_.store(static_cast<int64_t>(keys), std::memory_order_relaxed);
  retune();
}

bool AccessClock::advance(uint32_t accesses, int64_t now_ms) {
  const uint64_t distance = uint64_t{accesses} * step_.load(std::memory_order_relaxed);
  const uint64_t position = position_.fetch_add(distance, std::memory_order_relaxed);
  const uint64_t before = position >> kFractionBits;
  const uint64_t after = (position + distance) >> kFractionBits;
  if (before == after) return false;
  tick_.store(static_cast<uint32_t>(after) & kTickMask, std::memory_order_relaxed);
  mark_time(before, after, now_ms);
  retune();
  return true;
}

// A tick is keys / 64 accesses, and a batch never more than a tick.
void AccessClock::retune() {
  const uint64_t now_keys = std::max(keys(), kKeysMin);
  const uint64_t step = (uint64_t{kTicksPerGeneration} << kFractionBits) / now_keys;
  step_.store(static_cast<uint32_t>(std::max<uint64_t>(step, 1)), std::memory_order_relaxed);
  const uint64_t batch = std::bit_floor(std::max<uint64_t>(now_keys / kKeysPerBatchedAccess, 1));
  batch_.store(static_cast<uint32_t>(std::min<uint64_t>(batch, kBatchMax)),
               std::memory_order_relaxed);
}

void AccessClock::mark_time(uint64_t before, uint64_t after, int64_t now_ms) {
  moved_at_ms_.store(now_ms, std::memory_order_relaxed);
  const auto now_s = static_cast<uint32_t>(now_ms / 1000);
  const uint64_t first = before / kTicksPerMark + (before == 0 ? 0 : 1);
  const uint64_t last = after / kTicksPerMark;
  for (uint64_t group = first; group <= last && group < first + kMarks; group++) {
    marks_[group % kMarks].store(now_s, std::memory_order_relaxed);
  }
}

uint64_t AccessClock::seconds_since(uint32_t tick_then, int64_t now_ms) const {
  const int64_t moved_at_ms = moved_at_ms_.load(std::memory_order_relaxed);
  const uint32_t now_tick = tick();
  const uint32_t group = tick_then / kTicksPerMark;
  const int64_t from_ms = int64_t{marks_[group].load(std::memory_order_relaxed)} * 1000;
  // The group that the clock is in ends where the clock is now.
  const bool current = group == now_tick / kTicksPerMark;
  const int64_t to_ms =
      current ? moved_at_ms
              : int64_t{marks_[(group + 1) % kMarks].load(std::memory_order_relaxed)} * 1000;
  const int64_t span = current ? std::max(now_tick % kTicksPerMark, 1U) : kTicksPerMark;
  const int64_t offset = tick_then % kTicksPerMark;
  const int64_t then_ms = from_ms + (to_ms - from_ms) * std::min(offset, span) / span;
  return static_cast<uint64_t>(std::max<int64_t>(now_ms - then_ms, 0) / 1000);
}

}  // namespace larder::storage
