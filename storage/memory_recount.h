// Adds up what keys and tables take, block by block, to be compared with what the entry arena
// counted: for tests, and for DEBUG.
#pragma once

#include <cstddef>

#include "storage/store.h"

namespace larder::storage {

// All in bytes.
struct MemoryRecount {
  size_t entries = 0;      // their blocks
  size_t values = 0;       // the blocks of their values, where these have their own
  size_t segments = 0;     // of the tables
  size_t directories = 0;  // of the tables; on the heap, not in the arena
  size_t arena = 0;        // what the arena counted: ArenaUse::block_bytes

  size_t in_arena() const { return entries + values + segments; }
  // Of the arena's blocks, those that no table knows: values that are still being sent or are about
  // to be freed. 0 in a quiet server; anything else there is a leak.
  size_t elsewhere() const { return arena - in_arena(); }
};

// Looks at every key: seconds for tens of millions. `all`: a lock on all shards.
MemoryRecount recount_memory(Store& store, const LockedKeys& all);

}  // namespace larder::storage
