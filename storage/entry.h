// One key with its value, its expiry and its flags: one block of memory, referred to by exactly one
// slot of one table.
//
//   byte 0   flags: what follows and how wide (see Entry::Flag)
//   byte 1   key length, or 255: a 32-bit length follows
//   [4]      key length
//   [5|8]    expiry in milliseconds: 5 bytes since 2020 for the years up to 2054, else 8 since 1970
//   [1|2]    length of a value kept here
//   key bytes
//   value    text kept here (up to kInlineValueMax), an integer of 1, 2, 4 or 8 bytes, a pointer to
//            a Blob, the Object of a collection, or nothing: a member of a set is a key alone
//   [1+4n]   tags: how many, and their ids in the table that the entry is in (storage/tags.h)
//
// Whoever holds the shard's lock may read and write an entry; nobody else may touch it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "storage/entry_shape.h"
#include "storage/number.h"

namespace larder::storage {

// In bytes: the length field's width. (Redis: 512 MB, by its limit on an argument.)
inline constexpr size_t kKeyBytesMax = 0xffffffff;

class Entry {
 public:
  // A text's bytes are left for the caller. Throws std::bad_alloc, and then has taken nothing.
  static Entry* create(const EntryShape& shape);
  // Frees the block, its reference to a blob, its object.
  static void destroy(Entry* entry);
  // Frees the block only: its blob or object has moved to another entry.
  static void destroy_block(Entry* entry);

  // For compaction. The same entry in a new block; this one is gone. And: the value's blob, if
  // nobody else refers to it, or its packed object, goes into a new block, if that is
  // `worth_moving`. Both throw std::bad_alloc, and then have changed nothing.
  Entry* moved();
  bool move_value(bool (*worth_moving)(const void* block));

  // Makes this block the entry that `shape` describes, if a block for it would be just as large;
  // the old value's blob is released, its object destroyed. False, and nothing changed, if not.
  // `shape.key` must equal key(), and neither it nor `shape.tags` may point into this block.
  bool rewrite(const EntryShape& shape);

  // A new entry with another key, expiry or tags and the value moved out of this one, which is then
  // good for destroy_block() only; or with its own copy of the value, and the same expiry. Both
  // throw std::bad_alloc, and then have changed nothing.
  Entry* with(std::string_view key, int64_t expire_at_ms, TagIds tags);
  Entry* copy(std::string_view key, TagIds tags) const;

  std::string_view key() const;
  ValueKind kind() const {
    return (flags() & kInteger) != 0 ? ValueKind::kInteger
                                     : static_cast<ValueKind>(flags() & kKindMask);
  }
  ValueType type() const {
    return kind() == ValueKind::kObject ? object().type() : ValueType::kString;
  }
  bool is_string() const { return kind() != ValueKind::kObject; }
  bool modified() const { return (flags() & kModified) != 0; }
  int64_t expire_at_ms() const;
  bool has_expiry() const { return (flags() & kExpiryMask) != kExpiryNone; }
  bool tagged() const { return (flags() & kTagged) != 0; }
  // Points into the block.
  TagIds tags() const {
    if (!tagged()) return {};
    const uint8_t* at = bytes() + tags_offset();
    return {at + 1, *at};
  }

  // A lower bound of when the entry, or an element of it that has an expiry of its own, dies, in
  // milliseconds since the epoch; Object::kNothingDue if never.
  int64_t next_due_ms() const;
  // Whether its time has passed, or that of each of its elements: then nobody may see it.
  bool dead(int64_t now_ms) const {
    if (has_expiry() && expire_at_ms() <= now_ms) return true;
    return kind() == ValueKind::kObject && object().all_dead(now_ms);
  }

  // A mark of its sweeper, who knows when it dies (storage/expiry.h); for those with an expiry of
  // 40 bits, which every near one has. A new entry does not have it.
  bool scheduled() const { return (flags() & kExpiryMask) == kScheduled; }
  bool can_be_scheduled() const { return (flags() & kExpiry40) != 0; }
  void set_scheduled(bool scheduled) {
    bytes()[0] =
        static_cast<uint8_t>((flags() & ~kExpiryMask) | (scheduled ? kScheduled : kExpiry40));
  }

  // Changes the expiry in place. False, and nothing changed, if the block has no field wide enough.
  bool set_expire_at_ms(int64_t expire_at_ms);

  // Each may be asked only of its own kind of value.
  std::string_view text() const;
  char* text_bytes();
  int64_t integer() const;
  // False, and nothing changed, if the value needs more bytes than it has here.
  bool set_integer(int64_t value);
  Blob* blob() const;
  Object object() const { return load<Object>(bytes() + value_offset()); }
  // In place of the present one, which is not freed: the caller has moved or changed it.
  void set_object(Object object);

  // The value of any kind of string; an integer's digits are written to `digits`.
  std::string_view string(char (&digits)[kIntegerTextMax]) const;
  size_t string_bytes() const;

  // The block, and with it what hangs off it, in bytes as asked of the allocator.
  size_t block_bytes() const;
  size_t memory_bytes() const;

 private:
  enum Flag : uint8_t {
    kKindMask = 0x07,
    kInteger = 0x04,  // of 1, 2, 4 or 8 bytes, as the two bits below say
    kExpiryMask = 0x18,
    kExpiryNone = 0x00,
    kExpiry40 = 0x08,
    kExpiry64 = 0x10,
    kScheduled = 0x18,  // of 40 bits
    kLongText = 0x20,   // the value's length takes two bytes
    kModified = 0x40,
    kTagged = 0x80,
  };
  static constexpr uint8_t kLongKey = 255;

  static uint8_t flags_for(const EntryShape& shape);
  static void write_expiry(uint8_t* at, int64_t expire_at_ms, uint8_t flags);
  static constexpr size_t expiry_width(uint8_t flags) {
    return (flags & kExpiry40) != 0 ? 5 : (flags & kExpiry64) != 0 ? 8 : 0;
  }
  static size_t integer_bytes(uint8_t flags) { return size_t{1} << (flags & 3); }
  static size_t bytes_for(const EntryShape& shape, uint8_t flags);
  EntryShape shape() const;
  void release_value();
  void fill(const EntryShape& shape, uint8_t flags);

  template <typename T>
  static T load(const uint8_t* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this); }
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(this); }
  uint8_t flags() const { return bytes()[0]; }
  size_t key_bytes() const;
  size_t expiry_offset() const { return bytes()[1] == kLongKey ? 6 : 2; }
  size_t length_offset() const { return expiry_offset() + expiry_width(flags()); }
  size_t key_offset() const;
  size_t value_offset() const { return key_offset() + key_bytes(); }
  size_t text_size() const;
  size_t value_bytes() const;
  size_t tags_offset() const { return value_offset() + value_bytes(); }
};

// Inline, since they stand in the middle of every lookup.

inline size_t Entry::key_bytes() const {
  return bytes()[1] == kLongKey ? load<uint32_t>(bytes() + 2) : bytes()[1];
}

inline size_t Entry::key_offset() const {
  if (kind() != ValueKind::kText) return length_offset();
  return length_offset() + ((flags() & kLongText) != 0 ? 2 : 1);
}

inline size_t Entry::text_size() const {
  const uint8_t* at = bytes() + length_offset();
  return (flags() & kLongText) != 0 ? load<uint16_t>(at) : *at;
}

inline std::string_view Entry::key() const {
  return {reinterpret_cast<const char*>(bytes() + key_offset()), key_bytes()};
}

inline std::string_view Entry::text() const {
  return {reinterpret_cast<const char*>(bytes() + value_offset()), text_size()};
}

}  // namespace larder::storage
