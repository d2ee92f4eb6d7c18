#include "storage/expiry.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace larder::storage {

ExpirySweeper::ExpirySweeper(Store& store, size_t worker, size_t workers)
    : store_(store), first_shard_(worker), stride_(workers), shard_(worker) {
  assert(worker < workers);
  dead_.reserve(kSegmentsPerLock * Table::kSegmentEntriesMax);
}

ExpirySweeper::Progress ExpirySweeper::step(int64_t now_ms, SweepBudget budget) {
  Progress progress;
  while (shard_ < Store::kShards) {
    if (budget.shards == 0) {
      progress.more = true;
      return progress;
    }
    budget.shards--;
    while (sweep_shard(now_ms, budget, progress)) {
      if (budget.segments > 0) continue;
      progress.more = true;
      return progress;
    }
    shard_ += stride_;
  }
  shard_ = first_shard_;
  progress.next_due_ms = std::exchange(round_due_ms_, kNever);
  return progress;
}

// Takes the lock once and sweeps as much as one hold allows. True if the shard has more that is
// due.
bool ExpirySweeper::sweep_shard(int64_t now_ms, SweepBudget& budget, Progress& progress) {
  bool more = false;
  int64_t next_due_ms = kNever;
  {
    const LockedKeys locked = store_.lock_shard(shard_);
    Shard& shard = store_.shard(shard_);
    const size_t databases = shard.others_used ? store_.databases() : 1;
    for (size_t d = 0; d < databases && !more; d++) {
      Table& table = store_.table(locked, shard_, d);
      if (table.next_due_ms() <= now_ms) {
        const size_t segments = std::min(budget.segments, kSegmentsPerLock);
        more = sweep_table(table, d, now_ms, segments);
        budget.segments -= segments;
      }
      next_due_ms = std::min(next_due_ms, table.next_due_ms());
    }
    shard.expired.add(dead_.size());
    for (size_t i = 0; i < dead_.size(); i++) store_.eviction().on_remove(shard.eviction);
  }
  progress.removed += dead_.size();
  for (Entry* entry : dead_) Entry::destroy(entry);
  dead_.clear();
  if (!more) round_due_ms_ = std::min(round_due_ms_, next_due_ms);
  return more;
}

// True if more of it is due.
bool ExpirySweeper::sweep_table(Table& table, size_t database, int64_t now_ms, size_t segments) {
  const auto tell = [&](const Entry& entry, KeyChange change) {
    if (Observer* observer = store_.observer()) {
      observer->changed(database, store_.key(entry.key()), change);
    }
  };
  size_t elements = kElementsPerLock;
  const auto on_dead = [&](Entry* entry) {
    dead_.push_back(entry);
    store_.count_gone(database, *entry, PrefixCount::kExpired);
    tell(*entry, death_of(*entry, now_ms));
  };
  const auto on_due = [&](Entry& entry) {
    if (elements == 0) return;
    Object object = entry.object();
    const size_t before = object.memory_bytes();
    const bool some_dead = object.sweep(now_ms, elements);
    entry.set_object(object);
    if (const size_t after = object.memory_bytes(); after != before) {
      store_.prefixes.resize(database, store_.key(entry.key()),
                             static_cast<int64_t>(after - before));
    }
    if (!some_dead) return;  // it was due by a bound
    if (Observer* observer = store_.observer()) {
      observer->fields_expired(database, store_.key(entry.key()));
    }
    tell(entry, KeyChange::kWritten);
  };
  return table.sweep(now_ms, segments, on_dead, on_due);
}

}  // namespace larder::storage
