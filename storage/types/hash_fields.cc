#include "storage/types/hash_fields.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "storage/entry_arena.h"
#include "storage/number.h"

namespace larder::storage {
namespace {

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

// In whole blocks.
size_t bytes_of(const Entry& entry) {
  const size_t block = entry.block_bytes();
  return EntryArena::block_bytes(block) + entry.memory_bytes() - block;
}

// How a value is kept. Numbers are kept as such.
EntryShape shape_of(std::string_view field, const FieldText& value, int64_t expire_at_ms) {
  EntryShape shape{.key = field, .expire_at_ms = expire_at_ms};
  if (parse_integer(value.text, shape.integer)) {
    shape.kind = ValueKind::kInteger;
  } else if (value.text.size() <= kInlineValueMax) {
    shape.text_bytes = value.text.size();
  } else {
    shape.kind = ValueKind::kBlob;
  }
  return shape;
}

BlobRef blob_of(const FieldText& value) {
  if (value.blob != nullptr) return BlobRef::share(*value.blob);
  BlobRef blob(Blob::create(value.text.size(), value.text.size()));
  std::memcpy(blob->data(), value.text.data(), value.text.size());
  return blob;
}

}  // namespace

bool HashFields::put(std::string_view field, const FieldText& value, int64_t expire_at_ms) {
  const Key key = key_of(field);
  const size_t before = size();
  EntryShape shape = shape_of(field, value, expire_at_ms);
  BlobRef blob;
  if (shape.kind == ValueKind::kBlob) {
    blob = blob_of(value);
    shape.blob = blob.get();
  }
  put_shape(key, shape, value.text);
  blob.detach();  // the entry's
  note_latest(expire_at_ms);
  return size() > before;
}

// Throws std::bad_alloc, and then has taken nothing over.
void HashFields::put_shape(const Key& key, const EntryShape& shape, std::string_view text) {
  const Slot slot = table_.find(key);
  const auto fill = [&](Entry& entry) {
    if (shape.kind != ValueKind::kText || text.empty()) return;
    std::memcpy(entry.text_bytes(), text.data(), text.size());
  };
  if (slot) {
    Entry* old = slot.entry();
    const size_t old_bytes = bytes_of(*old);
    table_.forget_expiry(*old);
    const bool rewritten = old->rewrite(shape);
    if (rewritten) fill(*old);
    table_.note_expiry(slot);
    if (rewritten) {
      entry_bytes_ += bytes_of(*old) - old_bytes;
      return;
    }
  }
  Entry* entry = Entry::create(shape);
  fill(*entry);
  if (slot) {
    Entry* old = table_.replace(slot, entry);
    entry_bytes_ -= bytes_of(*old);
    Entry::destroy(old);
  } else {
    try {
      table_.insert(key.hash, entry);
    } catch (...) {
      Entry::destroy_block(entry);  // a blob stays the caller's
      throw;
    }
  }
  entry_bytes_ += bytes_of(*entry);
}

void HashFields::note_latest(int64_t expire_at_ms) {
  latest_expiry_ms_ = any_timed() ? std::max(latest_expiry_ms_, expire_at_ms) : 0;
}

void HashFields::set_expiry(std::string_view field, int64_t expire_at_ms) {
  const Slot slot = table_.find(key_of(field));
  Entry* entry = slot.entry();
  table_.forget_expiry(*entry);
  const bool in_place = entry->set_expire_at_ms(expire_at_ms);
  table_.note_expiry(slot);  // changed, or as it was: replace() below forgets it
  if (!in_place) {
    const size_t old_bytes = bytes_of(*entry);
    Entry* rebuilt = entry->with(entry->key(), expire_at_ms, {});
    Entry::destroy_block(table_.replace(slot, rebuilt));
    entry_bytes_ += bytes_of(*rebuilt) - old_bytes;
  }
  note_latest(expire_at_ms);
}

bool HashFields::erase(std::string_view field) {
  const Key key = key_of(field);
  const Slot slot = table_.find(key);
  if (!slot) return false;
  Entry* entry = table_.erase(slot, key.hash);
  entry_bytes_ -= bytes_of(*entry);
  Entry::destroy(entry);
  table_.tighten();
  return true;
}

HashFields* HashFields::copy() const {
  auto copied = std::make_unique<HashFields>(seed_);
  ScanBudget all{kUnlimited, kUnlimited};
  table_.scan(0, all, [&](const Entry& entry) {
    Entry* twin = entry.copy(entry.key(), {});
    try {
      copied->table_.insert(hash_key(twin->key(), seed_), twin);
    } catch (...) {
      Entry::destroy(twin);
      throw;
    }
    copied->entry_bytes_ += bytes_of(*twin);
  });
  copied->latest_expiry_ms_ = latest_expiry_ms_;
  return copied.release();
}

size_t HashFields::memory_bytes() const {
  return sizeof(HashFields) + table_.memory_bytes() + entry_bytes_;
}

size_t HashFields::recount_arena_bytes() const {
  size_t entries = 0;
  ScanBudget all{kUnlimited, kUnlimited};
  table_.scan(0, all, [&](const Entry& entry) { entries += bytes_of(entry); });
  return table_.segment_bytes() + entries;
}

bool HashFields::all_dead(int64_t now_ms) const {
  if (size() == 0 || table_.volatile_size() < size() || next_due_ms() > now_ms) return false;
  if (latest_expiry_ms_ <= now_ms) return true;
  const TablePosition began_at = live_at_;
  return !finds_live(now_ms, began_at) && (began_at == 0 || !finds_live(now_ms, 0));
}

// Whether a field from this position on is alive; live_at_ is where.
bool HashFields::finds_live(int64_t now_ms, TablePosition from) const {
  bool live = false;
  do {
    live_at_ = from;
    ScanBudget some{1, Table::kSegmentBuckets};
    from = table_.scan(from, some, [&](const Entry& entry) { live |= !entry.dead(now_ms); });
  } while (from != 0 && !live);
  return live;
}

bool HashFields::sweep(int64_t now_ms, size_t& elements) {
  if (elements == 0) return false;
  const size_t segments = std::max<size_t>(1, elements / Table::kSegmentEntriesMax);
  const size_t before = table_.size();
  const auto on_dead = [&](Entry* dead, KeyHash) {
    entry_bytes_ -= bytes_of(*dead);
    Entry::destroy(dead);
  };
  table_.sweep({now_ms, on_dead}, segments);
  if (table_.size() != before) table_.tighten();
  elements -= std::min(elements, segments * Table::kSegmentEntriesMax);
  return table_.size() != before;
}

bool HashFields::free_some(size_t elements) {
  const size_t before = table_.segment_bytes();
  const bool more = table_.destroy_some(std::max<size_t>(1, elements / Table::kSegmentEntriesMax));
  // What the entries took is known only for all of them together; their shares are much the same.
  const double left = before == 0 ? 0 : static_cast<double>(table_.segment_bytes()) / before;
  entry_bytes_ = static_cast<size_t>(static_cast<double>(entry_bytes_) * left);
  return more;
}

}  // namespace larder::storage
