// The fields of a large hash: a table of entries, one a field, each with its value and its own
// expiry, if it has one. Guarded by the lock of the key's shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "storage/blob.h"
#include "storage/container.h"
#include "storage/table.h"

namespace larder::storage {

// A value to be stored in a field. `blob`: the same bytes, more than kInlineValueMax of them, where
// they are in a blob already, which is then shared; or null.
struct FieldText {
  std::string_view text;
  Blob* blob = nullptr;
};

class HashFields final : public Container {
 public:
  // The fields are hashed with this seed, which nobody outside may know.
  explicit HashFields(uint64_t hash_seed) : table_(hash_seed), seed_(hash_seed) {}

  // Dead fields are found, counted and visited like others; see live_size().
  const Table& table() const { return table_; }
  size_t size() const override { return table_.size(); }
  const Entry* find(std::string_view field) const {
    const Slot slot = table_.find(key_of(field));
    return slot ? slot.entry() : nullptr;
  }

  // Puts a value into a field, which is made if it is not there, and gives it this expiry. True if
  // it was made. Throws std::bad_alloc, and then has changed nothing.
  bool put(std::string_view field, const FieldText& value, int64_t expire_at_ms);
  // Of a field that is there.
  void set_expiry(std::string_view field, int64_t expire_at_ms);
  bool erase(std::string_view field);

  // Fields that are alive. Looks at parts of the table where some may be dead.
  size_t live_size(int64_t now_ms) const { return size() - table_.count_dead(now_ms); }

  HashFields* copy() const override;
  size_t memory_bytes() const override;
  size_t recount_arena_bytes() const override;
  int64_t next_due_ms() const override { return table_.next_due_ms(); }
  bool all_dead(int64_t now_ms) const override;
  bool sweep(int64_t now_ms, size_t& elements) override;
  bool any_timed() const override { return table_.volatile_size() > 0; }
  bool free_some(size_t elements) override;

 private:
  Key key_of(std::string_view field) const { return {field, hash_key(field, seed_)}; }
  void put_shape(const Key& key, const EntryShape& shape, std::string_view text);
  void note_latest(int64_t expire_at_ms);
  bool finds_live(int64_t now_ms, TablePosition from) const;

  Table table_;
  const uint64_t seed_;
  size_t entry_bytes_ = 0;  // blocks of the entries and what hangs off them
  // No field dies later than this: an upper bound, for all_dead().
  int64_t latest_expiry_ms_ = 0;
  // Where all_dead() last met a live field, and begins to look: while one stays alive there, many
  // dead ones elsewhere are not walked over again and again.
  mutable TablePosition live_at_ = 0;
};

}  // namespace larder::storage
