// What commands do to strings, on top of Keyspace: the type check, and the operations that read a
// value, work on it and put it back under its old expiry.
//
// Everything here runs under the lock that the Keyspace was made for. Arguments must not point into
// the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/keyspace.h"
#include "storage/result.h"

namespace larder::storage {

// The live string of `key`; null if there is no such key, kWrongType if it holds something else.
// read_string() counts a hit or a miss, find_string() counts nothing.
inline Result<Entry*> as_string(Entry* entry) {
  if (entry != nullptr && !entry->is_string()) return Status::kWrongType;
  return entry;
}
inline Result<Entry*> read_string(Keyspace& db, const Key& key) {
  return as_string(db.read(key));
}
inline Result<Entry*> find_string(Keyspace& db, const Key& key) {
  return as_string(db.find(key));
}

// Adds `by` to the integer that `key` holds, 0 if there is no such key, and answers the sum.
// kWrongType, kNotInteger, kOverflow.
Result<int64_t> increment(Keyspace& db, const Key& key, int64_t by);

// Adds the number that `by` spells and answers the text of the sum, which is stored as text even
// where it spells an integer. kWrongType, kNotFloat (the value or `by`), kNanOrInfinity.
Result<std::string> increment_float(Keyspace& db, const Key& key, std::string_view by);

// The same with bounds, both included: a sum beyond them changes nothing or, if `saturate`, becomes
// the bound. Number is int64_t or long double; of the latter, all is finite.
template <typename Number>
struct IncrementBounds {
  Number lower;
  Number upper;
  bool saturate = false;
};
template <typename Number>
struct BoundedIncrement {
  Number value;    // as it is now
  Number applied;  // by how much it has changed
  bool stored;     // false: out of bounds
};
// kWrongType, kNotInteger or kNotFloat, kNanOrInfinity (the value), kOverflow (`applied`:
// saturating a value far outside).
Result<BoundedIncrement<int64_t>> increment_within(Keyspace& db, const Key& key, int64_t by,
                                                   const IncrementBounds<int64_t>& bounds);
Result<BoundedIncrement<long double>> increment_within(Keyspace& db, const Key& key, long double by,
                                                       const IncrementBounds<long double>& bounds);

// Puts `suffix` behind the value and answers the new length. A new key is stored as SET does it.
// kWrongType, kTooLong if the result would be longer than `bytes_max`.
Result<size_t> append_string(Keyspace& db, const Key& key, std::string_view suffix,
                             size_t bytes_max);

// Overwrites the value from byte `offset` on, with zeros before it where the value was shorter, and
// answers its length. Without bytes nothing is changed or created. kWrongType, kTooLong.
Result<size_t> set_string_range(Keyspace& db, const Key& key, uint64_t offset,
                                std::string_view bytes, size_t bytes_max);

// The bytes of the value for changing in place, valid until the next operation on the key: at least
// `bytes_min` of them, filled up with zeros. Creates the key. If the value is changed, or has
// grown, Keyspace::note_written() must be called. kWrongType.
struct WritableString {
  std::span<char> bytes;
  bool grown;  // or created
};
Result<WritableString> writable_string(Keyspace& db, const Key& key, size_t bytes_min);

}  // namespace larder::storage
