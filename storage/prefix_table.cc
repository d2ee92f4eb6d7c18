#include "storage/prefix_table.h"

#include <algorithm>
#include <cassert>

namespace larder::storage {

PrefixRow& PrefixTable::add(size_t database, const KeyPrefix& prefix, bool counting) {
  assert(!full() && prefix.name.size() <= kPrefixBytesMax);
  size_t index = 0;
  while (rows_[index].used) index++;
  PrefixRow& row = rows_[index];
  row.hash = prefix.hash;
  row.head = prefix.head;
  row.database = static_cast<uint32_t>(database);
  row.size = static_cast<uint8_t>(prefix.name.size());
  row.counting.store(counting, std::memory_order_relaxed);
  std::copy(prefix.name.begin(), prefix.name.end(), row.text.begin());
  row.activity = row.accesses = 0;
  row.used = true;
  used_++;
  publish(row);
  return row;
}

void PrefixTable::publish(const PrefixRow& row) {
  size_t i = slot_of(row.database, row.hash);
  while (slots_[i].load(std::memory_order_relaxed) != 0) i = (i + 1) % kSlots;
  slots_[i].store(static_cast<uint16_t>(index_of(row) + 1), std::memory_order_release);
}

void PrefixTable::publish_all() {
  for (auto& slot : slots_) slot.store(0, std::memory_order_relaxed);
  each([&](const PrefixRow& row) { publish(row); });
}

void PrefixTable::set_rows_max(size_t rows) {
  assert(rows <= kRowsMax);
  if (rows > capacity_) {
    auto larger = std::make_unique<PrefixRow[]>(rows);
    for (size_t i = 0; i < capacity_; i++) {
      PrefixRow& to = larger[i];
      const PrefixRow& from = rows_[i];
      to.hash = from.hash;
      to.head = from.head;
      to.database = from.database;
      to.size = from.size;
      to.used = from.used;
      to.counting.store(from.counting.load(std::memory_order_relaxed), std::memory_order_relaxed);
      to.text = from.text;
      to.activity = from.activity;
      to.accesses = from.accesses;
    }
    rows_ = std::move(larger);
    capacity_ = rows;
  }
  rows_max_ = rows;
}

void PrefixTable::remove(PrefixRow& row) {
  row.used = false;
  used_--;
  publish_all();
}

void PrefixTable::swap_databases(size_t a, size_t b) {
  each([&](PrefixRow& row) {
    if (row.database == a) {
      row.database = static_cast<uint32_t>(b);
    } else if (row.database == b) {
      row.database = static_cast<uint32_t>(a);
    }
  });
  publish_all();
}

}  // namespace larder::storage
