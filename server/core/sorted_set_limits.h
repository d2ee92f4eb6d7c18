// The options that say how sorted sets are kept, as the engine wants them.
#pragma once

#include "server/core/config.h"
#include "storage/types/sorted_set.h"

namespace larder::core {

inline storage::SortedSetLimits sorted_set_limits(const ConfigValues& values) {
  const auto read = [](const IntegerValue& value) {
    return static_cast<size_t>(value.load(std::memory_order_relaxed));
  };
  return {.packed_elements_max = read(values.zset_listpack_members_max),
          .packed_member_bytes_max = read(values.zset_listpack_member_bytes_max)};
}

}  // namespace larder::core
