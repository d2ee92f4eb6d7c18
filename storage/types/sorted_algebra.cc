#include "storage/types/sorted_algebra.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace larder::storage {
namespace {

using Sources = std::vector<const ScoredSource*>;

Sources by_size(std::span<const ScoredSource> sources) {
  Sources sorted;
  sorted.reserve(sources.size());
  for (const ScoredSource& source : sources) sorted.push_back(&source);
  std::stable_sort(sorted.begin(), sorted.end(), [](const ScoredSource* a, const ScoredSource* b) {
    return a->size() < b->size();
  });
  return sorted;
}

double weighted(double score, double weight) {
  const double product = score * weight;
  return std::isnan(product) ? 0 : product;
}

// `b` may be NaN, the product of an infinity and a weight of 0.
double aggregated(double a, double b, Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::kMin:
      return b < a ? b : a;
    case Aggregate::kMax:
      return b > a ? b : a;
    case Aggregate::kSum:
      break;
  }
  const double sum = a + b;
  return std::isnan(sum) ? 0 : sum;
}

// The score of a member of the first source in the intersection; nullopt if another has it not.
std::optional<double> common_score(const Sources& sources, std::string_view member, double score,
                                   Aggregate aggregate) {
  double total = weighted(score, sources[0]->weight);
  for (size_t i = 1; i < sources.size(); i++) {
    const std::optional<double> other = sources[i]->score(member);
    if (!other) return std::nullopt;
    total = aggregated(total, *other * sources[i]->weight, aggregate);
  }
  return total;
}

}  // namespace

std::optional<double> ScoredSource::score(std::string_view member) const {
  if (!set_) return sorted_.score(member);
  if (!set_.contains(Member(member))) return std::nullopt;
  return 1;
}

void ScoredSource::each(FunctionRef<bool(std::string_view, double)> visit) const {
  if (set_) {
    return set_.each([&](const MemberValue& member) {
      char digits[kIntegerTextMax];
      return visit(member.string(digits), 1);
    });
  }
  // Piece by piece, so that a large one need not be walked to its end for nothing.
  constexpr size_t kPiece = 256;
  bool more = true;
  for (size_t first = 0; more && first < sorted_.size(); first += kPiece) {
    const RankRange piece{first, std::min(first + kPiece, sorted_.size())};
    sorted_.each(piece, Direction::kForward, [&](std::string_view member, double score) {
      more = more && visit(member, score);
    });
  }
}

Result<ScoredSource> read_scored_source(Keyspace& db, const Key& key) {
  const Entry* entry = db.read(key);
  if (entry == nullptr) return ScoredSource();
  switch (entry->type()) {
    case ValueType::kSortedSet:
      return ScoredSource(SortedSet(entry->object()));
    case ValueType::kSet:
      return ScoredSource(Set(entry->object()));
    default:
      return Status::kWrongType;
  }
}

std::unique_ptr<SortedTable> unite(std::span<const ScoredSource> sources, Aggregate aggregate,
                                   uint64_t hash_seed) {
  auto result = std::make_unique<SortedTable>(hash_seed);
  for (const ScoredSource* source : by_size(sources)) {
    source->each([&](std::string_view member, double score) {
      score = weighted(score, source->weight);
      if (Entry* entry = result->find(member)) {
        const double before = SortedTable::score_of(*entry);
        SortedTable::set_loaded_score(*entry, aggregated(before, score, aggregate));
      } else {
        result->load(member, score);
      }
      return true;
    });
  }
  result->put_in_order();
  return result;
}

std::unique_ptr<SortedTable> intersect(std::span<const ScoredSource> sources, Aggregate aggregate,
                                       uint64_t hash_seed) {
  auto result = std::make_unique<SortedTable>(hash_seed);
  const Sources sorted = by_size(sources);
  sorted[0]->each([&](std::string_view member, double score) {
    const auto common = common_score(sorted, member, score, aggregate);
    if (common) result->load(member, *common);
    return true;
  });
  result->put_in_order();
  return result;
}

std::unique_ptr<SortedTable> subtract(std::span<const ScoredSource> sources, uint64_t hash_seed) {
  auto result = std::make_unique<SortedTable>(hash_seed);
  sources[0].each([&](std::string_view member, double score) {
    const bool elsewhere =
        std::any_of(sources.begin() + 1, sources.end(),
                    [&](const ScoredSource& other) { return other.score(member).has_value(); });
    if (!elsewhere) result->load(member, score);
    return true;
  });
  result->put_in_order();
  return result;
}

size_t count_intersection(std::span<const ScoredSource> sources, size_t limit) {
  const Sources sorted = by_size(sources);
  size_t count = 0;
  sorted[0]->each([&](std::string_view member, double) {
    const bool common =
        std::all_of(sorted.begin() + 1, sorted.end(),
                    [&](const ScoredSource* other) { return other->score(member).has_value(); });
    if (common) count++;
    return count < limit;
  });
  return count;
}

}  // namespace larder::storage
