// What the commands on lists share: how an element is answered, the option on their form, and the
// names of what keyspace notifications tell.
#pragma once

#include <string_view>

#include "server/core/config.h"
#include "server/core/reply.h"
#include "storage/types/list_nodes.h"
#include "storage/types/listpack.h"

namespace larder::core {

inline void write_element(Reply& reply, const storage::listpack::Element& element) {
  if (element.is_integer) return reply.bulk_integer(element.integer);
  reply.bulk(element.text);
}

inline storage::ListLimit list_limit(const Config& config) {
  return storage::ListLimit(config.values.list_max_listpack_size.load(std::memory_order_relaxed));
}

inline std::string_view list_push_event(storage::ListEnd end) {
  return end == storage::ListEnd::kHead ? "lpush" : "rpush";
}
inline std::string_view list_pop_event(storage::ListEnd end) {
  return end == storage::ListEnd::kHead ? "lpop" : "rpop";
}

}  // namespace larder::core
