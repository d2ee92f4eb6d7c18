// Randomness for commands that draw: RANDOMKEY, HRANDFIELD, SPOP and their like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::core {

class Args;

// 64 random bits, from a generator of the calling thread's own. Not for secrets.
uint64_t random_bits();

// Whether `draws` random elements of a collection, any of which may come repeatedly, make a reply
// of a size that the server can be asked for: a gigabyte, or all of a larger collection once. With
// that many draws the mean size of an element tells; `bytes`: what the `elements`, at least one,
// take together.
bool can_draw(uint64_t draws, size_t bytes, size_t elements);

// What stands behind the key of HRANDFIELD and ZRANDMEMBER: a count, which if negative allows
// repetitions, and perhaps the word for values or scores, given in upper case.
struct DrawRequest {
  int64_t count = 0;
  bool with_values = false;
  bool repeats() const { return count < 0; }
  uint64_t draws() const { return static_cast<uint64_t>(count < 0 ? -count : count); }
};
DrawRequest read_draw(Args& args, std::string_view with_values);

}  // namespace larder::core
