// Where the memory is: the numbers behind INFO memory, MEMORY STATS and MEMORY DOCTOR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/core/server.h"
#include "storage/memory.h"
#include "storage/store.h"

namespace larder::core {

struct MemoryReport {
  storage::MemoryUse use;
  size_t peak_bytes = 0;     // highest of used_bytes() that was measured
  size_t startup_bytes = 0;  // in use before the first client came
  size_t client_bytes = 0;   // buffers of the connections
  size_t table_bytes = 0;    // tables of all databases, without the entries
  size_t keys = 0;
  std::vector<storage::DatabaseSize> databases;

  size_t used_bytes() const { return use.allocated_bytes; }
  // What is in use although it is neither key nor value, and the rest.
  size_t overhead_bytes() const { return startup_bytes + client_bytes + table_bytes; }
  size_t dataset_bytes() const;
  // Of what was added since the start, how much is dataset, in percent.
  double dataset_percent() const;
  double peak_percent() const;
};

// a / b, and 0 if b is.
double ratio(size_t a, size_t b);
// a - b, negative if b is larger.
int64_t difference(size_t a, size_t b);

// Measures now; also raises the server's peak if this is one. `databases`: what Store::sizes()
// said. Any thread.
MemoryReport measure(Server& server, std::vector<storage::DatabaseSize> databases);

// Only for the limit maxmemory: measures now and notes what is in use, and the peak. While the
// allocator gives memory back to the system this waits for its locks, tens of milliseconds for a
// gigabyte: not for a loop's thread.
void note_used_memory(Server& server);

// What an operator should know about these numbers, in sentences: the answer of MEMORY DOCTOR.
std::string diagnose(const MemoryReport& report);

}  // namespace larder::core
