// What a table knows of the tags of its entries (storage/tags.h).
#include <array>
#include <cassert>

#include "storage/table.h"

namespace larder::storage {

Tags& Table::tags() {
  if (tags_ == nullptr) tags_ = std::make_unique<Tags>(seed_);
  return *tags_;
}

void Table::drop_unused_tags(TagIds ids) {
  if (tags_ == nullptr) return;
  tags_->drop_unused(ids);
  if (tags_->empty()) tags_.reset();
}

void Table::forget_tags(const Entry& entry, KeyHash hash) {
  tags_->remove(entry.tags(), hash);
  if (tags_->empty()) tags_.reset();
}

// Throws std::bad_alloc, and then has changed nothing.
void Table::change_tags(const Entry& from, const Entry& to) {
  const KeyHash hash = hash_key(to.key(), seed_);
  if (to.tagged()) tags_->add(to.tags(), hash);
  if (from.tagged()) forget_tags(from, hash);
}

// Calls `visit` for the slots of entries with the tag whose hashes have this fragment, until it
// answers false.
void Table::each_like(HashFragment fragment, TagId id,
                      FunctionRef<bool(Slot, KeyHash)> visit) const {
  const KeyHash like = hash_like(fragment);
  const uint8_t fingerprint = Segment::fingerprint_of(like);
  const SegmentRef ref = directory_[directory_index(like)];
  const auto search = [&](Bucket& bucket) {
    for (uint32_t i = 0; i < Bucket::kSlots; i++) {
      if (bucket.fingerprints[i] != fingerprint) continue;
      const Entry& entry = *bucket.entries[i].entry();
      if (!entry.tags().contains(id)) continue;
      const KeyHash hash = hash_key(entry.key(), seed_);
      if (fragment_of(hash) == fragment && !visit(Slot(ref.get(), &bucket, i), hash)) return false;
    }
    return true;
  };
  const uint32_t home = ref.home_of(like);
  if (!search(ref->bucket(home)) || !search(ref->beside(home))) return;
  for (uint32_t b = ref->homes(); b < ref->buckets(); b++) {
    if (ref->in_stash(b, home) && !search(ref->bucket(b))) return;
  }
}

void Table::each_tagged(TagId id, HashFragment low, HashFragment high,
                        FunctionRef<void(const Entry&)> visit) const {
  constexpr size_t kAtOnce = 16;  // as many misses as a core keeps under way
  std::array<HashFragment, kAtOnce> fragments;
  size_t count = 0;
  const auto visit_all = [&] {
    for (size_t i = 0; i < count; i++) prefetch_bucket(hash_like(fragments[i]));
    for (size_t i = 0; i < count; i++) prefetch_entry(hash_like(fragments[i]));
    for (size_t i = 0; i < count; i++) {
      each_like(fragments[i], id, [&](Slot slot, KeyHash) {
        visit(*slot.entry());
        return true;
      });
    }
    count = 0;
  };
  HashFragment last = 0;
  (*tags_)[id].members.each(low, high, [&](HashFragment fragment) {
    if (fragment == last) return true;  // all entries that share it are visited at once
    if (count == kAtOnce) visit_all();
    fragments[count++] = last = fragment;
    return true;
  });
  visit_all();
}

size_t Table::count_tagged(std::string_view name, int64_t now_ms) const {
  const TagId id = tags_ ? tags_->find_id(name) : Tags::kNone;
  if (id == Tags::kNone) return 0;
  const Tag& tag = (*tags_)[id];
  if (doomed() == 0 && tag.next_due_ms > now_ms) return tag.members.size();
  size_t live = 0;
  each_tagged(id, kFragmentMin, kFragmentMax,
              [&](const Entry& entry) { live += !dead(entry, now_ms); });
  return live;
}

size_t Table::kill_tag(std::string_view name, int64_t now_ms,
                       FunctionRef<void(const Entry&)>* tell) {
  const TagId id = tags_ ? tags_->find_id(name) : Tags::kNone;
  if (id == Tags::kNone) return 0;
  const Tag& tag = (*tags_)[id];
  if (doomed() == 0 && tag.next_due_ms > now_ms && tell == nullptr) {
    const size_t all = tag.members.size();
    tags_->kill(id, all);
    return all;
  }
  size_t newly_doomed = 0;
  size_t live = 0;
  each_tagged(id, kFragmentMin, kFragmentMax, [&](const Entry& entry) {
    if (doomed(entry)) return;
    newly_doomed++;
    if (entry.dead(now_ms)) return;
    live++;
    if (tell != nullptr) (*tell)(entry);
  });
  tags_->kill(id, newly_doomed);
  return live;
}

bool Table::reap(size_t entries_max, FunctionRef<void(Entry*)> on_dead) {
  Tags::Doomed next;
  for (; tags_ != nullptr && tags_->next_doomed(next); entries_max--) {
    if (entries_max == 0) return true;
    each_like(next.fragment, next.id, [&](Slot slot, KeyHash hash) {
      on_dead(erase(slot, hash));
      return false;
    });
  }
  return false;
}

// For recount().
bool Table::tags_hold() const {
  bool bounds_hold = true;
  const auto each_entry = [&](FunctionRef<void(TagIds, KeyHash)> count) {
    for (size_t i = 0; i < directory_size(); i += directory_span(*directory_[i])) {
      directory_[i]->each([&](Bucket& bucket, uint32_t slot) {
        const Entry& entry = *bucket.entries[slot].entry();
        const TagIds ids = entry.tags();
        if (entry.tagged()) count(ids, hash_key(entry.key(), seed_));
        for (size_t t = 0; tags_ != nullptr && t < ids.size(); t++) {
          bounds_hold &= (*tags_)[ids[t]].next_due_ms <= entry.next_due_ms();
        }
      });
    }
  };
  if (tags_ != nullptr) return tags_->recount(each_entry) && bounds_hold;
  bool any_tagged = false;
  each_entry([&](TagIds, KeyHash) { any_tagged = true; });
  return !any_tagged;
}

}  // namespace larder::storage
