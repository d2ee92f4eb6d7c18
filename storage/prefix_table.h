// The names of the prefixes that are kept: each (database, prefix) has a row, whose index says
// where its counters are (storage/prefix_stats.h).
//
// find() is called by whoever holds a shard, without a lock of its own: rows are added under
// `PrefixStats::mutex_`, by publishing them last; everything else that changes a row needs all
// shards, so that no reader is there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "storage/key_prefix.h"

namespace larder::storage {

struct alignas(64) PrefixRow {
  std::string_view name() const { return {text.data(), size}; }

  bool is(const KeyPrefix& prefix) const {
    return hash == prefix.hash && head == prefix.head && size == prefix.name.size() &&
           (size <= sizeof head || name() == prefix.name);
  }

  uint64_t hash = 0;  // these two as in KeyPrefix
  uint64_t head = 0;
  uint32_t database = 0;
  uint8_t size = 0;
  bool used = false;
  // A walk is counting its keys: until it is through, a key counts only where the walk has been.
  std::atomic<bool> counting{false};
  std::array<char, kPrefixBytesMax> text{};

  // For PrefixStats::turn(), on one thread: how busy it was of late, and its accesses ever.
  uint64_t activity = 0;
  uint64_t accesses = 0;
};

class PrefixTable {
 public:
  static constexpr size_t kRowsMax = 1024;

  // Of the same seed as the hashes of prefixes. Null if there is none.
  PrefixRow* find(size_t database, const KeyPrefix& prefix) const {
    for (size_t i = slot_of(database, prefix.hash);; i = (i + 1) % kSlots) {
      const uint16_t slot = slots_[i].load(std::memory_order_acquire);
      if (slot == 0) return nullptr;
      PrefixRow& row = rows_[slot - 1];
      if (row.is(prefix) && row.database == database) return &row;
    }
  }
  size_t index_of(const PrefixRow& row) const { return static_cast<size_t>(&row - rows_.get()); }
  PrefixRow& operator[](size_t index) const { return rows_[index]; }

  // Rows that there is room for, used or not; those in use; and those that may be.
  size_t capacity() const { return capacity_; }
  size_t used() const { return used_; }
  size_t rows_max() const { return rows_max_; }
  bool full() const { return used_ >= rows_max_; }

  // Adds a row that is not there; the table is not full(). Under the mutex.
  PrefixRow& add(size_t database, const KeyPrefix& prefix, bool counting);

  // All shards are held. set_rows_max() is at most kRowsMax and leaves rows that are too many to be
  // removed; throws std::bad_alloc, and then has changed nothing.
  void set_rows_max(size_t rows);
  void remove(PrefixRow& row);
  void swap_databases(size_t a, size_t b);

  template <typename Visit>
  void each(Visit visit) const {
    for (size_t i = 0; i < capacity_; i++) {
      if (rows_[i].used) visit(rows_[i]);
    }
  }

 private:
  static constexpr size_t kSlots = 2 * kRowsMax;
  static size_t slot_of(size_t database, uint64_t hash) {
    return (hash + database * 0x9e3779b97f4a7c15) % kSlots;
  }
  void publish(const PrefixRow& row);
  void publish_all();

  // Open addressing: 0, or the index of a row and 1.
  std::array<std::atomic<uint16_t>, kSlots> slots_{};
  std::unique_ptr<PrefixRow[]> rows_;
  size_t capacity_ = 0;
  size_t rows_max_ = 0;
  size_t used_ = 0;
};

}  // namespace larder::storage
