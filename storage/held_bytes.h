// What an entry costs.
#pragma once

#include <cstddef>

#include "storage/entry.h"
#include "storage/entry_arena.h"
#include "storage/table.h"

namespace larder::storage {

// In bytes: what hangs off the entry's block.
inline size_t beside_block_bytes(const Entry& entry) {
  if (entry.kind() == ValueKind::kBlob) return entry.blob()->memory_bytes();
  return entry.kind() == ValueKind::kObject ? entry.object().memory_bytes() : 0;
}

// And with it the block, as the arena gave it, and its place in the table.
inline size_t held_bytes(const Entry& entry) {
  return EntryArena::block_bytes(entry.block_bytes()) + beside_block_bytes(entry) +
         Table::kSlotBytes;
}

}  // namespace larder::storage
