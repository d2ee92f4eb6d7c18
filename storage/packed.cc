#include "storage/packed.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <limits>

#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

std::atomic<bool> any_created{false};

}  // namespace

Packed* Packed::create(size_t bytes) {
  assert(bytes >= kHeadBytes && bytes <= std::numeric_limits<uint32_t>::max());
  auto* packed = static_cast<Packed*>(EntryArena::allocate(bytes));
  packed->set_bytes(bytes);
  if (!any_created.load(std::memory_order_relaxed)) {
    any_created.store(true, std::memory_order_relaxed);
  }
  return packed;
}

void Packed::destroy(Packed* packed) {
  EntryArena::free(packed, packed->bytes());
}

Packed* Packed::resize(Packed* packed, size_t bytes) {
  const size_t before = packed->bytes();
  if (EntryArena::block_bytes(before) == EntryArena::block_bytes(bytes)) {
    packed->set_bytes(bytes);
    return packed;
  }
  Packed* resized = create(bytes);
  const size_t kept = std::min(before, bytes) - kHeadBytes;
  std::memcpy(resized->data() + kHeadBytes, packed->data() + kHeadBytes, kept);
  EntryArena::free(packed, before);
  return resized;
}

Packed* Packed::copy() const {
  Packed* copied = create(bytes());
  std::memcpy(copied->data(), data(), bytes());
  return copied;
}

size_t Packed::memory_bytes() const {
  return EntryArena::block_bytes(bytes());
}

bool Packed::any_yet() {
  return any_created.load(std::memory_order_relaxed);
}

}  // namespace larder::storage
