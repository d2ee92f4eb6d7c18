// Sorted sets: members with scores, in the order of score and member. Small ones are a listpack
// (sorted_listpack.h), large ones a SortedTable; here they are one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "storage/function_ref.h"
#include "storage/keyspace.h"
#include "storage/object.h"
#include "storage/result.h"
#include "storage/table.h"
#include "storage/types/sorted_range.h"

namespace larder::storage {

class SortedTable;

// Up to where a sorted set stays a listpack: elements, and bytes of the longest member.
struct SortedSetLimits {
  size_t packed_elements_max = 128;
  size_t packed_member_bytes_max = 64;
};

// A sorted set to look at: good until it is changed.
class SortedSet {
 public:
  SortedSet() = default;  // an empty one
  explicit SortedSet(Object object) : object_(object) {}

  bool empty() const { return !object_; }
  size_t size() const;
  std::optional<double> score(std::string_view member) const;
  struct Place {
    size_t rank;
    double score;
  };
  std::optional<Place> place(std::string_view member) const;

  // Which ranks lie in a range. By member it makes sense only where all scores are equal; else it
  // answers some range, for a small set what Redis does in that direction.
  RankRange find(const ScoreRange& range) const;
  RankRange find(const LexRange& range, Direction direction = Direction::kForward) const;

  // Members are good for the call only, and `visit` must not change the set.
  using Visit = FunctionRef<void(std::string_view member, double score)>;
  void each(RankRange range, Direction direction, Visit visit) const;
  void each(Visit visit) const { each({0, size()}, Direction::kForward, visit); }

  // Calls `visit` with some members, beginning where an earlier call left off, or at 0; answers
  // where to go on, 0 at the end. See Table::scan for the budget and for what an iteration is sure
  // to visit. A small set is visited at once, whatever the budget.
  TablePosition scan(TablePosition from, ScanBudget budget, Visit visit) const;

  // With `count` different members, or all if there are fewer; every choice has the same chance.
  // In order of their ranks, unless they are few of many.
  void sample(size_t count, FunctionRef<uint64_t()> random_bits, Visit visit) const;
  // `count` times with any member, each having the same chance every time. There must be one.
  void draw(size_t count, FunctionRef<uint64_t()> random_bits, Visit visit) const;

  // The table of a large one, null for a small one.
  const SortedTable* table() const;
  // Of the whole, bytes: about what its members take.
  size_t memory_bytes() const { return object_ ? object_.memory_bytes() : 0; }

 private:
  Object object_;
};

// The sorted set of a key; empty if there is none, kWrongType if the key holds something else.
// read_sorted_set() counts a hit or a miss.
Result<SortedSet> read_sorted_set(Keyspace& db, const Key& key);
Result<SortedSet> find_sorted_set(Keyspace& db, const Key& key);

// When ZADD leaves a member as it is.
struct AddConditions {
  bool only_new = false;       // NX
  bool only_existing = false;  // XX
  bool only_greater = false;   // GT: also where the score would be the same
  bool only_less = false;      // LT
  bool increment = false;      // adds to the score that is there
};

struct Added {
  enum class Outcome : uint8_t { kKept, kSame, kChanged, kAdded };  // kKept: by the conditions
  Outcome outcome = Outcome::kKept;
  double score = 0;  // the member's from now on, unless it was kept
};

// Changes the sorted set of one key in the course of one command, under its lock. Every member
// function may throw std::bad_alloc; the set is then as it was before that call.
class SortedSetWriter {
 public:
  SortedSetWriter(Keyspace& db, const Key& key, const SortedSetLimits& limits)
      : db_(db), key_(key), limits_(limits) {}
  ~SortedSetWriter();
  SortedSetWriter(const SortedSetWriter&) = delete;
  SortedSetWriter& operator=(const SortedSetWriter&) = delete;

  // To be called first: kOk, or kWrongType and nothing else may be called.
  Status open();
  // There may be none yet.
  bool exists() const { return static_cast<bool>(object_); }
  SortedSet set() const { return SortedSet(object_); }

  // To be called before add(): so many elements will be, the first of `first_bytes`.
  void prepare(size_t elements, size_t first_bytes);
  // kNotANumber, and nothing done, if infinities of both signs would be added up.
  Result<Added> add(std::string_view member, double score, const AddConditions& conditions);
  bool remove(std::string_view member);
  void remove(RankRange range);

  // Stores what was done; a set without elements is erased. Nothing may be called behind it.
  void finish();

 private:
  void convert();
  void insert(std::string_view member, double score);
  void moved_to(Object object);
  template <typename Change>
  void change_packed(Change change);

  Keyspace& db_;
  const Key& key_;
  const SortedSetLimits limits_;
  Entry* entry_ = nullptr;    // null: the set belongs to this writer until it is stored
  size_t counted_bytes_ = 0;  // of the entry: see Keyspace
  Object object_;
  bool changed_ = false;
  bool erase_ = false;  // all of it was removed, though it is still in object_
};

// A table, in order and not empty, as a sorted set that is the caller's: packed if it is small
// enough.
Object sorted_set_object(std::unique_ptr<SortedTable> table, const SortedSetLimits& limits);

// Stores a table, in order, as the sorted set of a key in place of whatever was there: packed if it
// is small enough. An empty one erases the key.
void put_sorted_set(Keyspace& db, const Key& key, std::unique_ptr<SortedTable> table,
                    const SortedSetLimits& limits);

}  // namespace larder::storage
