// Hashes: fields with values, each field perhaps with an expiry of its own. A small hash is a
// listpack (types/packed_hash.h), a large one a table (types/hash_fields.h).
//
// A Hash is one command's view of one key: open it, do something with it, finish(). A dead field is
// never seen. One whose last field goes is erased, and one whose fields are all dead is gone by the
// rules of the keyspace (Entry::dead()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "storage/function_ref.h"
#include "storage/keyspace.h"
#include "storage/result.h"
#include "storage/types/hash_fields.h"
#include "storage/types/hash_limits.h"
#include "storage/types/packed_hash.h"

namespace larder::storage {

// The value of a field, wherever it is kept; good until the hash is changed.
struct HashValue {
  const Entry* entry = nullptr;  // of a table
  listpack::Element element{};   // else

  std::string_view string(char (&digits)[kIntegerTextMax]) const {
    return entry != nullptr ? entry->string(digits) : element.string(digits);
  }
};

struct HashField {
  listpack::Element name;
  HashValue value;
  int64_t expire_at_ms = kNoExpiry;
};

class Hash {
 public:
  using Visit = FunctionRef<void(const HashField&)>;
  using Random = FunctionRef<uint64_t()>;  // 64 random bits a call

  Hash(Keyspace& db, const Key& key, const HashLimits& limits)
      : db_(db), key_(key), limits_(limits) {}
  // Changes that were not finished, since memory ran out in the midst of them, are kept as far as
  // they went.
  ~Hash();
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  // Opens the key's hash, for which none may be there: kOk or kWrongType. read() counts a hit or a
  // miss, find() counts nothing.
  Status read() { return open(db_.read(key_)); }
  Status find() { return open(db_.find(key_)); }
  // To be called after changes: puts the hash back, or erases its key if no field is left. Throws
  // std::bad_alloc, if there was no such key before.
  void finish();

  // Whether there is such a key.
  bool exists() const { return static_cast<bool>(object_); }
  size_t size() const;
  // Of the whole, bytes: about what its fields take. Of a hash that exists().
  size_t memory_bytes() const { return object_.memory_bytes(); }
  std::optional<HashValue> get(std::string_view field) const;
  // kNoExpiry if it has none; nullopt if there is no such field.
  std::optional<int64_t> expire_at_ms(std::string_view field) const;

  void each(Visit visit) const;
  // Visits some fields from a position on, 0 at the start; returns where to go on, 0 at the end.
  // See Table::scan for the budget. Of a small hash, visits all.
  TablePosition scan(TablePosition from, ScanBudget budget, Visit visit) const;
  // Visits `count` of the fields, all different, each with the same probability; at most size().
  void sample(size_t count, Random random, Visit visit);
  // Visits `count` fields, drawn one by one. There must be one.
  void draw(size_t count, Random random, Visit visit);

  // What follows changes the hash and throws std::bad_alloc; then the call has changed nothing.

  // To be told beforehand that fields will be set, the longest text of which has so many bytes:
  // what will be a table becomes one at once.
  void expect(size_t fields, size_t bytes_max);
  // Puts a value into the field with this expiry, which lies ahead, or kNoExpiry. True if there was
  // no such field.
  bool set(std::string_view field, const FieldText& value, int64_t expire_at_ms = kNoExpiry);
  // Of a field that is there.
  void set_expiry(std::string_view field, int64_t expire_at_ms);
  // False if there is no such field.
  bool erase(std::string_view field);

  // Adds to the number in the field, 0 if there is none; its expiry is kept. kNotInteger,
  // kOverflow; kNotFloat, kNanOrInfinity.
  Result<int64_t> increment(std::string_view field, int64_t by);
  Result<std::string> increment_float(std::string_view field, long double by);

 private:
  Status open(Entry* entry);
  bool packed() const { return object_.is_packed(); }
  size_t width() const {
    return object_.encoding() == Encoding::kListpack ? packed_hash::kPair : packed_hash::kTriple;
  }
  HashFields& fields() const { return static_cast<HashFields&>(*object_.container()); }
  bool dead(int64_t expire_at_ms) const {
    return expire_at_ms != kNoExpiry && expire_at_ms <= db_.now_ms();
  }
  packed_hash::Position find_packed(std::string_view field) const;
  HashField packed_field(packed_hash::Position at) const;
  const Entry* find_entry(std::string_view field) const;
  bool may_have_dead() const { return object_.next_due_ms() <= db_.now_ms(); }
  void sweep(size_t elements);
  // Clears away all that is dead, so that what is drawn at random is alive.
  void drop_dead() { sweep(std::numeric_limits<size_t>::max()); }
  bool set_packed(std::string_view field, std::string_view value, int64_t expire_at_ms);
  bool fits(std::string_view field, std::string_view value) const;
  void make_timed();
  void make_table();
  void put_packed(Encoding encoding, Packed* list) {
    object_ = Object(ValueType::kHash, encoding, list);
  }
  void put_fields(HashFields& fields);
  void keep_place();

  Keyspace& db_;
  const Key key_;
  const HashLimits limits_;
  Entry* entry_ = nullptr;    // null: there is no such key
  Object object_;             // the entry's, if there is one, but for changes since
  size_t counted_bytes_ = 0;  // of the entry: see Keyspace
  bool changed_ = false;
};

}  // namespace larder::storage
