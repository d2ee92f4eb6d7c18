#include "server/core/script_json.h"

#include <cstdio>

namespace larder::core::script {
namespace {

// Where the registry keeps the options of the module that scripts get.
const char kOptionsKey = 0;

// Sets an option from the first argument, if there is one, and answers it.
int integer_option(lua_State* lua, int argument, int& option, int least, int most) {
  if (!lua_isnoneornil(lua, argument)) {
    const lua_Integer value = luaL_checkinteger(lua, argument);
    char text[64];
    std::snprintf(text, sizeof(text), "expected integer between %d and %d", least, most);
    luaL_argcheck(lua, value >= least && value <= most, argument, text);
    option = static_cast<int>(value);
  }
  lua_pushinteger(lua, option);
  return 1;
}

int flag_option(lua_State* lua, int argument, bool& option) {
  static const char* const kWords[] = {"off", "on", nullptr};
  if (!lua_isnoneornil(lua, argument)) {
    option = lua_isboolean(lua, argument) ? lua_toboolean(lua, argument) != 0
                                          : luaL_checkoption(lua, argument, nullptr, kWords) == 1;
  }
  lua_pushboolean(lua, option ? 1 : 0);
  return 1;
}

int invalid_option(lua_State* lua, JsonOptions::InvalidNumbers& option, bool with_null) {
  using Invalid = JsonOptions::InvalidNumbers;
  static const char* const kWords[] = {"off", "on", "null", nullptr};
  if (lua_isboolean(lua, 1)) {
    option = lua_toboolean(lua, 1) != 0 ? Invalid::kAccepted : Invalid::kRefused;
  } else if (!lua_isnoneornil(lua, 1)) {
    const int word = luaL_checkoption(lua, 1, nullptr, kWords);
    luaL_argcheck(lua, with_null || word < 2, 1, "invalid option 'null'");
    option = static_cast<Invalid>(word);
  }
  if (option == Invalid::kAsNull) {
    lua_pushliteral(lua, "null");
  } else {
    lua_pushboolean(lua, option == Invalid::kAccepted ? 1 : 0);
  }
  return 1;
}

void begin_options(lua_State* lua, int most) {
  luaL_argcheck(lua, lua_gettop(lua) <= most, most + 1, "found too many arguments");
  lua_settop(lua, most);
}

int encode_sparse_array(lua_State* lua) {
  begin_options(lua, 3);
  JsonOptions& options = json_options(lua);
  flag_option(lua, 1, options.sparse_as_object);
  integer_option(lua, 2, options.sparse_ratio, 0, INT32_MAX);
  integer_option(lua, 3, options.sparse_safe, 0, INT32_MAX);
  return 3;
}

int encode_max_depth(lua_State* lua) {
  begin_options(lua, 1);
  return integer_option(lua, 1, json_options(lua).encode_depth_max, 1, INT32_MAX);
}

int decode_max_depth(lua_State* lua) {
  begin_options(lua, 1);
  return integer_option(lua, 1, json_options(lua).decode_depth_max, 1, INT32_MAX);
}

int encode_number_precision(lua_State* lua) {
  begin_options(lua, 1);
  return integer_option(lua, 1, json_options(lua).number_digits, 1, 14);
}

int encode_keep_buffer(lua_State* lua) {
  begin_options(lua, 1);
  return flag_option(lua, 1, json_options(lua).keep_buffer);
}

int encode_invalid_numbers(lua_State* lua) {
  begin_options(lua, 1);
  return invalid_option(lua, json_options(lua).encode_invalid, true);
}

int decode_invalid_numbers(lua_State* lua) {
  begin_options(lua, 1);
  return invalid_option(lua, json_options(lua).decode_invalid, false);
}

int new_module(lua_State* lua);

// The options are on top of the stack; the module takes their place.
void build_module(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {
      {"encode", guarded<json_encode>},
      {"decode", guarded<json_decode>},
      {"encode_sparse_array", guarded<encode_sparse_array>},
      {"encode_max_depth", guarded<encode_max_depth>},
      {"decode_max_depth", guarded<decode_max_depth>},
      {"encode_number_precision", guarded<encode_number_precision>},
      {"encode_keep_buffer", guarded<encode_keep_buffer>},
      {"encode_invalid_numbers", guarded<encode_invalid_numbers>},
      {"decode_invalid_numbers", guarded<decode_invalid_numbers>},
      {"new", guarded<new_module>},
  };
  lua_newtable(lua);
  for (const luaL_Reg& function : kFunctions) {
    lua_pushvalue(lua, -2);
    lua_pushcclosure(lua, function.func, 1);
    lua_setfield(lua, -2, function.name);
  }
  lua_pushlightuserdata(lua, nullptr);
  lua_setfield(lua, -2, "null");
  lua_pushliteral(lua, "cjson");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "2.1.0");
  lua_setfield(lua, -2, "_VERSION");
  lua_remove(lua, -2);
}

void push_options(lua_State* lua) {
  new (lua_newuserdata(lua, sizeof(JsonOptions))) JsonOptions();
}

int new_module(lua_State* lua) {
  push_options(lua);
  build_module(lua);
  return 1;
}

}  // namespace

void open_json(lua_State* lua) {
  push_options(lua);
  lua_pushlightuserdata(lua, const_cast<char*>(&kOptionsKey));
  lua_pushvalue(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  build_module(lua);
}

void reset_json(lua_State* lua) {
  lua_pushlightuserdata(lua, const_cast<char*>(&kOptionsKey));
  lua_rawget(lua, LUA_REGISTRYINDEX);
  *static_cast<JsonOptions*>(lua_touserdata(lua, -1)) = JsonOptions();
  lua_pop(lua, 1);
}

}  // namespace larder::core::script
