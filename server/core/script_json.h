// cjson: JSON for scripts, with the functions, limits and error texts of lua-cjson 2.1.0, which
// Redis has. Debian's library is not used: out of memory it ends the process, and it allocates
// beside the interpreter's limit.
#pragma once

#include "server/core/script_lua.h"

namespace larder::core::script {

// What the functions encode_max_depth() and so on change.
struct JsonOptions {
  enum class InvalidNumbers : int { kRefused, kAccepted, kAsNull };
  bool sparse_as_object = false;  // else an array with too many holes is an error
  int sparse_ratio = 2;
  int sparse_safe = 10;
  int encode_depth_max = 1000;
  int decode_depth_max = 1000;
  int number_digits = 14;
  bool keep_buffer = true;
  InvalidNumbers encode_invalid = InvalidNumbers::kRefused;
  InvalidNumbers decode_invalid = InvalidNumbers::kAccepted;
};

// The options of the module in upvalue 1 of the function that is running.
inline JsonOptions& json_options(lua_State* lua) {
  return *static_cast<JsonOptions*>(lua_touserdata(lua, lua_upvalueindex(1)));
}

int json_encode(lua_State* lua);
int json_decode(lua_State* lua);

// Pushes the module. Its options are the script's: see reset_json().
void open_json(lua_State* lua);
// Every script begins with the default options, whatever an earlier one on this worker chose.
void reset_json(lua_State* lua);

}  // namespace larder::core::script
