#include "storage/memory_preparer.h"

#include <new>

#include "storage/entry_arena.h"

namespace larder::storage {

MemoryPreparer::~MemoryPreparer() {
  stopping_.store(true);
  EntryArena::need().fetch_add(1);
  EntryArena::need().notify_all();
  thread_.join();
}

void MemoryPreparer::run() {
  while (true) {
    const uint32_t seen = EntryArena::need().load();
    if (stopping_.load()) return;
    try {
      EntryArena::prepare_span();
    } catch (const std::bad_alloc&) {
      // Whoever needs the memory will be told.
    }
    EntryArena::need().wait(seen);
  }
}

}  // namespace larder::storage
