// The hash of a key: XXH3, 64 bits, with a seed that is drawn at start so that nobody outside can
// choose keys that collide. One hash serves shard, directory, bucket and fingerprint:
//
//   63 ............ 54 | 53 .................. 22 | 21 .. 16 | 15 .... 8 | 7 .. 5 | 4 ... 0
//   shard (top bits)   | directory of its table   | unused   | print     | unused | bucket
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace larder::storage {

using KeyHash = uint64_t;

inline KeyHash hash_key(std::string_view key, uint64_t seed) {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

// A key with its hash: computed once a command, used everywhere below. Borrows the bytes.
struct Key {
  std::string_view bytes;
  KeyHash hash = 0;
};

}  // namespace larder::storage
