#include "tests/storage/failing_heap.h"

#include <limits>

namespace larder::storage {
namespace {

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

size_t allocations_left = kUnlimited;

}  // namespace

FailingHeap::FailingHeap(size_t allocations) {
  allocations_left = allocations;
}

FailingHeap::~FailingHeap() {
  allocations_left = kUnlimited;
}

// What storage::heap_allocate() is named for the linker, behind the prefix of its option --wrap.
extern "C" void* __real__ZN6larder7storage13heap_allocateEmm(size_t bytes, size_t alignment);
extern "C" void* __wrap__ZN6larder7storage13heap_allocateEmm(size_t bytes, size_t alignment) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left != kUnlimited) allocations_left--;
  return __real__ZN6larder7storage13heap_allocateEmm(bytes, alignment);
}

}  // namespace larder::storage
