// A hash table of entries that grows without a stall: extendible hashing (Fagin et al., "Extendible
// hashing: a fast access method for dynamic files", 1979) over small segments.
//
// A directory, indexed by leading bits of the hash, refers to segments (storage/segment.h). A full
// segment is rebuilt a little larger, or, at its largest, divided in two: a few tens of
// microseconds each. Nothing else ever moves, so there is no rehash state and no allocation larger
// than a directory.
//
// A segment also knows a lower bound of its entries' expiries: the sweep opens only segments that
// may hold a dead key. The table knows which of its entries carry which tags (storage/tags.h).
//
// Not thread-safe: each table is guarded by its shard's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

#include "storage/entry.h"
#include "storage/function_ref.h"
#include "storage/key_hash.h"
#include "storage/segment_ref.h"
#include "storage/slot.h"
#include "storage/table_sweep.h"
#include "storage/tags.h"

namespace larder::storage {

class Table {
 public:
  static constexpr int64_t kNothingDue = Segment::kNothingDue;
  static constexpr size_t kSegmentBuckets = Segment::kLinesMax;
  static constexpr size_t kSegmentEntriesMax = (Segment::kLinesMax - 1) * Bucket::kSlots;
  // An entry's share of its segment, on the average: what a key costs beside its own block.
  static constexpr size_t kSlotBytes = 11;

  explicit Table(uint64_t hash_seed) : seed_(hash_seed) {}
  ~Table();  // also destroys the entries
  Table(Table&& other) noexcept : seed_(other.seed_) { swap(other); }
  Table& operator=(Table&&) = delete;
  Table(const Table&) = delete;

  void swap(Table& other) noexcept;
  size_t size() const { return size_; }
  size_t volatile_size() const { return volatile_size_; }  // entries with an expiry
  // Entries that nobody may see, since a tag of theirs was deleted. They count in the two above.
  size_t doomed() const { return tags_ ? tags_->doomed() : 0; }

  // Of the entries' expiries in seconds since the epoch, each cut to 2^40 s.
  uint64_t expire_at_sum_s() const { return expire_at_sum_s_; }

  // The slot of `key`, dead or alive; a false slot if there is none.
  Slot find(const Key& key) const;

  // The slot of this very entry, whose key has that hash; a false slot if it is not here. The entry
  // is not looked at and need not exist.
  Slot find(KeyHash hash, const Entry* entry) const;

  // Takes over an entry whose key is not here. Throws std::bad_alloc, and then has taken nothing.
  void insert(KeyHash hash, Entry* entry, AccessBits bits = 0);

  // Puts `entry`, which has the same key, into the slot, whose access bits stay. The old entry is
  // returned and the caller's. Throws std::bad_alloc, if the tags are others, and then has taken
  // nothing over.
  Entry* replace(Slot slot, Entry* entry);

  // Takes the entry out of the table; it is the caller's.
  Entry* erase(Slot slot, KeyHash hash);

  // To be called before and after an entry is changed in place in a way that may change its expiry.
  void forget_expiry(const Entry& entry);
  void note_expiry(Slot slot);
  // To be called when elements of the collection in the slot got other expiries.
  void note_due(Slot slot);

  // Calls `visit` for each entry of the buckets from `from` on until the budget is spent. Whole
  // buckets are visited, so a few entries more than budgeted may be. Returns where to go on, 0 when
  // the table's end was reached.
  //
  // No segment is begun with fewer than kSegmentBuckets left in the budget: a scan that never runs
  // out of entries pauses between segments only, where no split can make it return a key twice.
  TablePosition scan(TablePosition from, ScanBudget& budget,
                     FunctionRef<void(const Entry&)> visit) const;

  // Calls `visit` for the entries of whole buckets as they lie in memory until `wanted`, counted
  // down, is 0: a random sample, since hashes are random, at the price of a few cache lines.
  // Returns where to go on, 0 at the table's end. `visit` must not change the table.
  TablePosition sample(TablePosition from, size_t& wanted, FunctionRef<void(Slot)> visit) const;

  // Whether nobody may see the entry: because a tag of it was deleted; or for that or its expiry.
  bool doomed(const Entry& entry) const {
    return entry.tagged() && tags_->doomed() > 0 && tags_->any_dead(entry.tags());
  }
  bool dead(const Entry& entry, int64_t now_ms) const {
    return entry.dead(now_ms) || doomed(entry);
  }

  // Lower bound of Entry::next_due_ms() in the table, in milliseconds since the epoch, but of those
  // that somebody else takes care of (TableSweep::on_soon).
  int64_t next_due_ms() const { return next_due_ms_; }

  // Takes entries that are dead, but not doomed, out of up to `segments_max` segments that are due.
  // True if more is due.
  bool sweep(const TableSweep& sweep, size_t segments_max);
  // Takes a dead entry whose key has that hash out of the table; null if there is none.
  Entry* take_dead(KeyHash hash, int64_t now_ms);
  // Looks at the segments that are due. For tables that are swept without TableSweep::on_soon.
  size_t count_dead(int64_t now_ms) const;

  // Moves entries, and the segment itself, out of memory that the arena wants to be emptied: in the
  // segment that `from` lies in, and at most `moves_max` blocks (counted down). `values`:
  // short blobs and packed objects too, for which every entry has to be looked at. Returns where to
  // go on, 0 at the table's end. Throws std::bad_alloc; then some are moved and some are not.
  TablePosition compact(TablePosition from, bool values, size_t& moves_max);

  // After entries without tags were taken out: builds the table anew if it has room for far more
  // than are left. These keep their addresses. Out of memory, all stays as it is.
  void tighten();

  // Tags (table_tags.cc): an id made in tags() becomes a tag of an entry soon, or is dropped.
  Tags& tags();
  const Tags* tags_if_any() const { return tags_.get(); }
  void drop_unused_tags(TagIds ids);

  // Calls `visit` for entries with the tag, dead or alive, in the order of their fragments, which
  // lie in [low, high].
  void each_tagged(TagId id, HashFragment low, HashFragment high,
                   FunctionRef<void(const Entry&)> visit) const;
  // How many live entries carry the tag: at once, but for tags of which some may have died.
  size_t count_tagged(std::string_view name, int64_t now_ms) const;
  // Deletes the tag: from now on its entries are doomed. Answers how many live ones there were, and
  // calls `tell`, if it is not null, for each. Throws std::bad_alloc, and then has changed nothing.
  size_t kill_tag(std::string_view name, int64_t now_ms, FunctionRef<void(const Entry&)>* tell);
  // Takes up to `entries_max` doomed entries out of the table, handing each to `on_dead`, whose it
  // then is. True if there are more.
  bool reap(size_t entries_max, FunctionRef<void(Entry*)> on_dead);

  // An entry chosen by 64 random bits, each with the same probability; null if empty.
  Entry* random_entry(uint64_t random) const;

  // Destroys so many segments with their entries. True if something is left; until nothing is, only
  // this and the destructor may be called.
  bool destroy_some(size_t segments_max);

  // Bytes of directory and segments; and what segments take in the arena.
  size_t memory_bytes() const;
  size_t segment_bytes() const { return segment_bytes_; }

  // Counts everything again, for tests: false if a counter or a bound is wrong.
  bool recount() const;

  // Ask for the memory that find() will need. Each needs what the one before asked for.
  void prefetch_directory(KeyHash hash) const;
  void prefetch_bucket(KeyHash hash) const;
  void prefetch_segment(KeyHash hash) const;  // its header: for who takes the entry out
  void prefetch_entry(KeyHash hash) const;

 private:
  size_t directory_size() const { return directory_ ? size_t{1} << depth_ : 0; }
  size_t directory_index(KeyHash hash) const;
  size_t directory_span(const Segment& segment) const;
  void count_expiry(Segment& segment, const Bucket& bucket, Entry& entry);
  void make_room(size_t index);
  void rebuild(size_t index, size_t entries);
  void split(size_t index);
  void double_directory();
  void put_in_directory(Segment* segment);
  void give_back_room(size_t index);
  void free_segments();
  void visit_home(const Segment& segment, uint32_t home,
                  FunctionRef<void(const Entry&)> visit) const;
  void sweep_segment(Segment& segment, const TableSweep& sweep);
  int64_t sweep_bucket(Segment& segment, Bucket& bucket, const TableSweep& sweep);
  void take_out(Segment& segment, Bucket& bucket, uint32_t slot, KeyHash hash);
  template <typename Visit>
  void each_slot(Visit visit);
  void compact_bucket(Bucket& bucket, bool values, size_t& moves_max);
  Entry* entry_by_rank(size_t rank) const;
  bool stash_counts_hold(const Segment& segment) const;
  void place(KeyHash hash, Entry* entry, AccessBits bits);
  void forget_tags(const Entry& entry, KeyHash hash);
  void change_tags(const Entry& from, const Entry& to);
  void note_due(Segment& segment, const Bucket& bucket, const Entry& entry);
  void each_like(HashFragment fragment, TagId id, FunctionRef<bool(Slot, KeyHash)> visit) const;
  bool tags_hold() const;

  std::unique_ptr<SegmentRef[]> directory_;  // 2^depth_; a segment may stand there repeatedly
  uint64_t seed_;
  uint32_t size_ = 0;
  uint32_t volatile_size_ = 0;
  uint32_t depth_ = 0;
  size_t segment_bytes_ = 0;
  int64_t next_due_ms_ = kNothingDue;
  uint64_t expire_at_sum_s_ = 0;
  std::unique_ptr<Tags> tags_;  // null unless an entry has tags
};

}  // namespace larder::storage
