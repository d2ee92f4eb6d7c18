#include "storage/key_eraser.h"

#include <algorithm>

#include "storage/keyspace.h"

namespace larder::storage {

ScanBudget KeyEraser::step_budget() const {
  // Comparisons for each byte of a key, all keys of the step together.
  constexpr size_t kComparisonsMax = 4096;
  const size_t keys = kComparisonsMax / std::max<size_t>(filter_.pattern.size(), 1);
  return {std::clamp<size_t>(keys, 1, Table::kSegmentEntriesMax), Table::kSegmentBuckets};
}

size_t KeyEraser::step(const LockedKeys* held, int64_t now_ms, ScanBudget& budget,
                       size_t erased_max, FunctionRef<void(const Key&)> on_erased) {
  if (held != nullptr) return step_in_shard(*held, now_ms, budget, erased_max, on_erased);
  const LockedKeys locked = store_.lock_shard(scanner_.shard());
  return step_in_shard(locked, now_ms, budget, erased_max, on_erased);
}

size_t KeyEraser::step_in_shard(const LockedKeys& locked, int64_t now_ms, ScanBudget& budget,
                                size_t erased_max, FunctionRef<void(const Key&)> on_erased) {
  names_.clear();
  name_ends_.clear();
  scanner_.step_in_shard(locked, now_ms, budget, [&](const Entry& entry) {
    if (name_ends_.size() == erased_max || !matches(entry)) return;
    names_ += entry.key();
    name_ends_.push_back(names_.size());
  });
  Keyspace db(locked, database_, now_ms);
  size_t begin = 0;
  for (const size_t end : name_ends_) {
    const Key key = store_.key(std::string_view(names_).substr(begin, end - begin));
    begin = end;
    db.erase(key, PrefixCount::kInvalidated);
    on_erased(key);
  }
  return name_ends_.size();
}

}  // namespace larder::storage
