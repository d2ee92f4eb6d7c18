#include "server/core/memory_limit.h"

#include <algorithm>
#include <string>

#include "server/core/tick_clock.h"
#include "storage/blob_reclaimer.h"
#include "storage/garbage.h"

namespace larder::core {
namespace {

// The resident size may be so much above the limit: for code, stacks, the allocators' spare pages.
constexpr double kResidentShare = 1.06;

// A limit is not lowered by more than this part of it on account of fragmentation: below that it
// would be the keys that pay for what compaction will win back.
constexpr size_t kFragmentationShareMax = 5;  // a fifth

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

size_t MemoryLimit::excess_bytes() const {
  const auto limit = static_cast<size_t>(values_.maxmemory_bytes.load(std::memory_order_relaxed));
  if (limit == 0 || reclaims_.load(std::memory_order_relaxed) > 0) return 0;
  const size_t used = storage::used_bytes() + fragmentation_bytes_.load(std::memory_order_relaxed);
  const size_t allowed =
      limit + storage::BlobReclaimer::waiting_bytes() + storage::Garbage::waiting_bytes();
  return used > allowed ? used - allowed : 0;
}

void MemoryLimit::note_resident(size_t rss_bytes) {
  const auto limit = static_cast<size_t>(values_.maxmemory_bytes.load(std::memory_order_relaxed));
  const auto allowed = static_cast<size_t>(static_cast<double>(limit) * kResidentShare);
  const size_t before = fragmentation_bytes_.load(std::memory_order_relaxed);
  // In small steps: memory that was freed takes a second to return to the system.
  const size_t step = limit / 200;
  size_t after = before > step ? before - step : 0;
  if (limit != 0 && rss_bytes > allowed) {
    after =
        std::min({before + step, before + (rss_bytes - allowed), limit / kFragmentationShareMax});
  }
  fragmentation_bytes_.store(after, std::memory_order_relaxed);
}

storage::Evictor::Outcome MemoryLimit::evict_for(storage::Evictor& evictor, int64_t now_ms,
                                                 int64_t patience_us) const {
  using Outcome = storage::Evictor::Outcome;
  const auto samples =
      storage::is_adaptive(store_.eviction().kind())
          ? storage::EvictionPolicy::kAdaptiveSamples
          : static_cast<uint32_t>(std::min(values_.maxmemory_samples.load(), kSamplesMax));
  const uint64_t start = TickClock::now();
  Outcome outcome = Outcome::kNotYet;
  while (excess_bytes() > 0) {
    const Outcome last = evictor.evict(samples, now_ms).outcome;
    if (last == Outcome::kNothing) return outcome == Outcome::kEvicted ? outcome : last;
    if (last == Outcome::kEvicted) outcome = last;
    const uint64_t spent_ns = TickClock::nanoseconds(TickClock::now() - start);
    if (spent_ns > static_cast<uint64_t>(patience_us) * 1000) break;
  }
  return outcome;
}

bool MemoryLimit::make_room(storage::Evictor& evictor, int64_t now_ms) const {
  if (excess_bytes() == 0) return true;
  if (!storage::evicts(store_.eviction().kind())) return false;
  const storage::Evictor::Outcome outcome = evict_for(evictor, now_ms, kPatienceUs);
  const size_t excess = excess_bytes();
  if (excess == 0) return true;
  if (outcome == storage::Evictor::Outcome::kEvicted) return true;
  const auto limit = static_cast<size_t>(values_.maxmemory_bytes.load(std::memory_order_relaxed));
  return outcome == storage::Evictor::Outcome::kNotYet && excess <= limit / kToleratedShare;
}

bool MemoryLimit::relieve(storage::Evictor& evictor, int64_t now_ms) const {
  if (excess_bytes() == 0 || !storage::evicts(store_.eviction().kind())) return false;
  constexpr int64_t kSliceUs = 100;
  return evict_for(evictor, now_ms, kSliceUs) == storage::Evictor::Outcome::kEvicted &&
         excess_bytes() > 0;
}

}  // namespace larder::core
