// The table `redis` of scripts, but for redis.call() and redis.pcall(): see script_call.h.
#pragma once

#include "server/core/script_lua.h"

namespace larder::core::script {

// Both push the table, protected. `evaluated`: for EVAL's scripts, which have a few functions more
// than those of libraries.
void open_api(lua_State* lua, bool evaluated);
// What a library's code sees while it is loaded: redis.register_function() and little else.
void open_loading_api(lua_State* lua);

}  // namespace larder::core::script
