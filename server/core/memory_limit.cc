#include "server/core/memory_limit.h"

#include <algorithm>
#include <string>

#include "server/core/tick_clock.h"
#include "storage/blob_reclaimer.h"
#include "storage/entry_arena.h"
#include "storage/garbage.h"

namespace larder::core {
namespace {

// The resident size may be so much above the limit before the keys get less: for code and stacks,
// whatever the limit is, and for spare pages.
constexpr size_t kBaseBytes = 8 * 1024 * 1024;
constexpr size_t kSparePart = 100;  // a hundredth

// For each byte above that, so many are withheld from the keys. With bench/limit.py at 256 MB the
// resident size was 1.13 times the limit at most with 1, 1.09 with 3, for a hundredth of the keys.
constexpr size_t kWithheldGain = 3;

// No more than this part of the limit is withheld from the keys on account of fragmentation.
constexpr size_t kWithheldPartMax = 5;  // a fifth

// So many keys go, at most, for a command that writes, on account of fragmentation: twice what it
// adds, about, so that used memory falls while keys are written. All at once would let the others
// wait: with a pipeline of 100 writes 14 ms instead of 2.
constexpr int kWithheldKeysMax = 2;

// How far above the limit a command may still run while making room takes its time.
constexpr size_t kToleratedShare = 100;  // a hundredth

// More samples cost time and choose no better.
constexpr int64_t kSamplesMax = 64;

}  // namespace

MemoryLimit::MemoryLimit(Config& config, storage::Store& store)
    : values_(config.values), store_(store) {
  for (const char* name : {"maxmemory", "maxmemory-policy", "lfu-log-factor", "lfu-decay-time"}) {
    config.on_change(name, [this] {
      apply();
      return std::string();
    });
  }
  apply();
}

void MemoryLimit::apply() {
  store_.eviction().set_lfu(static_cast<uint32_t>(values_.lfu_log_factor.load()),
                            static_cast<uint32_t>(values_.lfu_decay_minutes.load()));
  const storage::EvictionKind kind = values_.eviction_kind();
  if (kind == store_.eviction().kind()) return;
  uint64_t keys = 0;
  for (const storage::DatabaseSize& size : store_.sizes()) keys += size.keys;
  store_.eviction().set_kind(kind, keys);
}

size_t MemoryLimit::excess_bytes(size_t withheld_bytes) const {
  const auto limit = static_cast<size_t>(values_.maxmemory_bytes.load(std::memory_order_relaxed));
  if (limit == 0 || reclaims_.load(std::memory_order_relaxed) > 0) return 0;
  const size_t used = storage::used_bytes() + withheld_bytes;
  const size_t allowed =
      limit + storage::BlobReclaimer::waiting_bytes() + storage::Garbage::waiting_bytes();
  return used > allowed ? used - allowed : 0;
}

void MemoryLimit::note_resident(size_t rss_bytes) {
  const size_t arena = storage::EntryArena::held_bytes();
  other_resident_bytes_.store(rss_bytes > arena ? rss_bytes - arena : 0, std::memory_order_relaxed);
}

// What the keys do not get of the limit, since fragmentation makes the resident size larger than it
// allows for. The resident size is not asked for, as that takes too long: the arena knows what it
// holds, and the rest changes slowly. The more is in holes, the more keys go, until what is written
// finds its place in the holes.
size_t MemoryLimit::withheld_bytes() const {
  const auto limit = static_cast<size_t>(values_.maxmemory_bytes.load(std::memory_order_relaxed));
  const size_t resident =
      storage::EntryArena::held_bytes() + other_resident_bytes_.load(std::memory_order_relaxed);
  const size_t allowed = limit + limit / kSparePart + kBaseBytes;
  return resident > allowed
             ? std::min(kWithheldGain * (resident - allowed), limit / kWithheldPartMax)
             : 0;
}

uint32_t MemoryLimit::samples() const {
  return storage::is_adaptive(store_.eviction().kind())
             ? storage::EvictionPolicy::kAdaptiveSamples
             : static_cast<uint32_t>(std::min(values_.maxmemory_samples.load(), kSamplesMax));
}

storage::Evictor::Outcome MemoryLimit::evict_for(storage::Evictor& evictor, int64_t now_ms,
                                                 int64_t patience_us) const {
  using Outcome = storage::Evictor::Outcome;
  const uint64_t start = TickClock::now();
  Outcome outcome = Outcome::kNotYet;
  while (excess_bytes() > 0) {
    const Outcome last = evictor.evict(samples(), now_ms).outcome;
    if (last == Outcome::kNothing) return outcome == Outcome::kEvicted ? outcome : last;
    if (last == Outcome::kEvicted) outcome = last;
    const uint64_t spent_ns = TickClock::nanoseconds(TickClock::now() - start);
    if (spent_ns > static_cast<uint64_t>(patience_us) * 1000) break;
  }
  return outcome;
}

bool MemoryLimit::make_room(storage::Evictor& evictor, int64_t now_ms) const {
  using Outcome = storage::Evictor::Outcome;
  if (values_.maxmemory_bytes.load(std::memory_order_relaxed) == 0) return true;
  const bool evicts = storage::evicts(store_.eviction().kind());
  if (excess_bytes() > 0) {
    if (!evicts) return false;
    const Outcome outcome = evict_for(evictor, now_ms, kPatienceUs);
    const size_t excess = excess_bytes();
    if (excess > 0 && outcome != Outcome::kEvicted) {
      const auto limit =
          static_cast<size_t>(values_.maxmemory_bytes.load(std::memory_order_relaxed));
      return outcome == Outcome::kNotYet && excess <= limit / kToleratedShare;
    }
  }
  if (!evicts) return true;
  // Only who writes makes room on account of fragmentation: a quiet server keeps its keys.
  const size_t withheld = withheld_bytes();
  for (int key = 0; withheld > 0 && key < kWithheldKeysMax && excess_bytes(withheld) > 0; key++) {
    if (evictor.evict(samples(), now_ms).outcome == Outcome::kNothing) break;
  }
  return true;
}

bool MemoryLimit::relieve(storage::Evictor& evictor, int64_t now_ms) const {
  if (excess_bytes() == 0 || !storage::evicts(store_.eviction().kind())) return false;
  constexpr int64_t kSliceUs = 100;
  return evict_for(evictor, now_ms, kSliceUs) == storage::Evictor::Outcome::kEvicted &&
         excess_bytes() > 0;
}

}  // namespace larder::core
