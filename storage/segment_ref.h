// What a table's directory is made of.
#pragma once

#include <cstdint>

#include "storage/segment.h"

namespace larder::storage {

// A pointer to a segment with its number of homes, so that a key's bucket is known without a look
// at the segment's header, which would be one more cache miss. Null by default.
class SegmentRef {
 public:
  SegmentRef() = default;
  explicit SegmentRef(Segment* segment)
      : word_(reinterpret_cast<uintptr_t>(segment) | static_cast<uint64_t>(segment->homes())
                                                         << kShift) {}
  explicit operator bool() const { return word_ != 0; }
  Segment* get() const { return reinterpret_cast<Segment*>(word_ & ((uint64_t{1} << kShift) - 1)); }
  Segment* operator->() const { return get(); }
  Segment& operator*() const { return *get(); }
  uint32_t home_of(KeyHash hash) const {
    return Segment::home_of(hash, static_cast<uint32_t>(word_ >> kShift));
  }
  bool operator==(const SegmentRef&) const = default;

 private:
  static constexpr int kShift = 48;
  uint64_t word_ = 0;
};

}  // namespace larder::storage
