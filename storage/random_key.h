// A live key of a database, chosen at random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "storage/store.h"

namespace larder::storage {

struct RandomKey {
  std::optional<std::string> key;
  // No key was found because there is none, dead or alive; else only dead ones were met.
  bool empty = false;
};

// Every live key has the same chance, as far as the key space stands still. Dead keys that are met
// are removed; after `dead_max` of them it gives up, so that the call is bounded: some 100 us, and
// a caller that tries again will come to an end. `random`: 64 random bits. `held`: all shards, if
// the caller holds them; null: shards are locked one by one.
RandomKey pick_random_key(Store& store, const LockedKeys* held, size_t database, int64_t now_ms,
                          uint64_t random, size_t dead_max = 100);

}  // namespace larder::storage
