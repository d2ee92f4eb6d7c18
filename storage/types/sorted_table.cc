#include "storage/types/sorted_table.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

constexpr size_t kAll = std::numeric_limits<size_t>::max();

int64_t bits_of(double score) {
  return std::bit_cast<int64_t>(score);
}

size_t bytes_of(const Entry& entry) {
  return EntryArena::block_bytes(entry.block_bytes());
}

void visit_all(const Table& table, FunctionRef<void(const Entry&)> visit) {
  ScanBudget budget{.entries = kAll, .buckets = kAll};
  table.scan(0, budget, visit);
}

}  // namespace

Container* SortedTable::copy() const {
  auto copied = std::make_unique<SortedTable>(seed_);
  order_.each(0, order_.size(), [&](const ScoreTree::Item& item) {
    Entry* entry = copied->insert_entry(item.member(), item.score);
    copied->order_.insert({item.score, entry});
  });
  return copied.release();
}

size_t SortedTable::memory_bytes() const {
  return sizeof *this + members_.memory_bytes() + entry_bytes_ + order_.memory_bytes();
}

size_t SortedTable::recount_arena_bytes() const {
  size_t bytes = members_.segment_bytes() + order_.memory_bytes();
  visit_all(members_, [&](const Entry& entry) { bytes += bytes_of(entry); });
  return bytes;
}

bool SortedTable::free_some(size_t elements) {
  if (order_.destroy_some(elements / ScoreTree::kRunMax + 1)) return true;
  const size_t segments_before = members_.segment_bytes();
  const bool more = members_.destroy_some(elements / Table::kSegmentEntriesMax + 1);
  // The entries that went had their share of the bytes, as far as anyone can tell.
  const size_t segments_left = more ? members_.segment_bytes() : 0;
  entry_bytes_ =
      static_cast<size_t>(static_cast<double>(entry_bytes_) * static_cast<double>(segments_left) /
                          static_cast<double>(std::max<size_t>(segments_before, 1)));
  return more;
}

Entry* SortedTable::insert_entry(std::string_view member, double score) {
  const Key added = key(member);
  Entry* entry = Entry::create(
      {.key = member, .kind = ValueKind::kInteger, .integer = bits_of(score), .wide = true});
  try {
    members_.insert(added.hash, entry);
  } catch (...) {
    Entry::destroy(entry);
    throw;
  }
  entry_bytes_ += bytes_of(*entry);
  return entry;
}

void SortedTable::erase_entry(Entry& entry) {
  const KeyHash hash = hash_key(entry.key(), seed_);
  members_.erase(members_.find(hash, &entry), hash);
  members_.tighten();
  entry_bytes_ -= bytes_of(entry);
  Entry::destroy(&entry);
}

void SortedTable::add(std::string_view member, double score) {
  Entry* entry = insert_entry(member, score);
  try {
    order_.insert({score, entry});
  } catch (...) {
    erase_entry(*entry);
    throw;
  }
}

void SortedTable::rescore(Entry& entry, double score) {
  order_.rescore({score_of(entry), &entry}, score);
  entry.set_integer(bits_of(score));
}

void SortedTable::remove(Entry& entry) {
  order_.erase({score_of(entry), &entry});
  erase_entry(entry);
}

void SortedTable::remove(RankRange range) {
  for (size_t left = range.size(); left > 0;) {
    ScoreTree::Item taken[ScoreTree::kRunMax];
    const size_t count = order_.erase_run(range.first, left, taken);
    for (size_t i = 0; i < count; i++) erase_entry(*taken[i].entry);
    left -= count;
  }
}

RankRange SortedTable::find(const ScoreRange& range) const {
  return {
      range.min_open ? order_.rank_above_score(range.min) : order_.rank_of_score(range.min),
      range.max_open ? order_.rank_of_score(range.max) : order_.rank_above_score(range.max),
  };
}

RankRange SortedTable::find(const LexRange& range) const {
  using Kind = LexBound::Kind;
  const auto rank = [this](const LexBound& bound, Kind above) -> size_t {
    if (bound.kind == Kind::kLowest) return 0;
    if (bound.kind == Kind::kHighest) return order_.size();
    return bound.kind == above ? order_.rank_above_member(bound.member)
                               : order_.rank_of_member(bound.member);
  };
  return {rank(range.min, Kind::kExcluded), rank(range.max, Kind::kIncluded)};
}

void SortedTable::each(RankRange range, Direction direction, Visit visit) const {
  const auto visit_item = [&](const ScoreTree::Item& item) { visit(item.member(), item.score); };
  if (direction == Direction::kForward) {
    order_.each(range.first, range.size(), visit_item);
  } else {
    order_.each_backward(range.first, range.size(), visit_item);
  }
}

TablePosition SortedTable::scan(TablePosition from, ScanBudget& budget, Visit visit) const {
  return members_.scan(from, budget,
                       [&](const Entry& entry) { visit(entry.key(), score_of(entry)); });
}

void SortedTable::set_loaded_score(Entry& entry, double score) {
  entry.set_integer(bits_of(score));
}

void SortedTable::put_in_order() {
  std::vector<ScoreTree::Item> items;
  items.reserve(members_.size());
  visit_all(members_, [&](const Entry& entry) {
    items.push_back({score_of(entry), const_cast<Entry*>(&entry)});
  });
  std::sort(items.begin(), items.end());
  for (const ScoreTree::Item& item : items) order_.insert(item);
}

bool SortedTable::recount() const {
  bool holds = members_.recount() && order_.recount() && order_.size() == members_.size();
  size_t bytes = 0;
  visit_all(members_, [&](const Entry& entry) { bytes += bytes_of(entry); });
  order_.each(0, order_.size(), [&](const ScoreTree::Item& item) {
    holds &= find(item.member()) == item.entry && score_of(*item.entry) == item.score;
  });
  return holds && bytes == entry_bytes_;
}

}  // namespace larder::storage
