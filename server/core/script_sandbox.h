// What scripts see of Lua: the functions that Redis leaves them, in tables that they cannot change.
//
// Debian's Lua has no read-only tables, as Redis' own copy has. A protected table is therefore an
// empty one whose metatable finds the contents elsewhere and refuses assignments; the few functions
// that pass by metatables (rawset, next, table.insert and so on) are replaced by ones that know of
// them. Contents are never handed out.
//
// Left out, beside all that Redis leaves out: newproxy, whose finalizers would run outside of any
// script. Bytecode is not loaded.
#pragma once

#include <cstdint>

#include "server/core/script_lua.h"

namespace larder::core::script {

inline constexpr const char* kReadonlyTable = "Attempt to modify a readonly table";

// Loads the libraries that scripts have into a new state, and makes the strings' metatable safe.
// Pushes the table of what scripts get as globals: not yet protected.
void open_libraries(lua_State* lua);

// Replaces the table on top by one that shows the same and cannot be changed through itself. Who
// keeps the table itself can still change it.
void protect_table(lua_State* lua);

// Makes a protected view of the globals on top: reading a name that is not there is an error. The
// view takes their place.
void protect_globals(lua_State* lua);

// For the table on top: reading a name that is not there is an error.
void refuse_unknown_names(lua_State* lua);

// From now on the protected table below the top shows the table on top, which is popped.
void show_contents(lua_State* lua);

// Pushes the value at `index`, or the contents if it is a protected table: for those who only read.
void push_readable(lua_State* lua, int index);

// Where math.random() begins; it goes on from script to script.
void seed_random(lua_State* lua, int32_t seed);

}  // namespace larder::core::script
