// One member of a set, read once and in every form that the encodings of sets compare: as an
// integer or text, and as its key in a hash table.
//
// In a table an integer is kept in its own bytes where Redis keeps its digits. A key that begins
// with kIntegerMark is one, of 1 to 8 bytes, little endian; a text that happens to begin with
// either mark stands behind kTextMark. Every member has exactly one key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/key_hash.h"
#include "storage/types/listpack.h"

namespace larder::storage {

// A member as it is read out of a set; text points into the set.
using MemberValue = listpack::Element;

class Member {
 public:
  // Both borrow the text's bytes.
  explicit Member(std::string_view string) : value_(listpack::element_of(string)) {}
  // Not to be used for text that spells an integer.
  explicit Member(const MemberValue& value) : value_(value) {}
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  const MemberValue& value() const { return value_; }
  bool is_integer() const { return value_.is_integer; }
  int64_t integer() const { return value_.integer; }
  size_t string_bytes() const { return value_.string_bytes(); }

  // The key in tables that hash with `seed`; computed by the first call alone. Valid as long as
  // this.
  const Key& key(uint64_t seed) const;

  // The member whose key in a table this is.
  static MemberValue of_key(std::string_view key);

 private:
  static constexpr uint8_t kIntegerMark = 0xff;
  static constexpr uint8_t kTextMark = 0xfe;

  std::string_view encode() const;

  MemberValue value_;
  mutable std::array<char, 1 + sizeof(int64_t)> integer_key_;
  mutable std::string text_key_;  // only for text that begins with a mark
  mutable Key key_;
  mutable uint64_t seed_ = 0;
  mutable bool hashed_ = false;
};

}  // namespace larder::storage
