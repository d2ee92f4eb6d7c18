// The clock of the learned policy: it counts accesses, not time. While as many accesses pass as
// there are keys (a generation), it moves by 64 ticks, whatever the number of keys; so a 16-bit
// tick beside each key tells ages of up to 1,024 generations, with one clock for the whole store:
// a shard with two keys could not tell a clock of its own from noise.
//
// So that threads do not fight for one cache line, shards report accesses in batches that grow with
// the number of keys (see batch()); below 4,096 keys a batch is one access, and the clock exact.
//
// It also remembers when its ticks were, to the second, so that OBJECT IDLETIME can be answered.
//
// Any thread may call anything at any time. Where several write at once an update may be lost,
// which shifts a tick or a mark; the number of keys is exact.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace larder::storage {

class AccessClock {
 public:
  static constexpr uint32_t kTicksPerGeneration = 64;
  // With fewer keys the clock goes as for so many: a tick is at least an access.
  static constexpr uint64_t kKeysMin = kTicksPerGeneration;
  static constexpr uint32_t kTickBits = 16;
  static constexpr uint32_t kTickMask = (1U << kTickBits) - 1;
  static constexpr uint32_t kAgeMax = kTickMask - 256;
  static constexpr uint32_t kBatchMax = 32;

  // 0 .. kTickMask; wraps.
  uint32_t tick() const { return tick_.load(std::memory_order_relaxed); }
  // Ticks since `tick_then`. A thread may see the clock a little behind what another has seen: that
  // is 0 then, not an age of almost 65,536.
  uint32_t age_of(uint32_t tick_then) const {
    const uint32_t age = (tick() - tick_then) & kTickMask;
    return age > kAgeMax ? 0 : age;
  }

  // How many accesses a shard gathers before it reports them: a power of two up to kBatchMax.
  uint32_t batch() const { return batch_.load(std::memory_order_relaxed); }

  // Reports accesses. True if the clock moved to another tick.
  bool advance(uint32_t accesses, int64_t now_ms);
  // Ticks since the clock was made; does not wrap.
  uint64_t ticks() const { return position_.load(std::memory_order_relaxed) >> kFractionBits; }

  // Keys in the store. set_keys() is for when many go at once, as by FLUSHALL.
  uint64_t keys() const;
  void add_keys(int64_t difference) { keys_.fetch_add(difference, std::memory_order_relaxed); }
  void set_keys(uint64_t keys);

  // Whole seconds since the clock stood at `tick_then`, interpolated between its marks; 0 at least.
  uint64_t seconds_since(uint32_t tick_then, int64_t now_ms) const;

 private:
  static constexpr uint32_t kFractionBits = 24;
  static constexpr uint32_t kTicksPerMark = 64;
  static constexpr uint32_t kMarks = (kTickMask + 1) / kTicksPerMark;

  void retune();
  void mark_time(uint64_t before, uint64_t after, int64_t now_ms);

  // Read at each access, written once a tick.
  alignas(64) std::atomic<uint32_t> tick_{0};
  std::atomic<uint32_t> batch_{1};
  std::atomic<uint32_t> step_{1U << kFractionBits};  // of position_ for an access

  // Written at each report.
  alignas(64) std::atomic<uint64_t> position_{0};  // in ticks, with kFractionBits of fraction
  std::atomic<int64_t> keys_{0};
  std::atomic<int64_t> moved_at_ms_{0};  // when the clock last changed its tick

  // When each group of kTicksPerMark ticks began, in seconds since the epoch; 0 if not yet.
  alignas(64) std::array<std::atomic<uint32_t>, kMarks> marks_{};
};

}  // namespace larder::storage
