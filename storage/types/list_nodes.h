// A list of many elements: listpacks, one behind the other, the nodes. An array with room at both
// ends says where they are and how many elements each has, so that the one at an index is found by
// adding up counts that lie side by side, without a look at the nodes, and that nodes are put in
// and taken out at both ends in constant time.
//
// A node is an ordinary listpack and as long as its elements need. Which size it may reach is
// ListLimit's to say, which is Redis' option list-max-listpack-size; an element larger than that
// gets a node of its own. No node is empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "storage/container.h"
#include "storage/function_ref.h"
#include "storage/types/listpack.h"

namespace larder::storage {

enum class ListEnd : uint8_t { kHead, kTail };

// The longest element, in bytes.
inline constexpr size_t kListElementBytesMax = listpack::kBytesMax - 64;

// How large a listpack of a list may be.
class ListLimit {
 public:
  // As list-max-listpack-size: from -1 to -5, so many kilobytes: 4, 8, 16, 32, 64 (less is taken as
  // -5); else so many elements (0 is taken as 1), in kBytesByCount at most.
  explicit ListLimit(int64_t option);
  static constexpr size_t kBytesByCount = 8192;

  bool exceeded(size_t bytes, size_t elements) const {
    return bytes > bytes_max_ || elements > elements_max_;
  }
  // Whether a listpack of this size takes one more element.
  bool allows(size_t bytes, size_t elements, size_t element_bytes) const {
    constexpr size_t kOverheadMax = 8;  // of an element, as Redis estimates it
    return !exceeded(bytes + element_bytes + kOverheadMax, elements + 1);
  }
  // Whether nodes of this size become one listpack again. The half lets a list that is pushed to
  // and popped from at the limit keep its form.
  bool allows_shrinking(size_t bytes, size_t elements) const {
    const size_t bytes_max = by_count_ ? bytes_max_ : bytes_max_ / 2;
    const size_t elements_max = by_count_ ? elements_max_ / 2 : elements_max_;
    return bytes <= bytes_max && elements <= elements_max;
  }

 private:
  bool by_count_;
  size_t bytes_max_;
  size_t elements_max_ = std::numeric_limits<size_t>::max();
};

// Takes `elements`, of which there are enough, out of a listpack at an end.
void trim_pack(Packed*& pack, ListEnd end, size_t elements);
// Moves the element at one end of a listpack of several to the other. Throws std::bad_alloc, and
// then has changed nothing.
void rotate_pack(Packed* pack, ListEnd from);

// What changes one throws std::bad_alloc, and has then changed nothing, or done a part of what it
// was to do; no element is lost that was not to go.
class ListNodes final : public Container {
 public:
  ListNodes() = default;
  ~ListNodes() override;

  // Container:
  Container* copy() const override;
  size_t size() const override { return elements_; }
  size_t memory_bytes() const override;
  size_t recount_arena_bytes() const override;
  bool free_some(size_t elements) override;

  // The nodes, from the head.
  size_t nodes() const { return count_; }
  const Packed* node(size_t index) const { return first()[index].pack; }
  // Takes over a listpack, which is not empty, as the last node.
  void append_node(Packed* pack);
  // Gives the only node up; what is left is of no more use.
  Packed* release_only_node();

  // Where an element is: at a position in a node. Good until something is changed.
  struct Place {
    size_t node = 0;
    listpack::Position at = listpack::kNone;
  };
  // The element with `index` others before it; `index` is below size().
  Place find(size_t index) const;

  void push(ListEnd end, std::string_view value, const ListLimit& limit);
  // Before the element there, or behind it.
  void insert(Place place, bool behind, std::string_view value, const ListLimit& limit);
  // Out of memory, the element is still there.
  void replace(Place place, std::string_view value, const ListLimit& limit);
  // Moves `value`, which is the element at one end, to the other; there are more. Out of memory,
  // it is where it was.
  void rotate(ListEnd from, std::string_view value, const ListLimit& limit);
  // Lets `edit` take elements out of a node, which it is given as a listpack by reference. True if
  // the node is gone, because it took them all.
  bool edit_node(size_t index, FunctionRef<void(Packed*&)> edit);
  // Takes `elements` away from an end; there must be more. What many nodes take is left to Garbage.
  void trim(ListEnd end, size_t elements);

 private:
  struct Node {
    Packed* pack;
    uint32_t elements;
  };
  static constexpr size_t kRoomMin = 4;

  Node* first() { return block_ + begin_; }
  const Node* first() const { return block_ + begin_; }
  size_t free_behind() const { return room_ - begin_ - count_; }
  void put_in(size_t index, Packed* pack);
  void put_in(size_t index, OwnedPacked pack);
  void change_node(size_t index, FunctionRef<void(Packed*&)> change);
  void add_to(size_t index, listpack::Position before, std::string_view value);
  bool allows(size_t index, size_t value_bytes, const ListLimit& limit) const;
  bool allows_instead(Place place, size_t value_bytes, const ListLimit& limit) const;
  Place split_before(Place place);
  void insert_by_splitting(Place before, std::string_view value, const ListLimit& limit);
  bool nearer_front(size_t index) const { return index < count_ - index; }
  void ensure_room(size_t index);
  void make_room(size_t index);
  void take_out(size_t index, size_t nodes);
  void drop_nodes(size_t index, size_t nodes);
  void move_to_block(size_t room, size_t begin);

  Node* block_ = nullptr;  // room_ of them, count_ in use from begin_ on
  size_t room_ = 0;
  size_t begin_ = 0;
  size_t count_ = 0;
  size_t elements_ = 0;
  size_t pack_bytes_ = 0;  // what the nodes' listpacks take from the allocator
};

}  // namespace larder::storage
