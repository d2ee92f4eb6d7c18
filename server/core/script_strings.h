// The functions of Lua's string library whose own versions cannot be interrupted or bounded: find,
// match, gmatch, gsub and rep. The rest of the library is Lua's.
#pragma once

#include "server/core/script_lua.h"

namespace larder::core::script {

// Sets them in the table on top of the stack.
void open_strings(lua_State* lua);

}  // namespace larder::core::script
