// Numbers drawn evenly.
#pragma once

#include <cstdint>

namespace larder::storage {

// A number below `n`, from 64 random bits; `n` is not 0. (The bias is that of n / 2^64.)
inline uint64_t random_below(uint64_t n, uint64_t bits) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(bits) * n >> 64);
}

}  // namespace larder::storage
