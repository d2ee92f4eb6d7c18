// A string too long to live inside its entry: one block, counted references. It is the only part of
// a value that may outlive the shard's lock (a reply still being sent holds a reference), so a
// writer changes it in place only while it holds the sole reference.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace larder::storage {

class Blob {
 public:
  // A blob of `size` uninitialised bytes with room for `capacity` (>= size), one reference. Throws
  // std::bad_alloc.
  static Blob* create(size_t size, size_t capacity);
  // Whether there has ever been one: until then, compaction need not look for them.
  static bool any_yet();

  // The same string in a new block. This one, which is unique(), is gone. Throws std::bad_alloc,
  // and then has changed nothing.
  Blob* moved();

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  // The last reference frees the block, a large one on the thread of the BlobReclaimer.
  void release();
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data(), size_}; }
  void set_size(size_t size) { size_ = size; }

  // What the block takes from the allocator.
  size_t memory_bytes() const;

 private:
  Blob(size_t size, size_t capacity) : size_(size), capacity_(capacity) {}

  std::atomic<uint32_t> references_{1};
  size_t size_;
  size_t capacity_;
};

// One reference to a blob, or none.
class BlobRef {
 public:
  BlobRef() = default;
  // Takes the caller's reference over.
  explicit BlobRef(Blob* blob) : blob_(blob) {}
  BlobRef(BlobRef&& other) noexcept : blob_(other.detach()) {}
  BlobRef& operator=(BlobRef&& other) noexcept {
    std::swap(blob_, other.blob_);
    return *this;
  }
  ~BlobRef() {
    if (blob_ != nullptr) blob_->release();
  }

  static BlobRef share(Blob& blob) {
    blob.retain();
    return BlobRef(&blob);
  }

  Blob* get() const { return blob_; }
  Blob* operator->() const { return blob_; }
  Blob& operator*() const { return *blob_; }
  // The reference is the caller's now.
  Blob* detach() { return std::exchange(blob_, nullptr); }

 private:
  Blob* blob_ = nullptr;
};

}  // namespace larder::storage
