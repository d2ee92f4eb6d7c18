// A large sorted set: a hash table of entries, each a member with its score of 8 bytes, and a tree
// of these entries in order. Members are found through the table, ranges through the tree.
//
// Guarded by the lock of the shard of its key.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/container.h"
#include "storage/score_tree.h"
#include "storage/table.h"
#include "storage/types/sorted_range.h"

namespace larder::storage {

class SortedTable final : public Container {
 public:
  explicit SortedTable(uint64_t hash_seed) : seed_(hash_seed), members_(hash_seed) {}

  Container* copy() const override;
  size_t size() const override { return members_.size(); }
  size_t memory_bytes() const override;
  size_t recount_arena_bytes() const override;
  bool free_some(size_t elements) override;

  // The entry of a member; null if there is none.
  Entry* find(std::string_view member) const { return slot_entry(members_.find(key(member))); }
  static double score_of(const Entry& entry) { return std::bit_cast<double>(entry.integer()); }
  size_t rank_of(Entry& entry) const { return order_.rank_of({score_of(entry), &entry}); }

  // Adds a member that is not there. Throws std::bad_alloc, and then has added nothing.
  void add(std::string_view member, double score);
  // Throws std::bad_alloc, and then has changed nothing.
  void rescore(Entry& entry, double score);
  void remove(Entry& entry);
  void remove(RankRange range);

  RankRange find(const ScoreRange& range) const;
  RankRange find(const LexRange& range) const;  // all scores are equal

  // Members are good for the call only.
  using Visit = FunctionRef<void(std::string_view member, double score)>;
  void each(RankRange range, Direction direction, Visit visit) const;

  // See Table::scan.
  TablePosition scan(TablePosition from, ScanBudget& budget, Visit visit) const;

  // For filling an empty one with members in any order: load() and find() them, change scores by
  // set_loaded_score(), and then, before anything else, put them in order.
  void load(std::string_view member, double score) { insert_entry(member, score); }
  static void set_loaded_score(Entry& entry, double score);
  void put_in_order();

  // Whether all counts are right and table and tree have the same members, for tests.
  bool recount() const;

 private:
  static Entry* slot_entry(Slot slot) { return slot ? slot.entry() : nullptr; }
  Key key(std::string_view member) const { return {member, hash_key(member, seed_)}; }
  Entry* insert_entry(std::string_view member, double score);
  void erase_entry(Entry& entry);

  const uint64_t seed_;
  Table members_;
  ScoreTree order_;
  size_t entry_bytes_ = 0;  // blocks of the entries
};

}  // namespace larder::storage
