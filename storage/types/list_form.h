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

// The list as it must be to take so many elements more, of so many bytes together.
Object grown_list(Object list, size_t elements, size_t bytes, const ListLimit& limit);
// The list as it is to be after elements were taken out; some are left.
Object shrunk_list(Object list, const ListLimit& limit);

}  // namespace larder::storage
