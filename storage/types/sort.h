// SORT: the elements of a list, set or sorted set in some order, and the values of other keys that
// are found by putting an element into a pattern.
//
// Nothing here changes anything, and everything runs under one lock, which holds the sorted key
// and, as soon as a pattern has a star, all shards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/keyspace.h"
#include "storage/result.h"
#include "storage/types/hash.h"

namespace larder::storage {

// What the options BY and GET name. Borrows the bytes.
//
//   #              the element itself
//   weight_*       the string under the key that has the element in place of the star
//   weight_*->f    the field of the hash under that key
//
// As in Redis a NUL ends the search for star and arrow, and what has no star leads nowhere.
class SortPattern {
 public:
  explicit SortPattern(std::string_view pattern);

  bool has_star() const { return kind_ == Kind::kString || kind_ == Kind::kField; }
  // Nullopt where there is none, or one of another type. Good until something is changed, and the
  // element as well; counts a hit or a miss of the key.
  std::optional<HashValue> find(Keyspace& db, std::string_view element) const;

 private:
  enum class Kind : uint8_t { kElement, kNothing, kString, kField };
  Kind kind_ = Kind::kNothing;
  std::string_view before_;  // of the key, in front of the star
  std::string_view behind_;
  std::string_view field_;
};

// A value as text, for longer than one look: what an entry keeps as text is borrowed, since many
// elements may lead to one large value; all else is short and copied.
class KeptText {
 public:
  KeptText() = default;
  explicit KeptText(const HashValue& value);
  std::string_view get() const { return borrowed_ ? text_ : std::string_view(copy_); }

 private:
  bool borrowed_ = false;
  std::string_view text_;
  std::string copy_;
};

struct SortOrder {
  bool sorted = true;  // else as they stand, those of a set in no order
  std::optional<SortPattern> by;
  bool alphabetic = false;  // by the bytes; else by numbers, and equal ones by the elements' bytes
  bool descending = false;
  // Even what is not to be sorted gets an order, if it has none of its own: sets are sorted by
  // their bytes.
  bool always_ordered = false;
  int64_t offset = 0;  // so many are left out, none if negative
  int64_t count = -1;  // all others if negative
};

// The elements, none if there is no such key. kWrongType for strings and hashes, kNotFloat if
// something to sort by is no number; what is missing counts as 0, or comes before all texts.
Result<std::vector<std::string>> sort_elements(Keyspace& db, const Key& key,
                                               const SortOrder& order);

}  // namespace larder::storage
