// Walking over all keys of a database: what SCAN and KEYS stand on.
//
// The walk goes shard by shard and locks one shard at a time, so it may be interrupted anywhere and
// other threads change keys meanwhile. It returns every key that is there from its beginning to its
// end, and never a dead one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "storage/entry.h"
#include "storage/function_ref.h"
#include "storage/store.h"
#include "storage/table.h"

namespace larder::storage {

// Where a walk over the whole store is: the shard's index above the position in its table; 0 at the
// start, and again at the end. It fits into the 53 bits that a double holds exactly, for clients
// that read it as one.
using ScanCursor = uint64_t;
inline constexpr int kScanCursorBits = Store::kShardBits + kTablePositionBits;
static_assert(kScanCursorBits <= 53);

class KeyScanner {
 public:
  // Any number is a valid cursor; one past the last shard finds nothing.
  KeyScanner(Store& store, size_t database, ScanCursor from = 0);

  // Where to go on; 0 when finished.
  ScanCursor cursor() const;
  bool finished() const { return shard_ >= Store::kShards; }

  // Calls `visit` for the live entries from here on until the budget is spent (see Table::scan;
  // dead entries count, shards without keys are free) or the end is reached. `budget` is at least
  // one entry and Table::kSegmentBuckets, or nothing is done. `held`: all shards, if the caller
  // holds them; null: each shard is locked while `visit` sees its entries.
  void step(const LockedKeys* held, int64_t now_ms, ScanBudget& budget,
            FunctionRef<void(const Entry&)> visit);

  // The same in the present shard alone, for a caller that has it locked.
  size_t shard() const { return shard_; }
  void step_in_shard(const LockedKeys& locked, int64_t now_ms, ScanBudget& budget,
                     FunctionRef<void(const Entry&)> visit);

 private:
  Store& store_;
  const size_t database_;
  size_t shard_;
  TablePosition position_;
};

// A glob pattern for keys, looked at once: most keys are refused by the letters it begins with. As
// in Redis, "*" alone means all keys, with the empty one that no other pattern of stars matches.
// Borrows the pattern's bytes.
class KeyPattern {
 public:
  explicit KeyPattern(std::string_view pattern);

  bool matches(std::string_view key) const;
  // There is nothing to expand: only the key with just these bytes matches.
  bool is_literal() const { return prefix_.size() == pattern_.size(); }

 private:
  std::string_view pattern_;
  std::string_view prefix_;  // what stands before the first special character
  bool all_behind_;          // behind the prefix stands nothing but stars
};

}  // namespace larder::storage
