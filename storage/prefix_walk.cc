#include "storage/prefix_walk.h"

#include <cassert>
#include <limits>
#include <unordered_map>

#include "storage/held_bytes.h"

namespace larder::storage {
namespace {

constexpr size_t kAllEntries = std::numeric_limits<size_t>::max();

}  // namespace

bool PrefixWalker::step() {
  const PrefixStats& prefixes = store_.prefixes;
  size_t entries = 0;
  for (size_t shards = 0; shards < kShardsPerStep && entries < kEntriesPerStep; shards++) {
    const uint64_t from = prefixes.walked();
    if (from == PrefixStats::kWalked) return false;
    const size_t shard = from >> PrefixStats::kShardAt;
    const LockedKeys locked = store_.lock_shard(shard);
    // Before the lock was there, the walk may have been begun anew.
    if (prefixes.walked() == from) entries += walk_shard(locked, shard);
  }
  return prefixes.walking();
}

// Goes on to the next segment that has keys, or to the end of the shard. Answers how many entries
// it looked at.
size_t PrefixWalker::walk_shard(const LockedKeys& locked, size_t shard) {
  PrefixStats& prefixes = store_.prefixes;
  const uint64_t from = prefixes.walked();
  const uint64_t in_shard = from - (uint64_t{shard} << PrefixStats::kShardAt);
  size_t database = in_shard >> PrefixStats::kDatabaseAt;
  uint64_t prefix = in_shard % (uint64_t{1} << PrefixStats::kDatabaseAt);
  const size_t databases = store_.shard(shard).others_used ? store_.databases() : 1;
  size_t entries = 0;
  for (; database < databases && entries == 0; prefix == 0 ? database++ : database) {
    ScanBudget budget{.entries = kAllEntries, .buckets = Table::kSegmentBuckets};
    const TablePosition next = store_.table(locked, shard, database)
                                   .scan(prefix << Segment::kHomeBits, budget, [&](const Entry& e) {
                                     const Key key = store_.key(e.key());
                                     entries++;
                                     // A segment may have taken the place of smaller ones.
                                     if (PrefixStats::place(database, key.hash) >= from) {
                                       prefixes.found(database, key, held_bytes(e));
                                     }
                                   });
    prefix = next >> Segment::kHomeBits;
  }
  if (database < databases) {
    prefixes.set_walked(uint64_t{shard} << PrefixStats::kShardAt |
                        uint64_t{database} << PrefixStats::kDatabaseAt | prefix);
  } else {
    const bool last = shard + 1 == Store::kShards;
    prefixes.set_walked(last ? PrefixStats::kWalked : uint64_t{shard + 1} << PrefixStats::kShardAt);
  }
  return entries;
}

bool recount_prefixes(Store& store, const LockedKeys& all) {
  assert(all.holds_all());
  const PrefixStats& prefixes = store.prefixes;
  struct Size {
    int64_t keys = 0;
    int64_t bytes = 0;
  };
  std::unordered_map<const PrefixRow*, Size> sizes;
  for (size_t shard = 0; shard < Store::kShards; shard++) {
    for (size_t database = 0; database < store.databases(); database++) {
      ScanBudget budget{.entries = kAllEntries, .buckets = kAllEntries};
      store.table(all, shard, database).scan(0, budget, [&](const Entry& entry) {
        const PrefixRow* row = prefixes.counted_row(database, store.key(entry.key()));
        if (row == nullptr) return;
        sizes[row].keys++;
        sizes[row].bytes += static_cast<int64_t>(held_bytes(entry));
      });
    }
  }
  bool all_hold = true;
  prefixes.rows().each([&](const PrefixRow& row) {
    const PrefixCounts counts = prefixes.counts_of(row);
    const Size size = sizes[&row];
    all_hold &= counts[static_cast<size_t>(PrefixCount::kKeys)] == size.keys &&
                counts[static_cast<size_t>(PrefixCount::kBytes)] == size.bytes;
  });
  return all_hold;
}

}  // namespace larder::storage
