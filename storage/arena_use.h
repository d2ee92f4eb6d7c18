// What the entry arena reports about itself.
#pragma once

#include <cstddef>

namespace larder::storage {

// Bytes unless said otherwise. Exact once nobody allocates or frees.
struct ArenaUse {
  size_t blocks = 0;       // living ones
  size_t block_bytes = 0;  // what they take, as block_bytes() says
  size_t heap_blocks = 0;  // of these, the ones that are not in slabs
  size_t heap_bytes = 0;
  size_t slab_bytes = 0;      // slabs with at least one block, or kept by their class
  size_t idle_bytes = 0;      // free slabs whose memory is kept for later
  size_t returned_bytes = 0;  // free slabs without memory: never touched, or given back
  size_t spans = 0;           // their addresses are usable; never fewer than before
  size_t record_bytes = 0;    // what the arena knows of its slabs

  // In slabs, living and in all: what compaction may win is the difference.
  size_t living_slab_bytes() const { return block_bytes - heap_bytes; }
  size_t wasted_slab_bytes() const { return slab_bytes - living_slab_bytes(); }
  // In memory because of the arena, without heap blocks.
  size_t held_bytes() const { return slab_bytes + idle_bytes + record_bytes; }
};

}  // namespace larder::storage
