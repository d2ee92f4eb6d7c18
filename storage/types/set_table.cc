#include "storage/types/set_table.h"

#include <limits>
#include <memory>
#include <unordered_set>

#include "storage/entry_arena.h"
#include "storage/memory.h"

namespace larder::storage {
namespace {

constexpr size_t kAll = std::numeric_limits<size_t>::max();

size_t block_bytes(const Entry& entry) {
  return EntryArena::block_bytes(entry.block_bytes());
}

}  // namespace

void SetTable::add_entry(const Key& key) {
  Entry* entry = Entry::create({.key = key.bytes, .kind = ValueKind::kNone});
  try {
    table_.insert(key.hash, entry);
  } catch (...) {
    Entry::destroy(entry);
    throw;
  }
  member_bytes_ += block_bytes(*entry);
}

bool SetTable::insert(const Member& member) {
  const Key& key = member.key(seed_);
  if (table_.find(key)) return false;
  add_entry(key);
  return true;
}

bool SetTable::erase(const Member& member) {
  const Key& key = member.key(seed_);
  const Slot slot = table_.find(key);
  if (!slot) return false;
  Entry* entry = table_.erase(slot, key.hash);
  member_bytes_ -= block_bytes(*entry);
  Entry::destroy(entry);
  table_.tighten();
  return true;
}

void SetTable::each(FunctionRef<bool(const MemberValue&)> visit) const {
  bool going_on = true;
  TablePosition at = 0;
  do {
    ScanBudget segment{.entries = kAll, .buckets = Table::kSegmentBuckets};
    at = table_.scan(at, segment, [&](const Entry& entry) {
      if (going_on) going_on = visit(Member::of_key(entry.key()));
    });
  } while (going_on && at != 0);
}

TablePosition SetTable::scan(TablePosition from, ScanBudget& budget,
                             FunctionRef<void(const MemberValue&)> visit) const {
  return table_.scan(from, budget, [&](const Entry& entry) { visit(Member::of_key(entry.key())); });
}

MemberValue SetTable::random(uint64_t bits) const {
  return Member::of_key(table_.random_entry(bits)->key());
}

void SetTable::draw(size_t count, FunctionRef<uint64_t()> random_bits,
                    FunctionRef<void(const MemberValue&)> visit) const {
  std::unordered_set<const Entry*> drawn;
  drawn.reserve(count);
  while (drawn.size() < count) {
    const Entry* entry = table_.random_entry(random_bits());
    if (drawn.insert(entry).second) visit(Member::of_key(entry->key()));
  }
}

Container* SetTable::copy() const {
  auto copied = std::make_unique<SetTable>(seed_);
  ScanBudget budget{.entries = kAll, .buckets = kAll};
  table_.scan(0, budget, [&](const Entry& entry) {
    copied->add_entry({entry.key(), hash_key(entry.key(), seed_)});
  });
  return copied.release();
}

size_t SetTable::memory_bytes() const {
  return heap_block_bytes(sizeof *this, alignof(SetTable)) + table_.memory_bytes() + member_bytes_;
}

size_t SetTable::count_member_bytes() const {
  size_t bytes = 0;
  ScanBudget budget{.entries = kAll, .buckets = kAll};
  table_.scan(0, budget, [&](const Entry& entry) { bytes += block_bytes(entry); });
  return bytes;
}

size_t SetTable::recount_arena_bytes() const {
  return table_.segment_bytes() + count_member_bytes();
}

bool SetTable::free_some(size_t elements) {
  const size_t before = table_.segment_bytes();
  const bool more = table_.destroy_some(elements / Table::kSegmentEntriesMax + 1);
  // Nobody counts the members of a segment on their way out: they get their share.
  member_bytes_ = more ? member_bytes_ / before * table_.segment_bytes() : 0;
  return more;
}

bool SetTable::recount() const {
  return table_.recount() && member_bytes_ == count_member_bytes();
}

}  // namespace larder::storage
