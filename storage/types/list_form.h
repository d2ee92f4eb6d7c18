// The two forms that a list may have, and when it goes from one to the other: for the operations on
// lists (list.cc, list_edit.cc) alone.
#pragma once

#include <cstddef>

#include "storage/object.h"
#include "storage/packed.h"
#include "storage/types/list_nodes.h"

namespace larder::storage {

inline Object packed_list(Packed* pack) {
  return {ValueType::kList, Encoding::kListpack, pack};
}
inline Object node_list(ListNodes* nodes) {
  return {ValueType::kList, Encoding::kNodes, nodes};
}
inline ListNodes& nodes_of(Object list) {
  return static_cast<ListNodes&>(*list.container());
}
inline size_t list_size(Object list) {
  return list.is_packed() ? listpack::count(list.packed()) : nodes_of(list).size();
}

// What changes a list takes it by reference, and lets it always say where the list is, even if
// memory runs out half-way.

// Changes a list that is one listpack through `change`, which is given that by reference.
template <typename Change>
auto change_pack(Object& list, Change change) {
  struct Keep {
    ~Keep() { list = packed_list(pack); }
    Object& list;
    Packed* pack;
  } keep{list, list.packed()};
  return change(keep.pack);
}

// Gives the list the form that it needs to take so many elements more, of so many bytes together.
void grow_list(Object& list, size_t elements, size_t bytes, const ListLimit& limit);
// Takes `count` elements, fewer than there are, out at an end. The list keeps its form.
void take_off(Object& list, ListEnd end, size_t count);
// Gives it the form that it is to have after elements were taken out; some are left.
void shrink_list(Object& list, const ListLimit& limit);

}  // namespace larder::storage
