#include "storage/types/lcs.h"

#include <algorithm>
#include <limits>
#include <memory>

namespace larder::storage {
namespace {

// Lengths of the longest common subsequences of all pairs of prefixes.
class PrefixTable {
 public:
  PrefixTable(std::string_view a, std::string_view b)
      : columns_(b.size() + 1), lengths_(new uint32_t[(a.size() + 1) * columns_]) {
    std::fill_n(lengths_.get(), columns_, 0);
    for (size_t i = 1; i <= a.size(); i++) {
      const uint32_t* above = row(i - 1);
      uint32_t* here = row(i);
      here[0] = 0;
      for (size_t j = 1; j <= b.size(); j++) {
        here[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : std::max(above[j], here[j - 1]);
      }
    }
  }

  // Of the first `i` bytes of a and the first `j` of b.
  uint32_t at(size_t i, size_t j) const { return lengths_[i * columns_ + j]; }

 private:
  uint32_t* row(size_t i) { return lengths_.get() + i * columns_; }

  const size_t columns_;
  const std::unique_ptr<uint32_t[]> lengths_;
};

// Adds the pair (i, j), which lies before all others, to the last match or begins a new one.
void add_pair(std::vector<LcsMatch>& matches, size_t i, size_t j) {
  if (!matches.empty() && matches.back().a.first == i + 1 && matches.back().b.first == j + 1) {
    matches.back().a.first = i;
    matches.back().b.first = j;
  } else {
    matches.push_back({{i, i}, {j, j}});
  }
}

}  // namespace

size_t lcs_table_bytes(size_t a_bytes, size_t b_bytes) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(a_bytes + 1, b_bytes + 1, &bytes) ||
      __builtin_mul_overflow(bytes, sizeof(uint32_t), &bytes)) {
    return std::numeric_limits<size_t>::max();
  }
  return bytes;
}

size_t lcs_size(std::string_view a, std::string_view b) {
  if (b.size() > a.size()) std::swap(a, b);
  std::vector<uint32_t> row(b.size() + 1, 0);
  for (const char byte : a) {
    uint32_t diagonal = 0;
    for (size_t j = 1; j <= b.size(); j++) {
      const uint32_t above = row[j];
      row[j] = byte == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

Lcs longest_common(std::string_view a, std::string_view b) {
  const PrefixTable table(a, b);
  Lcs found;
  size_t left = table.at(a.size(), b.size());
  found.text.resize(left);
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      i--;
      j--;
      found.text[--left] = a[i];
      add_pair(found.matches, i, j);
    } else if (table.at(i - 1, j) > table.at(i, j - 1)) {
      i--;
    } else {
      j--;
    }
  }
  return found;
}

}  // namespace larder::storage
