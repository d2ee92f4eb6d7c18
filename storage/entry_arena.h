// The memory that entries, short blobs and table segments live in.
//
// Blocks of up to 8 KiB come from slabs of one size class each (slab.h), slabs from spans of 2 MiB
// (span_pool.h); a block has no header, so whoever frees it says how long it is. Larger blocks are
// the heap's. New blocks come from one slab of the class until that is full, then from the fullest
// of the others, so that sparse slabs drain by themselves where blocks come and go.
//
// Where they do not drain, memory is won back by moving blocks: plan_compaction() chooses slabs to
// be emptied, worth_moving() says of a block that it lies in one. Its owner, who must hold the only
// reference to it, allocates anew, copies, and frees the old block.
//
// Any thread may call anything here, but for what is marked. Each size class has a lock of its own.
// The order of locks: upkeep, class, span pool; no two classes' at a time. Unless the process says
// that it has several threads (or says nothing), class locks are not taken. With
// LARDER_SYSTEM_MALLOC (the sanitizers) every block is the system's, and any may be worth moving.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "storage/arena_use.h"
#include "storage/shard_lock.h"
#include "storage/slab.h"
#include "storage/span_pool.h"

namespace larder::storage {

#ifdef LARDER_SYSTEM_MALLOC
inline constexpr bool kSystemMalloc = true;
#else
inline constexpr bool kSystemMalloc = false;
#endif

class EntryArena {
 public:
  EntryArena() = delete;  // there is one, and it is the process'
  // A block of block_bytes(bytes), all of it usable, aligned to 8, or to 64 if block_bytes() is a
  // multiple of 64. Throws std::bad_alloc.
  static void* allocate(size_t bytes);
  // `bytes`: as asked for, or anything that has the same block_bytes().
  static void free(void* block, size_t bytes);
  static size_t block_bytes(size_t bytes);  // what a request for `bytes` really takes

  // Whether several threads use the arena; to be called while at most one does.
  static void set_concurrent(bool concurrent) { concurrent_ = concurrent; }
  // Whether memory that comes into use from now on may be in huge pages; it may at first.
  static void set_huge_pages(bool on) { pool_.set_huge_pages(on); }

  // Gives free memory back, in slices: to be called some ten times a second. At most `spans_max`
  // spans are given back (2 MiB, 10 microseconds in a huge page, 100 in small ones) or, if there
  // are none, one is collapsed into a huge page (some 200). True if there is more to give.
  static bool maintain(size_t spans_max = 8);
  // Only the first part of it, for who wants to give back more at a time.
  static bool give_back(size_t spans_max) { return pool_.give_back(spans_max); }

  static bool prepare_span() { return pool_.prepare_span(); }
  static std::atomic<uint32_t>& need() { return pool_.need(); }

  // Chooses the slabs to be emptied, in place of those chosen before. Returns their bytes: about
  // what can be won; 0 if it is too little to walk over all blocks for it. Up to a millisecond.
  static size_t plan_compaction();
  // Whether the block, of any size, should move. Looks at the arena's records, not at the block.
  static bool worth_moving(const void* block);
  // Whether any block of more than `bytes` should.
  static bool any_worth_moving_above(size_t bytes);

  static ArenaUse use();
  // use().held_bytes() but for the records, in a few nanoseconds.
  static size_t held_bytes() { return (pool_.slabs_used() + pool_.slabs_idle()) * kSlabBytes; }
  // Bytes that the calling thread allocated less those it freed, in slabs; anyone may read it.
  static const std::atomic<int64_t>& thread_bytes() { return thread_bytes_; }

  // Counts everything again and compares, for tests: false if anything is wrong. Nobody else may
  // use the arena meanwhile.
  static bool recount();

 private:
  // One cache line, guarded by its lock; the counters are written under it and read by anyone.
  struct alignas(64) SizeClass {
    static constexpr size_t kBins = 7;  // lists of slabs by how full they are

    ShardLock lock;
    std::atomic<uint32_t> slabs{0};
    Slab* current = &no_slab_;
    char* current_memory = nullptr;
    std::atomic<uint64_t> blocks{0};
    IndexList bins[kBins];
    IndexList leaving;
  };
  static_assert(sizeof(SizeClass) == 64);

  // Holds a class' lock, if locks are needed.
  class ClassGuard {
   public:
    explicit ClassGuard(ShardLock& lock) : lock_(concurrent_ ? &lock : nullptr) {
      if (lock_ != nullptr) lock_->lock();
    }
    ~ClassGuard() {
      if (lock_ != nullptr) lock_->unlock();
    }
    ClassGuard(const ClassGuard&) = delete;
    ClassGuard& operator=(const ClassGuard&) = delete;

   private:
    ShardLock* lock_;
  };

  struct Plan;

  // Counters that are written under a lock need no read-modify-write.
  template <typename T>
  static void add(std::atomic<T>& counter, T change) {
    counter.store(static_cast<T>(counter.load(std::memory_order_relaxed) + change),
                  std::memory_order_relaxed);
  }

  static void* allocate_elsewhere(size_t bytes);
  static void free_elsewhere(void* block, size_t bytes);
  static bool drawn_for_moving(const void* block);
  static void refill(SizeClass& size_class);
  static void settle(SizeClass& size_class, Slab& slab);
  static void unlink(SizeClass& size_class, Slab& slab);
  static void enlist(SizeClass& size_class, Slab& slab);
  static void release(SizeClass& size_class, Slab& slab);
  static void retire_current(SizeClass& size_class);
  static bool begin_leaving(Slab& slab);
  static void forget_plan();
  static bool slab_holds(const Slab& slab);
  static bool class_holds(const SizeClass& size_class);

  static size_t index_of(const SizeClass& size_class) {
    return static_cast<size_t>(&size_class - classes_);
  }
  static uint32_t index_of(const Slab& slab) {
    return static_cast<uint32_t>(&slab - pool_.slabs());
  }

  static inline constinit ShardLock upkeep_lock_;  // one thread at a time gives back or plans
  static inline constinit SpanPool pool_;
  static inline constinit Slab no_slab_;  // has no block, and is never written
  static constinit SizeClass classes_[kSizeClasses];
  static inline constinit std::atomic<size_t> elsewhere_blocks_{0};
  static inline constinit std::atomic<size_t> elsewhere_bytes_{0};
  static inline constinit bool concurrent_ = true;
  static inline constinit thread_local std::atomic<int64_t> thread_bytes_{0};
};

inline void* EntryArena::allocate(size_t bytes) {
  if (kSystemMalloc || bytes > kSlabBlockBytesMax) return allocate_elsewhere(bytes);
  SizeClass& size_class = classes_[size_class_of(bytes)];
  const ClassGuard guard(size_class.lock);
  if (size_class.current->exhausted()) [[unlikely]] {
    refill(size_class);
  }
  Slab& slab = *size_class.current;
  char* block;
  if (slab.free_head != Slab::kNoBlock) {
    block = size_class.current_memory + slab.free_head * kBlockUnit;
    std::memcpy(&slab.free_head, block, sizeof slab.free_head);
  } else {
    block = size_class.current_memory + slab.fresh * kBlockUnit;
    slab.fresh = static_cast<uint16_t>(slab.fresh + slab.block_units);
  }
  add(slab.used, uint16_t{1});
  add(size_class.blocks, uint64_t{1});
  add(thread_bytes_, int64_t{slab.block_units} * int64_t{kBlockUnit});
  return block;
}

inline void EntryArena::free(void* block, size_t bytes) {
  if (kSystemMalloc || bytes > kSlabBlockBytesMax) return free_elsewhere(block, bytes);
  SizeClass& size_class = classes_[size_class_of(bytes)];
  const ClassGuard guard(size_class.lock);
  const auto place = static_cast<size_t>(static_cast<char*>(block) - pool_.memory());
  Slab& slab = pool_.slabs()[place / kSlabBytes];
  assert(place / kSlabBytes < pool_.slab_count() && slab.used.load() > 0);
  assert(slab.size_class.load() == size_class_of(bytes));
  assert(place % kSlabBytes % kClassBytes[size_class_of(bytes)] == 0);
  std::memcpy(block, &slab.free_head, sizeof slab.free_head);
  slab.free_head = static_cast<uint16_t>(place % kSlabBytes / kBlockUnit);
  add(slab.used, static_cast<uint16_t>(-1));
  add(size_class.blocks, ~uint64_t{0});
  add(thread_bytes_, -(int64_t{slab.block_units} * int64_t{kBlockUnit}));
  if (slab.used.load(std::memory_order_relaxed) < slab.floor) [[unlikely]] {
    settle(size_class, slab);
  }
}

inline bool EntryArena::worth_moving(const void* block) {
  const auto place =
      reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(pool_.memory());
  const size_t slab = place / kSlabBytes;
  if (slab >= pool_.slab_count()) return kSystemMalloc && drawn_for_moving(block);
  return pool_.slabs()[slab].place.load(std::memory_order_relaxed) == Slab::kLeaving;
}

}  // namespace larder::storage
