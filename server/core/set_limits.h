// The options that say how sets are kept, as the engine wants them.
#pragma once

#include "server/core/config.h"
#include "storage/types/set.h"

namespace larder::core {

inline storage::SetLimits set_limits(const ConfigValues& values) {
  const auto read = [](const IntegerValue& value) {
    return static_cast<size_t>(value.load(std::memory_order_relaxed));
  };
  return {.integers_max = read(values.set_integers_max),
          .listpack_members_max = read(values.set_listpack_members_max),
          .listpack_member_bytes_max = read(values.set_listpack_member_bytes_max)};
}

}  // namespace larder::core
