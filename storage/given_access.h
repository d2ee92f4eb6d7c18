// Access bits for a key that comes with a history of its own (RESTORE with IDLETIME or FREQ). What
// the bits mean is the business of the eviction policy (eviction_policy.h), which is asked; to be
// called under the lock of the key's shard.
#pragma once

#include <cstdint>

#include "storage/access_bits.h"
#include "storage/eviction_policy.h"

namespace larder::storage {

// The bits of a key accessed just now, as if that had been so many seconds ago: what idle_seconds()
// answers for them, as far back as the policy's bits reach. Under lfu, where no such time is kept,
// they stay as they are.
AccessBits given_idle_seconds(const EvictionPolicy& policy, AccessBits bits, uint64_t seconds,
                              int64_t now_ms);

// The same with another frequency, 0 to 255, under lfu; under adaptive its 15 at most; elsewhere
// they stay as they are.
AccessBits given_frequency(const EvictionPolicy& policy, AccessBits bits, uint32_t frequency);

}  // namespace larder::storage
