// The eviction policies by name: Redis' eight and two of Larder's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace larder::storage {

enum class EvictionKind : uint8_t {
  kNoEviction,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kAllkeysAdaptive,
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kVolatileAdaptive,
};
inline constexpr int kEvictionKinds = 10;

// As in `maxmemory-policy`: "allkeys-lru". Names are compared in lower case only.
std::string_view name_of(EvictionKind kind);
std::optional<EvictionKind> eviction_kind(std::string_view name);

// Whether keys may be evicted at all, and whether only those with an expiry.
inline bool evicts(EvictionKind kind) {
  return kind != EvictionKind::kNoEviction;
}
inline bool only_volatile(EvictionKind kind) {
  return kind >= EvictionKind::kVolatileLru;
}

inline bool is_lfu(EvictionKind kind) {
  return kind == EvictionKind::kAllkeysLfu || kind == EvictionKind::kVolatileLfu;
}
inline bool is_adaptive(EvictionKind kind) {
  return kind == EvictionKind::kAllkeysAdaptive || kind == EvictionKind::kVolatileAdaptive;
}

}  // namespace larder::storage
