// What an entry costs.
#pragma once

#include <cstddef>

#include "storage/entry.h"
#include "storage/entry_arena.h"
#include "storage/table.h"

namespace larder::storage {

// In bytes: the entry's block as the arena gave it, what hangs off it, and its place in the table.
inline size_t held_bytes(const Entry& entry) {
  const size_t beside_block = entry.memory_bytes() - entry.block_bytes();
  return EntryArena::block_bytes(entry.block_bytes()) + beside_block + Table::kSlotBytes;
}

}  // namespace larder::storage
