// Lets the heap run out of memory. Blocks of more than EntryArena::kSlabBlockBytesMax come from it;
// under the sanitizers all blocks do. The linker turns calls of storage::heap_allocate() to here:
// see CMakeLists.txt.
#pragma once

#include <cstddef>
#include <new>

namespace larder::storage {

class FailingHeap {
 public:
  // The next `allocations` succeed, those behind them throw std::bad_alloc, until this is gone.
  explicit FailingHeap(size_t allocations);
  ~FailingHeap();
  FailingHeap(const FailingHeap&) = delete;
  FailingHeap& operator=(const FailingHeap&) = delete;
};

// Calls `change` with memory for so many allocations. Whether that was enough.
template <typename Change>
bool succeeds_with(size_t allocations, Change change) {
  const FailingHeap heap(allocations);
  try {
    change();
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

}  // namespace larder::storage
