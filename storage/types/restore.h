// RESTORE: a value out of the string that DUMP made of it, here or in any Redis up to 7.4, in any
// of the forms of dump_types.h. What it is kept in follows from the limits of this server.
//
// The string is whatever a client sent. All of it is checked; nothing is allocated because of a
// count that its bytes do not bear out. Members, fields that come twice and scores that are no
// numbers are damage too, as in Redis. Streams and modules are refused.
//
// Takes time for the whole value; the hash table of a sorted set with it for a while.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "storage/keyspace.h"
#include "storage/types/hash_limits.h"
#include "storage/types/list_nodes.h"
#include "storage/types/set.h"
#include "storage/types/sorted_set.h"

namespace larder::storage {

struct RestoreLimits {
  ListLimit list;
  SetLimits set;
  SortedSetLimits sorted_set;
  HashLimits hash;
  size_t string_bytes_max = 0;  // of each string; see DumpReader for all together
};

enum class RestoreFault : uint8_t {
  kNone,
  kFooter,  // it is no dump, of a later version than is read, or its checksum is wrong
  kFormat,  // its content is damaged, or of a kind that is not kept here
};

// A value that belongs to no key yet.
class RestoredValue {
 public:
  RestoredValue() = default;  // none: of a hash all whose fields have died
  explicit RestoredValue(std::string string) : string_(std::move(string)) {}
  explicit RestoredValue(Object object) : object_(object) {}
  ~RestoredValue() {
    if (object_) object_.destroy();
  }
  RestoredValue(RestoredValue&& other) noexcept
      : string_(std::move(other.string_)), object_(std::exchange(other.object_, {})) {}
  RestoredValue& operator=(RestoredValue&& other) noexcept {
    std::swap(string_, other.string_);
    std::swap(object_, other.object_);
    return *this;
  }

  bool exists() const { return string_.has_value() || object_; }
  // Puts the value, which exists(), under a key in place of whatever was there. Throws
  // std::bad_alloc, and then has changed nothing.
  void put(Keyspace& db, const Key& key, int64_t expire_at_ms);

 private:
  std::optional<std::string> string_;
  Object object_;
};

struct Restored {
  RestoreFault fault = RestoreFault::kNone;
  RestoredValue value{};
};

// `hash_seed`: the store's. Throws std::bad_alloc.
Restored restore_value(std::string_view dump, const RestoreLimits& limits, uint64_t hash_seed,
                       int64_t now_ms);

}  // namespace larder::storage
