#include "storage/expiry.h"

#include <algorithm>
#include <array>
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
  progress.more = take_scheduled(now_ms, budget.scheduled, progress);
  if (progress.more) return progress;
  for (; shard_ < Store::kShards; shard_ += stride_, budget.shards--) {
    if (budget.shards == 0) {
      progress.more = true;
      return progress;
    }
    storage::prefetch(&store_.shard(std::min(shard_ + 4 * stride_, Store::kShards - 1)));
    bool more = true;
    while (more) {
      more = sweep_shard(now_ms, budget);
      progress.removed += free_dead();
      if (more && budget.segments == 0) {
        progress.more = true;
        return progress;
      }
    }
  }
  shard_ = first_shard_;
  return progress;
}

// True if there are more than so many lookups could find.
bool ExpirySweeper::take_scheduled(int64_t now_ms, size_t lookups_max, Progress& progress) {
  for (size_t lookups = 0;;) {
    const auto ripe = schedule_.ripe(now_ms);
    if (ripe.empty()) return false;
    if (lookups >= lookups_max) return true;
    const auto items = ripe.last(std::min(ripe.size(), kTogether));
    std::array<Store::Place, kTogether> places;
    for (size_t i = 0; i < items.size(); i++) {
      places[i] = store_.prefetch_shard(items[i].hash, items[i].database);
    }
    const auto asked = std::span(places).first(items.size());
    for (const Store::Place& place : asked) store_.prefetch_directory(place);
    for (const Store::Place& place : asked) {
      store_.prefetch_bucket(place);
      store_.prefetch_segment(place);
    }
    for (const Store::Place& place : asked) store_.prefetch_entry(place);
    for (size_t taken = 0; taken < items.size();) {
      taken += take_from_shard(items.subspan(taken), now_ms, lookups);
    }
    schedule_.drop(items.size());
    progress.removed += free_dead();
  }
}

// Those at the front that are in the same shard; answers how many.
size_t ExpirySweeper::take_from_shard(std::span<const DueSchedule::Item> items, int64_t now_ms,
                                      size_t& lookups) {
  const size_t shard = Store::shard_of(items[0].hash);
  const LockedKeys locked = store_.lock_shard(shard);
  const size_t databases = store_.shard(shard).others_used ? store_.databases() : 1;
  const auto take = [&](KeyHash hash, size_t database) {
    lookups++;
    Entry* entry = store_.table(locked, shard, database).take_dead(hash, now_ms);
    if (entry != nullptr) took_out(*entry, hash, database, now_ms);
  };
  size_t taken = 0;
  for (; taken < items.size() && Store::shard_of(items[taken].hash) == shard; taken++) {
    const DueSchedule::Item& item = items[taken];
    if (item.swaps == store_.swaps.load(std::memory_order_relaxed)) {
      take(item.hash, item.database);
    } else {  // it may be in another database by now, and another key in this one
      for (size_t d = 0; d < databases; d++) take(item.hash, d);
    }
  }
  return taken;
}

// Takes the lock once and sweeps as much as one hold allows. True if the shard has more that is
// due.
bool ExpirySweeper::sweep_shard(int64_t now_ms, SweepBudget& budget) {
  const LockedKeys locked = store_.lock_shard(shard_);
  const size_t databases = store_.shard(shard_).others_used ? store_.databases() : 1;
  for (size_t d = 0; d < databases; d++) {
    Table& table = store_.table(locked, shard_, d);
    if (table.next_due_ms() > now_ms) continue;
    const size_t segments = std::min(budget.segments, kSegmentsPerLock);
    budget.segments -= segments;
    if (sweep_table(table, d, now_ms, segments)) return true;
  }
  return false;
}

// True if more of it is due.
bool ExpirySweeper::sweep_table(Table& table, size_t database, int64_t now_ms, size_t segments) {
  size_t elements = kElementsPerLock;
  const uint32_t swaps = store_.swaps.load(std::memory_order_relaxed);
  const auto on_dead = [&](Entry* entry, KeyHash hash) {
    took_out(*entry, hash, database, now_ms);
  };
  const auto on_due = [&](Entry& entry) { sweep_elements(entry, database, now_ms, elements); };
  const auto on_soon = [&](KeyHash hash, int64_t due_ms) {
    return schedule_.add(due_ms, {hash, static_cast<uint32_t>(database), swaps});
  };
  return table.sweep({now_ms, on_dead, on_due, schedule_.end_ms(now_ms), on_soon}, segments);
}

void ExpirySweeper::took_out(Entry& entry, KeyHash hash, size_t database, int64_t now_ms) {
  Shard& shard = store_.shard(Store::shard_of(hash));
  dead_.push_back(&entry);
  shard.expired.add();
  store_.eviction().on_remove(shard.eviction);
  store_.count_gone(database, entry, hash, PrefixCount::kExpired);
  tell(entry, database, death_of(entry, now_ms));
}

void ExpirySweeper::sweep_elements(Entry& entry, size_t database, int64_t now_ms,
                                   size_t& elements) {
  if (elements == 0) return;
  Object object = entry.object();
  const size_t before = object.memory_bytes();
  const bool some_dead = object.sweep(now_ms, elements);
  entry.set_object(object);
  if (const size_t after = object.memory_bytes(); after != before) {
    store_.prefixes.resize(database, store_.key(entry.key()), static_cast<int64_t>(after - before));
  }
  if (!some_dead) return;  // it was due by a bound
  if (Observer* observer = store_.observer()) {
    observer->fields_expired(database, store_.key(entry.key()));
  }
  tell(entry, database, KeyChange::kWritten);
}

void ExpirySweeper::tell(const Entry& entry, size_t database, KeyChange change) {
  if (Observer* observer = store_.observer()) {
    observer->changed(database, store_.key(entry.key()), change);
  }
}

// Answers how many they were.
size_t ExpirySweeper::free_dead() {
  const size_t freed = dead_.size();
  for (Entry* entry : dead_) Entry::destroy(entry);
  dead_.clear();
  return freed;
}

}  // namespace larder::storage
