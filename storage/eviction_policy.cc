#include "storage/eviction_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "storage/given_access.h"

namespace larder::storage {
namespace {

constexpr AccessBits kBitsMask = (1U << kAccessBitsWidth) - 1;

// LFU: Redis' constants.
constexpr uint32_t kLfuInitial = 5;
constexpr uint32_t kLfuMax = 255;
constexpr int kMinuteBits = 12;
constexpr uint32_t kMinuteMask = (1U << kMinuteBits) - 1;

uint32_t seconds_of(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 1000) & kBitsMask;
}
uint32_t minutes_of(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 60'000) & kMinuteMask;
}
// From `then` to `now`, both wrapping at `mask`. A loop's clock may be a little behind that of the
// one which made the mark: that is 0 then, not an age of almost the whole mask.
uint32_t elapsed(uint32_t now, uint32_t then, uint32_t mask, uint32_t lag) {
  const uint32_t age = (now - then) & mask;
  return age > mask - lag ? 0 : age;
}
constexpr uint32_t kLagSeconds = 60;
constexpr uint32_t kIdleSecondsMax = kBitsMask - kLagSeconds;
uint32_t seconds_since(AccessBits bits, int64_t now_ms) {
  return elapsed(seconds_of(now_ms), bits, kBitsMask, kLagSeconds);
}
uint32_t minutes_since(AccessBits bits, int64_t now_ms) {
  return elapsed(minutes_of(now_ms), bits, kMinuteMask, 1);
}
AccessBits lfu_bits(uint32_t counter, int64_t now_ms) {
  return counter << kMinuteBits | minutes_of(now_ms);
}

// Marsaglia's xorshift, 32 bits.
uint32_t next_random(uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

// Adaptive.
constexpr uint32_t kFrequencyMax = Ghosts::kFrequencyMax;
constexpr uint32_t kHalfLifeTicks = 20 * AccessClock::kTicksPerGeneration;
constexpr uint64_t kGhostsPerKey = 2;

// Learning is due after some ticks, but not after so few accesses that its cost would matter.
constexpr uint64_t kLearningTicks = 24;
constexpr uint64_t kLearningAccessesMin = 2'048;

// Keys are spared from eviction until so many others were inserted: a hundredth of all, or 128 if
// that is more, but in small stores only a 64th, since sparing more costs hits.
constexpr double kSparedShare = 0.01;
constexpr double kSparedInserts = 128;
constexpr double kSparedShareMax = 1.0 / 64;
constexpr uint32_t kSparedTicksMax = AccessClock::kTicksPerGeneration;
// Above every score of a key that is not spared; with age subtracted the oldest still goes first.
constexpr double kSparedScore = 1e12;

AccessBits adaptive_bits(uint32_t frequency, uint32_t tick) {
  return frequency << AccessClock::kTickBits | tick;
}
uint32_t tick_of(AccessBits bits) {
  return bits & AccessClock::kTickMask;
}
// Halved every twenty generations without a hit.
uint32_t aged_frequency(AccessBits bits, uint32_t age_ticks) {
  return (bits >> AccessClock::kTickBits) >> std::min(age_ticks / kHalfLifeTicks, 31U);
}

}  // namespace

EvictionPolicy::EvictionPolicy(EvictionKind kind, uint32_t shards) : shards_(shards), kind_(kind) {}

void EvictionPolicy::set_kind(EvictionKind kind, uint64_t keys) {
  clock_.set_keys(keys);
  kind_.store(kind, std::memory_order_relaxed);
}

void EvictionPolicy::set_lfu(uint32_t log_factor, uint32_t decay_minutes) {
  lfu_log_factor_.store(log_factor, std::memory_order_relaxed);
  lfu_decay_minutes_.store(decay_minutes, std::memory_order_relaxed);
}

AccessBits EvictionPolicy::on_insert(ShardEviction& shard, KeyHash hash, int64_t now_ms) {
  const EvictionKind k = kind();
  if (is_lfu(k)) return lfu_bits(kLfuInitial, now_ms);
  if (is_adaptive(k)) return adaptive_insert(shard, hash, now_ms);
  return seconds_of(now_ms);
}

AccessBits EvictionPolicy::on_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms) {
  const EvictionKind k = kind();
  if (is_adaptive(k)) return adaptive_hit(shard, bits, now_ms);
  if (is_lfu(k)) return lfu_hit(shard, bits, now_ms);
  return seconds_of(now_ms);
}

AccessBits EvictionPolicy::adaptive_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms) {
  const uint32_t age = clock_.age_of(tick_of(bits));
  const uint32_t frequency = aged_frequency(bits, age);
  const uint32_t batch = clock_.batch();
  if ((++shard.accesses & (batch - 1)) == 0) {
    // One hit stands for a batch.
    scores_.count_hit(frequency, LearnedScores::age_bucket(age), batch);
    report_accesses(shard, batch, now_ms);
  }
  return adaptive_bits(std::min(frequency + 1, kFrequencyMax), clock_.tick());
}

AccessBits EvictionPolicy::adaptive_insert(ShardEviction& shard, KeyHash hash, int64_t now_ms) {
  shard.keys_unreported++;
  const uint32_t batch = clock_.batch();
  if ((++shard.accesses & (batch - 1)) == 0) {
    inserts_.fetch_add(batch, std::memory_order_relaxed);
    report_accesses(shard, batch, now_ms);
  }
  const uint32_t remembered = shard.ghosts.recall(hash);
  return adaptive_bits(std::min(remembered + 1, kFrequencyMax), clock_.tick());
}

void EvictionPolicy::report_accesses(ShardEviction& shard, uint32_t accesses, int64_t now_ms) {
  report_keys(shard);
  if (!clock_.advance(accesses, now_ms)) return;
  const uint64_t keys = std::max(clock_.keys(), AccessClock::kKeysMin);
  const uint64_t due =
      std::max(kLearningTicks, kLearningAccessesMin * AccessClock::kTicksPerGeneration / keys);
  if (clock_.ticks() - learnt_at_tick_.load(std::memory_order_relaxed) >= due) learn(keys);
}

void EvictionPolicy::report_keys(ShardEviction& shard) {
  if (shard.keys_unreported == 0) return;
  clock_.add_keys(shard.keys_unreported);
  shard.keys_unreported = 0;
}

void EvictionPolicy::learn(uint64_t keys) {
  const uint64_t now = clock_.ticks();
  const uint64_t before = learnt_at_tick_.exchange(now, std::memory_order_relaxed);
  if (now <= before) return;  // another thread was quicker
  scores_.learn(now - before, keys);
  const auto inserts =
      static_cast<double>(std::max<uint64_t>(inserts_.exchange(0, std::memory_order_relaxed), 1));
  const auto all = static_cast<double>(keys);
  const double spared =
      std::max(all * kSparedShare, std::min(kSparedInserts, all * kSparedShareMax));
  const double ticks = std::ceil(static_cast<double>(now - before) * spared / inserts);
  spared_ticks_.store(static_cast<uint32_t>(std::min<double>(ticks, kSparedTicksMax)),
                      std::memory_order_relaxed);
}

AccessBits EvictionPolicy::lfu_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms) const {
  uint32_t counter = lfu_counter(bits, now_ms);
  if (counter < kLfuMax) {
    // Counts with a probability of 1 / (excess * factor + 1).
    const uint64_t excess = counter > kLfuInitial ? counter - kLfuInitial : 0;
    const uint64_t one_in = excess * lfu_log_factor_.load(std::memory_order_relaxed) + 1;
    if (next_random(shard.random) * one_in <= std::numeric_limits<uint32_t>::max()) counter++;
  }
  return lfu_bits(counter, now_ms);
}

uint32_t EvictionPolicy::lfu_counter(AccessBits bits, int64_t now_ms) const {
  const uint32_t counter = bits >> kMinuteBits;
  const uint32_t decay_minutes = lfu_decay_minutes_.load(std::memory_order_relaxed);
  if (decay_minutes == 0) return counter;
  const uint32_t periods = minutes_since(bits, now_ms) / decay_minutes;
  return counter - std::min(counter, periods);
}

void EvictionPolicy::on_remove(ShardEviction& shard) {
  if (!is_adaptive(kind())) return;
  // With the next accesses, or at once where those may be long in coming.
  if (--shard.keys_unreported <= -static_cast<int32_t>(clock_.batch())) report_keys(shard);
}

void EvictionPolicy::on_evict(ShardEviction& shard, KeyHash hash, AccessBits bits) {
  if (!is_adaptive(kind())) return;
  fit_ghosts(shard);
  const uint32_t frequency = aged_frequency(bits, clock_.age_of(tick_of(bits)));
  shard.ghosts.remember(hash, std::max(frequency, 1U));
}

// Every shard gets the same share of them. Resized when it is far off, so that a store that grows
// or shrinks by a key does not make work.
void EvictionPolicy::fit_ghosts(ShardEviction& shard) const {
  const uint64_t wanted = (clock_.keys() * kGhostsPerKey + shards_ - 1) / shards_;
  const uint64_t have = shard.ghosts.capacity();
  if (wanted > have || wanted * 2 + 8 < have) shard.ghosts.resize(wanted + wanted / 8);
}

double EvictionPolicy::score(ShardEviction& shard, AccessBits bits, size_t bytes,
                             int64_t expire_at_ms, int64_t now_ms) const {
  switch (kind()) {
    case EvictionKind::kAllkeysAdaptive:
    case EvictionKind::kVolatileAdaptive:
      return adaptive_score(bits, bytes);
    case EvictionKind::kAllkeysLfu:
    case EvictionKind::kVolatileLfu:
      // Among equals the one that was not touched for longest goes first.
      return lfu_counter(bits, now_ms) -
             minutes_since(bits, now_ms) / static_cast<double>(kMinuteMask + 1);
    case EvictionKind::kAllkeysRandom:
    case EvictionKind::kVolatileRandom:
      return next_random(shard.random);
    case EvictionKind::kVolatileTtl:
      return static_cast<double>(expire_at_ms);
    case EvictionKind::kNoEviction:
    case EvictionKind::kAllkeysLru:
    case EvictionKind::kVolatileLru:
      break;
  }
  return -static_cast<double>(idle_seconds(bits, now_ms));
}

double EvictionPolicy::adaptive_score(AccessBits bits, size_t bytes) const {
  const uint32_t age = clock_.age_of(tick_of(bits));
  if (age <= spared_ticks_.load(std::memory_order_relaxed)) return kSparedScore - age;
  const uint32_t frequency = aged_frequency(bits, age);
  return scores_.score(frequency, LearnedScores::age_bucket(age)) / static_cast<double>(bytes);
}

void EvictionPolicy::count_sample(AccessBits bits) {
  if (!is_adaptive(kind())) return;
  const uint32_t age = clock_.age_of(tick_of(bits));
  scores_.count_sample(aged_frequency(bits, age), LearnedScores::age_bucket(age));
}

uint64_t EvictionPolicy::idle_seconds(AccessBits bits, int64_t now_ms) const {
  if (is_adaptive(kind())) return clock_.seconds_since(tick_of(bits), now_ms);
  return seconds_since(bits, now_ms);
}

uint32_t EvictionPolicy::frequency(AccessBits bits, int64_t now_ms) const {
  if (is_lfu(kind())) return lfu_counter(bits, now_ms);
  return aged_frequency(bits, clock_.age_of(tick_of(bits)));
}

// Under adaptive the bits hold a tick of the policy's clock, and only the clock knows when that
// was: the youngest age that is old enough is searched for, since ages grow with ticks.
AccessBits given_idle_seconds(const EvictionPolicy& policy, AccessBits bits, uint64_t seconds,
                              int64_t now_ms) {
  if (is_lfu(policy.kind())) return bits;
  if (!is_adaptive(policy.kind())) {
    const auto back = static_cast<uint32_t>(std::min<uint64_t>(seconds, kIdleSecondsMax));
    return (bits - back) & kBitsMask;
  }
  const AccessBits frequency = bits & ~AccessClock::kTickMask;
  const auto aged = [&](uint32_t age) { return frequency | (tick_of(bits - age)); };
  uint32_t young = 0;
  uint32_t old = AccessClock::kAgeMax;
  while (young < old) {
    const uint32_t age = young + (old - young) / 2;
    if (policy.idle_seconds(aged(age), now_ms) >= seconds) {
      old = age;
    } else {
      young = age + 1;
    }
  }
  return aged(young);
}

AccessBits given_frequency(const EvictionPolicy& policy, AccessBits bits, uint32_t frequency) {
  if (is_lfu(policy.kind())) {
    return std::min(frequency, kLfuMax) << kMinuteBits | (bits & kMinuteMask);
  }
  if (!is_adaptive(policy.kind())) return bits;
  return adaptive_bits(std::min(frequency, kFrequencyMax), tick_of(bits));
}

}  // namespace larder::storage
