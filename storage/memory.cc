#include "storage/memory.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#ifndef LARDER_SYSTEM_MALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

#include "storage/entry_arena.h"

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

}  // namespace

MemoryUse measure_memory() {
  uint64_t epoch = 1;
  mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);
  MemoryUse use;
  use.allocated_bytes = statistic("stats.allocated");
  use.active_bytes = statistic("stats.active");
  use.resident_bytes = statistic("stats.resident");
  use.retained_bytes = statistic("stats.retained");
  use.rss_bytes = process_rss_bytes();
  const ArenaUse arena = EntryArena::use();
  use.allocated_bytes += arena.living_slab_bytes();
  use.active_bytes += arena.slab_bytes;
  use.resident_bytes += arena.held_bytes();
  use.retained_bytes += arena.returned_bytes;
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

MemoryUse measure_memory() {
  const struct mallinfo2 info = mallinfo2();
  MemoryUse use;
  use.rss_bytes = process_rss_bytes();
  use.allocated_bytes = info.uordblks != 0 ? info.uordblks + info.hblkhd : use.rss_bytes;
  use.active_bytes = use.resident_bytes = use.rss_bytes;
  return use;
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
