// The background sweep: frees the memory of keys, and of fields of hashes, whose time is over and
// that nobody asks for.
// (Readers need no sweep: Keyspace never shows a dead key.)
//
// The work is divided between workers by shards. A sweeper goes round its shards; a round is done
// in steps small enough for a slice of a loop's turn, and one shard is locked at a time. What a
// shard has to do is known without looking at its keys: each table has a lower bound of its
// expiries. Where it does look, it also takes note of who dies within the next two seconds, in its
// schedule, and then finds them without a look at their neighbours.
//
//   on a timer, about every kRoundPeriodMs:
//     while (sweeper.step(clock.now_ms()).more) let the loop serve its connections;
//
// A key is freed when it has been dead for no more than that and DueSchedule::kSlotMs.
//
// A sweeper is used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/due_schedule.h"
#include "storage/entry.h"
#include "storage/observer.h"
#include "storage/store.h"

namespace larder::storage {

// What one step may do: with all of it spent, some 100 to 200 us.
struct SweepBudget {
  size_t scheduled = 512;  // keys looked up that were known to be due
  size_t shards = 512;     // looked at
  size_t segments = 8;     // opened, at most Table::kSegmentEntriesMax keys in each
};

// Why a dead entry is dead: its own time has passed, or that of each of its fields.
inline KeyChange death_of(const Entry& entry, int64_t now_ms) {
  const bool own = entry.has_expiry() && entry.expire_at_ms() <= now_ms;
  return own ? KeyChange::kExpired : KeyChange::kFieldsExpired;
}

class ExpirySweeper {
 public:
  // Rounds begun more often than this cost more than the memory they save: a round opens each
  // segment in which anything died since the last one, and should find more than one key there.
  static constexpr int64_t kRoundPeriodMs = 100;

  struct Progress {
    size_t removed = 0;  // keys
    bool more = false;   // the round is not finished: call again soon
  };

  // Owns the shards whose index is `worker` modulo `workers`.
  ExpirySweeper(Store& store, size_t worker, size_t workers);
  ~ExpirySweeper() { free_dead(); }
  ExpirySweeper(const ExpirySweeper&) = delete;

  // Does a part of a round, the first part of a new one if the last was finished. Removed keys are
  // counted in Shard::expired. Throws HeldForLong (storage/shard_lock.h); nothing is lost then.
  Progress step(int64_t now_ms, SweepBudget budget = {});

 private:
  // Segments swept under one hold of a shard's lock.
  static constexpr size_t kSegmentsPerLock = 2;
  // Elements of collections looked at meanwhile.
  static constexpr size_t kElementsPerLock = 1000;

  // Keys of the schedule whose cache misses overlap.
  static constexpr size_t kTogether = 16;

  bool take_scheduled(int64_t now_ms, size_t lookups_max, Progress& progress);
  size_t take_from_shard(std::span<const DueSchedule::Item> items, int64_t now_ms, size_t& lookups);
  bool sweep_shard(int64_t now_ms, SweepBudget& budget);
  bool sweep_table(Table& table, size_t database, int64_t now_ms, size_t segments);
  void took_out(Entry& entry, KeyHash hash, size_t database, int64_t now_ms);
  void sweep_elements(Entry& entry, size_t database, int64_t now_ms, size_t& elements);
  void tell(const Entry& entry, size_t database, KeyChange change);
  size_t free_dead();

  Store& store_;
  const size_t first_shard_;
  const size_t stride_;
  size_t shard_;
  DueSchedule schedule_;
  std::vector<Entry*> dead_;  // taken out of a table, destroyed when the lock is gone
};

}  // namespace larder::storage
