// Randomness for commands that draw: RANDOMKEY, HRANDFIELD, SPOP and their like.
#pragma once

#include <cstdint>

namespace larder::core {

// 64 random bits, from a generator of the calling thread's own. Not for secrets.
uint64_t random_bits();

}  // namespace larder::core
