#include "storage/blob.h"

#include <atomic>
#include <cassert>
#include <cstring>
#include <new>

#include "storage/blob_reclaimer.h"
#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

std::atomic<bool> any_created{false};

}  // namespace

Blob* Blob::create(size_t size, size_t capacity) {
  if (!any_created.load(std::memory_order_relaxed)) {
    any_created.store(true, std::memory_order_relaxed);
  }
  const size_t bytes = EntryArena::block_bytes(sizeof(Blob) + capacity);
  return new (EntryArena::allocate(bytes)) Blob(size, bytes - sizeof(Blob));
}

bool Blob::any_yet() {
  return any_created.load(std::memory_order_relaxed);
}

Blob* Blob::moved() {
  assert(unique());
  Blob* blob = create(size_, capacity_);
  std::memcpy(blob->data(), data(), size_);
  release();
  return blob;
}

void Blob::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const size_t bytes = memory_bytes();
  this->~Blob();
  if (bytes >= BlobReclaimer::kBytesMin && BlobReclaimer::take(this, bytes)) return;
  EntryArena::free(this, bytes);
}

size_t Blob::memory_bytes() const {
  return sizeof(Blob) + capacity_;
}

}  // namespace larder::storage
