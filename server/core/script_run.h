// What the functions of `redis` need of the script that runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/core/output.h"
#include "server/core/scripts.h"

namespace larder::storage {
class LockedKeys;
}

namespace larder::core {
class Call;
}

namespace larder::core::script {

// Lives from the lock to the unlock.
struct Run {
  Call& call;  // the script's own: what it runs is run inside this one
  const storage::LockedKeys& held;
  RunningScript& running;
  Output& replies;                        // for the replies of what it runs, one at a time
  ScriptText* text;                       // null: a function
  bool read_only;                         // must not write
  bool memory_is_full;                    // must not begin to write what needs memory
  RespVersion version = RespVersion::k2;  // redis.setresp()
};

// What a library registers while it is loaded.
struct Loading {
  struct Function {
    LibraryFunction description;
    int callback;  // a reference into the registry
  };
  std::vector<Function> functions;
  size_t bytes = 0;  // of all of them, as bytes_of() counts
};

}  // namespace larder::core::script
