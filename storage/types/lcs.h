// The longest common subsequence of two strings, by dynamic programming over all pairs of prefixes
// (Wagner and Fischer, "The string-to-string correction problem", 1974). Where there are several,
// the one that Redis' LCS finds. Pure functions: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/types/range.h"

namespace larder::storage {

// Longest string that the functions below take, in bytes.
inline constexpr size_t kLcsBytesMax = 0xfffffffd;

// What longest_common() takes for its table, in bytes: 4 for each pair of prefixes. Largest value
// of the type if it does not fit.
size_t lcs_table_bytes(size_t a_bytes, size_t b_bytes);

// Bytes that stand together in both strings.
struct LcsMatch {
  IndexRange a;
  IndexRange b;
  uint64_t size() const { return a.last - a.first + 1; }
};

struct Lcs {
  std::string text;
  std::vector<LcsMatch> matches;  // last one first
};

// The length alone, in memory proportional to the shorter string.
size_t lcs_size(std::string_view a, std::string_view b);

// Throws std::bad_alloc: callers bound lcs_table_bytes() first. Takes time in proportion to it.
Lcs longest_common(std::string_view a, std::string_view b);

}  // namespace larder::storage
