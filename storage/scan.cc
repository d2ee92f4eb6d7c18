#include "storage/scan.h"

#include <algorithm>

#include "storage/glob.h"

namespace larder::storage {

KeyScanner::KeyScanner(Store& store, size_t database, ScanCursor from)
    : store_(store),
      database_(database),
      shard_(static_cast<size_t>(std::min<uint64_t>(from >> kTablePositionBits, Store::kShards))),
      position_(from & ((TablePosition{1} << kTablePositionBits) - 1)) {}

ScanCursor KeyScanner::cursor() const {
  return finished() ? 0 : static_cast<ScanCursor>(shard_) << kTablePositionBits | position_;
}

void KeyScanner::step(const LockedKeys* held, int64_t now_ms, ScanBudget& budget,
                      FunctionRef<void(const Entry&)> visit) {
  while (!finished() && budget.entries > 0 && budget.buckets >= Table::kSegmentBuckets) {
    store_.with_shard(held, shard_, [&](const LockedKeys& locked) {
      step_in_shard(locked, now_ms, budget, visit);
    });
  }
}

void KeyScanner::step_in_shard(const LockedKeys& locked, int64_t now_ms, ScanBudget& budget,
                               FunctionRef<void(const Entry&)> visit) {
  const Table& table = store_.table(locked, shard_, database_);
  position_ = table.scan(position_, budget, [&](const Entry& entry) {
    if (!table.dead(entry, now_ms)) visit(entry);
  });
  shard_ += position_ == 0;
}

KeyPattern::KeyPattern(std::string_view pattern)
    : pattern_(pattern),
      prefix_(pattern.substr(0, std::min(pattern.size(), pattern.find_first_of("*?[\\")))),
      all_behind_(!is_literal() &&
                  pattern.find_first_not_of('*', prefix_.size()) == std::string_view::npos) {}

bool KeyPattern::matches(std::string_view key) const {
  if (!key.starts_with(prefix_)) return false;
  if (all_behind_) return !key.empty() || pattern_.size() == 1;
  if (is_literal()) return key.size() == pattern_.size();
  return glob_match(pattern_.substr(prefix_.size()), key.substr(prefix_.size()));
}

}  // namespace larder::storage
