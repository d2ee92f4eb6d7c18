// Unions, intersections and differences of sorted sets, and of sets, whose members count as having
// the score 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "storage/types/set.h"
#include "storage/types/sorted_set.h"
#include "storage/types/sorted_table.h"

namespace larder::storage {

// What becomes of the scores of a member of several sets. A sum of infinities of both signs is 0.
enum class Aggregate : uint8_t { kSum, kMin, kMax };

// One of the sets, as it lies in its entry. Good until that is changed.
class ScoredSource {
 public:
  ScoredSource() = default;  // a missing key
  explicit ScoredSource(SortedSet set) : sorted_(set) {}
  explicit ScoredSource(Set set) : set_(set) {}

  double weight = 1;  // a factor for all scores

  size_t size() const { return set_ ? set_.size() : sorted_.size(); }
  std::optional<double> score(std::string_view member) const;
  // Members are good for the call only. Until `visit` answers false.
  void each(FunctionRef<bool(std::string_view member, double score)> visit) const;

 private:
  SortedSet sorted_;  // empty if this is a set
  Set set_;
};

// The source that a key holds; kWrongType if that is neither a sorted set nor a set. Counts a hit
// or a miss.
Result<ScoredSource> read_scored_source(Keyspace& db, const Key& key);

// Each answers a new table, in order. `hash_seed`: the store's. Throw std::bad_alloc. Scores are
// put together in the order of the sets' sizes, as Redis does, so that sums are rounded alike.
std::unique_ptr<SortedTable> unite(std::span<const ScoredSource> sources, Aggregate aggregate,
                                   uint64_t hash_seed);
std::unique_ptr<SortedTable> intersect(std::span<const ScoredSource> sources, Aggregate aggregate,
                                       uint64_t hash_seed);
// What is in the first and in no other, with the score that it has there; weights are not used.
std::unique_ptr<SortedTable> subtract(std::span<const ScoredSource> sources, uint64_t hash_seed);

// How many members all have; counts no further than `limit`, which is not 0.
size_t count_intersection(std::span<const ScoredSource> sources, size_t limit);

}  // namespace larder::storage
