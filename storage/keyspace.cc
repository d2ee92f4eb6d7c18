#include "storage/keyspace.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <memory>

#include "storage/expiry.h"

namespace larder::storage {
namespace {

BlobRef make_blob(std::string_view text) {
  BlobRef blob(Blob::create(text.size(), text.size()));
  std::memcpy(blob->data(), text.data(), text.size());
  return blob;
}

// An entry that no table has taken over yet: with its value, or without it, which is somebody
// else's as well.
struct DestroyEntry {
  void operator()(Entry* entry) const { Entry::destroy(entry); }
};
struct DestroyBlock {
  void operator()(Entry* entry) const { Entry::destroy_block(entry); }
};
using OwnedEntry = std::unique_ptr<Entry, DestroyEntry>;
using EntryBlock = std::unique_ptr<Entry, DestroyBlock>;

// A string grown in place gets room to grow again, as Redis' sds does: twice its size, at most 1 MB
// more.
size_t capacity_for(size_t size) {
  constexpr size_t kSpareMax = 1024 * 1024;
  return size + std::min(size, kSpareMax);
}

}  // namespace

Shard& Keyspace::shard(const Key& key) {
  assert(locked_.holds(key.hash));
  return store_.shard(Store::shard_of(key.hash));
}

// The slot of a live key. A dead one is removed.
Slot Keyspace::find_slot(const Key& key) {
  Table& keys = table(key);
  const Slot slot = keys.find(key);
  if (!slot || !slot.entry()->dead(now_ms_)) return slot;
  const KeyChange death = death_of(*slot.entry(), now_ms_);
  Entry::destroy(take_out(key, slot));
  shard(key).expired.add();
  if (Observer* observer = store_.observer()) observer->changed(database_, key, death);
  return {};
}

// Takes an entry out of the table; it is the caller's.
Entry* Keyspace::take_out(const Key& key, Slot slot) {
  store_.eviction().on_remove(shard(key).eviction);
  return table(key).erase(slot, key.hash);
}

void Keyspace::touch(const Key& key, Slot slot) {
  if (!touching_) return;
  const AccessBits before = slot.bits();
  const AccessBits bits = store_.eviction().on_hit(shard(key).eviction, before, now_ms_);
  if (bits != before) slot.set_bits(bits);  // a clean cache line stays clean
}

Entry* Keyspace::find(const Key& key, Access access) {
  const Slot slot = find_slot(key);
  if (!slot) return nullptr;
  if (access == Access::kTouch) touch(key, slot);
  return slot.entry();
}

std::optional<Keyspace::AccessHistory> Keyspace::access_history(const Key& key) {
  const Slot slot = find_slot(key);
  if (!slot) return std::nullopt;
  const EvictionPolicy& policy = store_.eviction();
  return AccessHistory{policy.idle_seconds(slot.bits(), now_ms_),
                       policy.frequency(slot.bits(), now_ms_)};
}

Entry* Keyspace::read(const Key& key, Access access) {
  Entry* entry = find(key, access);
  (entry != nullptr ? shard(key).hits : shard(key).misses).add();
  if (entry == nullptr && access != Access::kInspect) {
    if (Observer* observer = store_.observer()) observer->missed(database_, key);
  }
  return entry;
}

// Replaces or inserts.
void Keyspace::put(const Key& key, const EntryShape& shape, std::string_view text) {
  Table& keys = table(key);
  const Slot slot = find_slot(key);
  if (slot) {
    touch(key, slot);
    keys.forget_expiry(*slot.entry());
    const bool rewritten = slot.entry()->rewrite(shape);
    if (rewritten && shape.kind == ValueKind::kText) {
      std::memcpy(slot.entry()->text_bytes(), text.data(), text.size());
    }
    keys.note_expiry(slot);
    if (rewritten) return note(key, KeyChange::kWritten);
  }
  EntryBlock entry(Entry::create(shape));
  if (shape.kind == ValueKind::kText) std::memcpy(entry->text_bytes(), text.data(), text.size());
  install(key, slot, entry.get());
  entry.release();
  note(key, KeyChange::kWritten);
}

void Keyspace::put_string(const Key& key, std::string_view value, int64_t expire_at_ms) {
  int64_t integer = 0;
  if (parse_integer(value, integer)) return put_integer(key, integer, expire_at_ms);
  put_text(key, value, expire_at_ms, false);
}

void Keyspace::put_text(const Key& key, std::string_view value, int64_t expire_at_ms,
                        bool modified) {
  EntryShape shape{.key = key.bytes, .expire_at_ms = expire_at_ms, .modified = modified};
  BlobRef blob;
  if (value.size() > kInlineValueMax) {
    blob = make_blob(value);
    shape.kind = ValueKind::kBlob;
    shape.blob = blob.get();
  } else {
    shape.text_bytes = value.size();
  }
  put(key, shape, value);
  blob.detach();  // the entry's
}

void Keyspace::put_blob(const Key& key, Blob& value, int64_t expire_at_ms) {
  assert(value.size() > kInlineValueMax);
  BlobRef blob = BlobRef::share(value);
  put(key,
      {.key = key.bytes,
       .expire_at_ms = expire_at_ms,
       .kind = ValueKind::kBlob,
       .blob = blob.get()},
      {});
  blob.detach();  // the entry's
}

void Keyspace::put_integer(const Key& key, int64_t value, int64_t expire_at_ms) {
  put(key,
      {.key = key.bytes,
       .expire_at_ms = expire_at_ms,
       .kind = ValueKind::kInteger,
       .integer = value},
      {});
}

void Keyspace::put_object(const Key& key, Object object, int64_t expire_at_ms) {
  put(key,
      {.key = key.bytes,
       .expire_at_ms = expire_at_ms,
       .kind = ValueKind::kObject,
       .object = object},
      {});
}

char* Keyspace::grow_string(const Key& key, size_t size) {
  Entry* entry = find(key);
  char digits[kIntegerTextMax];
  const std::string_view old = entry != nullptr ? entry->string(digits) : std::string_view();
  assert(size >= old.size());
  if (entry != nullptr && entry->modified()) {
    if (entry->kind() == ValueKind::kText && size == old.size()) return entry->text_bytes();
    if (entry->kind() == ValueKind::kBlob && entry->blob()->unique() &&
        size <= entry->blob()->capacity()) {
      Blob* blob = entry->blob();
      std::memset(blob->data() + blob->size(), 0, size - blob->size());
      blob->set_size(size);
      return blob->data();
    }
  }
  EntryShape shape{.key = key.bytes,
                   .expire_at_ms = entry != nullptr ? entry->expire_at_ms() : kNoExpiry,
                   .modified = true};
  BlobRef blob;
  if (size > kInlineValueMax) {
    blob = BlobRef(Blob::create(size, capacity_for(size)));
    shape.kind = ValueKind::kBlob;
    shape.blob = blob.get();
  } else {
    shape.text_bytes = size;
  }
  EntryBlock grown(Entry::create(shape));
  char* bytes = shape.blob != nullptr ? shape.blob->data() : grown->text_bytes();
  if (!old.empty()) std::memcpy(bytes, old.data(), old.size());
  std::memset(bytes + old.size(), 0, size - old.size());
  install(key, find_slot(key), grown.get());
  grown.release();
  blob.detach();  // the entry's
  return bytes;
}

bool Keyspace::erase(const Key& key) {
  const Slot slot = find_slot(key);
  if (!slot) return false;
  Entry::destroy(take_out(key, slot));
  note(key, KeyChange::kRemoved);
  return true;
}

bool Keyspace::set_expiry(const Key& key, int64_t expire_at_ms) {
  const Slot slot = find_slot(key);
  if (!slot) return false;
  if (expire_at_ms != kNoExpiry && expire_at_ms <= now_ms_) return erase(key);
  touch(key, slot);
  Table& keys = table(key);
  Entry* entry = slot.entry();
  keys.forget_expiry(*entry);
  if (entry->set_expire_at_ms(expire_at_ms)) {
    keys.note_expiry(slot);
    note(key, KeyChange::kWritten);
    return true;
  }
  keys.note_expiry(slot);  // as it was: replace() below forgets it
  Entry* rebuilt = entry->with(entry->key(), expire_at_ms);
  Entry::destroy_block(keys.replace(slot, rebuilt));
  note(key, KeyChange::kWritten);
  return true;
}

void Keyspace::move(const Key& from, Keyspace& target, const Key& to) {
  const Slot slot = find_slot(from);
  assert(slot);
  const AccessBits bits = slot.bits();
  Entry* const old = slot.entry();
  EntryBlock moved(old->with(to.bytes, old->expire_at_ms()));
  const Slot replaced = target.find_slot(to);
  assert(!replaced || replaced.entry() != old);
  target.install(to, replaced, moved.get());
  moved.release();
  if (!replaced) target.find_slot(to).set_bits(bits);
  Entry::destroy_block(take_out(from, find_slot(from)));
  note(from, KeyChange::kRemoved);
  if (replaced) target.note_created(to);
  target.note(to, KeyChange::kWritten);
}

void Keyspace::copy(const Key& from, Keyspace& target, const Key& to) {
  Entry* source = find(from);
  assert(source != nullptr);
  const Slot replaced = target.find_slot(to);
  OwnedEntry twin(source->copy(to.bytes));
  target.install(to, replaced, twin.get());
  twin.release();
  if (replaced) target.note_created(to);
  target.note(to, KeyChange::kWritten);
}

// Puts an entry into the slot that find_slot(key) gave, or into a new one if it gave none.
void Keyspace::install(const Key& key, Slot slot, Entry* entry) {
  if (slot) {
    Entry::destroy(table(key).replace(slot, entry));
  } else {
    Shard& home = shard(key);
    const AccessBits bits = store_.eviction().on_insert(home.eviction, key.hash, now_ms_);
    try {
      table(key).insert(key.hash, entry, bits);
    } catch (...) {
      store_.eviction().on_remove(home.eviction);
      throw;
    }
    if (database_ != 0) home.others_used = true;
    note_created(key);
  }
}

}  // namespace larder::storage
