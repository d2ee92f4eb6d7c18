#include "storage/compaction.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include "storage/blob.h"
#include "storage/entry_arena.h"
#include "storage/packed.h"

namespace larder::storage {

bool Compaction::plan(int64_t now_ms) {
  if (running()) {
    over_ms_ = now_ms;
    return false;
  }
  const size_t held = EntryArena::use().block_bytes;
  const bool emptying = held + held / kEmptyingPart < std::exchange(held_before_, held);
  if (emptying) return false;
  const bool worthwhile = moved() - moved_before_ >= kMovesWorthARound;
  const int64_t rest_part = worthwhile ? kRestPart : std::min(rest_part_ * 2, kRestPartMax);
  if (now_ms - over_ms_ < rest_part * (over_ms_ - begun_ms_)) return false;
  if (EntryArena::plan_compaction() == 0) return false;
  rest_part_ = rest_part;
  moved_before_ = moved();
  begun_ms_ = over_ms_ = now_ms;
  const bool blobs = Blob::any_yet() && EntryArena::any_worth_moving_above(kInlineValueMax);
  values_.store(Packed::any_yet() || blobs, std::memory_order_relaxed);
  busy_.store(workers_, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  return true;
}

Compactor::Compactor(Store& store, Compaction& compaction, size_t worker, size_t workers)
    : store_(store),
      compaction_(compaction),
      first_shard_(worker),
      stride_(workers),
      round_(compaction.rounds()),
      shard_(worker) {
  assert(worker < workers);
}

bool Compactor::step(CompactionBudget budget) {
  if (round_ == compaction_.round_.load(std::memory_order_acquire)) return false;
  const size_t moves_before = budget.moves;
  try {
    while (shard_ < Store::kShards) {
      if (budget.shards == 0 || budget.segments == 0 || budget.moves == 0) break;
      if (compact_shard(budget)) continue;
      budget.shards--;
      shard_ += stride_;
    }
  } catch (const std::bad_alloc&) {
    shard_ = Store::kShards;  // there is no memory to move anything to
  }
  compaction_.moved_.fetch_add(moves_before - budget.moves, std::memory_order_relaxed);
  if (shard_ < Store::kShards) return true;
  finish_round();
  return false;
}

// Looks at one segment, under one hold of the shard's lock. True if the shard has more.
bool Compactor::compact_shard(CompactionBudget& budget) {
  const LockedKeys locked = store_.lock_shard(shard_);
  const size_t databases = store_.shard(shard_).others_used ? store_.databases() : 1;
  Table& table = store_.table(locked, shard_, database_);
  if (table.size() > 0) {
    budget.segments--;
    position_ =
        table.compact(position_, compaction_.values_.load(std::memory_order_relaxed), budget.moves);
  }
  if (table.size() > 0 && position_ != 0) return true;
  position_ = 0;
  if (++database_ < databases) return true;
  database_ = 0;
  return false;
}

void Compactor::finish_round() {
  shard_ = first_shard_;
  database_ = 0;
  position_ = 0;
  round_ = compaction_.rounds();
  compaction_.busy_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace larder::storage
