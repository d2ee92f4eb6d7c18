#include "storage/types/set_members.h"

#include "storage/random_below.h"
#include "storage/types/collection.h"

namespace larder::storage {
namespace {

uint64_t hash_seed(const Keyspace& db) {
  return db.locked().store().hash_seed();
}

Result<Set> set_of(const Result<Entry*>& found) {
  if (!found.ok()) return found.status();
  return Set(found.value() != nullptr ? found.value()->object() : Object());
}

// Changes the set of an entry through `change`: see change_collection().
template <typename Change>
void change_set(Keyspace& db, const Key& key, Entry& entry, Change change) {
  change_collection(db, key, entry, [&](Object& object) {
    Set set(object);
    struct Keep {
      ~Keep() { object = set.object(); }
      Object& object;
      Set& set;
    } keep{object, set};
    change(set);
  });
}

// After members were taken out.
void settle(Keyspace& db, const Key& key, Entry& entry) {
  if (Set(entry.object()).size() == 0) {
    db.erase(key);
  } else {
    db.note_written(key);
  }
}

size_t add_to_new(Keyspace& db, const Key& key, std::span<const std::string_view> members,
                  const SetLimits& limits) {
  const uint64_t seed = hash_seed(db);
  OwnedSet set(Set::create_for(Member(members[0]), members.size(), limits, seed));
  for (const std::string_view member : members) set->add(Member(member), limits, seed);
  const size_t added = set->size();
  db.put_object(key, set->object(), kNoExpiry);
  set.release();
  return added;
}

// All but `kept` of many members go: those few are put into a new set, in the encoding that Redis
// gives it.
void keep_members(Keyspace& db, const Key& key, Entry& entry, size_t kept, const SetLimits& limits,
                  FunctionRef<uint64_t()> random_bits,
                  FunctionRef<void(const MemberValue&)> visit) {
  Set set(entry.object());
  size_t left = set.size();
  const bool integers = set.encoding() == Encoding::kIntegers;
  const uint64_t seed = hash_seed(db);
  OwnedSet rest(Set::create(integers ? Encoding::kIntegers : Encoding::kListpack, seed));
  set.each([&](const MemberValue& value) {
    if (random_below(left--, random_bits()) >= kept) {
      visit(value);
    } else {
      rest->add(Member(value), limits, seed);
      kept--;
    }
    return true;
  });
  const size_t bytes_before = db.counted_bytes(entry);
  Object before = entry.object();
  db.set_object(key, entry, rest.release());
  db.note_resized(key, entry, bytes_before);
  before.destroy();
}

}  // namespace

Result<Set> read_set(Keyspace& db, const Key& key) {
  return set_of(read_collection(db, key, ValueType::kSet));
}

Result<Set> find_set(Keyspace& db, const Key& key) {
  return set_of(find_collection(db, key, ValueType::kSet));
}

Result<size_t> add_members(Keyspace& db, const Key& key, std::span<const std::string_view> members,
                           const SetLimits& limits) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kSet);
  if (!found.ok()) return found.status();
  if (found.value() == nullptr) return add_to_new(db, key, members, limits);
  Entry& entry = *found.value();
  const uint64_t seed = hash_seed(db);
  size_t added = 0;
  change_set(db, key, entry, [&](Set& set) {
    set.expect(members.size(), limits, seed);
    for (const std::string_view member : members) added += set.add(Member(member), limits, seed);
  });
  if (added > 0) db.note_written(key);
  return added;
}

Result<size_t> remove_members(Keyspace& db, const Key& key,
                              std::span<const std::string_view> members) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kSet);
  if (!found.ok()) return found.status();
  if (found.value() == nullptr) return size_t{0};
  Entry& entry = *found.value();
  size_t removed = 0;
  change_set(db, key, entry, [&](Set& set) {
    for (const std::string_view member : members) removed += set.remove(Member(member));
  });
  if (removed > 0) settle(db, key, entry);
  return removed;
}

Result<bool> move_member(Keyspace& db, const Key& from, const Key& to, std::string_view member,
                         const SetLimits& limits) {
  const Result<Entry*> source = find_collection(db, from, ValueType::kSet);
  if (source.ok() && source.value() == nullptr) return false;
  const Result<Entry*> target = find_collection(db, to, ValueType::kSet);
  if (!source.ok() || !target.ok()) return Status::kWrongType;
  if (source.value() == target.value()) {
    return Set(source.value()->object()).contains(Member(member));
  }
  if (!Set(source.value()->object()).contains(Member(member))) return false;
  // In this order, so that a lack of memory does not lose the member.
  const Result<size_t> added = add_members(db, to, {&member, 1}, limits);
  if (!added.ok()) return added.status();
  const Result<size_t> removed = remove_members(db, from, {&member, 1});
  return removed.ok() ? Result<bool>(true) : removed.status();
}

void pop_member(Keyspace& db, const Key& key, Entry& entry, uint64_t random_bits,
                FunctionRef<void(const MemberValue&)> visit) {
  change_set(db, key, entry, [&](Set& set) {
    const MemberValue value = set.random(random_bits);
    visit(value);
    set.remove(Member(value));
  });
  settle(db, key, entry);
}

void pop_members(Keyspace& db, const Key& key, Entry& entry, size_t count, const SetLimits& limits,
                 FunctionRef<uint64_t()> random_bits, FunctionRef<void(const MemberValue&)> visit) {
  // Redis' measure of what is most of a set. It can be seen, in the encoding of what is left.
  constexpr size_t kMostShare = 5;
  const size_t size = Set(entry.object()).size();
  if (count >= size) {
    Set(entry.object()).each([&](const MemberValue& value) { return visit(value), true; });
    db.erase(key);
    return;
  }
  const size_t left = size - count;
  if (left <= count / kMostShare) {
    return keep_members(db, key, entry, left, limits, random_bits, visit);
  }
  change_set(db, key, entry, [&](Set& set) {
    for (size_t i = 0; i < count; i++) {
      const MemberValue value = set.random(random_bits());
      visit(value);
      set.remove(Member(value));
    }
  });
  settle(db, key, entry);
}

void store_set(Keyspace& db, const Key& key, OwnedSet& set) {
  if (set->size() == 0) {
    db.erase(key);
    return;
  }
  db.put_object(key, set->object(), kNoExpiry);
  set.release();
}

}  // namespace larder::storage
