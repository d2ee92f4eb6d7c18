#include "server/core/random_bits.h"

#include <random>

namespace larder::core {

uint64_t random_bits() {
  thread_local std::mt19937_64 generator(std::random_device{}());
  return generator();
}

}  // namespace larder::core
