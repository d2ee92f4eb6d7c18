// struct: binary structures for scripts, with the formats of Roberto Ierusalimschy's library for
// Lua (version 0.2), which Redis has. Debian has no package of it.
#pragma once

#include "server/core/script_lua.h"

namespace larder::core::script {

// Pushes the module.
void open_struct(lua_State* lua);

}  // namespace larder::core::script
