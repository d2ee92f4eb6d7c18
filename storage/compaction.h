// Compaction: wins back memory that lies between living blocks, where sizes changed or many keys
// went.
//
// The arena chooses slabs that would best be empty (EntryArena::plan_compaction), and every
// worker's Compactor goes once round its shards and moves what lies in them. When all have done so,
// the next plan may be made; what could not be moved meanwhile is in it again, if it is still worth
// it.
//
//   some times a second, on one thread:   compaction.plan(now_ms);
//   on every worker, often:               while (compactor.step()) let the loop serve others;
//
// What is moved: entries, segments of the tables of keys, short blobs and packed collections. What
// a large collection is made of stays where it is: the slabs that hold it are planned in vain.
//
// An entry's address is therefore good only while the lock of its shard is held.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "storage/store.h"

namespace larder::storage {

// What the compactors of a store have in common.
class Compaction {
 public:
  explicit Compaction(size_t workers) : workers_(static_cast<uint32_t>(workers)) {}
  Compaction(const Compaction&) = delete;

  // Begins a round if there is enough to win, and the last one is over for kRestPart times as long
  // as it took; twice as long after each that moved next to nothing, up to kRestPartMax. Takes up
  // to a millisecond. True if one has begun. `now_ms`: of any clock.
  // While more than a kEmptyingPart of what the arena holds goes from one call to the next, spans
  // become free by themselves, and what is moved may die next: there is no round then.
  bool plan(int64_t now_ms);
  static constexpr int64_t kRestPart = 8;
  static constexpr int64_t kRestPartMax = 1024;
  static constexpr uint64_t kMovesWorthARound = 64;
  static constexpr size_t kEmptyingPart = 64;

  // Any thread:
  bool running() const { return busy_.load(std::memory_order_relaxed) > 0; }
  uint64_t rounds() const { return round_.load(std::memory_order_relaxed); }
  uint64_t moved() const { return moved_.load(std::memory_order_relaxed); }  // blocks, ever

 private:
  friend class Compactor;

  const uint32_t workers_;
  int64_t begun_ms_ = 0;  // the last round; and when it was over, as far as plan() has seen
  int64_t over_ms_ = 0;
  int64_t rest_part_ = kRestPart;    // before the last round
  uint64_t moved_before_ = 0;        // likewise
  size_t held_before_ = 0;           // by blocks of the arena, in the last call
  std::atomic<uint64_t> round_{0};   // its number; written before `busy_`
  std::atomic<uint32_t> busy_{0};    // workers that have not finished it
  std::atomic<bool> values_{false};  // whether blobs and packed objects are to be moved in it
  std::atomic<uint64_t> moved_{0};
};

// What one step may do: with all of it spent, some 50 to 100 us.
struct CompactionBudget {
  size_t shards = 256;
  size_t segments = 24;  // looked at
  size_t moves = 256;    // blocks
};

// Used by one thread.
class Compactor {
 public:
  // Owns the shards whose index is `worker` modulo `workers`.
  Compactor(Store& store, Compaction& compaction, size_t worker, size_t workers);

  // Does a part of the round that is under way, if any. True if this worker has more to do in it.
  bool step(CompactionBudget budget = {});

 private:
  bool compact_shard(CompactionBudget& budget);
  void finish_round();

  Store& store_;
  Compaction& compaction_;
  const size_t first_shard_;
  const size_t stride_;
  uint64_t round_ = 0;  // the last one that is finished here
  size_t shard_;
  size_t database_ = 0;
  TablePosition position_ = 0;
};

}  // namespace larder::storage
