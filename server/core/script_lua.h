// The one place where Lua's headers are included, and the rules for C++ functions that Lua calls.
//
// Lua here is Debian's 5.1 compiled as C++ (liblua5.1-c++): its errors are C++ exceptions, of a
// type that nobody else throws or catches, so they run the destructors of the frames between the
// function that raised them and the protected call. What our own functions throw must not get into
// Lua's frames: guarded() turns it into a Lua error at the edge.
//
// Every call into Lua that can fail stands inside a protected call; outside of one Lua would end
// the process. A lua_State belongs to one worker's thread.
#pragma once

#include <exception>
#include <lua5.1/lua.hpp>
#include <new>
#include <string_view>

namespace larder::core::script {

// The message of Lua's own memory errors.
inline constexpr const char* kNotEnoughMemory = "not enough memory";

// `function` as Lua may call it.
template <lua_CFunction function>
int guarded(lua_State* lua) {
  const char* failure = nullptr;
  try {
    return function(lua);
  } catch (const std::bad_alloc&) {
    failure = kNotEnoughMemory;
  } catch (const std::exception&) {
    failure = "internal error";
  }
  lua_pushstring(lua, failure);
  return lua_error(lua);
}

inline std::string_view to_view(lua_State* lua, int index) {
  size_t size = 0;
  const char* text = lua_tolstring(lua, index, &size);
  return {text, size};
}

// Of an argument; the view is valid as long as the value is on the stack.
inline std::string_view check_view(lua_State* lua, int argument) {
  size_t size = 0;
  const char* text = luaL_checklstring(lua, argument, &size);
  return {text, size};
}

inline void push(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

// table[name] = function, for the table on top of the stack.
template <lua_CFunction function>
void set_function(lua_State* lua, const char* name) {
  lua_pushcfunction(lua, guarded<function>);
  lua_setfield(lua, -2, name);
}

}  // namespace larder::core::script
