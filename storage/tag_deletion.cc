#include "storage/tag_deletion.h"

#include <algorithm>
#include <utility>

#include "storage/keyspace.h"
#include "storage/prefetch.h"

namespace larder::storage {

TagDeletion::TagDeletion(Store& store, size_t database, std::vector<std::string> names, Which which)
    : store_(store),
      database_(database),
      names_(std::move(names)),
      which_(names_.size() > 1 ? which : Which::kAny),
      uses_(names_.size()) {
  store_.tag_deletions.add(*this);
}

TagDeletion::~TagDeletion() {
  store_.tag_deletions.remove(*this);
}

bool TagDeletion::catches(size_t database, size_t from_shard, size_t to_shard,
                          FunctionRef<bool(std::string_view)> carries) {
  if (database != database_ || from_shard < shard() || to_shard > shard()) return false;
  const bool all = which_ == Which::kAll;
  const auto meant = [&](const std::string& name) { return carries(name); };
  const bool caught = all ? std::all_of(names_.begin(), names_.end(), meant)
                          : std::any_of(names_.begin(), names_.end(), meant);
  if (caught) caught_.fetch_add(1, std::memory_order_relaxed);
  return caught;
}

void TagDeletion::follow(size_t a, size_t b) {
  if (database_ == a) {
    database_ = b;
  } else if (database_ == b) {
    database_ = a;
  }
}

void TagDeletion::step(const LockedKeys* held, int64_t now_ms, Tell* tell) {
  if (shard() + 1 < Store::kShards) storage::prefetch(&store_.shard(shard() + 1));
  store_.with_shard(held, shard(), [&](const LockedKeys& locked) {
    Table& table = store_.table(locked, shard(), database_);
    if (table.tags_if_any() == nullptr) {
      go_on();
    } else if (which_ == Which::kAny) {
      doom(table, now_ms, tell);
    } else {
      erase_some(locked, table, now_ms, tell);
    }
  });
}

void TagDeletion::doom(Table& table, int64_t now_ms, Tell* tell) {
  Observer* const observer = store_.observer();
  const auto tell_of = [&](const Entry& entry) {
    const Key key = store_.key(entry.key());
    if (observer != nullptr) observer->changed(database_, key, KeyChange::kRemoved);
    if (tell != nullptr) (*tell)(database_, key);
  };
  FunctionRef<void(const Entry&)> told(tell_of);
  const bool silent = observer == nullptr && tell == nullptr;
  for (size_t i = 0; i < names_.size(); i++) {
    const Tag* tag = table.tags_if_any()->find(names_[i]);
    if (tag == nullptr) continue;
    uses_[i].hits += tag->hits;
    uses_[i].misses += tag->misses;
    const size_t keys = table.kill_tag(names_[i], now_ms, silent ? nullptr : &told);
    keys_ += keys;
    store_.shard(shard()).writes.add(keys);
    store_.doomings.fetch_add(1, std::memory_order_relaxed);
  }
  go_on();
}

// Of the tag that fewest keys of the shard carry, those keys that carry the others as well.
void TagDeletion::erase_some(const LockedKeys& locked, const Table& table, int64_t now_ms,
                             Tell* tell) {
  const Tags& tags = *table.tags_if_any();
  std::vector<TagId> ids;
  for (const std::string& name : names_) ids.push_back(tags.find_id(name));
  TagPart part;
  std::vector<std::string> found;
  if (std::find(ids.begin(), ids.end(), Tags::kNone) == ids.end()) {
    const TagId rarest = *std::min_element(ids.begin(), ids.end(), [&](TagId a, TagId b) {
      return tags[a].members.size() < tags[b].members.size();
    });
    part = tags.part(rarest, from_, kKeysPerLock);
    table.each_tagged(rarest, part.first, part.last, [&](const Entry& entry) {
      const TagIds carried = entry.tags();
      const bool all =
          std::all_of(ids.begin(), ids.end(), [&](TagId id) { return carried.contains(id); });
      if (all && !table.dead(entry, now_ms)) found.emplace_back(entry.key());
    });
  }
  Keyspace db(locked, database_, now_ms);
  for (const std::string& bytes : found) {
    const Key key = store_.key(bytes);
    db.erase(key, PrefixCount::kInvalidated);
    if (tell != nullptr) (*tell)(database_, key);
  }
  keys_ += found.size();
  if (part.next == 0) go_on();
  from_ = part.next == 0 ? kFragmentMin : part.next;
}

}  // namespace larder::storage
