#include "storage/types/list_nodes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "storage/entry_arena.h"
#include "storage/garbage.h"
#include "storage/memory.h"

namespace larder::storage {
namespace {

using listpack::Position;

constexpr std::array<size_t, 5> kBytesByLevel = {4096, 8192, 16384, 32768, 65536};

size_t level_bytes(int64_t option) {
  const auto last = static_cast<int64_t>(kBytesByLevel.size());
  return kBytesByLevel[static_cast<size_t>(std::min(-std::max(option, -last), last) - 1)];
}

OwnedPacked pack_of(std::string_view value) {
  OwnedPacked pack(listpack::create());
  listpack::append(pack.get(), listpack::element_of(value));
  return pack;
}

}  // namespace

void trim_pack(Packed*& pack, ListEnd end, size_t elements) {
  const Position from = end == ListEnd::kHead
                            ? listpack::first(pack)
                            : listpack::seek(pack, -static_cast<int64_t>(elements));
  listpack::erase(pack, from, elements);
}

void rotate_pack(Packed* pack, ListEnd from) {
  const bool at_head = from == ListEnd::kHead;
  listpack::rotate(pack, at_head ? listpack::next(pack, listpack::first(pack))  //
                                 : listpack::last(pack));
}

ListLimit::ListLimit(int64_t option)
    : by_count_(option >= 0), bytes_max_(by_count_ ? kBytesByCount : level_bytes(option)) {
  if (by_count_) elements_max_ = static_cast<size_t>(std::max<int64_t>(option, 1));
}

ListNodes::~ListNodes() {
  for (size_t i = 0; i < count_; i++) Packed::destroy(first()[i].pack);
  if (block_ != nullptr) EntryArena::free(block_, room_ * sizeof(Node));
}

Container* ListNodes::copy() const {
  auto copied = std::make_unique<ListNodes>();
  copied->move_to_block(std::max(count_, kRoomMin), 0);
  for (size_t i = 0; i < count_; i++) {
    copied->put_in(i, OwnedPacked(first()[i].pack->copy()));
  }
  return copied.release();
}

size_t ListNodes::memory_bytes() const {
  const size_t block = block_ != nullptr ? EntryArena::block_bytes(room_ * sizeof(Node)) : 0;
  return heap_block_bytes(sizeof *this, alignof(ListNodes)) + block + pack_bytes_;
}

size_t ListNodes::recount_arena_bytes() const {
  size_t bytes = block_ != nullptr ? EntryArena::block_bytes(room_ * sizeof(Node)) : 0;
  for (size_t i = 0; i < count_; i++) bytes += first()[i].pack->memory_bytes();
  return bytes;
}

bool ListNodes::free_some(size_t elements) {
  for (size_t freed = 0; freed < elements && count_ > 0;) {
    const Node& last = first()[count_ - 1];
    freed += last.elements;
    elements_ -= last.elements;
    pack_bytes_ -= last.pack->memory_bytes();
    Packed::destroy(last.pack);
    count_--;
  }
  return count_ > 0;
}

void ListNodes::append_node(Packed* pack) {
  put_in(count_, pack);
}

Packed* ListNodes::release_only_node() {
  assert(count_ == 1);
  Packed* pack = first()[0].pack;
  count_ = elements_ = pack_bytes_ = 0;
  return pack;
}

ListNodes::Place ListNodes::find(size_t index) const {
  assert(index < elements_);
  const Node* nodes = first();
  if (index < elements_ / 2) {
    size_t node = 0;
    while (index >= nodes[node].elements) index -= nodes[node++].elements;
    return {node, listpack::seek(nodes[node].pack, static_cast<int64_t>(index))};
  }
  size_t from_end = elements_ - 1 - index;
  size_t node = count_ - 1;
  while (from_end >= nodes[node].elements) from_end -= nodes[node--].elements;
  return {node, listpack::seek(nodes[node].pack, -1 - static_cast<int64_t>(from_end))};
}

bool ListNodes::allows(size_t index, size_t value_bytes, const ListLimit& limit) const {
  const Node& node = first()[index];
  return limit.allows(node.pack->bytes(), node.elements, value_bytes);
}

// The same if the value is to take the place of the element there.
bool ListNodes::allows_instead(Place place, size_t value_bytes, const ListLimit& limit) const {
  const Node& node = first()[place.node];
  const Position next = listpack::next(node.pack, place.at);
  const size_t end = next != listpack::kNone ? next : node.pack->bytes();
  return node.elements == 1 ||
         limit.allows(node.pack->bytes() - (end - place.at), node.elements - 1, value_bytes);
}

// Changes a node through `change`, and counts again what is in it, even if that throws half-way.
void ListNodes::change_node(size_t index, FunctionRef<void(Packed*&)> change) {
  Node& node = first()[index];
  elements_ -= node.elements;
  pack_bytes_ -= node.pack->memory_bytes();
  struct Recount {
    ~Recount() {
      changed.elements = static_cast<uint32_t>(listpack::count(changed.pack));
      owner.elements_ += changed.elements;
      owner.pack_bytes_ += changed.pack->memory_bytes();
    }
    ListNodes& owner;
    Node& changed;
  } recount{*this, node};
  change(node.pack);
}

bool ListNodes::edit_node(size_t index, FunctionRef<void(Packed*&)> edit) {
  change_node(index, edit);
  if (first()[index].elements > 0) return false;
  drop_nodes(index, 1);
  return true;
}

// Puts a value into a node that allows it.
void ListNodes::add_to(size_t index, Position before, std::string_view value) {
  change_node(index,
              [&](Packed*& pack) { listpack::insert(pack, before, listpack::element_of(value)); });
}

void ListNodes::push(ListEnd end, std::string_view value, const ListLimit& limit) {
  const bool at_head = end == ListEnd::kHead;
  const size_t index = at_head || count_ == 0 ? 0 : count_ - 1;
  if (count_ > 0 && allows(index, value.size(), limit)) {
    const Position before = at_head ? listpack::first(first()[index].pack) : listpack::kNone;
    return add_to(index, before, value);
  }
  put_in(at_head ? 0 : count_, pack_of(value));
}

void ListNodes::insert(Place place, bool behind, std::string_view value, const ListLimit& limit) {
  const Packed* pack = first()[place.node].pack;
  if (behind) place.at = listpack::next(pack, place.at);
  if (allows(place.node, value.size(), limit)) return add_to(place.node, place.at, value);
  // A full node, but its neighbour may have room where the value belongs.
  if (place.at == listpack::kNone) {
    const size_t next = place.node + 1;
    if (next < count_ && allows(next, value.size(), limit)) {
      return add_to(next, listpack::first(first()[next].pack), value);
    }
    return put_in(next, pack_of(value));
  }
  if (place.at == listpack::first(pack)) {
    if (place.node > 0 && allows(place.node - 1, value.size(), limit)) {
      return add_to(place.node - 1, listpack::kNone, value);
    }
    return put_in(place.node, pack_of(value));
  }
  insert_by_splitting(place, value, limit);
}

// Cuts a node in two before an element that is not its first. Answers where that is now.
ListNodes::Place ListNodes::split_before(Place place) {
  const size_t behind = place.node + 1;
  ensure_room(behind);  // or the rest might find no place
  Packed* rest = nullptr;
  change_node(place.node, [&](Packed*& pack) { rest = listpack::split(pack, place.at); });
  put_in(behind, rest);
  return {behind, listpack::first(rest)};
}

// The value goes to the half that takes it, or in between.
void ListNodes::insert_by_splitting(Place before, std::string_view value, const ListLimit& limit) {
  const Place behind = split_before(before);
  if (allows(before.node, value.size(), limit)) {
    return add_to(before.node, listpack::kNone, value);
  }
  if (allows(behind.node, value.size(), limit)) return add_to(behind.node, behind.at, value);
  put_in(behind.node, pack_of(value));
}

void ListNodes::replace(Place place, std::string_view value, const ListLimit& limit) {
  // What stands before it and behind it is cut off where the value is too large to stay with it.
  const auto fits = [&] { return allows_instead(place, value.size(), limit); };
  if (!fits() && place.at != listpack::first(node(place.node))) place = split_before(place);
  if (!fits()) split_before({place.node, listpack::next(node(place.node), place.at)});
  change_node(place.node, [&](Packed*& pack) {
    listpack::replace(pack, place.at, listpack::element_of(value));
  });
}

void ListNodes::rotate(ListEnd from, std::string_view value, const ListLimit& limit) {
  if (count_ == 1) return rotate_pack(first()->pack, from);
  const bool at_head = from == ListEnd::kHead;
  // What the element's node will be without it: once that is there, nothing fails behind the push.
  OwnedPacked rest(node(at_head ? 0 : count_ - 1)->copy());
  trim_pack(rest.get(), from, 1);
  push(at_head ? ListEnd::kTail : ListEnd::kHead, value, limit);
  edit_node(at_head ? 0 : count_ - 1, [&](Packed*& pack) { std::swap(pack, rest.get()); });
}

void ListNodes::trim(ListEnd end, size_t elements) {
  assert(elements < elements_);
  const bool at_head = end == ListEnd::kHead;
  size_t whole = 0;
  for (; whole < count_; whole++) {
    const size_t in_node = first()[at_head ? whole : count_ - 1 - whole].elements;
    if (in_node > elements) break;
    elements -= in_node;
  }
  if (whole > 0) drop_nodes(at_head ? 0 : count_ - whole, whole);
  if (elements == 0) return;
  change_node(at_head ? 0 : count_ - 1, [&](Packed*& pack) { trim_pack(pack, end, elements); });
}

// Many nodes are left to Garbage, in a container of their own.
void ListNodes::drop_nodes(size_t index, size_t nodes) {
  constexpr size_t kAtOnce = 16;
  std::unique_ptr<ListNodes> dropped;
  if (nodes > kAtOnce) {
    dropped = std::make_unique<ListNodes>();
    dropped->move_to_block(nodes, 0);
  }
  for (size_t i = index; i < index + nodes; i++) {
    const Node& node = first()[i];
    elements_ -= node.elements;
    pack_bytes_ -= node.pack->memory_bytes();
    if (dropped != nullptr) {
      dropped->put_in(dropped->count_, node.pack);
    } else {
      Packed::destroy(node.pack);
    }
  }
  take_out(index, nodes);
  if (dropped != nullptr) Garbage::take(dropped.release());
}

// Closes the gap that `nodes` nodes leave, by moving what is before it or what is behind it.
void ListNodes::take_out(size_t index, size_t nodes) {
  const size_t behind = count_ - index - nodes;
  Node* all = first();
  if (index < behind) {
    std::memmove(all + nodes, all, index * sizeof(Node));
    begin_ += nodes;
  } else {
    std::memmove(all + index, all + index + nodes, behind * sizeof(Node));
  }
  count_ -= nodes;
  const size_t room = std::max(kRoomMin, count_ * 2);
  if (room >= room_ / 2) return;
  try {
    move_to_block(room, (room - count_) / 2);
  } catch (const std::bad_alloc&) {  // then it stays large
  }
}

// Makes a listpack a node of its own. Throws std::bad_alloc, and then has not taken it over.
void ListNodes::put_in(size_t index, Packed* pack) {
  make_room(index);
  const size_t elements = listpack::count(pack);
  first()[index] = {pack, static_cast<uint32_t>(elements)};
  elements_ += elements;
  pack_bytes_ += pack->memory_bytes();
}

void ListNodes::put_in(size_t index, OwnedPacked pack) {
  put_in(index, pack.get());
  pack.release();
}

// Lets make_room(index) find room.
void ListNodes::ensure_room(size_t index) {
  if ((nearer_front(index) ? begin_ : free_behind()) > 0) return;
  // What is left over of a block is worth having if it is a good part of it; else each node put in
  // could move all the others.
  const size_t room =
      room_ - count_ > room_ / 4 ? room_ : std::max(kRoomMin, count_ + count_ / 2 + 1);
  const size_t spare = room - count_;
  move_to_block(room, nearer_front(index) ? spare - spare / 4 : spare / 4);
}

// Opens a gap of one node at `index`, by moving what is before it or what is behind it.
void ListNodes::make_room(size_t index) {
  ensure_room(index);
  Node* nodes = first();
  if (nearer_front(index)) {
    std::memmove(nodes - 1, nodes, index * sizeof(Node));
    begin_--;
  } else {
    std::memmove(nodes + index + 1, nodes + index, (count_ - index) * sizeof(Node));
  }
  count_++;
}

// Moves the array to a block of another size, or inside the present one.
void ListNodes::move_to_block(size_t room, size_t begin) {
  assert(begin + count_ <= room);
  if (room == room_) {
    std::memmove(block_ + begin, first(), count_ * sizeof(Node));
  } else {
    auto* block = static_cast<Node*>(EntryArena::allocate(room * sizeof(Node)));
    if (count_ > 0) std::memcpy(block + begin, first(), count_ * sizeof(Node));
    if (block_ != nullptr) EntryArena::free(block_, room_ * sizeof(Node));
    block_ = block;
    room_ = room;
  }
  begin_ = begin;
}

}  // namespace larder::storage
