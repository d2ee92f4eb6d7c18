// What changes the inside of a list.
#include <cassert>

#include "storage/types/collection.h"
#include "storage/types/list.h"
#include "storage/types/list_form.h"

namespace larder::storage {

using listpack::Element;
using listpack::Position;

// ----------------------------------------------------------------------------------------- LSET

namespace {

void replace_at(Object& list, int64_t position, std::string_view value, const ListLimit& limit) {
  grow_list(list, 1, value.size(), limit);
  if (!list.is_packed()) {
    ListNodes& nodes = nodes_of(list);
    if (position < 0) position += static_cast<int64_t>(nodes.size());
    nodes.replace(nodes.find(static_cast<size_t>(position)), value, limit);
    return shrink_list(list, limit);
  }
  change_pack(list, [&](Packed*& pack) {
    listpack::replace(pack, listpack::seek(pack, position), listpack::element_of(value));
  });
}

}  // namespace

Status set_list_element(Keyspace& db, const Key& key, int64_t position, std::string_view value,
                        const ListLimit& limit) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kList);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) return Status::kNotFound;
  const auto size = static_cast<int64_t>(list_size(*entry));
  if (position < -size || position >= size) return Status::kIndexOutOfRange;
  change_collection(db, key, *entry,
                    [&](Object& list) { replace_at(list, position, value, limit); });
  db.note_written(key);
  return Status::kOk;
}

// ---------------------------------------------------------------------------------------- LINSERT

namespace {

// The first element that equals `wanted`; its position is kNone if there is none.
ListNodes::Place find_in(const ListNodes& nodes, const Element& wanted) {
  for (size_t i = 0; i < nodes.nodes(); i++) {
    const Packed* pack = nodes.node(i);
    const Position at = listpack::find(pack, listpack::first(pack), wanted);
    if (at != listpack::kNone) return {i, at};
  }
  return {};
}

// Whether there was such a pivot.
bool insert_beside(Object& list, bool behind, std::string_view pivot, std::string_view value,
                   const ListLimit& limit) {
  const Element wanted = listpack::element_of(pivot);
  if (!list.is_packed()) {
    const ListNodes::Place place = find_in(nodes_of(list), wanted);
    if (place.at == listpack::kNone) return false;
    nodes_of(list).insert(place, behind, value, limit);
    return true;
  }
  return change_pack(list, [&](Packed*& pack) {
    Position at = listpack::find(pack, listpack::first(pack), wanted);
    if (at == listpack::kNone) return false;
    if (behind) at = listpack::next(pack, at);
    listpack::insert(pack, at, listpack::element_of(value));
    return true;
  });
}

}  // namespace

Result<int64_t> insert_into_list(Keyspace& db, const Key& key, bool behind, std::string_view pivot,
                                 std::string_view value, const ListLimit& limit) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kList);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) return int64_t{0};
  bool inserted = false;
  change_collection(db, key, *entry, [&](Object& list) {
    grow_list(list, 1, value.size(), limit);  // whether or not there is a pivot, as in Redis
    inserted = insert_beside(list, behind, pivot, value, limit);
  });
  if (!inserted) return int64_t{-1};
  db.note_written(key);
  return static_cast<int64_t>(list_size(*entry));
}

// ------------------------------------------------------------------------------------------- LREM

namespace {

// From the head on, up to `most` elements; those that stand side by side go together.
size_t remove_forward(Packed*& pack, const Element& wanted, size_t most) {
  size_t removed = 0;
  Position at = listpack::first(pack);
  while (removed < most && (at = listpack::find(pack, at, wanted)) != listpack::kNone) {
    size_t run = 1;
    Position behind = listpack::next(pack, at);
    while (behind != listpack::kNone && removed + run < most &&
           listpack::get(pack, behind).equals(wanted)) {
      run++;
      behind = listpack::next(pack, behind);
    }
    at = listpack::erase(pack, at, run);
    removed += run;
    if (at == listpack::kNone) break;
  }
  return removed;
}

size_t remove_backward(Packed*& pack, const Element& wanted, size_t most) {
  size_t removed = 0;
  Position at = listpack::last(pack);
  while (removed < most && at != listpack::kNone) {
    const Position before = listpack::previous(pack, at);
    if (listpack::get(pack, at).equals(wanted)) {
      listpack::erase(pack, at);  // what is in front stays where it is
      removed++;
    }
    at = before;
  }
  return removed;
}

size_t remove_from_pack(Packed*& pack, const Element& wanted, size_t most, bool backward) {
  return backward ? remove_backward(pack, wanted, most) : remove_forward(pack, wanted, most);
}

size_t remove_from_nodes(ListNodes& nodes, const Element& wanted, size_t most, bool backward) {
  size_t removed = 0;
  size_t i = backward ? nodes.nodes() : 0;
  const auto edit = [&](Packed*& pack) {
    removed += remove_from_pack(pack, wanted, most - removed, backward);
  };
  if (backward) {
    while (i > 0 && removed < most) nodes.edit_node(--i, edit);
    return removed;
  }
  while (i < nodes.nodes() && removed < most) i += nodes.edit_node(i, edit) ? 0 : 1;
  return removed;
}

}  // namespace

Result<size_t> remove_from_list(Keyspace& db, const Key& key, int64_t count, std::string_view value,
                                const ListLimit& limit) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kList);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) return size_t{0};
  const Element wanted = listpack::element_of(value);
  const bool backward = count < 0;
  const uint64_t magnitude =
      backward ? uint64_t{0} - static_cast<uint64_t>(count) : static_cast<uint64_t>(count);
  const size_t most = count == 0 ? SIZE_MAX : magnitude;
  size_t removed = 0;
  change_collection(db, key, *entry, [&](Object& list) {
    if (list.is_packed()) {
      removed = change_pack(
          list, [&](Packed*& pack) { return remove_from_pack(pack, wanted, most, backward); });
    } else {
      removed = remove_from_nodes(nodes_of(list), wanted, most, backward);
    }
    if (removed > 0 && list_size(list) > 0) shrink_list(list, limit);
  });
  if (removed == 0) return removed;
  if (list_size(*entry) == 0) {
    db.erase(key);
  } else {
    db.note_written(key);
  }
  return removed;
}

// ------------------------------------------------------------------------------------------ LTRIM

Status trim_list(Keyspace& db, const Key& key, int64_t first, int64_t last,
                 const ListLimit& limit) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kList);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) return Status::kOk;
  const size_t size = list_size(*entry);
  const ListRange left = list_range(size, first, last);
  if (left.size == 0) {
    db.erase(key);
    return Status::kOk;
  }
  const size_t behind = size - left.first - left.size;
  change_collection(db, key, *entry, [&](Object& list) {
    if (behind > 0) take_off(list, ListEnd::kTail, behind);
    if (left.first > 0) take_off(list, ListEnd::kHead, left.first);
    shrink_list(list, limit);
  });
  db.note_written(key);
  return Status::kOk;
}

}  // namespace larder::storage
