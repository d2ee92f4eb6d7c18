#include "server/core/random_bits.h"

#include <random>

namespace larder::core {

uint64_t random_bits() {
  thread_local std::mt19937_64 generator(std::random_device{}());
  return generator();
}

bool can_draw(uint64_t draws, size_t bytes, size_t elements) {
  constexpr uint64_t kReplyBytesMax = uint64_t{1} << 30;
  constexpr uint64_t kHeadBytes = 8;  // of a reply's element, roughly
  return draws <= elements || draws <= kReplyBytesMax / (bytes / elements + kHeadBytes);
}

}  // namespace larder::core
