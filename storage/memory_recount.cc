#include "storage/memory_recount.h"

#include <cassert>
#include <limits>

#include "storage/entry_arena.h"
#include "storage/garbage.h"

namespace larder::storage {
namespace {

void add_entries(const Table& table, MemoryRecount& sum) {
  constexpr size_t kAll = std::numeric_limits<size_t>::max();
  ScanBudget budget{.entries = kAll, .buckets = kAll};
  table.scan(0, budget, [&](const Entry& entry) {
    sum.entries += EntryArena::block_bytes(entry.block_bytes());
    sum.values += entry.kind() == ValueKind::kObject ? entry.object().recount_arena_bytes()
                                                     : entry.memory_bytes() - entry.block_bytes();
  });
}

}  // namespace

MemoryRecount recount_memory(Store& store, const LockedKeys& all) {
  assert(all.holds_all());
  Garbage::free_all();
  MemoryRecount sum;
  for (size_t shard = 0; shard < Store::kShards; shard++) {
    for (size_t database = 0; database < store.databases(); database++) {
      const Table& table = store.table(all, shard, database);
      sum.segments += table.segment_bytes();
      sum.directories += table.memory_bytes() - table.segment_bytes();
      add_entries(table, sum);
    }
  }
  sum.arena = EntryArena::use().block_bytes;
  return sum;
}

}  // namespace larder::storage
