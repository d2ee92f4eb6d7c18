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

// The ids that tags have in a table, for an entry that is about to be put there. Tags that are new
// there and get no entry are forgotten again.
class GivenTags {
 public:
  explicit GivenTags(Table& table) : table_(table) {}
  GivenTags(const GivenTags&) = delete;
  GivenTags& operator=(const GivenTags&) = delete;
  ~GivenTags() { table_.drop_unused_tags(list_.ids()); }

  void keep(TagIds ids) { list_.assign(ids); }
  bool are_called(TagIds ids, std::span<const std::string_view> names) const {
    return !ids.empty() && table_.tags().are_called(ids, names);
  }
  void add(std::span<const std::string_view> names) {
    if (!names.empty()) table_.tags().ids_of(names, list_);
  }
  bool has(std::string_view name) const { return ids().contains(table_.tags().find_id(name)); }
  bool remove(std::string_view name) { return list_.remove(table_.tags().find_id(name)); }
  // Those of an entry of `from`.
  void take_over(Table& from, TagIds ids) {
    if (&from == &table_) return keep(ids);
    for (size_t i = 0; i < ids.size(); i++) {
      const std::string_view name = from.tags()[ids[i]].name;
      add({&name, 1});
    }
  }
  size_t size() const { return list_.size(); }
  TagIds ids() const { return list_.ids(); }

 private:
  Table& table_;
  TagIdList list_;
};

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
inline Slot Keyspace::find_slot(const Key& key) {
  const Slot slot = table(key).find(key);
  if (!slot || !table(key).dead(*slot.entry(), now_ms_)) return slot;
  bury(key, slot);
  return {};
}

// Removes a dead key. That the tag of a doomed one was deleted has been told then.
void Keyspace::bury(const Key& key, Slot slot) {
  const Entry& entry = *slot.entry();
  const bool doomed = table(key).doomed(entry);
  const KeyChange death = death_of(entry, now_ms_);
  if (entry.tagged()) table(key).tags().count_miss(entry.tags());
  count_gone(key, doomed ? PrefixCount::kInvalidated : PrefixCount::kExpired, counted_bytes(entry));
  Entry::destroy(take_out(key, slot));
  if (doomed) return;
  shard(key).expired.add();
  if (Observer* observer = store_.observer()) observer->changed(database_, key, death);
}

// Takes an entry out of the table; it is the caller's.
Entry* Keyspace::take_out(const Key& key, Slot slot) {
  store_.eviction().on_remove(shard(key).eviction);
  return table(key).erase(slot, key.hash);
}

inline void Keyspace::touch(const Key& key, Slot slot) {
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
  store_.prefixes.count(database_, key,
                        entry != nullptr ? PrefixCount::kHits : PrefixCount::kMisses);
  if (entry != nullptr && entry->tagged()) table(key).tags().count_hit(entry->tags());
  if (entry == nullptr && access != Access::kInspect) {
    if (Observer* observer = store_.observer()) observer->missed(database_, key);
  }
  return entry;
}

void Keyspace::prefetch_tags(const Key& key) {
  if (const Tags* tags = table(key).tags_if_any()) tags->prefetch();
}

// Replaces or inserts.
void Keyspace::put(const Key& key, const EntryShape& shape, std::string_view text,
                   const Tagging& tagging) {
  const Slot slot = find_slot(key);
  const bool keep = tagging.keep && slot && slot.entry()->tagged();
  if (keep || !tagging.names.empty()) return put_tagged(key, slot, shape, text, tagging);
  put_into(key, slot, shape, text);
}

void Keyspace::put_tagged(const Key& key, Slot slot, EntryShape shape, std::string_view text,
                          const Tagging& tagging) {
  GivenTags given(table(key));
  const TagIds before = slot ? slot.entry()->tags() : TagIds();
  if (tagging.keep || given.are_called(before, tagging.names)) {
    given.keep(before);
  } else {
    given.add(tagging.names);
  }
  shape.tags = given.ids();
  if (shape.tags != before) table(key).tags().prefetch(shape.tags, key.hash);
  put_into(key, slot, shape, text);
}

void Keyspace::put_into(const Key& key, Slot slot, const EntryShape& shape, std::string_view text) {
  if (slot) touch(key, slot);
  const size_t beside_before = slot ? beside_block_bytes(*slot.entry()) : 0;
  if (slot && rewrite(key, slot, shape, text)) {  // the block is as large as it was
    count_set(key, 0, static_cast<int64_t>(beside_block_bytes(*slot.entry()) - beside_before));
  } else {
    const size_t before = counted_bytes(slot);
    EntryBlock entry(Entry::create(shape));
    if (shape.kind == ValueKind::kText) std::memcpy(entry->text_bytes(), text.data(), text.size());
    install(key, slot, entry.get());
    count_set(key, *entry.release(), !slot, before);
  }
  note(key, KeyChange::kWritten);
}

// False if the entry cannot be changed where it is.
bool Keyspace::rewrite(const Key& key, Slot slot, const EntryShape& shape, std::string_view text) {
  Entry& entry = *slot.entry();
  if (entry.tags() != shape.tags) return false;
  Table& keys = table(key);
  keys.forget_expiry(entry);
  const bool rewritten = entry.rewrite(shape);
  if (rewritten && shape.kind == ValueKind::kText) {
    std::memcpy(entry.text_bytes(), text.data(), text.size());
  }
  keys.note_expiry(slot);
  return rewritten;
}

void Keyspace::put_string(const Key& key, std::string_view value, int64_t expire_at_ms,
                          const Tagging& tagging) {
  int64_t integer = 0;
  if (parse_integer(value, integer)) return put_integer(key, integer, expire_at_ms, tagging);
  put_text(key, value, expire_at_ms, false, tagging);
}

void Keyspace::put_text(const Key& key, std::string_view value, int64_t expire_at_ms, bool modified,
                        const Tagging& tagging) {
  EntryShape shape{.key = key.bytes, .expire_at_ms = expire_at_ms, .modified = modified};
  BlobRef blob;
  if (value.size() > kInlineValueMax) {
    blob = make_blob(value);
    shape.kind = ValueKind::kBlob;
    shape.blob = blob.get();
  } else {
    shape.text_bytes = value.size();
  }
  put(key, shape, value, tagging);
  blob.detach();  // the entry's
}

void Keyspace::put_blob(const Key& key, Blob& value, int64_t expire_at_ms, const Tagging& tagging) {
  assert(value.size() > kInlineValueMax);
  BlobRef blob = BlobRef::share(value);
  put(key,
      {.key = key.bytes,
       .expire_at_ms = expire_at_ms,
       .kind = ValueKind::kBlob,
       .blob = blob.get()},
      {}, tagging);
  blob.detach();  // the entry's
}

void Keyspace::put_integer(const Key& key, int64_t value, int64_t expire_at_ms,
                           const Tagging& tagging) {
  put(key,
      {.key = key.bytes,
       .expire_at_ms = expire_at_ms,
       .kind = ValueKind::kInteger,
       .integer = value},
      {}, tagging);
}

void Keyspace::put_object(const Key& key, Object object, int64_t expire_at_ms) {
  put(key,
      {.key = key.bytes,
       .expire_at_ms = expire_at_ms,
       .kind = ValueKind::kObject,
       .object = object},
      {}, {});
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
                   .modified = true,
                   .tags = entry != nullptr ? entry->tags() : TagIds()};
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
  const size_t before = entry != nullptr ? counted_bytes(*entry) : 0;
  install(key, find_slot(key), grown.get());
  const Entry& installed = *grown.release();
  if (entry != nullptr) {
    note_resized(key, installed, before);
  } else {
    count_set(key, installed, true, 0);
  }
  blob.detach();  // the entry's
  return bytes;
}

bool Keyspace::erase(const Key& key, PrefixCount why) {
  const Slot slot = find_slot(key);
  if (!slot) return false;
  count_gone(key, why, counted_bytes(slot));
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
  keys.note_expiry(slot);  // as it was: replace() forgets it
  rebuild(key, slot, expire_at_ms, entry->tags());
  return true;
}

// The same entry in a new block.
void Keyspace::rebuild(const Key& key, Slot slot, int64_t expire_at_ms, TagIds tags) {
  const size_t before = counted_bytes(slot);
  EntryBlock rebuilt(slot.entry()->with(key.bytes, expire_at_ms, tags));
  Entry::destroy_block(table(key).replace(slot, rebuilt.get()));
  note_resized(key, *rebuilt.release(), before);
  note(key, KeyChange::kWritten);
}

Result<size_t> Keyspace::add_tags(const Key& key, std::span<const std::string_view> names) {
  const Slot slot = find_slot(key);
  if (!slot) return size_t{0};
  GivenTags given(table(key));
  given.keep(slot.entry()->tags());
  size_t added = 0;
  for (const std::string_view name : names) {
    if (given.has(name)) continue;
    if (given.size() == kTagsPerKeyMax) return Status::kTooManyTags;
    given.add({&name, 1});
    added++;
  }
  if (added > 0) rebuild(key, slot, slot.entry()->expire_at_ms(), given.ids());
  return added;
}

size_t Keyspace::remove_tags(const Key& key, std::span<const std::string_view> names) {
  const Slot slot = find_slot(key);
  if (!slot || !slot.entry()->tagged()) return 0;
  GivenTags given(table(key));
  given.keep(slot.entry()->tags());
  size_t removed = 0;
  for (const std::string_view name : names) removed += given.remove(name);
  if (removed > 0) rebuild(key, slot, slot.entry()->expire_at_ms(), given.ids());
  return removed;
}

void Keyspace::move(const Key& from, Keyspace& target, const Key& to) {
  const Slot slot = find_slot(from);
  assert(slot);
  const AccessBits bits = slot.bits();
  Entry* const old = slot.entry();
  const Slot replaced = target.find_slot(to);
  const size_t bytes = counted_bytes(*old);
  const size_t replaced_bytes = target.counted_bytes(replaced);
  GivenTags given(target.table(to));
  given.take_over(table(from), old->tags());
  EntryBlock moved(old->with(to.bytes, old->expire_at_ms(), given.ids()));
  assert(!replaced || replaced.entry() != old);
  target.install(to, replaced, moved.get());
  target.count_set(to, *moved.release(), !replaced, replaced_bytes);
  if (!replaced) target.find_slot(to).set_bits(bits);
  Entry::destroy_block(take_out(from, find_slot(from)));
  count_gone(from, PrefixCount::kDeletes, bytes);
  note(from, KeyChange::kRemoved);
  if (replaced) target.note_created(to);
  target.note(to, KeyChange::kWritten);
  if (store_.tag_deletions.any()) catch_escaped(from, target, to);
}

// What was moved or copied past a deletion of its tags goes as well.
void Keyspace::catch_escaped(const Key& from, Keyspace& target, const Key& to) {
  if (database_ != target.database_) return;
  Table& keys = target.table(to);
  const TagIds ids = keys.find(to).entry()->tags();
  const auto carries = [&](std::string_view name) {
    return !ids.empty() && ids.contains(keys.tags().find_id(name));
  };
  const bool caught = store_.tag_deletions.catches(database_, Store::shard_of(from.hash),
                                                   Store::shard_of(to.hash), carries);
  if (caught) target.erase(to, PrefixCount::kInvalidated);
}

void Keyspace::copy(const Key& from, Keyspace& target, const Key& to) {
  Entry* source = find(from);
  assert(source != nullptr);
  const Slot replaced = target.find_slot(to);
  GivenTags given(target.table(to));
  given.take_over(table(from), source->tags());
  const size_t replaced_bytes = target.counted_bytes(replaced);
  OwnedEntry twin(source->copy(to.bytes, given.ids()));
  target.install(to, replaced, twin.get());
  target.count_set(to, *twin.release(), !replaced, replaced_bytes);
  if (replaced) target.note_created(to);
  target.note(to, KeyChange::kWritten);
  if (store_.tag_deletions.any()) catch_escaped(from, target, to);
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
