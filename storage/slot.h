// Places in a table (storage/table.h): of an entry, and in the order in which a table is scanned.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/segment.h"

namespace larder::storage {

// Where an entry is. Valid until the table is changed by insert() or erase().
class Slot {
 public:
  Slot() = default;
  explicit operator bool() const { return bucket_ != nullptr; }
  Entry* entry() const { return bucket_->entries[index_].entry(); }
  AccessBits bits() const { return bucket_->entries[index_].bits(); }
  void set_bits(AccessBits bits) const { bucket_->entries[index_] = EntryRef(entry(), bits); }

 private:
  friend class Table;
  Slot(Segment* segment, Bucket* bucket, uint32_t index)
      : segment_(segment), bucket_(bucket), index_(index) {}
  Segment* segment_ = nullptr;
  Bucket* bucket_ = nullptr;
  uint32_t index_ = 0;
};

// A place in the order in which Table::scan visits buckets: a number below 2^kTablePositionBits, 0
// at the start. It stays valid through any change of the table: a scan returns every key that is
// there from its beginning to its end, some perhaps twice, since a segment that is split, united
// with others or rebuilt after the scan passed part of it is visited again in part.
// From the lowest bits: a home bucket's position, its segment's prefix and, if inside it, depth.
using TablePosition = uint64_t;
inline constexpr int kPausedDepthAt = Segment::kDepthMax + Segment::kHomeBits;
inline constexpr int kTablePositionBits = kPausedDepthAt + 5;

// How much a scan may look at; counted down as it goes.
struct ScanBudget {
  size_t entries = 0;
  size_t buckets = 0;  // a segment without entries costs one
};

}  // namespace larder::storage
