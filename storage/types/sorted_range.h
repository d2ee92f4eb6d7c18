// Ranges of a sorted set: by score, by member, by rank.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::storage {

// From rank `first` up to, but not including, `end`. Ranks count from the lowest score on.
struct RankRange {
  size_t first = 0;
  size_t end = 0;
  bool empty() const { return first >= end; }
  size_t size() const { return empty() ? 0 : end - first; }
};

// What `start` and `stop` of ZRANGE mean among `size` ranks: both included, -1 the last. Unlike
// clamp_range(), a stop before the beginning is nothing at all.
inline RankRange rank_range(int64_t start, int64_t stop, size_t size) {
  const auto length = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(start + length, 0);
  if (stop < 0) stop += length;
  stop = std::min(stop, length - 1);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop) + 1};
}

// Scores, none of them NaN. An open end does not belong to the range.
struct ScoreRange {
  double min = 0;
  double max = 0;
  bool min_open = false;
  bool max_open = false;

  bool above_min(double score) const { return min_open ? score > min : score >= min; }
  bool below_max(double score) const { return max_open ? score < max : score <= max; }
};

// An end of a range of members. Borrows the bytes.
struct LexBound {
  enum class Kind : uint8_t { kLowest, kIncluded, kExcluded, kHighest };
  Kind kind = Kind::kLowest;
  std::string_view member{};
};

// Members in the order of their bytes.
struct LexRange {
  LexBound min;
  LexBound max;

  bool above_min(std::string_view member) const {
    switch (min.kind) {
      case LexBound::Kind::kLowest:
        return true;
      case LexBound::Kind::kIncluded:
        return member >= min.member;
      case LexBound::Kind::kExcluded:
        return member > min.member;
      case LexBound::Kind::kHighest:
        break;
    }
    return false;
  }
  bool below_max(std::string_view member) const {
    switch (max.kind) {
      case LexBound::Kind::kHighest:
        return true;
      case LexBound::Kind::kIncluded:
        return member <= max.member;
      case LexBound::Kind::kExcluded:
        return member < max.member;
      case LexBound::Kind::kLowest:
        break;
    }
    return false;
  }
};

// Which way a range is walked.
enum class Direction : uint8_t { kForward, kBackward };

}  // namespace larder::storage
