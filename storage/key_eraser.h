// Erasing the keys that match: a walk as SCAN's, whose guarantees it has. A key that is there from
// its beginning, matches, and is not renamed or replaced is gone at its end, whatever else changes
// meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/function_ref.h"
#include "storage/glob.h"
#include "storage/scan.h"

namespace larder::storage {

struct KeyFilter {
  std::string pattern = "*";
  std::optional<ValueType> type{};  // of any type, if there is none
};

class KeyEraser {
 public:
  // A longer pattern could keep a shard locked for too long.
  static constexpr size_t kPatternBytesMax = kGlobBytesBounded;

  KeyEraser(Store& store, size_t database, KeyFilter filter, ScanCursor from = 0)
      : store_(store),
        database_(database),
        filter_(std::move(filter)),
        pattern_(filter_.pattern),
        scanner_(store, database, from) {}
  KeyEraser(const KeyEraser&) = delete;  // the pattern borrows the filter's text
  KeyEraser& operator=(const KeyEraser&) = delete;

  ScanCursor cursor() const { return scanner_.cursor(); }
  bool finished() const { return scanner_.finished(); }

  // What may be looked at under one lock of a shard, in some 100 microseconds: one segment, or, for
  // a pattern that has to be compared at length, a few keys.
  ScanBudget step_budget() const;

  // Looks at keys of one shard, or at shards without keys, until the budget is spent (counted
  // down), erases at most `erased_max` that match and answers how many. `on_erased` is called under
  // the shard's lock. `held`: as for KeyScanner. Throws HeldForLong, and then has done nothing.
  size_t step(const LockedKeys* held, int64_t now_ms, ScanBudget& budget, size_t erased_max,
              FunctionRef<void(const Key&)> on_erased);

 private:
  size_t step_in_shard(const LockedKeys& locked, int64_t now_ms, ScanBudget& budget,
                       size_t erased_max, FunctionRef<void(const Key&)> on_erased);
  bool matches(const Entry& entry) const {
    return (!filter_.type || filter_.type == entry.type()) && pattern_.matches(entry.key());
  }

  Store& store_;
  const size_t database_;
  const KeyFilter filter_;
  const KeyPattern pattern_;
  KeyScanner scanner_;
  // Of the keys to be erased, in one step: an entry cannot be erased while the table is scanned.
  std::string names_;
  std::vector<size_t> name_ends_;
};

}  // namespace larder::storage
