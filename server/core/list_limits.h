// The option that says how lists are kept, as the engine wants it.
#pragma once

#include "server/core/config.h"
#include "storage/types/list_nodes.h"

namespace larder::core {

inline storage::ListLimit list_limit(const Config& config) {
  return storage::ListLimit(config.values.list_max_listpack_size.load(std::memory_order_relaxed));
}

}  // namespace larder::core
