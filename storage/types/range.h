// Ranges as commands name them: both ends included, negative ones counted from the end.
#pragma once

#include <cstdint>
#include <optional>

namespace larder::storage {

// Positions `first` to `last`, both included; first <= last.
struct IndexRange {
  uint64_t first = 0;
  uint64_t last = 0;
};

// The part of 0 .. size-1 that `start` and `end` mean; -1 is the last position. An end before the
// beginning is drawn to position 0, one behind the end to the last. Nullopt if nothing is left.
// `size` is below 2^63.
inline std::optional<IndexRange> clamp_range(int64_t start, int64_t end, uint64_t size) {
  const auto length = static_cast<int64_t>(size);
  if (start < 0) start += length;
  if (end < 0) end += length;
  if (start < 0) start = 0;
  if (end < 0) end = 0;
  if (end >= length) end = length - 1;
  if (start > end) return std::nullopt;
  return IndexRange{static_cast<uint64_t>(start), static_cast<uint64_t>(end)};
}

// The same, but two negative ends in the wrong order are nothing even where clamping would make
// both of them position 0. (Redis: GETRANGE and BITCOUNT look first, BITPOS does not.)
inline std::optional<IndexRange> ordered_range(int64_t start, int64_t end, uint64_t size) {
  if (start < 0 && end < 0 && start > end) return std::nullopt;
  return clamp_range(start, end, size);
}

}  // namespace larder::storage
