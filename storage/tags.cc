#include "storage/tags.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "storage/prefetch.h"

namespace larder::storage {

uint32_t Tags::hash_of(std::string_view name) const {
  return std::max<uint32_t>(1, static_cast<uint32_t>(hash_key(name, seed_)));
}

TagId Tags::find_id(std::string_view name) const {
  return find_id(name, hash_of(name));
}

TagId Tags::find_id(std::string_view name, uint32_t hash) const {
  const uint64_t low = static_cast<uint64_t>(hash) << kNameHashAt;
  TagId found = kNone;
  names_.each(low, low | 0xffffffff, [&](uint64_t word) {
    const auto id = static_cast<TagId>(word);
    if (records_[id]->name == name) found = id;
    return found == kNone;
  });
  return found;
}

const Tag* Tags::find(std::string_view name) const {
  const TagId id = find_id(name);
  return id == kNone ? nullptr : records_[id].get();
}

TagPart Tags::part(TagId id, HashFragment from, size_t wanted) const {
  TagPart part{.first = from};
  records_[id]->members.each(from, kFragmentMax, [&](HashFragment fragment) {
    if (part.size >= wanted && fragment != part.last) {
      part.next = fragment;
      return false;
    }
    part.last = fragment;
    part.size++;
    return true;
  });
  return part;
}

// Several at a time, so that their cache misses overlap.
void Tags::ids_of(std::span<const std::string_view> names, TagIdList& ids) {
  constexpr size_t kAtOnce = 4;
  std::array<uint32_t, kAtOnce> hashes;
  for (size_t from = 0; from < names.size(); from += kAtOnce) {
    const auto group = names.subspan(from, std::min(kAtOnce, names.size() - from));
    for (size_t i = 0; i < group.size(); i++) {
      hashes[i] = hash_of(group[i]);
      names_.prefetch(static_cast<uint64_t>(hashes[i]) << kNameHashAt);
    }
    for (size_t i = 0; i < group.size(); i++) prefetch_record(hashes[i]);
    for (size_t i = 0; i < group.size(); i++) ids.add(id_of(group[i], hashes[i]));
  }
}

void Tags::prefetch_record(uint32_t name_hash) const {
  const uint64_t low = static_cast<uint64_t>(name_hash) << kNameHashAt;
  names_.each(low, low | 0xffffffff, [&](uint64_t word) {
    storage::prefetch(records_[static_cast<TagId>(word)].get());
    return false;
  });
}

// Each id has a name of its own, so as many names as ids, with one for each, are these and no
// others.
bool Tags::are_called(TagIds ids, std::span<const std::string_view> names) const {
  if (ids.size() != names.size()) return false;
  for (size_t i = 0; i < ids.size(); i++) storage::prefetch(records_[ids[i]].get());
  for (size_t i = 0; i < ids.size(); i++) {
    const std::string& name = records_[ids[i]]->name;
    if (std::find(names.begin(), names.end(), name) == names.end()) return false;
  }
  return true;
}

void Tags::prefetch() const {
  names_.prefetch(0);
  storage::prefetch(records_.data());
}

void Tags::prefetch(TagIds ids, KeyHash hash) const {
  for (size_t i = 0; i < ids.size(); i++) records_[ids[i]]->members.prefetch(fragment_of(hash));
}

TagId Tags::id_of(std::string_view name, uint32_t hash) {
  if (const TagId known = find_id(name, hash); known != kNone) return known;
  auto tag = std::make_unique<Tag>();
  tag->name = name;
  tag->name_hash = hash;
  if (free_ids_.empty()) {
    // Room in both lists now, so that nothing fails when the tag dies.
    records_.emplace_back();
    free_ids_.reserve(records_.capacity());
    dead_.reserve(records_.capacity());
    free_ids_.push_back(static_cast<TagId>(records_.size() - 1));
  }
  const TagId id = free_ids_.back();
  names_.insert(static_cast<uint64_t>(tag->name_hash) << kNameHashAt | id);
  free_ids_.pop_back();
  records_[id] = std::move(tag);
  tags_++;
  return id;
}

void Tags::drop_unused(TagIds ids) {
  for (size_t i = 0; i < ids.size(); i++) {
    if (records_[ids[i]] != nullptr && records_[ids[i]]->members.empty()) drop(ids[i]);
  }
}

void Tags::drop(TagId id) {
  const Tag& tag = *records_[id];
  if (tag.dead) {
    if (dead_.back() == id) reaped_to_ = kFragmentMin;
    dead_.erase(std::find(dead_.rbegin(), dead_.rend(), id).base() - 1);
  } else {
    names_.erase(static_cast<uint64_t>(tag.name_hash) << kNameHashAt | id);
  }
  records_[id].reset();
  free_ids_.push_back(id);
  tags_--;
}

void Tags::add(TagIds ids, KeyHash hash) {
  size_t added = 0;
  try {
    for (; added < ids.size(); added++) records_[ids[added]]->members.insert(fragment_of(hash));
  } catch (...) {
    while (added > 0) records_[ids[--added]]->members.erase(fragment_of(hash));
    throw;
  }
}

void Tags::note_due(TagIds ids, int64_t due_ms) {
  for (size_t i = 0; i < ids.size(); i++) {
    int64_t& bound_ms = records_[ids[i]]->next_due_ms;
    bound_ms = std::min(bound_ms, due_ms);
  }
}

void Tags::remove(TagIds ids, KeyHash hash) {
  if (doomed_ > 0 && any_dead(ids)) doomed_--;
  for (size_t i = 0; i < ids.size(); i++) {
    Tag& tag = *records_[ids[i]];
    tag.members.erase(fragment_of(hash));
    if (tag.members.empty()) drop(ids[i]);
  }
}

bool Tags::any_dead(TagIds ids) const {
  for (size_t i = 0; i < ids.size(); i++) {
    if (records_[ids[i]]->dead) return true;
  }
  return false;
}

void Tags::count_hit(TagIds ids) {
  for (size_t i = 0; i < ids.size(); i++) records_[ids[i]]->hits++;
}

// What a dead tag misses is counted for the one that has its name now.
void Tags::count_miss(TagIds ids) {
  for (size_t i = 0; i < ids.size(); i++) {
    const Tag& tag = *records_[ids[i]];
    const TagId id = tag.dead ? find_id(tag.name) : ids[i];
    if (id != kNone) records_[id]->misses++;
  }
}

void Tags::kill(TagId id, size_t doomed) {
  Tag& tag = *records_[id];
  assert(!tag.dead);
  names_.erase(static_cast<uint64_t>(tag.name_hash) << kNameHashAt | id);
  tag.dead = true;
  dead_.push_back(id);
  reaped_to_ = kFragmentMin;
  doomed_ += doomed;
}

bool Tags::next_doomed(Doomed& doomed) {
  if (dead_.empty()) return false;
  doomed.id = dead_.back();
  records_[doomed.id]->members.each(reaped_to_, kFragmentMax, [&](HashFragment fragment) {
    reaped_to_ = doomed.fragment = fragment;
    return false;
  });
  return true;
}

void Tags::each_name(uint32_t low, uint32_t high, FunctionRef<bool(const Tag&)> visit) const {
  names_.each(static_cast<uint64_t>(low) << kNameHashAt,
              static_cast<uint64_t>(high) << kNameHashAt | 0xffffffff,
              [&](uint64_t word) { return visit(*records_[static_cast<TagId>(word)]); });
}

size_t Tags::memory_bytes() const {
  size_t bytes = sizeof *this + names_.memory_bytes() + records_.capacity() * sizeof records_[0] +
                 (free_ids_.capacity() + dead_.capacity()) * sizeof(TagId);
  for (const auto& tag : records_) {
    if (tag == nullptr) continue;
    const std::string_view inside(reinterpret_cast<const char*>(tag.get()), sizeof *tag);
    const bool own_block = tag->name.capacity() >= sizeof tag->name;
    bytes +=
        inside.size() + (own_block ? tag->name.capacity() + 1 : 0) + tag->members.memory_bytes();
  }
  return bytes;
}

bool Tags::recount(FunctionRef<void(FunctionRef<void(TagIds, KeyHash)>)> each_entry) const {
  std::vector<std::vector<HashFragment>> members(records_.size());
  size_t doomed = 0;
  bool all_hold = true;
  each_entry([&](TagIds ids, KeyHash hash) {
    doomed += any_dead(ids);
    for (size_t i = 0; i < ids.size(); i++) members[ids[i]].push_back(fragment_of(hash));
  });
  size_t tags = 0;
  for (size_t id = 0; id < records_.size(); id++) {
    if (records_[id] == nullptr) {
      all_hold &= members[id].empty();
      continue;
    }
    const Tag& tag = *records_[id];
    tags++;
    all_hold &= !members[id].empty();
    all_hold &= tag.dead || find(tag.name) == &tag;
    std::sort(members[id].begin(), members[id].end());
    auto next = members[id].begin();
    tag.members.each(kFragmentMin, kFragmentMax, [&](HashFragment fragment) {
      all_hold &= next != members[id].end() && *next++ == fragment;
      return all_hold;
    });
    all_hold &= next == members[id].end() && tag.members.size() == members[id].size();
  }
  return all_hold && tags == tags_ && doomed == doomed_ && tags == names_.size() + dead_.size();
}

}  // namespace larder::storage
