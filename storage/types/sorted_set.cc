#include "storage/types/sorted_set.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "storage/random_below.h"
#include "storage/types/collection.h"
#include "storage/types/sorted_listpack.h"
#include "storage/types/sorted_table.h"

namespace larder::storage {
namespace {

SortedTable& table_of(const Object& object) {
  return static_cast<SortedTable&>(*object.container());
}

Object packed_object(Packed* list) {
  return {ValueType::kSortedSet, Encoding::kListpack, list};
}

Object table_object(SortedTable* table) {
  return {ValueType::kSortedSet, Encoding::kOrdered, table};
}

Result<SortedSet> as_sorted_set(const Result<Entry*>& found) {
  if (!found.ok()) return found.status();
  return found.value() == nullptr ? SortedSet() : SortedSet(found.value()->object());
}

// The members of a table as a listpack.
Object pack(const SortedTable& table) {
  OwnedPacked list(listpack::create());
  table.each({0, table.size()}, Direction::kForward, [&](std::string_view member, double score) {
    sorted_listpack::append(list.get(), member, score);
  });
  return packed_object(list.release());
}

bool fits(const SortedTable& table, const SortedSetLimits& limits) {
  if (table.size() > limits.packed_elements_max) return false;
  size_t longest = 0;
  size_t bytes = 0;
  table.each({0, table.size()}, Direction::kForward, [&](std::string_view member, double) {
    longest = std::max(longest, member.size());
    bytes += sorted_listpack::bytes_max(member);
  });
  return longest <= limits.packed_member_bytes_max && bytes < listpack::kBytesMax;
}

}  // namespace

// --- SortedSet.

size_t SortedSet::size() const {
  if (empty()) return 0;
  return object_.is_packed() ? sorted_listpack::size(object_.packed()) : table_of(object_).size();
}

const SortedTable* SortedSet::table() const {
  return empty() || object_.is_packed() ? nullptr : &table_of(object_);
}

std::optional<double> SortedSet::score(std::string_view member) const {
  if (empty()) return std::nullopt;
  if (object_.is_packed()) {
    const auto at = sorted_listpack::find(object_.packed(), member);
    if (at == listpack::kNone) return std::nullopt;
    return sorted_listpack::score_at(object_.packed(), at);
  }
  const Entry* entry = table_of(object_).find(member);
  if (entry == nullptr) return std::nullopt;
  return SortedTable::score_of(*entry);
}

std::optional<SortedSet::Place> SortedSet::place(std::string_view member) const {
  if (empty()) return std::nullopt;
  if (object_.is_packed()) {
    const Packed* list = object_.packed();
    const auto at = sorted_listpack::find(list, member);
    if (at == listpack::kNone) return std::nullopt;
    return Place{sorted_listpack::rank_at(list, at), sorted_listpack::score_at(list, at)};
  }
  const SortedTable& table = table_of(object_);
  Entry* entry = table.find(member);
  if (entry == nullptr) return std::nullopt;
  return Place{table.rank_of(*entry), SortedTable::score_of(*entry)};
}

RankRange SortedSet::find(const ScoreRange& range) const {
  if (empty()) return {};
  return object_.is_packed() ? sorted_listpack::find(object_.packed(), range)
                             : table_of(object_).find(range);
}

RankRange SortedSet::find(const LexRange& range, Direction direction) const {
  if (empty()) return {};
  return object_.is_packed() ? sorted_listpack::find(object_.packed(), range, direction)
                             : table_of(object_).find(range);
}

void SortedSet::each(RankRange range, Direction direction, Visit visit) const {
  if (range.empty()) return;
  if (object_.is_packed()) {
    sorted_listpack::each(object_.packed(), range, direction, visit);
  } else {
    table_of(object_).each(range, direction, visit);
  }
}

TablePosition SortedSet::scan(TablePosition from, ScanBudget budget, Visit visit) const {
  if (table() != nullptr) return table()->scan(from, budget, visit);
  each(visit);
  return 0;
}

void SortedSet::sample(size_t count, FunctionRef<uint64_t()> random_bits, Visit visit) const {
  constexpr size_t kFew = 3;  // at most a third of all: worth a search for each
  const size_t members = size();
  if (count >= members) return each(visit);
  if (object_.is_packed() || count > members / kFew) {
    // Algorithm S of Knuth, "The Art of Computer Programming", volume 2, 3.4.2.
    size_t seen = 0;
    size_t wanted = count;
    return each([&](std::string_view member, double score) {
      if (wanted > 0 && random_below(members - seen, random_bits()) < wanted) {
        visit(member, score);
        wanted--;
      }
      seen++;
    });
  }
  // Floyd's, in Bentley and Floyd, "A sample of brilliance", 1987.
  std::unordered_set<size_t> ranks;
  for (size_t last = members - count; last < members; last++) {
    const size_t drawn = random_below(last + 1, random_bits());
    const size_t rank = ranks.insert(drawn).second ? drawn : last;
    if (rank == last) ranks.insert(last);
    each({rank, rank + 1}, Direction::kForward, visit);
  }
}

void SortedSet::draw(size_t count, FunctionRef<uint64_t()> random_bits, Visit visit) const {
  const size_t members = size();
  // To find one in a listpack takes as long as to read it all.
  if (object_.is_packed() && count > 1) {
    std::vector<std::pair<std::string, double>> all;
    all.reserve(members);
    each([&](std::string_view member, double score) { all.emplace_back(member, score); });
    for (; count > 0; count--) {
      const auto& [member, score] = all[random_below(members, random_bits())];
      visit(member, score);
    }
    return;
  }
  for (; count > 0; count--) {
    const size_t rank = random_below(members, random_bits());
    each({rank, rank + 1}, Direction::kForward, visit);
  }
}

Result<SortedSet> read_sorted_set(Keyspace& db, const Key& key) {
  return as_sorted_set(read_collection(db, key, ValueType::kSortedSet));
}

Result<SortedSet> find_sorted_set(Keyspace& db, const Key& key) {
  return as_sorted_set(find_collection(db, key, ValueType::kSortedSet));
}

// --- SortedSetWriter.

// Where finish() was not reached, memory was short: what was done so far stays done.
SortedSetWriter::~SortedSetWriter() {
  if (!object_) return;
  if (entry_ == nullptr) {
    object_.destroy();
    return;
  }
  db_.note_resized(key_, *entry_, counted_bytes_);
  if (changed_) db_.set_object(key_, *entry_, object_);
}

Status SortedSetWriter::open() {
  const Result<Entry*> found = find_collection(db_, key_, ValueType::kSortedSet);
  if (!found.ok()) return found.status();
  entry_ = found.value();
  if (entry_ == nullptr) return Status::kOk;
  object_ = entry_->object();
  counted_bytes_ = db_.counted_bytes(*entry_);
  return Status::kOk;
}

// The entry always knows where the set is, whatever happens next.
void SortedSetWriter::moved_to(Object object) {
  object_ = object;
  if (entry_ != nullptr) entry_->set_object(object);
}

// `change` is given the listpack by reference, and may move it.
template <typename Change>
void SortedSetWriter::change_packed(Change change) {
  Packed* list = object_.packed();
  change(list);
  moved_to(packed_object(list));
}

void SortedSetWriter::prepare(size_t elements, size_t first_bytes) {
  const bool many = elements > limits_.packed_elements_max;
  if (exists()) {
    if (many && object_.is_packed()) convert();
  } else if (many || first_bytes > limits_.packed_member_bytes_max) {
    object_ = table_object(new SortedTable(db_.locked().store().hash_seed()));
  } else {
    object_ = packed_object(listpack::create());
  }
}

// Of a listpack into a table.
void SortedSetWriter::convert() {
  Packed* list = object_.packed();
  auto table = std::make_unique<SortedTable>(db_.locked().store().hash_seed());
  sorted_listpack::each(list, {0, sorted_listpack::size(list)}, Direction::kForward,
                        [&](std::string_view member, double score) { table->add(member, score); });
  moved_to(table_object(table.release()));
  Packed::destroy(list);
}

Result<Added> SortedSetWriter::add(std::string_view member, double score,
                                   const AddConditions& conditions) {
  using Outcome = Added::Outcome;
  listpack::Position at = listpack::kNone;
  Entry* entry = nullptr;
  double before = 0;
  if (object_.is_packed()) {
    at = sorted_listpack::find(object_.packed(), member);
    if (at != listpack::kNone) before = sorted_listpack::score_at(object_.packed(), at);
  } else {
    entry = table_of(object_).find(member);
    if (entry != nullptr) before = SortedTable::score_of(*entry);
  }
  if (at == listpack::kNone && entry == nullptr) {
    if (conditions.only_existing) return Added{};
    insert(member, score);
    return Added{Outcome::kAdded, score};
  }
  if (conditions.only_new) return Added{};
  if (conditions.increment) score += before;
  if (std::isnan(score)) return Status::kNotANumber;
  if (conditions.only_less && score >= before) return Added{};
  if (conditions.only_greater && score <= before) return Added{};
  if (score == before) return Added{Outcome::kSame, before};
  if (entry != nullptr) {
    table_of(object_).rescore(*entry, score);
  } else {
    change_packed([&](Packed*& list) { sorted_listpack::rescore(list, at, score); });
  }
  changed_ = true;
  return Added{Outcome::kChanged, score};
}

void SortedSetWriter::insert(std::string_view member, double score) {
  if (object_.is_packed()) {
    const Packed* list = object_.packed();
    if (sorted_listpack::size(list) + 1 > limits_.packed_elements_max ||
        member.size() > limits_.packed_member_bytes_max ||
        list->bytes() + sorted_listpack::bytes_max(member) > listpack::kBytesMax) {
      convert();
    }
  }
  if (object_.is_packed()) {
    change_packed([&](Packed*& list) { sorted_listpack::insert(list, member, score); });
  } else {
    table_of(object_).add(member, score);
  }
  changed_ = true;
}

bool SortedSetWriter::remove(std::string_view member) {
  if (!exists()) return false;
  if (object_.is_packed()) {
    const auto at = sorted_listpack::find(object_.packed(), member);
    if (at == listpack::kNone) return false;
    change_packed([&](Packed*& list) { sorted_listpack::erase_at(list, at); });
  } else {
    Entry* entry = table_of(object_).find(member);
    if (entry == nullptr) return false;
    table_of(object_).remove(*entry);
  }
  changed_ = true;
  return true;
}

void SortedSetWriter::remove(RankRange range) {
  if (range.empty()) return;
  changed_ = true;
  // All of it: then finish() erases the key, and a large set is freed in slices.
  if (range.size() == set().size()) {
    erase_ = true;
  } else if (object_.is_packed()) {
    change_packed([&](Packed*& list) { sorted_listpack::erase(list, range); });
  } else {
    table_of(object_).remove(range);
  }
}

void SortedSetWriter::finish() {
  if (!object_) return;
  const bool empty = erase_ || set().size() == 0;
  const Object object = object_;
  if (entry_ == nullptr) {
    if (empty) return;  // the destructor frees it
    db_.put_object(key_, object, kNoExpiry);
  } else {
    db_.note_resized(key_, *entry_, counted_bytes_);
    if (empty) {
      db_.erase(key_);
    } else if (changed_) {
      db_.set_object(key_, *entry_, object);
    }
  }
  object_ = Object();
}

Object sorted_set_object(std::unique_ptr<SortedTable> table, const SortedSetLimits& limits) {
  return fits(*table, limits) ? pack(*table) : table_object(table.release());
}

void put_sorted_set(Keyspace& db, const Key& key, std::unique_ptr<SortedTable> table,
                    const SortedSetLimits& limits) {
  if (table->size() == 0) {
    db.erase(key);
    return;
  }
  Object object = sorted_set_object(std::move(table), limits);
  try {
    db.put_object(key, object, kNoExpiry);
  } catch (...) {
    object.destroy();
    throw;
  }
}

}  // namespace larder::storage
