// Randomness for commands that draw: RANDOMKEY, HRANDFIELD, SPOP and their like.
#pragma once

#include <cstddef>
#include <cstdint>

namespace larder::core {

// 64 random bits, from a generator of the calling thread's own. Not for secrets.
uint64_t random_bits();

// Whether `draws` random elements of a collection, any of which may come repeatedly, make a reply
// of a size that the server can be asked for: a gigabyte, or all of a larger collection once. With
// that many draws the mean size of an element tells; `bytes`: what the `elements`, at least one,
// take together.
bool can_draw(uint64_t draws, size_t bytes, size_t elements);

}  // namespace larder::core
