#include "storage/entry_arena.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "storage/memory.h"

namespace larder::storage {
namespace {

// Compaction aims at slabs that are this full (percent), and begins when it can win this part of
// them and as many anyway.
constexpr size_t kFillWanted = 98;
constexpr size_t kGainPart = 40;
constexpr size_t kGainMin = 8;

// One plan looks at so many spans (4 GiB): it reads 1 KiB of records for each.
constexpr size_t kSpansPerPlan = 2048;

size_t heap_alignment(size_t block_bytes) {
  return block_bytes % 64 == 0 || block_bytes > kSlabBlockBytesMax ? 64 : 16;
}

}  // namespace

constinit EntryArena::SizeClass EntryArena::classes_[kSizeClasses];

size_t EntryArena::block_bytes(size_t bytes) {
  if (bytes <= kSlabBlockBytesMax) return kClassBytes[size_class_of(bytes)];
  return heap_block_bytes(bytes, 64);
}

void* EntryArena::allocate_elsewhere(size_t bytes) {
  const size_t block = block_bytes(bytes);
  void* memory = heap_allocate(block, heap_alignment(block));
  elsewhere_blocks_.fetch_add(1, std::memory_order_relaxed);
  elsewhere_bytes_.fetch_add(block, std::memory_order_relaxed);
  return memory;
}

void EntryArena::free_elsewhere(void* block, size_t bytes) {
  const size_t taken = block_bytes(bytes);
  heap_free(block, taken, heap_alignment(taken));
  elsewhere_blocks_.fetch_sub(1, std::memory_order_relaxed);
  elsewhere_bytes_.fetch_sub(taken, std::memory_order_relaxed);
}

// Gives the class, whose current slab is exhausted, another one: the fullest of its own, or a new.
void EntryArena::refill(SizeClass& size_class) {
  const size_t index = index_of(size_class);
  size_t bin = SizeClass::kBins;
  while (bin > 0 && size_class.bins[bin - 1].empty()) bin--;
  const uint32_t next = bin > 0 ? size_class.bins[bin - 1].first() : pool_.take_slab();
  Slab& slab = pool_.slabs()[next];
  if (bin > 0) {
    unlink(size_class, slab);
  } else {
    slab.block_units = static_cast<uint16_t>(kClassBytes[index] / kBlockUnit);
    slab.free_head = Slab::kNoBlock;
    slab.fresh = 0;
    slab.fresh_end = static_cast<uint16_t>(kClassCapacity[index] * slab.block_units);
    slab.used.store(0, std::memory_order_relaxed);
    slab.size_class.store(static_cast<uint8_t>(index), std::memory_order_relaxed);
    add(size_class.slabs, uint32_t{1});
  }
  retire_current(size_class);
  // Whoever sees the place without the lock also sees the class: see begin_leaving().
  slab.place.store(Slab::kCurrent, std::memory_order_release);
  slab.floor = 0;
  size_class.current = &slab;
  size_class.current_memory = pool_.memory() + next * kSlabBytes;
}

void EntryArena::retire_current(SizeClass& size_class) {
  Slab* slab = size_class.current;
  if (slab == &no_slab_) return;
  size_class.current = &no_slab_;
  size_class.current_memory = nullptr;
  settle(size_class, *slab);
}

// Puts a slab that is not the current one where it belongs by the number of its blocks.
void EntryArena::settle(SizeClass& size_class, Slab& slab) {
  unlink(size_class, slab);
  if (slab.used.load(std::memory_order_relaxed) == 0) {
    release(size_class, slab);
  } else {
    enlist(size_class, slab);
  }
}

void EntryArena::unlink(SizeClass& size_class, Slab& slab) {
  const Slab::Place place = slab.place.load(std::memory_order_relaxed);
  if (place == Slab::kListed) size_class.bins[slab.bin].remove(pool_.slabs(), index_of(slab));
  if (place == Slab::kLeaving) size_class.leaving.remove(pool_.slabs(), index_of(slab));
}

void EntryArena::enlist(SizeClass& size_class, Slab& slab) {
  const size_t capacity = kClassCapacity[index_of(size_class)];
  const size_t used = slab.used.load(std::memory_order_relaxed);
  if (used == capacity) {
    slab.floor = static_cast<uint16_t>(capacity);
    slab.place.store(Slab::kFull, std::memory_order_release);
    return;
  }
  constexpr size_t kBins = SizeClass::kBins;
  slab.bin = static_cast<uint8_t>(used * kBins / capacity);
  slab.floor =
      static_cast<uint16_t>(std::max<size_t>(1, (slab.bin * capacity + kBins - 1) / kBins));
  slab.place.store(Slab::kListed, std::memory_order_release);
  size_class.bins[slab.bin].push_back(pool_.slabs(), index_of(slab));
}

void EntryArena::release(SizeClass& size_class, Slab& slab) {
  add(size_class.slabs, static_cast<uint32_t>(-1));
  pool_.put_slab(index_of(slab));
}

bool EntryArena::maintain(size_t spans_max) {
  const std::lock_guard upkeep(upkeep_lock_);
  for (SizeClass& size_class : classes_) {
    const ClassGuard guard(size_class.lock);
    if (size_class.current->used.load(std::memory_order_relaxed) == 0) retire_current(size_class);
  }
  return pool_.maintain(spans_max);
}

void EntryArena::forget_plan() {
  for (SizeClass& size_class : classes_) {
    const ClassGuard guard(size_class.lock);
    while (!size_class.leaving.empty()) {
      settle(size_class, pool_.slabs()[size_class.leaving.first()]);
    }
  }
}

// The slab may be given to another class at any time but while its class' lock is held. Its place
// is read before its class: if the place is not kFree, the class is not older than it, so a slab
// that went to another class meanwhile is not mistaken for one of this.
bool EntryArena::begin_leaving(Slab& slab) {
  const size_t index = slab.size_class.load(std::memory_order_relaxed);
  SizeClass& size_class = classes_[index];
  const ClassGuard guard(size_class.lock);
  const auto settled = [&] {
    const Slab::Place place = slab.place.load(std::memory_order_acquire);
    return place != Slab::kFree && place != Slab::kLeaving && slab.size_class.load() == index;
  };
  if (!settled()) return false;
  if (&slab == size_class.current) retire_current(size_class);
  if (!settled()) return false;  // it was empty
  unlink(size_class, slab);
  slab.floor = 1;
  slab.place.store(Slab::kLeaving, std::memory_order_release);
  size_class.leaving.push_back(pool_.slabs(), index_of(slab));
  return true;
}

// Which slabs are to be emptied. Each class has a surplus: slabs that it would not need if the
// others were nearly full. They are looked for in the spans with the fewest living bytes, so that
// whole spans become free, and among those first in slabs that are not nearly full themselves. If
// the free slabs lie scattered, the emptiest spans are drained altogether.
struct EntryArena::Plan {
  struct SpanWeight {
    size_t living_bytes;
    uint32_t span;
  };

  int64_t surplus[kSizeClasses];
  size_t gain = 0;  // all surpluses, in slabs
  size_t slabs = 0;
  std::vector<SpanWeight> spans;

  void count_surplus() {
    for (size_t i = 0; i < kSizeClasses; i++) {
      const size_t have = classes_[i].slabs.load(std::memory_order_relaxed);
      const size_t blocks = classes_[i].blocks.load(std::memory_order_relaxed);
      const size_t blocks_per_slab = kClassCapacity[i] * kFillWanted;  // in hundredths
      const size_t wanted = (blocks * 100 + blocks_per_slab - 1) / blocks_per_slab;
      surplus[i] = static_cast<int64_t>(have) - static_cast<int64_t>(wanted);
      if (have > wanted) gain += have - wanted;
      slabs += have;
    }
  }

  static std::atomic<uint64_t> made;  // how many, ever
  static uint32_t next_span;          // where the next plan begins, in an arena of many spans

  void weigh_spans() {
    const size_t opened = pool_.spans_opened();
    const size_t count = std::min(opened, kSpansPerPlan);
    size_t at = next_span;
    spans.reserve(count);
    for (size_t i = 0; i < count; i++, at++) {
      if (at >= opened) at = 0;
      const size_t living = living_bytes(at);
      if (living > 0) spans.push_back({living, static_cast<uint32_t>(at)});
    }
    next_span = static_cast<uint32_t>(at);
    std::sort(spans.begin(), spans.end(), [](const SpanWeight& a, const SpanWeight& b) {
      return a.living_bytes != b.living_bytes ? a.living_bytes < b.living_bytes : a.span > b.span;
    });
  }

  static size_t living_bytes(size_t span) {
    size_t bytes = 0;
    const Slab* slabs = pool_.slabs() + span * kSlabsPerSpan;
    for (size_t i = 0; i < kSlabsPerSpan; i++) {
      if (slabs[i].place.load(std::memory_order_acquire) == Slab::kFree) continue;
      bytes += slabs[i].used.load(std::memory_order_relaxed) * kClassBytes[slabs[i].size_class];
    }
    return bytes;
  }

  // Chooses in one span all slabs, or those of classes with a surplus: only sparse ones, or any.
  size_t choose(uint32_t span, bool all, bool sparse_only) {
    size_t chosen = 0;
    for (size_t i = 0; i < kSlabsPerSpan; i++) {
      Slab& slab = pool_.slabs()[span * kSlabsPerSpan + i];
      const Slab::Place place = slab.place.load(std::memory_order_acquire);
      if (place == Slab::kFree || (place == Slab::kCurrent && !all)) continue;
      const size_t index = slab.size_class.load(std::memory_order_relaxed);
      const size_t used = slab.used.load(std::memory_order_relaxed);
      const bool sparse = used * 7 < kClassCapacity[index] * size_t{6};
      if (!all && (surplus[index] <= 0 || (sparse_only && !sparse))) continue;
      if (!begin_leaving(slab)) continue;
      surplus[index]--;
      chosen++;
    }
    return chosen;
  }
};

std::atomic<uint64_t> EntryArena::Plan::made{0};
uint32_t EntryArena::Plan::next_span = 0;

// Without slabs there is nothing to win by moving. But every eighth block is drawn in each plan, so
// that the sanitizers see who still holds a pointer to where it was.
bool EntryArena::drawn_for_moving(const void* block) {
  const uint64_t number = Plan::made.load(std::memory_order_relaxed);
  const uint64_t mixed = (reinterpret_cast<uintptr_t>(block) + number) * 0x9e3779b97f4a7c15;
  return mixed >> 61 == 0;
}

size_t EntryArena::plan_compaction() {
  const std::lock_guard upkeep(upkeep_lock_);
  Plan::made.fetch_add(1, std::memory_order_relaxed);
  if (kSystemMalloc) return elsewhere_bytes_.load(std::memory_order_relaxed) / 8;
  forget_plan();
  Plan plan;
  plan.count_surplus();
  const size_t drained = pool_.spans_to_drain(plan.gain);
  if (drained == 0 && plan.gain < std::max(kGainMin, plan.slabs / kGainPart)) return 0;
  plan.weigh_spans();
  size_t chosen = 0;
  for (size_t i = 0; i < plan.spans.size(); i++) {
    chosen += plan.choose(plan.spans[i].span, i < drained, true);
  }
  for (const Plan::SpanWeight& weight : plan.spans) {
    chosen += plan.choose(weight.span, false, false);
  }
  return chosen * kSlabBytes;
}

bool EntryArena::any_worth_moving_above(size_t bytes) {
  if (kSystemMalloc) return true;
  for (SizeClass& size_class : classes_) {
    if (kClassBytes[index_of(size_class)] <= bytes) continue;
    const ClassGuard guard(size_class.lock);
    if (!size_class.leaving.empty()) return true;
  }
  return false;
}

ArenaUse EntryArena::use() {
  ArenaUse use;
  for (size_t i = 0; i < kSizeClasses; i++) {
    const size_t blocks = classes_[i].blocks.load(std::memory_order_relaxed);
    use.blocks += blocks;
    use.block_bytes += blocks * kClassBytes[i];
    use.slab_bytes += classes_[i].slabs.load(std::memory_order_relaxed) * kSlabBytes;
  }
  use.heap_blocks = elsewhere_blocks_.load(std::memory_order_relaxed);
  use.heap_bytes = elsewhere_bytes_.load(std::memory_order_relaxed);
  use.blocks += use.heap_blocks;
  use.block_bytes += use.heap_bytes;
  use.idle_bytes = pool_.slabs_idle() * kSlabBytes;
  use.spans = pool_.spans_opened();
  const size_t known = use.slab_bytes + use.idle_bytes;
  use.returned_bytes = use.spans * kSpanBytes - std::min(known, use.spans * kSpanBytes);
  use.record_bytes = pool_.record_bytes();
  return use;
}

}  // namespace larder::storage
