#include "storage/tag_reaper.h"

#include <cassert>

namespace larder::storage {

TagReaper::TagReaper(Store& store, size_t worker, size_t workers)
    : store_(store), first_shard_(worker), stride_(workers), shard_(Store::kShards) {
  assert(worker < workers);
  dead_.reserve(kEntriesPerLock);
}

bool TagReaper::step() {
  if (shard_ >= Store::kShards) {
    const uint64_t doomings = store_.doomings.load(std::memory_order_relaxed);
    if (round_of_ == doomings) return false;
    round_of_ = doomings;
    shard_ = first_shard_;
  }
  size_t entries = 0;
  for (size_t shards = 0; shard_ < Store::kShards && shards < kShardsPerStep; shards++) {
    while (reap_shard()) {
      entries += kEntriesPerLock;
      if (entries >= kEntriesPerStep) return true;
    }
    shard_ += stride_;
  }
  return shard_ < Store::kShards;
}

// True if the shard has more.
bool TagReaper::reap_shard() {
  bool more = false;
  {
    const LockedKeys locked = store_.lock_shard(shard_);
    Shard& shard = store_.shard(shard_);
    const size_t databases = shard.others_used ? store_.databases() : 1;
    for (size_t d = 0; d < databases && !more; d++) {
      more =
          store_.table(locked, shard_, d).reap(kEntriesPerLock - dead_.size(), [&](Entry* entry) {
            dead_.push_back(entry);
            const KeyHash hash = store_.key(entry->key()).hash;
            store_.count_gone(d, *entry, hash, PrefixCount::kInvalidated);
            store_.eviction().on_remove(shard.eviction);
          });
    }
  }
  for (Entry* entry : dead_) Entry::destroy(entry);
  dead_.clear();
  return more;
}

}  // namespace larder::storage
