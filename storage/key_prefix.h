// The prefix of a key: the part before its first separator.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace larder::storage {

// A key whose first separator lies further behind has no prefix.
inline constexpr size_t kPrefixBytesMax = 64;

struct KeyPrefix {
  std::string_view name;  // points into the key
  uint64_t hash = 0;
  uint64_t head = 0;   // its first eight bytes, zeros behind them: all of a short one
  bool found = false;  // a prefix may be empty: that of ":a" is
};

// Inline, and one pass over words of eight bytes for finding and hashing, since it stands in the
// middle of every command. `seed` should be secret, or names could be chosen that collide.
inline KeyPrefix find_prefix(std::string_view key, char separator, uint64_t seed) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const auto load = [](const char* from, size_t bytes) {
    uint64_t word = 0;
    if (bytes >= 8) {
      std::memcpy(&word, from, 8);
    } else {
      for (size_t i = 0; i < bytes; i++) word |= uint64_t{static_cast<uint8_t>(from[i])} << 8 * i;
    }
    return word;
  };
  // The mixing step of wyhash (Wang Yi), as in XXH3 for short keys.
  const auto mix = [](uint64_t x) {
    const auto product = static_cast<unsigned __int128>(x) * 0x9e3779b97f4a7c15;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const uint64_t wanted = kOnes * static_cast<uint8_t>(separator);
  uint64_t hash = seed;
  uint64_t head = 0;
  for (size_t at = 0; at <= kPrefixBytesMax; at += 8) {
    const size_t left = key.size() - at;
    const uint64_t word = load(key.data() + at, left);
    // The lowest bit set belongs to the first byte that is the separator.
    const uint64_t differing = word ^ wanted;
    uint64_t hits = (differing - kOnes) & ~differing & (kOnes << 7);
    if (left < 8) hits &= (uint64_t{1} << 8 * left) - 1;
    if (hits != 0) {
      const int bits = std::countr_zero(hits) - 7;
      const size_t size = at + static_cast<size_t>(bits) / 8;
      if (size > kPrefixBytesMax) return {};
      const uint64_t last = word & ((uint64_t{1} << bits) - 1);
      return {{key.data(), size}, mix(hash ^ last), at == 0 ? last : head, true};
    }
    if (left <= 8) return {};
    if (at == 0) head = word;
    hash = mix(hash ^ word);
  }
  return {};
}

}  // namespace larder::storage
