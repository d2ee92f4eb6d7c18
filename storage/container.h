// A collection that is too large to be one packed run of bytes: what hashes, sets, sorted sets and
// lists of many elements derive from. Guarded by the shard's lock of the key that it belongs to,
// and, once that key is gone, owned by whoever frees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace larder::storage {

class Container {
 public:
  virtual ~Container() = default;
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  // An equal one that shares nothing with this. Throws std::bad_alloc.
  virtual Container* copy() const = 0;

  virtual size_t size() const = 0;  // elements

  // What it takes from the allocators, elements included. Does not look at the elements.
  virtual size_t memory_bytes() const = 0;
  // Of that, what it takes in the entry arena, in whole blocks: counted anew from every element,
  // for DEBUG RECOUNT-MEMORY.
  virtual size_t recount_arena_bytes() const = 0;

  // Elements with expiries of their own, milliseconds since the epoch: see Object.
  virtual int64_t next_due_ms() const { return std::numeric_limits<int64_t>::max(); }
  virtual bool all_dead(int64_t /*now_ms*/) const { return false; }
  virtual bool sweep(int64_t /*now_ms*/, size_t& /*elements*/) { return false; }
  // Whether any element has an expiry, dead or not.
  virtual bool any_timed() const { return false; }

  // Frees some `elements`, so that freeing a large one stalls nobody. True if something is left;
  // once begun, only this and the destructor may be called.
  virtual bool free_some(size_t elements) = 0;

 protected:
  Container() = default;

 private:
  friend class Garbage;
  Container* next_garbage_ = nullptr;
};

}  // namespace larder::storage
