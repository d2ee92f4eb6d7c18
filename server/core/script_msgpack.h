// cmsgpack: MessagePack (msgpack.org's specification) for scripts, as lua-cmsgpack 0.4.0 offers it.
// Debian has no package of it.
#pragma once

#include "server/core/script_lua.h"

namespace larder::core::script {

// Pushes the module.
void open_msgpack(lua_State* lua);

}  // namespace larder::core::script
