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

Object grown_list(Object list, size_t elements, size_t bytes, const ListLimit& limit) {
  if (!list.is_packed()) return list;
  Packed* pack = list.packed();
  const size_t count = listpack::count(pack);
  if (!limit.exceeded(pack->bytes() + bytes, count + elements)) return list;
  auto nodes = std::make_unique<ListNodes>();
  if (count > 0) {
    nodes->append_node(pack);
  } else {
    Packed::destroy(pack);
  }
  return node_list(nodes.release());
}

Object shrunk_list(Object list, const ListLimit& limit) {
  if (list.is_packed()) return list;
  ListNodes& nodes = nodes_of(list);
  if (nodes.nodes() != 1 || !limit.allows_shrinking(nodes.node(0)->bytes(), nodes.size())) {
    return list;
  }
  Packed* pack = nodes.release_only_node();
  delete &nodes;
  return packed_list(pack);
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

Object push(Object list, ListEnd end, std::span<const std::string_view> values,
            const ListLimit& limit) {
  size_t bytes = 0;
  for (const std::string_view value : values) bytes += value.size();
  list = grown_list(list, values.size(), bytes, limit);
  if (!list.is_packed()) {
    for (const std::string_view value : values) nodes_of(list).push(end, value, limit);
    return list;
  }
  Packed* pack = list.packed();
  for (const std::string_view value : values) {
    const Position before = end == ListEnd::kHead ? listpack::first(pack) : listpack::kNone;
    listpack::insert(pack, before, listpack::element_of(value));
  }
  return packed_list(pack);
}

// Takes `count` elements out, fewer than there are.
Object drop(Object list, ListEnd end, size_t count, const ListLimit& limit) {
  if (!list.is_packed()) {
    nodes_of(list).trim(end, count);
    return shrunk_list(list, limit);
  }
  Packed* pack = list.packed();
  const Position from = end == ListEnd::kHead ? listpack::first(pack)
                                              : listpack::seek(pack, -static_cast<int64_t>(count));
  listpack::erase(pack, from, count);
  return packed_list(pack);
}

}  // namespace

Result<size_t> push_existing_list(Keyspace& db, const Key& key, ListEnd end,
                                  std::span<const std::string_view> values,
                                  const ListLimit& limit) {
  const Result<Entry*> found = find_collection(db, key, ValueType::kList);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) return size_t{0};
  const Object list = push(entry->object(), end, values, limit);
  db.set_object(key, *entry, list);
  return list_size(list);
}

Result<size_t> push_list(Keyspace& db, const Key& key, ListEnd end,
                         std::span<const std::string_view> values, const ListLimit& limit) {
  const Result<size_t> pushed = push_existing_list(db, key, end, values, limit);
  if (!pushed.ok() || pushed.value() > 0) return pushed;
  db.put_object(key, push(packed_list(listpack::create()), end, values, limit), kNoExpiry);
  return values.size();
}

void put_list(Keyspace& db, const Key& key, std::span<const std::string_view> values,
              const ListLimit& limit) {
  if (values.empty()) {
    db.erase(key);
    return;
  }
  auto nodes = std::make_unique<ListNodes>();
  for (const std::string_view value : values) nodes->push(ListEnd::kTail, value, limit);
  const bool small = nodes->nodes() == 1 && !limit.exceeded(nodes->node(0)->bytes(), nodes->size());
  Object list = small ? packed_list(nodes->release_only_node()) : node_list(nodes.release());
  try {
    db.put_object(key, list, kNoExpiry);
  } catch (...) {
    list.destroy();
    throw;
  }
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
  } else {
    db.set_object(key, entry, drop(entry.object(), end, count, limit));
  }
}

namespace {

// From one end of a list to the other; it may have but one element.
Object rotated(Object list, ListMove ends, std::string_view value, const ListLimit& limit) {
  if (ends.from == ends.to || list_size(list) == 1) return list;
  if (list.is_packed()) return push(drop(list, ends.from, 1, limit), ends.to, {&value, 1}, limit);
  nodes_of(list).trim(ends.from, 1);
  nodes_of(list).push(ends.to, value, limit);
  return shrunk_list(list, limit);
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
    db.set_object(source, *entry, rotated(entry->object(), ends, value, limit));
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
