// Counts the keys that were there before their prefixes got rows (storage/prefix_stats.h): a walk
// over the whole store, one shard locked at a time and never for more than a segment's keys.
//
// Used by one thread.
#pragma once

#include <cstddef>

#include "storage/store.h"

namespace larder::storage {

class PrefixWalker {
 public:
  explicit PrefixWalker(Store& store) : store_(store) {}

  // Does a part of the walk that is under way, some 100 us. True: it is not finished.
  bool step();

 private:
  static constexpr size_t kShardsPerStep = 128;
  static constexpr size_t kEntriesPerStep = 1024;

  size_t walk_shard(const LockedKeys& locked, size_t shard);

  Store& store_;
};

// Whether every row that is kept agrees with a fresh count, and every prefix has a row if none was
// refused one. Looks at every key. `all`: a lock on all shards.
bool recount_prefixes(Store& store, const LockedKeys& all);

}  // namespace larder::storage
