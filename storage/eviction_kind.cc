#include "storage/eviction_kind.h"

#include <algorithm>
#include <array>

namespace larder::storage {
namespace {

constexpr std::array<std::string_view, kEvictionKinds> kNames = {
    "noeviction",   "allkeys-lru",  "allkeys-lfu",     "allkeys-random", "allkeys-adaptive",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",   "volatile-adaptive"};

}  // namespace

std::string_view name_of(EvictionKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

std::optional<EvictionKind> eviction_kind(std::string_view name) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<EvictionKind>(found - kNames.begin());
}

}  // namespace larder::storage
