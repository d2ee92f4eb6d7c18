#include "storage/eviction_policy.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace larder::storage {
namespace {

double param(const char* n, double d) {
  const char* e = getenv(n);
  return e ? atof(e) : d;
}
const double kSpareDiv = param("SPARE", 64);
const double kRefresh = param("REFRESH", 16);
const double kGhost = param("GHOST", 2);
const double kSizeExp = param("SIZE", 1);
const double kSimple = param("SIMPLE", 0);
const double kFadeGen = param("FG", 20);

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

AccessBits adaptive_bits(uint32_t frequency, uint32_t tick) {
  return frequency << AccessClock::kTickBits | tick;
}
uint32_t tick_of(AccessBits bits) {
  return bits & AccessClock::kTickMask;
}
// Halved every twenty generations without a hit.
uint32_t aged_frequency(AccessBits bits, uint32_t age_ticks) {
  return (bits >> AccessClock::kTickBits) >>
         std::min<uint32_t>(age_ticks / uint32_t(kFadeGen * 64), 31);
}

}  // namespace

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
  if (!is_adaptive(k)) return seconds_of(now_ms);
  shard.keys_unreported++;
  report_accesses(shard, true, now_ms);
  const uint32_t remembered = shard.ghosts.recall(hash);
  return adaptive_bits(std::min(remembered + 1, kFrequencyMax), clock_.tick());
}

AccessBits EvictionPolicy::on_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms) {
  const EvictionKind k = kind();
  if (is_adaptive(k)) return adaptive_hit(shard, bits, now_ms);
  if (is_lfu(k)) return lfu_hit(shard, bits, now_ms);
  return seconds_of(now_ms);
}

AccessBits EvictionPolicy::adaptive_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms) {
  const uint32_t tick = clock_.tick();
  const uint32_t age = (tick - tick_of(bits)) & AccessClock::kTickMask;
  const uint32_t frequency = aged_frequency(bits, age);
  const uint32_t batch = clock_.batch();
  if ((shard.accesses + 1) % batch == 0) {
    scores_.count_hit(frequency, LearnedScores::age_bucket(age), batch);
  }
  report_accesses(shard, false, now_ms);
  return adaptive_bits(std::min(frequency + 1, kFrequencyMax), tick);
}

void EvictionPolicy::report_accesses(ShardEviction& shard, bool insert, int64_t now_ms) {
  const uint32_t batch = clock_.batch();
  if (++shard.accesses % batch != 0) return;
  if (shard.keys_unreported != 0) {
    clock_.add_keys(shard.keys_unreported);
    shard.keys_unreported = 0;
  }
  if (insert) inserts_.fetch_add(batch, std::memory_order_relaxed);
  if (!clock_.advance(batch, now_ms)) return;
  const uint64_t ticks = clock_.ticks() - learnt_at_tick_.load(std::memory_order_relaxed);
  const uint64_t due =
      std::max<uint64_t>(kRefresh, 256 * 64 / std::max<uint64_t>(clock_.keys(), 64));
  if (ticks >= due) learn();
}

void EvictionPolicy::learn() {
  const uint64_t ticks = clock_.ticks();
  const uint64_t passed = ticks - learnt_at_tick_.exchange(ticks, std::memory_order_relaxed);
  scores_.learn(passed, clock_.keys());
  const double inserts = std::max<double>(inserts_.exchange(0), 1);
  const double keys = clock_.keys();
  const double protect = std::max(keys * .01, std::min(128., keys / kSpareDiv));
  spared_ticks_ = uint32_t(std::min(passed * protect / inserts + .999, 64.));
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
  const uint32_t periods = ((minutes_of(now_ms) - bits) & kMinuteMask) / decay_minutes;
  return counter - std::min(counter, periods);
}

void EvictionPolicy::on_remove(ShardEviction& shard) {
  if (!is_adaptive(kind())) return;
  // Reported with the next accesses, or at once where those may be long in coming.
  if (--shard.keys_unreported > -static_cast<int32_t>(clock_.batch())) return;
  clock_.add_keys(shard.keys_unreported);
  shard.keys_unreported = 0;
}

void EvictionPolicy::on_evict(ShardEviction& shard, KeyHash hash, AccessBits bits) {
  if (!is_adaptive(kind())) return;
  const uint64_t wanted = uint64_t(kGhost * (clock_.keys() + shards_ - 1)) / shards_;
  if (wanted > shard.ghosts.capacity() || wanted * 4 < shard.ghosts.capacity()) {
    shard.ghosts.resize(wanted);
  }
  const uint32_t frequency = aged_frequency(bits, clock_.age_of(tick_of(bits)));
  shard.ghosts.remember(hash, std::max(frequency, 1U));
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
             ((minutes_of(now_ms) - bits) & kMinuteMask) / static_cast<double>(kMinuteMask + 1);
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
  if (age <= spared_ticks_.load(std::memory_order_relaxed)) return 1e9 - age;
  const uint32_t frequency = aged_frequency(bits, age);
  if (kSimple) return (frequency) / (age / 64. + .5) / (kSizeExp ? bytes : 1);
  return scores_.score(frequency, LearnedScores::age_bucket(age)) / (kSizeExp ? bytes : 1);
}

void EvictionPolicy::count_sample(AccessBits bits) {
  if (!is_adaptive(kind())) return;
  const uint32_t age = clock_.age_of(tick_of(bits));
  scores_.count_sample(aged_frequency(bits, age), LearnedScores::age_bucket(age));
}

uint64_t EvictionPolicy::idle_seconds(AccessBits bits, int64_t now_ms) const {
  if (is_adaptive(kind())) return clock_.seconds_since(tick_of(bits), now_ms);
  return (seconds_of(now_ms) - bits) & kBitsMask;
}

uint32_t EvictionPolicy::frequency(AccessBits bits, int64_t now_ms) const {
  if (is_lfu(kind())) return lfu_counter(bits, now_ms);
  return aged_frequency(bits, clock_.age_of(tick_of(bits)));
}

}  // namespace larder::storage
