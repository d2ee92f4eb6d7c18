// The text of INFO: sections of "name:value" lines, as Redis 7.2 writes them. Only what is known is
// in it: a field of Redis' that would have to be invented is left out; one that is 0 because Larder
// has no such thing by design (replication, files, forks) is there if tools read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/core/server.h"

namespace larder::core {

// The sections named, in their fixed order, each once. Names are in any case of letters and may be
// "default", "all" and "everything"; no name at all is "default"; unknown ones are skipped. `held`:
// a lock on all shards that the caller has already, or null; then shards are locked one by one. Any
// thread.
std::string info_text(Server& server, std::span<const std::string_view> names, int64_t now_ms,
                      const storage::LockedKeys* held);

}  // namespace larder::core
