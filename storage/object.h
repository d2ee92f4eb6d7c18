// What hangs off the entry of a hash, list, set or sorted set: a word that says what it is and
// where.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace larder::storage {

class Container;
class Packed;

// What a value is to its users.
enum class ValueType : uint8_t { kString, kList, kSet, kSortedSet, kHash };

// How a collection is kept. The first three are a Packed, the others a Container.
enum class Encoding : uint8_t {
  kIntegers,       // a set of integers, sorted (types/set.h)
  kListpack,       // types/listpack.h
  kListpackTimed,  // of triples: a hash whose fields have expiries (types/hash.h)
  kTable,          // a hash table
  kTableTimed,     // a hash table, some elements of which have expiries
  kOrdered,        // a hash table and an ordered tree (types/sorted_set.h)
  kNodes,          // a chain of listpacks (types/list.h)
};

class Object {
 public:
  Object() = default;
  Object(ValueType type, Encoding encoding, Packed* packed)
      : Object(type, encoding, static_cast<const void*>(packed)) {
    assert(is_packed());
  }
  Object(ValueType type, Encoding encoding, Container* container)
      : Object(type, encoding, static_cast<const void*>(container)) {
    assert(!is_packed());
  }

  explicit operator bool() const { return word_ != 0; }
  bool operator==(const Object&) const = default;
  ValueType type() const { return static_cast<ValueType>(word_ >> kTypeShift); }
  Encoding encoding() const { return static_cast<Encoding>(word_ >> kEncodingShift & 0xff); }
  bool is_packed() const { return encoding() <= Encoding::kListpackTimed; }
  // Whether elements may have expiries of their own.
  bool is_timed() const {
    return encoding() == Encoding::kListpackTimed || encoding() == Encoding::kTableTimed;
  }

  // Each may be asked only where is_packed() says so. The caller knows by type() and encoding()
  // what kind of container it is.
  Packed* packed() const {
    assert(is_packed());
    return reinterpret_cast<Packed*>(address());
  }
  Container* container() const {
    assert(!is_packed());
    return reinterpret_cast<Container*>(address());
  }

  // Frees it; a container of many elements in slices, later (storage/garbage.h).
  void destroy();
  // An equal one that shares nothing. Throws std::bad_alloc.
  Object copy() const;
  // What it takes from the allocators.
  size_t memory_bytes() const;
  size_t recount_arena_bytes() const;  // see Container

  // Of the elements' own expiries; all of these may be asked of any object.
  static constexpr int64_t kNothingDue = std::numeric_limits<int64_t>::max();
  // A lower bound of the earliest, milliseconds since the epoch; kNothingDue if none has one.
  int64_t next_due_ms() const;
  // Whether the time of every element has passed: then there is no such collection any more.
  bool all_dead(int64_t now_ms) const {
    return is_timed() && next_due_ms() <= now_ms && no_live(now_ms);
  }
  // Frees dead elements, about `elements` at most, of one that is not all_dead(); counts down how
  // many were looked at. Whether there were any.
  bool sweep(int64_t now_ms, size_t& elements);

  // For compaction: moves a packed one that is `worth_moving` into a new block. Throws
  // std::bad_alloc, and then has changed nothing.
  bool move(bool (*worth_moving)(const void* block));

 private:
  // Addresses lie below 2^48.
  static constexpr int kEncodingShift = 48;
  static constexpr int kTypeShift = 56;

  Object(ValueType type, Encoding encoding, const void* address)
      : word_(reinterpret_cast<uintptr_t>(address) |
              static_cast<uint64_t>(encoding) << kEncodingShift |
              static_cast<uint64_t>(type) << kTypeShift) {}
  bool no_live(int64_t now_ms) const;
  uintptr_t address() const { return word_ & ((uint64_t{1} << kEncodingShift) - 1); }

  uint64_t word_ = 0;
};

}  // namespace larder::storage
