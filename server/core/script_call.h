// redis.call() and redis.pcall().
#pragma once

#include "server/core/script_lua.h"

namespace larder::core::script {

// Runs the command in its arguments under the script's lock and pushes its reply as Lua's value. An
// error is raised by the first, and the result of the second.
int call_command(lua_State* lua);
int try_command(lua_State* lua);

// redis.acl_check_cmd(): whether there is such a command; the one user may run all.
int check_command(lua_State* lua);

}  // namespace larder::core::script
