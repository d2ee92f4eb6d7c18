// Where slabs come from: one reserved range of addresses, in spans of 2 MiB, which is what a huge
// page is. A span is 32 slabs; its addresses are never given up, so that a stale pointer into it
// can always be read, but the memory behind a free span or slab goes back to the system.
//
// Slabs are taken from the fullest spans, so that sparse ones drain. Spans that come into use when
// the arena is larger than 32 MiB are backed by huge pages from their first touch; older ones are
// collapsed into huge pages by and by, once they are full. Giving back single slabs breaks a huge
// page, so that is done only when many have been free for long.
//
// The first touch of a huge page takes 200 microseconds, and milliseconds on a virtual machine
// whose host has not yet got the memory. So that no command waits for it, a thread of its own may
// prepare the next span when the last one is nearly used up: see MemoryPreparer.
//
// Thread-safe. The pool's lock is a leaf; a size class' lock may be held when it is taken.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "storage/shard_lock.h"
#include "storage/slab.h"

namespace larder::storage {

inline constexpr size_t kSpanBytes = 2 * 1024 * 1024;
inline constexpr size_t kSlabsPerSpan = kSpanBytes / kSlabBytes;

class SpanPool {
 public:
  static constexpr size_t kReservedBytesMax = size_t{1} << 40;
  static constexpr size_t kHugeFromBytes = 32 * 1024 * 1024;

  // A free slab's index. Its record is as new but for `place`, its memory is undefined. Throws
  // std::bad_alloc.
  uint32_t take_slab();
  void put_slab(uint32_t index);

  // The first slab's first byte and record; null before the first slab was taken. Whoever got a
  // slab's index from another thread under a lock sees them.
  char* memory() const { return memory_.load(std::memory_order_relaxed); }
  Slab* slabs() const { return slabs_.load(std::memory_order_relaxed); }
  // Slabs with an index below this have a record.
  size_t slab_count() const { return spans_opened() * kSlabsPerSpan; }

  // Bounded work on memory: gives back up to `spans_max` free spans, or a few slabs of partly used
  // ones, or else collapses one span into a huge page. True if more could be given back. To be
  // called by one thread at a time.
  bool maintain(size_t spans_max);
  // Gives back up to `spans_max` free spans. True if more could be. Any thread.
  bool give_back(size_t spans_max);

  // Touches a span that will soon be needed; false if there is no need. May take milliseconds.
  bool prepare_span();
  // A number that changes when a span should be prepared, and wakes those who wait for that.
  std::atomic<uint32_t>& need() { return need_; }

  // Whether huge pages are used for spans from now on.
  void set_huge_pages(bool on) { huge_pages_.store(on, std::memory_order_relaxed); }

  // Counts; any thread, exact once nobody is at work.
  size_t spans_opened() const { return opened_.load(std::memory_order_acquire); }
  size_t slabs_used() const { return used_slabs_.load(std::memory_order_relaxed); }
  size_t slabs_idle() const { return idle_slabs_.load(std::memory_order_relaxed); }
  // Memory of the records of spans and slabs, in bytes.
  size_t record_bytes() const;

  // How many spans could be emptied by moving what is in them to free slabs of the others, whose
  // memory is kept, and to `more_idle` that will be free; 0 if that is too little.
  size_t spans_to_drain(size_t more_idle);

  // Counts everything again and compares, for tests.
  bool recount();

 private:
  static constexpr size_t kBins = 4;  // lists of partly used spans, by the slabs used
  enum ListIndex : uint8_t { kIdle = kBins, kReturned, kLists, kNoList = kLists };

  struct Span {
    uint32_t free_slabs = 0xffffffff;      // a bit for each
    uint32_t returned_slabs = 0xffffffff;  // of those, the ones whose memory was given back
    uint32_t freed_tick = 0;               // when the last slab became free
    uint8_t list = kNoList;
    bool huge_advised = false;
    bool small_pages = false;  // holds memory in small pages: worth collapsing once full
    uint32_t next = IndexList::kNone;
    uint32_t prev = IndexList::kNone;
  };

  void reserve();
  void open_spans();
  size_t holes() const;
  size_t scattered_idle_slabs() const;
  uint32_t fullest_span();
  void prepare_first_touch(uint32_t index);
  bool preparing_wanted() const;
  void relist(uint32_t index);
  static ListIndex list_for(const Span& span);
  bool span_counts_hold(uint32_t index) const;
  bool give_back_span();
  size_t give_back_slabs_of(uint32_t index);
  bool give_back_slabs();
  void collapse_one();
  bool huge_wanted() const;
  char* span_memory(uint32_t index) const { return memory() + size_t{index} * kSpanBytes; }

  std::atomic<char*> memory_{nullptr};
  std::atomic<Slab*> slabs_{nullptr};
  std::atomic<size_t> opened_{0};
  std::atomic<size_t> used_slabs_{0};
  std::atomic<size_t> idle_slabs_{0};  // free, their memory kept
  std::atomic<bool> huge_pages_{true};
  std::atomic<uint32_t> need_{0};

  ShardLock lock_;  // guards what follows, and changes of what stands above but the switch
  Span* spans_ = nullptr;
  size_t reserved_spans_ = 0;
  uint32_t tick_ = 0;  // calls of maintain()
  IndexList lists_[kLists];
  uint32_t list_sizes_[kLists] = {};
  uint32_t collapse_cursor_ = 0;
  bool can_collapse_ = true;
};

}  // namespace larder::storage
