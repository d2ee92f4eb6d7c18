// Wins back what a table keeps of the time when it was large. Its segments shrink but are never
// united: one of a million entries that has ten left would keep a thousand segments, and a random
// entry would be hard to find among them.
#include <new>

#include "storage/table.h"

namespace larder::storage {

template <typename Visit>
void Table::each_slot(Visit visit) {
  for (size_t i = 0; i < directory_size();) {
    Segment& segment = *directory_[i];
    i += directory_span(segment);
    segment.prefetch_entries();
    segment.each(visit);
  }
}

void Table::tighten() {
  // Less than two entries a segment. To build the table anew is little beside what it took to take
  // the others away.
  constexpr size_t kBytesMin = 8192;
  constexpr size_t kBytesPerEntryMax = 160;
  if (segment_bytes_ <= kBytesMin + size_ * kBytesPerEntryMax) return;
  Table dense(seed_);
  // The entries are in both for a while: one of the two forgets them before it is destroyed.
  const auto forget = [](Bucket& bucket, uint32_t slot) { bucket.fingerprints[slot] = 0; };
  try {
    each_slot([&](Bucket& bucket, uint32_t slot) {
      const EntryRef ref = bucket.entries[slot];
      dense.insert(hash_key(ref.entry()->key(), seed_), ref.entry(), ref.bits());
    });
    swap(dense);
  } catch (const std::bad_alloc&) {  // then it stays sparse
  }
  dense.each_slot(forget);
}

}  // namespace larder::storage
