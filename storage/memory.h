// The one door to the allocator. jemalloc serves every malloc of the process; this file is the only
// one that talks to it by name. Built with LARDER_SYSTEM_MALLOC (the sanitizers), everything here
// works on the system's malloc, and what only jemalloc knows is derived from the process' size.
//
// All functions may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace larder::storage {

// Blocks of any size, for what the entry arena does not keep in its slabs. `alignment`: a power of
// two; the same for a block's whole life. heap_allocate throws std::bad_alloc.
void* heap_allocate(size_t bytes, size_t alignment);
void heap_free(void* block, size_t bytes, size_t alignment);
// What a request for `bytes` really takes.
size_t heap_block_bytes(size_t bytes, size_t alignment);

// The heap and the entry arena together, but for the last.
struct MemoryUse {
  size_t allocated_bytes = 0;  // asked for by the program and not freed
  size_t active_bytes = 0;     // in pages with at least one allocation
  size_t resident_bytes = 0;   // mapped by the allocator and in RAM
  size_t retained_bytes = 0;   // address space kept for later
  size_t rss_bytes = 0;        // of the whole process
};

// Exact once nobody allocates or frees. Costs some 10 microseconds: for reports and for timers, not
// for each command.
MemoryUse measure_memory();

// What measure_memory().allocated_bytes would say by now, in a few nanoseconds (with
// LARDER_SYSTEM_MALLOC: microseconds): for each write. Exact for what the calling thread did. What
// another thread did since it last called this is missing if it is less than kUsedBytesUnseen; what
// threads do that never call this (the log's, the allocator's own) shows after measure_memory().
size_t used_bytes();
inline constexpr size_t kUsedBytesUnseen = 16 * 1024;

// Gives free pages back to the system, those of the entry arena too. May take milliseconds for each
// hundred megabytes.
void purge_memory();

// Lets the allocator return free pages from a thread of its own. Call once at start.
void start_background_purging();

// "jemalloc-5.3.0" or "libc".
std::string allocator_name();

// The arena's and the allocator's own reports, as text.
std::string allocator_report();

}  // namespace larder::storage
