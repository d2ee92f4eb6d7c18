// How large a hash may be that is kept in one block.
#pragma once

#include <cstddef>

namespace larder::storage {

// More fields, or a longer field or value, make a hash a table.
struct HashLimits {
  size_t fields_max = 512;
  size_t value_bytes_max = 64;
};

}  // namespace larder::storage
