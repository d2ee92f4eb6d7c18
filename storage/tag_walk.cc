#include "storage/tag_walk.h"

#include <algorithm>

namespace larder::storage {

TagUses uses_of_tag(Store& store, const LockedKeys* held, size_t database, std::string_view name) {
  TagUses uses;
  for (size_t i = 0; i < Store::kShards; i++) {
    store.with_shard(held, i, [&](const LockedKeys& locked) {
      const Tags* tags = store.table(locked, i, database).tags_if_any();
      const Tag* tag = tags != nullptr ? tags->find(name) : nullptr;
      if (tag == nullptr) return;
      uses.hits += tag->hits;
      uses.misses += tag->misses;
    });
  }
  return uses;
}

TagScanner::TagScanner(Store& store, size_t database, ScanCursor from)
    : store_(store),
      database_(database),
      shard_(static_cast<size_t>(std::min<uint64_t>(from >> kFragmentBits, Store::kShards))),
      from_(std::max(kFragmentMin, static_cast<HashFragment>(from))) {}

ScanCursor TagScanner::cursor() const {
  return finished() ? 0 : static_cast<ScanCursor>(shard_) << kFragmentBits | from_;
}

void TagScanner::step(const LockedKeys* held, std::string_view name, int64_t now_ms,
                      size_t& entries_max, FunctionRef<void(const Entry&)> visit) {
  TagPart part;
  store_.with_shard(held, shard_, [&](const LockedKeys& locked) {
    const Table& table = store_.table(locked, shard_, database_);
    const Tags* tags = table.tags_if_any();
    const TagId id = tags != nullptr ? tags->find_id(name) : Tags::kNone;
    if (id == Tags::kNone) return;
    part = tags->part(id, from_, entries_max);
    table.each_tagged(id, part.first, part.last, [&](const Entry& entry) {
      if (!table.dead(entry, now_ms)) visit(entry);
    });
  });
  entries_max -= std::min(entries_max, part.size);
  shard_ += part.next == 0;
  from_ = part.next == 0 ? kFragmentMin : part.next;
}

TagNameCollector::TagNameCollector(Store& store, size_t database, uint64_t from, size_t wanted)
    : store_(store),
      database_(database),
      from_(static_cast<Cursor>(from)),
      wanted_(wanted),
      shard_(from <= kLastHash ? 0 : Store::kShards) {}

void TagNameCollector::step(const LockedKeys* held, int64_t now_ms) {
  store_.with_shard(held, shard_, [&](const LockedKeys& locked) {
    const Table& table = store_.table(locked, shard_, database_);
    if (table.tags_if_any() == nullptr) return;
    table.tags_if_any()->each_name(from_, last_, [&](const Tag& tag) {
      if (tag.name_hash > last_) return false;
      if (table.count_tagged(tag.name, now_ms) == 0) return true;
      found_.emplace(tag.name_hash, tag.name);
      trim();
      return true;
    });
  });
  shard_++;
}

// Drops what is not wanted, as there are enough names of lower hashes.
void TagNameCollector::trim() {
  if (found_.size() < wanted_) return;
  last_ = found_.rbegin()->first;
  const auto highest = found_.lower_bound({last_, std::string()});
  const auto size = static_cast<size_t>(std::distance(highest, found_.end()));
  if (found_.size() - size < wanted_) return;
  found_.erase(highest, found_.end());
  last_ = found_.rbegin()->first;
}

}  // namespace larder::storage
