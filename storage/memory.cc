#include "storage/memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>

#ifndef LARDER_SYSTEM_MALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

#include "storage/entry_arena.h"

#ifndef LARDER_SYSTEM_MALLOC
// jemalloc's settings, which it reads when it starts. Free pages go back within two seconds, not in
// ten: what large values leave must be gone ten seconds later, and what comes back is got anew at
// some gigabytes a second.
const char* malloc_conf = "dirty_decay_ms:2000,muzzy_decay_ms:0";
#endif

namespace larder::storage {
namespace {

size_t process_rss_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int fields = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

// Free spans rest for some calls before they are given back.
void give_back_arena() {
  constexpr int kCalls = 4;
  for (int i = 0; i < kCalls || EntryArena::maintain(); i++) EntryArena::maintain();
}

std::string arena_report() {
  const ArenaUse use = EntryArena::use();
  char text[400];
  std::snprintf(
      text, sizeof text,
      "Entry arena: %zu blocks of %zu bytes (%zu of %zu on the heap), slabs %zu, idle %zu, "
      "returned %zu, records %zu bytes, %zu spans\n",
      use.blocks, use.block_bytes, use.heap_blocks, use.heap_bytes, use.slab_bytes, use.idle_bytes,
      use.returned_bytes, use.record_bytes, use.spans);
  return text;
}

}  // namespace

#ifndef LARDER_SYSTEM_MALLOC

void* heap_allocate(size_t bytes, size_t alignment) {
  void* block = mallocx(bytes, MALLOCX_ALIGN(alignment));
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void heap_free(void* block, size_t bytes, size_t alignment) {
  sdallocx(block, bytes, MALLOCX_ALIGN(alignment));
}

size_t heap_block_bytes(size_t bytes, size_t alignment) {
  return nallocx(bytes, MALLOCX_ALIGN(alignment));
}

namespace {

size_t statistic(const char* name) {
  size_t value = 0;
  size_t size = sizeof value;
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

// What one thread allocated in the heap, and what it freed, for as long as it lives.
struct HeapCounters {
  const uint64_t* allocated;
  const uint64_t* freed;
};

const uint64_t* counter_of_this_thread(const char* name) {
  static constexpr uint64_t kNone = 0;
  uint64_t* counter = nullptr;
  size_t size = sizeof counter;
  return mallctl(name, &counter, &size, nullptr, 0) == 0 ? counter : &kNone;
}

// used_bytes() is a base, which measure_memory() puts right, and what the threads did since. Each
// thread counts for itself, and adds what it did to `changes` when that has become much, so that
// threads rarely write to the same memory.
struct UsedBytes {
  class ThreadCount {
   public:
    ThreadCount();
    ~ThreadCount();
    // Not yet in `changes`.
    int64_t pending() const { return balance() - published_.load(std::memory_order_relaxed); }
    void publish(int64_t pending) {
      published_.store(published_.load(std::memory_order_relaxed) + pending,
                       std::memory_order_relaxed);
      changes.fetch_add(pending, std::memory_order_relaxed);
    }

   private:
    friend struct UsedBytes;
    // The counters are written by their own thread only, whole words at a time.
    int64_t balance() const {
      return arena_.load(std::memory_order_relaxed) +
             static_cast<int64_t>(__atomic_load_n(heap_.allocated, __ATOMIC_RELAXED) -
                                  __atomic_load_n(heap_.freed, __ATOMIC_RELAXED));
    }

    const std::atomic<int64_t>& arena_ = EntryArena::thread_bytes();
    const HeapCounters heap_{counter_of_this_thread("thread.allocatedp"),
                             counter_of_this_thread("thread.deallocatedp")};
    std::atomic<int64_t> published_{balance()};
    ThreadCount* next_;
  };

  static void measured(size_t exact) {
    const std::lock_guard guard(mutex);
    int64_t counted = changes.load(std::memory_order_relaxed);
    for (const ThreadCount* thread = threads; thread != nullptr; thread = thread->next_) {
      counted += thread->pending();
    }
    base.store(static_cast<int64_t>(exact) - counted, std::memory_order_relaxed);
  }

  static inline constinit std::atomic<int64_t> base{0};
  static inline constinit std::atomic<int64_t> changes{0};
  static inline constinit std::mutex mutex;
  static inline constinit ThreadCount* threads = nullptr;  // a list, guarded by the mutex
};

UsedBytes::ThreadCount::ThreadCount() {
  {
    const std::lock_guard guard(mutex);
    next_ = threads;
    threads = this;
  }
  measure_memory();
}

UsedBytes::ThreadCount::~ThreadCount() {
  const std::lock_guard guard(mutex);
  publish(pending());
  ThreadCount** link = &threads;
  while (*link != this) link = &(*link)->next_;
  *link = next_;
}

// Blocks that threads keep to hand out again count as allocated with jemalloc.
size_t cached_bytes() {
  char name[64];
  std::snprintf(name, sizeof name, "stats.arenas.%u.tcache_bytes",
                static_cast<unsigned>(MALLCTL_ARENAS_ALL));
  return statistic(name);
}

}  // namespace

size_t used_bytes() {
  thread_local UsedBytes::ThreadCount thread;
  int64_t pending = thread.pending();
  if (static_cast<uint64_t>(pending) + kUsedBytesUnseen > 2 * kUsedBytesUnseen) {
    thread.publish(pending);
    pending = 0;
  }
  const int64_t used = UsedBytes::base.load(std::memory_order_relaxed) +
                       UsedBytes::changes.load(std::memory_order_relaxed) + pending;
  return static_cast<size_t>(std::max<int64_t>(used, 0));
}

MemoryUse measure_memory() {
  uint64_t epoch = 1;
  mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);
  MemoryUse use;
  use.allocated_bytes = statistic("stats.allocated") - cached_bytes();
  use.active_bytes = statistic("stats.active");
  use.resident_bytes = statistic("stats.resident");
  use.retained_bytes = statistic("stats.retained");
  use.rss_bytes = process_rss_bytes();
  const ArenaUse arena = EntryArena::use();
  use.allocated_bytes += arena.living_slab_bytes();
  use.active_bytes += arena.slab_bytes;
  use.resident_bytes += arena.held_bytes();
  use.retained_bytes += arena.returned_bytes;
  UsedBytes::measured(use.allocated_bytes);
  return use;
}

void purge_memory() {
  give_back_arena();
  char name[64];
  std::snprintf(name, sizeof name, "arena.%u.purge", static_cast<unsigned>(MALLCTL_ARENAS_ALL));
  mallctl(name, nullptr, nullptr, nullptr, 0);
}

void start_background_purging() {
  bool on = true;
  mallctl("background_thread", nullptr, nullptr, &on, sizeof on);
}

std::string allocator_name() {
  const char* version = nullptr;
  size_t size = sizeof version;
  if (mallctl("version", &version, &size, nullptr, 0) != 0) return "jemalloc";
  const std::string text = version;
  return "jemalloc-" + text.substr(0, text.find('-'));
}

std::string allocator_report() {
  std::string report = arena_report();
  malloc_stats_print(
      [](void* out, const char* text) { static_cast<std::string*>(out)->append(text); }, &report,
      "mdablx");
  return report;
}

#else

void* heap_allocate(size_t bytes, size_t alignment) {
  return ::operator new(bytes, std::align_val_t(alignment));
}

void heap_free(void* block, size_t, size_t alignment) {
  ::operator delete(block, std::align_val_t(alignment));
}

size_t heap_block_bytes(size_t bytes, size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

// The sanitizers' allocators are not what mallinfo2() knows, but have a count of their own.
extern "C" __attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes();

namespace {

size_t system_allocated_bytes() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) {
    return __sanitizer_get_current_allocated_bytes();
  }
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

MemoryUse measure_memory() {
  MemoryUse use;
  use.rss_bytes = process_rss_bytes();
  use.allocated_bytes = system_allocated_bytes();
  use.active_bytes = use.resident_bytes = std::max(use.rss_bytes, use.allocated_bytes);
  return use;
}

size_t used_bytes() {
  return system_allocated_bytes();
}

void purge_memory() {
  give_back_arena();
  malloc_trim(0);
}

void start_background_purging() {}

std::string allocator_name() {
  return "libc";
}

std::string allocator_report() {
  return arena_report() + "the system's malloc keeps no report\n";
}

#endif

}  // namespace larder::storage
