// The background sweep: frees the memory of keys, and of fields of hashes, whose time is over and
// that nobody asks for.
// (Readers need no sweep: Keyspace never shows a dead key.)
//
// The work is divided between workers by shards. A sweeper goes round its shards; a round is done
// in steps small enough for a slice of a loop's turn, and one shard is locked at a time. What a
// shard has to do is known without looking at its keys: each table has a lower bound of its
// expiries.
//
//   on a timer, about every kRoundPeriodMs:
//     while (sweeper.step(clock.now_ms()).more) let the loop serve its connections;
//
// A sweeper is used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "storage/entry.h"
#include "storage/observer.h"
#include "storage/store.h"

namespace larder::storage {

// What one step may do: with all of it spent, some 100 to 200 us.
struct SweepBudget {
  size_t shards = 512;  // looked at
  size_t segments = 8;  // opened, at most Table::kSegmentEntriesMax keys in each
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
    // At the end of a round: when a key known by now will die, or kNever. Keys written since may
    // die earlier.
    int64_t next_due_ms = kNever;
  };
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // Owns the shards whose index is `worker` modulo `workers`.
  ExpirySweeper(Store& store, size_t worker, size_t workers);

  // Does a part of a round, the first part of a new one if the last was finished. Removed keys are
  // counted in Shard::expired.
  Progress step(int64_t now_ms, SweepBudget budget = {});

 private:
  // Segments swept under one hold of a shard's lock.
  static constexpr size_t kSegmentsPerLock = 2;
  // Elements of collections looked at meanwhile.
  static constexpr size_t kElementsPerLock = 1000;

  bool sweep_table(Table& table, size_t database, int64_t now_ms, size_t segments);
  bool sweep_shard(int64_t now_ms, SweepBudget& budget, Progress& progress);

  Store& store_;
  const size_t first_shard_;
  const size_t stride_;
  size_t shard_;
  int64_t round_due_ms_ = kNever;  // the earliest of the shards that this round has left
  std::vector<Entry*> dead_;       // taken out of a table, destroyed when the lock is gone
};

}  // namespace larder::storage
