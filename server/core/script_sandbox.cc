#include "server/core/script_sandbox.h"

#include <cmath>
#include <cstdint>
#include <ctime>

#include "server/core/script_json.h"
#include "server/core/script_memory.h"
#include "server/core/script_msgpack.h"
#include "server/core/script_strings.h"
#include "server/core/script_struct.h"

extern "C" int luaopen_bit(lua_State* lua);  // Debian's lua-bitop

namespace larder::core::script {
namespace {

// In the metatable of a protected table: its contents.
const char kContentsKey = 0;

// ---------------------------------------------------------------------------- protected tables

// Pushes the contents of a protected table; false, and pushes nothing, for any other value.
bool push_contents(lua_State* lua, int index) {
  if (lua_type(lua, index) != LUA_TTABLE || lua_getmetatable(lua, index) == 0) return false;
  lua_pushlightuserdata(lua, const_cast<char*>(&kContentsKey));
  lua_rawget(lua, -2);
  lua_remove(lua, -2);
  if (lua_istable(lua, -1)) return true;
  lua_pop(lua, 1);
  return false;
}

// Without a place in front, as Redis' Lua has it for its library functions.
[[noreturn]] void refuse_change(lua_State* lua) {
  lua_pushstring(lua, kReadonlyTable);
  lua_error(lua);
  __builtin_unreachable();
}

void refuse_if_protected(lua_State* lua, int index) {
  if (!push_contents(lua, index)) return;
  refuse_change(lua);
}

int refuse_assignment(lua_State* lua) {
  return luaL_error(lua, "%s", kReadonlyTable);
}

int refuse_unknown_global(lua_State* lua) {
  const char* name = lua_tostring(lua, 2);
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                    name != nullptr ? name : luaL_typename(lua, 2));
}

// ------------------------------------------------------------------- functions that know of them

int safe_next(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 2);
  push_readable(lua, 1);
  lua_replace(lua, 1);
  if (lua_next(lua, 1) != 0) return 2;
  lua_pushnil(lua);
  return 1;
}

// Upvalue: safe_next.
int safe_pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

int safe_rawget(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  push_readable(lua, 1);
  lua_replace(lua, 1);
  lua_rawget(lua, 1);
  return 1;
}

int safe_rawset(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  luaL_checkany(lua, 3);
  refuse_if_protected(lua, 1);
  lua_settop(lua, 3);
  lua_rawset(lua, 1);
  return 1;
}

int safe_getmetatable(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (push_contents(lua, 1)) {
    lua_pushnil(lua);
  } else if (luaL_getmetafield(lua, 1, "__metatable") == 0 && lua_getmetatable(lua, 1) == 0) {
    lua_pushnil(lua);
  }
  return 1;
}

int safe_setmetatable(lua_State* lua) {
  const int type = lua_type(lua, 2);
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
  refuse_if_protected(lua, 1);
  refuse_if_protected(lua, 2);
  if (luaL_getmetafield(lua, 1, "__metatable") != 0) {
    return luaL_error(lua, "cannot change a protected metatable");
  }
  lua_settop(lua, 2);
  lua_setmetatable(lua, 1);
  return 1;
}

// What would outlast the script (stopping the collector, its pace) is accepted and left undone.
int safe_collectgarbage(lua_State* lua) {
  static const char* const kWords[] = {"collect", "count",    "step",       "stop",
                                       "restart", "setpause", "setstepmul", nullptr};
  switch (luaL_checkoption(lua, 1, "collect", kWords)) {
    case 1:
      lua_pushnumber(lua, static_cast<double>(Memory::of(lua).used_bytes()) / 1024);
      return 1;
    case 0:
      lua_gc(lua, LUA_GCCOLLECT, 0);
      break;
    case 2:
      lua_pushboolean(lua, lua_gc(lua, LUA_GCSTEP, static_cast<int>(luaL_optinteger(lua, 2, 0))));
      return 1;
    default:
      break;
  }
  lua_pushinteger(lua, 0);
  return 1;
}

// Upvalue: the function of Lua's library, which gets the same arguments.
int refuse_then_call(lua_State* lua) {
  refuse_if_protected(lua, 1);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

// ------------------------------------------------------------------------------ protected calls

// As Redis: where the error is a table that a command's error became, its text alone is handed on.
int safe_pcall(lua_State* lua) {
  luaL_checkany(lua, 1);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  if (status != 0) {
    Memory::of(lua).watch->rethrow_end(lua);
    if (lua_istable(lua, -1)) {
      lua_getfield(lua, -1, "err");
      lua_isstring(lua, -1) != 0 ? lua_replace(lua, -2) : lua_pop(lua, 1);
    }
  }
  lua_pushboolean(lua, status == 0 ? 1 : 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

// Upvalue: the script's handler of errors. It does not get the error that ends the script: that is
// raised inside the count hook, where no hook would interrupt a handler that does not end.
int call_handler(lua_State* lua) {
  if (Memory::of(lua).watch->ending()) return 1;
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, 1, 1);
  return 1;
}

int safe_xpcall(lua_State* lua) {
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  // What is no function Lua itself refuses to call.
  if (lua_isfunction(lua, 2)) lua_pushcclosure(lua, guarded<call_handler>, 1);
  lua_insert(lua, 1);  // the handler below the function
  const int status = lua_pcall(lua, 0, LUA_MULTRET, 1);
  if (status != 0) Memory::of(lua).watch->rethrow_end(lua);
  lua_pushboolean(lua, status == 0 ? 1 : 0);
  lua_replace(lua, 1);
  return lua_gettop(lua);
}

// ----------------------------------------------------------------------------------- coroutines

// Upvalue: Lua's coroutine.resume.
int safe_resume(lua_State* lua) {
  const int results = lua_tocfunction(lua, lua_upvalueindex(1))(lua);
  if (lua_toboolean(lua, -results) == 0) Memory::of(lua).watch->rethrow_end(lua);
  return results;
}

// -------------------------------------------------------------------------------------- loading

int load_text(lua_State* lua, std::string_view text, const char* name) {
  const bool bytecode = text.starts_with(LUA_SIGNATURE[0]);
  if (bytecode) {
    lua_pushliteral(lua, "attempt to load bytecode");
  } else if (luaL_loadbuffer(lua, text.data(), text.size(), name) == 0) {
    return 1;
  }
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

int safe_loadstring(lua_State* lua) {
  const std::string_view text = check_view(lua, 1);
  return load_text(lua, text, luaL_optstring(lua, 2, text.data()));
}

int safe_load(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  const char* name = luaL_optstring(lua, 2, "=(load)");
  lua_settop(lua, 2);
  Text text(lua);
  for (;;) {
    lua_pushvalue(lua, 1);
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1)) break;
    if (lua_isstring(lua, -1) == 0) {
      return luaL_error(lua, "reader function must return a string");
    }
    const std::string_view piece = to_view(lua, -1);
    if (piece.empty()) break;
    text.append(piece);
    lua_pop(lua, 1);
  }
  return load_text(lua, text.view(), name);
}

// ------------------------------------------------------------------------------- random numbers

// The generator of POSIX' lrand48(), of which scripts written for Redis know the sequence.
constexpr int32_t kRandomMax = INT32_MAX;

// Where that generator begins without a seed.
constexpr uint64_t kRandomStart = 0x1234abcd330e;

double random_fraction(lua_State* lua) {
  uint64_t& state = Memory::of(lua).random_state;
  state = (state * 0x5deece66d + 0xb) & 0xffffffffffff;
  return static_cast<double>(static_cast<int32_t>(state >> 17) % kRandomMax) / kRandomMax;
}

int random(lua_State* lua) {
  const double fraction = random_fraction(lua);
  switch (lua_gettop(lua)) {
    case 0:
      lua_pushnumber(lua, fraction);
      break;
    case 1: {
      const int most = static_cast<int>(luaL_checkinteger(lua, 1));
      luaL_argcheck(lua, 1 <= most, 1, "interval is empty");
      lua_pushnumber(lua, std::floor(fraction * most) + 1);
      break;
    }
    case 2: {
      const auto least = static_cast<int>(luaL_checkinteger(lua, 1));
      const auto most = static_cast<int>(luaL_checkinteger(lua, 2));
      luaL_argcheck(lua, least <= most, 2, "interval is empty");
      const double size = static_cast<double>(most) - least + 1;
      lua_pushnumber(lua, std::floor(fraction * size) + least);
      break;
    }
    default:
      return luaL_error(lua, "wrong number of arguments");
  }
  return 1;
}

int randomseed(lua_State* lua) {
  seed_random(lua, static_cast<int32_t>(luaL_checkinteger(lua, 1)));
  return 0;
}

// The processor's time of this process, in seconds: for a script that measures itself.
int os_clock(lua_State* lua) {
  lua_pushnumber(lua, static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
  return 1;
}

// ------------------------------------------------------------------------------------- together

// table[name] = function with what stood there as its upvalue, for the table on top.
template <lua_CFunction function>
void replace_function(lua_State* lua, const char* name) {
  lua_getfield(lua, -1, name);
  lua_pushcclosure(lua, guarded<function>, 1);
  lua_setfield(lua, -2, name);
}

void open_library(lua_State* lua, lua_CFunction open, const char* name) {
  lua_pushcfunction(lua, open);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

void set_base_functions(lua_State* lua) {
  static constexpr const char* kFromLua[] = {"assert",   "error",  "gcinfo",   "ipairs",
                                             "rawequal", "select", "tonumber", "tostring",
                                             "type",     "unpack", "_VERSION"};
  for (const char* name : kFromLua) {
    lua_getglobal(lua, name);
    lua_setfield(lua, -2, name);
  }
  set_function<safe_collectgarbage>(lua, "collectgarbage");
  set_function<safe_next>(lua, "next");
  lua_getfield(lua, -1, "next");
  lua_pushcclosure(lua, guarded<safe_pairs>, 1);
  lua_setfield(lua, -2, "pairs");
  set_function<safe_rawget>(lua, "rawget");
  set_function<safe_rawset>(lua, "rawset");
  set_function<safe_getmetatable>(lua, "getmetatable");
  set_function<safe_setmetatable>(lua, "setmetatable");
  set_function<safe_pcall>(lua, "pcall");
  set_function<safe_xpcall>(lua, "xpcall");
  set_function<safe_loadstring>(lua, "loadstring");
  set_function<safe_load>(lua, "load");
}

// globals[name] = the table on top, protected; it is taken away. The globals are below it.
void set_protected(lua_State* lua, const char* name) {
  protect_table(lua);
  lua_setfield(lua, -2, name);
}

void set_libraries(lua_State* lua) {
  lua_getglobal(lua, "coroutine");
  replace_function<safe_resume>(lua, "resume");
  set_protected(lua, "coroutine");
  lua_getglobal(lua, "math");
  set_function<random>(lua, "random");
  set_function<randomseed>(lua, "randomseed");
  set_protected(lua, "math");
  lua_getglobal(lua, "string");
  open_strings(lua);
  set_protected(lua, "string");
  lua_getglobal(lua, "table");
  replace_function<refuse_then_call>(lua, "insert");
  replace_function<refuse_then_call>(lua, "remove");
  replace_function<refuse_then_call>(lua, "sort");
  set_protected(lua, "table");
  lua_newtable(lua);
  set_function<os_clock>(lua, "clock");
  set_protected(lua, "os");
  open_json(lua);
  set_protected(lua, "cjson");
  open_msgpack(lua);
  set_protected(lua, "cmsgpack");
  open_struct(lua);
  set_protected(lua, "struct");
  lua_getglobal(lua, "bit");
  set_protected(lua, "bit");
}

// ("x"):upper() finds the protected table; what getmetatable("") answers can be read only.
void protect_strings(lua_State* lua) {
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_getfield(lua, -3, "string");
  lua_newtable(lua);
  lua_pushvalue(lua, -2);
  lua_setfield(lua, -2, "__index");
  protect_table(lua);
  lua_setfield(lua, -3, "__metatable");
  lua_pop(lua, 3);
}

}  // namespace

void push_readable(lua_State* lua, int index) {
  if (!push_contents(lua, index)) lua_pushvalue(lua, index);
}

void seed_random(lua_State* lua, int32_t seed) {
  Memory::of(lua).random_state = uint64_t{static_cast<uint32_t>(seed)} << 16 | 0x330e;
}

void protect_table(lua_State* lua) {
  lua_newtable(lua);
  lua_newtable(lua);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  set_function<refuse_assignment>(lua, "__newindex");
  lua_pushlightuserdata(lua, const_cast<char*>(&kContentsKey));
  lua_pushvalue(lua, -4);
  lua_rawset(lua, -3);
  lua_setmetatable(lua, -2);
  lua_replace(lua, -2);
}

void refuse_unknown_names(lua_State* lua) {
  lua_newtable(lua);
  set_function<refuse_unknown_global>(lua, "__index");
  lua_setmetatable(lua, -2);
}

void show_contents(lua_State* lua) {
  lua_getmetatable(lua, -2);
  lua_pushvalue(lua, -2);
  lua_setfield(lua, -2, "__index");
  lua_pushlightuserdata(lua, const_cast<char*>(&kContentsKey));
  lua_pushvalue(lua, -3);
  lua_rawset(lua, -3);
  lua_pop(lua, 2);
}

void protect_globals(lua_State* lua) {
  refuse_unknown_names(lua);
  lua_pushvalue(lua, -1);
  protect_table(lua);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, -3, "_G");
  lua_replace(lua, -2);
}

void open_libraries(lua_State* lua) {
  Memory::of(lua).random_state = kRandomStart;
  open_library(lua, luaopen_base, "");
  open_library(lua, luaopen_table, LUA_TABLIBNAME);
  open_library(lua, luaopen_string, LUA_STRLIBNAME);
  open_library(lua, luaopen_math, LUA_MATHLIBNAME);
  open_library(lua, luaopen_bit, "bit");
  lua_newtable(lua);
  set_base_functions(lua);
  set_libraries(lua);
  protect_strings(lua);
}

}  // namespace larder::core::script
