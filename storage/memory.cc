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

}  // namespace

#ifndef LARDER_SYSTEM_MALLOC

void* EntryArena::allocate(size_t bytes) {
  void* block = mallocx(bytes, 0);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void EntryArena::free(void* block, size_t bytes) {
  sdallocx(block, bytes, 0);
}

size_t EntryArena::block_bytes(size_t bytes) {
  return nallocx(bytes, 0);
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
  return use;
}

void purge_memory() {
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
  std::string report;
  malloc_stats_print(
      [](void* out, const char* text) { static_cast<std::string*>(out)->append(text); }, &report,
      "mdablx");
  return report;
}

#else

void* EntryArena::allocate(size_t bytes) {
  return ::operator new(bytes);
}

void EntryArena::free(void* block, size_t) {
  ::operator delete(block);
}

size_t EntryArena::block_bytes(size_t bytes) {
  return (bytes + 8 + 15) / 16 * 16;
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
  malloc_trim(0);
}

void start_background_purging() {}

std::string allocator_name() {
  return "libc";
}

std::string allocator_report() {
  return "the system's malloc keeps no report\n";
}

#endif

}  // namespace larder::storage
