// Puts strings into a server's store behind its commands, for tests of other commands.
#pragma once

#include <string>

#include "storage/keyspace.h"
#include "tests/support/in_process.h"

namespace larder::testing {

inline void put(InProcess& server, const std::string& key, const std::string& value = "v",
                int64_t expire_at_ms = storage::kNoExpiry, size_t database = 0) {
  storage::Store& store = server.server().store;
  const storage::Key hashed = store.key(key);
  const storage::LockedKeys locked = store.lock(hashed);
  storage::Keyspace(locked, database, server.clock().now_ms())
      .put_string(hashed, value, expire_at_ms);
}

// "hits misses" of the key space.
inline std::string lookups(InProcess& server) {
  const storage::StoreCounters counters = server.server().store.counters();
  return std::to_string(counters.hits) + " " + std::to_string(counters.misses);
}

}  // namespace larder::testing
