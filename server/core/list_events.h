// What keyspace notifications call a change of a list, by the end at which it was made.
#pragma once

#include <string_view>

#include "storage/types/list_nodes.h"

namespace larder::core {

inline std::string_view list_push_event(storage::ListEnd end) {
  return end == storage::ListEnd::kHead ? "lpush" : "rpush";
}
inline std::string_view list_pop_event(storage::ListEnd end) {
  return end == storage::ListEnd::kHead ? "lpop" : "rpop";
}

}  // namespace larder::core
