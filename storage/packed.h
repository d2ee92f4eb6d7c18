// A small collection as one run of bytes in one block of the entry arena. What the bytes mean is
// the business of its format (types/listpack.h, types/set.h); every format begins with four bytes
// that say how long the whole run is, these four included, little endian.
//
// A block is never larger than its length needs, so the length says what to free. Guarded by the
// shard's lock, like the entry that refers to it; nobody else ever holds a reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace larder::storage {

class Packed {
 public:
  static constexpr size_t kHeadBytes = 4;

  Packed() = delete;
  // `bytes` long, at least kHeadBytes; what stands behind the head is left for the caller. Throws
  // std::bad_alloc.
  static Packed* create(size_t bytes);
  static void destroy(Packed* packed);

  // Gives the run another length, in place or in a new block: the front is kept, what comes new is
  // left for the caller. Throws std::bad_alloc, and then has changed nothing.
  static Packed* resize(Packed* packed, size_t bytes);

  // The same bytes in a new block. Throws std::bad_alloc.
  Packed* copy() const;

  size_t bytes() const {
    uint32_t length;
    std::memcpy(&length, this, sizeof length);
    return length;
  }
  uint8_t* data() { return reinterpret_cast<uint8_t*>(this); }
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(this); }

  // What the block takes from the allocator.
  size_t memory_bytes() const;

  // Whether there has ever been one: until then, compaction need not look for them.
  static bool any_yet();

 private:
  void set_bytes(size_t bytes) {
    const auto length = static_cast<uint32_t>(bytes);
    std::memcpy(this, &length, sizeof length);
  }
};

// A run that belongs to nobody else yet: destroyed with this, unless it is released.
class OwnedPacked {
 public:
  explicit OwnedPacked(Packed* packed) : packed_(packed) {}
  ~OwnedPacked() {
    if (packed_ != nullptr) Packed::destroy(packed_);
  }
  OwnedPacked(OwnedPacked&& other) noexcept : packed_(other.release()) {}
  OwnedPacked& operator=(OwnedPacked&&) = delete;

  // By reference, for functions that may move it.
  Packed*& get() { return packed_; }
  const Packed* get() const { return packed_; }
  Packed* release() { return std::exchange(packed_, nullptr); }

 private:
  Packed* packed_;
};

}  // namespace larder::storage
