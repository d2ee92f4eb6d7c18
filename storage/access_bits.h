// What the eviction policy keeps of each key: 20 bits that stand beside its pointer in the table, so
// that a look at one cache line tells them of seven keys. What they mean is the policy's business
// (storage/eviction_policy.h).
#pragma once

#include <cstdint>

namespace larder::storage {

using AccessBits = uint32_t;
inline constexpr int kAccessBitsWidth = 20;

}  // namespace larder::storage
