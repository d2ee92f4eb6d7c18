#include "storage/types/list.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <string>

#include "storage/types/collection.h"
#include "storage/types/list_form.h"

namespace larder::storage {

using listpack::Element;
using listpack::Position;

// ------------------------------------------------------------------------------------------ Forms

void grow_list(Object& list, size_t elements, size_t bytes, const ListLimit& limit) {
  if (!list.is_packed()) return;
  Packed* pack = list.packed();
  const size_t count = listpack::count(pack);
  if (!limit.exceeded(pack->bytes() + bytes, count + elements)) return;
  auto nodes = std::make_unique<ListNodes>();
  if (count > 0) {
    nodes->append_node(pack);
  } else {
    Packed::destroy(pack);
  }
  list = node_list(nodes.release());
}

namespace {

// Makes a list of one node that node alone.
void unwrap(Object& list) {
  const std::unique_ptr<ListNodes> nodes(&nodes_of(list));
  list = packed_list(nodes->release_only_node());
}

}  // namespace

void shrink_list(Object& list, const ListLimit& limit) {
  if (list.is_packed()) return;
  const ListNodes& nodes = nodes_of(list);
  if (nodes.nodes() == 1 && limit.allows_shrinking(nodes.node(0)->bytes(), nodes.size())) {
    unwrap(list);
  }
}

void take_off(Object& list, ListEnd end, size_t count) {
  if (!list.is_packed()) return nodes_of(list).trim(end, count);
  change_pack(list, [&](Packed*& pack) { trim_pack(pack, end, count); });
}

// ---------------------------------------------------------------------------------------- Reading

size_t list_size(const Entry& entry) {
  return list_size(entry.object());
}

ListCursor::ListCursor(const Entry& entry, int64_t position) {
  const Object list = entry.object();
  const auto size = static_cast<int64_t>(list_size(list));
  if (position < 0) position += size;
  if (position < 0 || position >= size) return;
  if (list.is_packed()) {
    pack_ = list.packed();
    at_ = listpack::seek(pack_, position);
    return;
  }
  nodes_ = &nodes_of(list);
  const ListNodes::Place place = nodes_->find(static_cast<size_t>(position));
  node_ = place.node;
  pack_ = nodes_->node(node_);
  at_ = place.at;
}

void ListCursor::next() {
  at_ = listpack::next(pack_, at_);
  if (at_ != listpack::kNone || nodes_ == nullptr || node_ + 1 == nodes_->nodes()) return;
  pack_ = nodes_->node(++node_);
  at_ = listpack::first(pack_);
}

void ListCursor::previous() {
  at_ = listpack::previous(pack_, at_);
  if (at_ != listpack::kNone || nodes_ == nullptr || node_ == 0) return;
  pack_ = nodes_->node(--node_);
  at_ = listpack::last(pack_);
}

ListRange list_range(size_t size, int64_t first, int64_t last) {
  const auto end = static_cast<int64_t>(size);
  if (first < 0) first = std::max<int64_t>(first + end, 0);
  if (last < 0) last += end;
  last = std::min(last, end - 1);
  if (first > last) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(last - first + 1)};
}

// ---------------------------------------------------------------------------- Pushing and popping

namespace {

void push(Object& list, ListEnd end, std::span<const std::string_view> values,
          const ListLimit& limit) {
  size_t bytes = 0;
  for (const std::string_view value : values) bytes += value.size();
  grow_list(list, values.size(), bytes, limit);
  if (!list.is_packed()) {
    for (const std::string_view value : values) nodes_of(list).push(end, value, limit);
    return;
  }
  change_pack(list, [&](Packed*& pack) {
    for (const std::string_view value : values) {
      const Position before = end == ListEnd::kHead ? listpack::first(pack) : listpack::kNone;
      listpack::insert(pack, before, listpack::element_of(value));
    }
  });
}

// Stores a new list, which is taken over and filled by `fill`.
template <typename Fill>
void put_new(Keyspace& db, const Key& key, Object list, Fill fill) {
  try {
    fill(list);
    db.put_object(key, list, kNoExpiry);
  } catch (...) {
    list.destroy();
    throw;
  }
}

}  // namespace

Result<size_t> push_existing_list(Keyspace& db, const Key& key, ListEnd end,
                                  std::span<const std::string_view> values,
                                  const ListLimit& limit) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kList);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) return size_t{0};
  change_collection(db, key, *entry, [&](Object& list) { push(list, end, values, limit); });
  db.note_written(key);
  return list_size(*entry);
}

Result<size_t> push_list(Keyspace& db, const Key& key, ListEnd end,
                         std::span<const std::string_view> values, const ListLimit& limit) {
  const Result<size_t> pushed = push_existing_list(db, key, end, values, limit);
  if (!pushed.ok() || pushed.value() > 0) return pushed;
  put_new(db, key, packed_list(listpack::create()),
          [&](Object& list) { push(list, end, values, limit); });
  return values.size();
}

void put_list(Keyspace& db, const Key& key, std::span<const std::string_view> values,
              const ListLimit& limit) {
  if (values.empty()) {
    db.erase(key);
    return;
  }
  put_new(db, key, node_list(new ListNodes), [&](Object& list) {
    ListNodes& nodes = nodes_of(list);
    for (const std::string_view value : values) nodes.push(ListEnd::kTail, value, limit);
    if (nodes.nodes() == 1 && !limit.exceeded(nodes.node(0)->bytes(), nodes.size())) unwrap(list);
  });
}

void pop_list(Keyspace& db, const Key& key, Entry& entry, ListEnd end, size_t count,
              const ListLimit& limit, TakeElement take) {
  const size_t size = list_size(entry);
  count = std::min(count, size);
  if (count == 0) return;
  const bool at_head = end == ListEnd::kHead;
  ListCursor cursor(entry, at_head ? 0 : -1);
  for (size_t i = 0; i < count; i++) {
    take(cursor.get());
    if (at_head) {
      cursor.next();
    } else {
      cursor.previous();
    }
  }
  if (count == size) {
    db.erase(key);
    return;
  }
  change_collection(db, key, entry, [&](Object& list) {
    take_off(list, end, count);
    shrink_list(list, limit);
  });
  db.note_written(key);
}

namespace {

// From one end of a list to the other; it may have but one element, which is `value`.
void rotate(Object& list, ListMove ends, std::string_view value, const ListLimit& limit) {
  if (ends.from == ends.to || list_size(list) == 1) return;
  if (list.is_packed()) return rotate_pack(list.packed(), ends.from);
  nodes_of(list).rotate(ends.from, value, limit);
  shrink_list(list, limit);
}

}  // namespace

Result<bool> move_list_element(Keyspace& db, const Key& source, const Key& target, ListMove ends,
                               const ListLimit& limit, TakeElement take) {
  const Result<Entry*> found = find_collection(db, source, ValueType::kList);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) return false;
  const Result<Entry*> found_target = find_collection(db, target, ValueType::kList);
  if (!found_target.ok()) return found_target.status();

  const Element element = ListCursor(*entry, ends.from == ListEnd::kHead ? 0 : -1).get();
  take(element);
  char digits[kIntegerTextMax];
  const std::string value(element.string(digits));
  if (found_target.value() == entry) {
    change_collection(db, source, *entry, [&](Object& list) { rotate(list, ends, value, limit); });
    db.note_written(source);
    return true;
  }
  const std::string_view values[] = {value};
  const Result<size_t> pushed = push_list(db, target, ends.to, values, limit);
  assert(pushed.ok());
  (void)pushed;
  pop_list(db, source, *entry, ends.from, 1, limit, [](const Element&) {});
  return true;
}

}  // namespace larder::storage
