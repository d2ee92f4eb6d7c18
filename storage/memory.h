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

// Entries live in memory from here. Throws std::bad_alloc.
class EntryArena {
 public:
  static void* allocate(size_t bytes);
  static void free(void* block, size_t bytes);
  // What a request for `bytes` really takes.
  static size_t block_bytes(size_t bytes);
};

struct MemoryUse {
  size_t allocated_bytes = 0;  // asked for by the program and not freed
  size_t active_bytes = 0;     // in pages with at least one allocation
  size_t resident_bytes = 0;   // mapped by the allocator and in RAM
  size_t retained_bytes = 0;   // address space kept for later
  size_t rss_bytes = 0;        // of the whole process
};

// Costs some 10 microseconds: for reports and for timers, not for each command.
MemoryUse measure_memory();

// Gives free pages back to the system. May take milliseconds.
void purge_memory();

// Lets the allocator return free pages from a thread of its own. Call once at start.
void start_background_purging();

// "jemalloc-5.3.0" or "libc".
std::string allocator_name();

// The allocator's own report, as text.
std::string allocator_report();

}  // namespace larder::storage
