#include "server/core/script_api.h"

#include <string>

#include "server/core/errors.h"
#include "server/core/script_call.h"
#include "server/core/script_errors.h"
#include "server/core/script_interpreter.h"
#include "server/core/script_run.h"
#include "server/core/script_sandbox.h"
#include "server/core/script_values.h"
#include "server/core/sha1.h"
#include "server/core/version.h"

namespace larder::core::script {
namespace {

// Of one line of redis.log(), which is kept until the script has ended.
constexpr size_t kLogBytesMax = 64 * 1024;

enum Level : int { kDebug, kVerbose, kNotice, kWarning };

// {field = text}, as redis.error_reply() and redis.status_reply() make it.
int reply_table(lua_State* lua, const char* field) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    push_error(lua, "wrong number or type of arguments");
    return 1;
  }
  if (std::string_view(field) == "err") {
    const std::string_view text = to_view(lua, 1);
    push_error(lua, text.starts_with('-') ? std::string(text) : "-" + std::string(text));
    return 1;
  }
  lua_newtable(lua);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, field);
  return 1;
}

int error_reply(lua_State* lua) {
  return reply_table(lua, "err");
}

int status_reply(lua_State* lua) {
  return reply_table(lua, "ok");
}

int sha1hex(lua_State* lua) {
  if (lua_gettop(lua) != 1) raise_error(lua, "wrong number of arguments");
  size_t size = 0;
  const char* text = lua_tolstring(lua, 1, &size);
  push(lua, sha1_hex({text != nullptr ? text : "", size}));
  return 1;
}

int log(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count < 2) raise_error(lua, "redis.log() requires two arguments or more.");
  if (lua_isnumber(lua, 1) == 0) raise_error(lua, "First argument must be a number (log level).");
  const auto level = static_cast<int>(lua_tonumber(lua, 1));
  if (level < kDebug || level > kWarning) raise_error(lua, "Invalid debug level.");
  std::string line;
  for (int i = 2; i <= count; i++) {
    size_t size = 0;
    const char* text = lua_tolstring(lua, i, &size);
    if (text == nullptr) continue;
    if (line.size() >= kLogBytesMax) break;
    if (i > 2) line += ' ';
    line.append(text, std::min(size, kLogBytesMax - line.size()));
  }
  Interpreter::of(lua).add_log_line(level, std::move(line));
  return 0;
}

int setresp(lua_State* lua) {
  if (lua_gettop(lua) != 1) raise_error(lua, "redis.setresp() requires one argument.");
  const double version = lua_tonumber(lua, 1);
  if (version != 2 && version != 3) raise_error(lua, "RESP version must be 2 or 3.");
  if (Run* run = Interpreter::of(lua).current()) {
    run->version = version == 3 ? RespVersion::k3 : RespVersion::k2;
  }
  return 0;
}

// There is nothing that scripts would be replicated to.
int set_repl(lua_State* lua) {
  constexpr int kAll = 3;
  if (lua_gettop(lua) != 1) raise_error(lua, "redis.set_repl() requires two arguments.");
  const auto flags = static_cast<int>(lua_tonumber(lua, 1));
  if ((flags & ~kAll) != 0) {
    raise_error(lua,
                "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  return 0;
}

int replicate_commands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

// Scripts are not stepped through: what the debugger would show goes nowhere.
int breakpoint(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}

int debug(lua_State* /*lua*/) {
  return 0;
}

// ------------------------------------------------------------------------------ loading libraries

[[noreturn]] void refuse(lua_State* lua, std::string_view why) {
  raise_error(lua, why);
}

// Sets the flags that the list on top names.
void read_flags(lua_State* lua, uint32_t& flags) {
  for (int i = 1;; i++) {
    lua_rawgeti(lua, -1, i);
    if (lua_isnil(lua, -1)) break;
    const auto flag =
        lua_type(lua, -1) == LUA_TSTRING ? script_flag(to_view(lua, -1)) : std::nullopt;
    if (!flag) refuse(lua, "unknown flag given");
    flags |= *flag;
    lua_pop(lua, 1);
  }
  lua_pop(lua, 1);
}

// One named argument: its name at -2, its value on top.
void read_argument(lua_State* lua, LibraryFunction& function, int& callback) {
  if (lua_isstring(lua, -2) == 0) {
    refuse(lua, "named argument key given to redis.register_function is not a string");
  }
  if (lua_type(lua, -2) == LUA_TNUMBER) {  // as text it is none of the names
    refuse(lua, "unknown argument given to redis.register_function");
  }
  const std::string_view name = to_view(lua, -2);
  if (name == "function_name") {
    if (lua_isstring(lua, -1) == 0) {
      refuse(lua, "function_name argument given to redis.register_function must be a string");
    }
    lua_pushvalue(lua, -1);
    function.name = to_view(lua, -1);
    lua_pop(lua, 1);
  } else if (name == "description") {
    if (lua_isstring(lua, -1) == 0) {
      refuse(lua, "description argument given to redis.register_function must be a string");
    }
    lua_pushvalue(lua, -1);
    function.description = to_view(lua, -1);
    function.described = true;
    lua_pop(lua, 1);
  } else if (name == "callback") {
    if (!lua_isfunction(lua, -1)) {
      refuse(lua, "callback argument given to redis.register_function must be a function");
    }
    callback = lua_gettop(lua);
  } else if (name == "flags") {
    if (!lua_istable(lua, -1)) {
      refuse(lua,
             "flags argument to redis.register_function must be a table representing function "
             "flags");
    }
    read_flags(lua, function.flags);
  } else {
    refuse(lua, "unknown argument given to redis.register_function");
  }
}

// From the table in argument 1; the callback is left on top.
void read_named(lua_State* lua, LibraryFunction& function) {
  lua_pushnil(lua);  // the callback's place
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    int callback = 0;
    read_argument(lua, function, callback);
    if (callback != 0) {
      lua_pushvalue(lua, callback);
      lua_replace(lua, 2);
    }
    lua_settop(lua, 3);
  }
  if (function.name.empty()) {
    refuse(lua, "redis.register_function must get a function name argument");
  }
  if (lua_isnil(lua, 2)) refuse(lua, "redis.register_function must get a callback argument");
  lua_settop(lua, 2);
}

int register_function(lua_State* lua) {
  Loading* loading = Interpreter::of(lua).loading();
  if (loading == nullptr) {
    refuse(lua, "redis.register_function can only be called on FUNCTION LOAD command");
  }
  const int count = lua_gettop(lua);
  if (count < 1 || count > 2) {
    refuse(lua, "wrong number of arguments to redis.register_function");
  }
  LibraryFunction function;
  if (count == 1) {
    if (!lua_istable(lua, 1)) {
      refuse(lua,
             "calling redis.register_function with a single argument is only applicable to Lua "
             "table (representing named arguments).");
    }
    read_named(lua, function);
  } else {
    if (lua_isstring(lua, 1) == 0) {
      refuse(lua, "first argument to redis.register_function must be a string");
    }
    if (!lua_isfunction(lua, 2)) {
      refuse(lua, "second argument to redis.register_function must be a function");
    }
    function.name = to_view(lua, 1);
  }
  if (!is_library_name(function.name)) refuse(lua, errors::kFunctionNameInvalid);
  for (const Loading::Function& known : loading->functions) {
    if (known.description.name == function.name) {
      refuse(lua, "Function already exists in the library");
    }
  }
  loading->bytes += bytes_of(function);
  if (loading->bytes > Scripts::kTextBytesMax) {
    refuse(lua, "-" + std::string(errors::kScriptsTooLarge));
  }
  const int callback = luaL_ref(lua, LUA_REGISTRYINDEX);
  loading->functions.push_back({std::move(function), callback});
  return 0;
}

// --------------------------------------------------------------------------------------- together

void set_number(lua_State* lua, const char* name, int value) {
  lua_pushinteger(lua, value);
  lua_setfield(lua, -2, name);
}

void set_log_and_version(lua_State* lua) {
  set_function<log>(lua, "log");
  set_number(lua, "LOG_DEBUG", kDebug);
  set_number(lua, "LOG_VERBOSE", kVerbose);
  set_number(lua, "LOG_NOTICE", kNotice);
  set_number(lua, "LOG_WARNING", kWarning);
  push(lua, kRedisVersion);
  lua_setfield(lua, -2, "REDIS_VERSION");
  set_number(lua, "REDIS_VERSION_NUM", kRedisVersionNumber);
}

}  // namespace

void open_api(lua_State* lua, bool evaluated) {
  lua_newtable(lua);
  set_function<call_command>(lua, "call");
  set_function<try_command>(lua, "pcall");
  set_log_and_version(lua);
  set_function<setresp>(lua, "setresp");
  set_function<error_reply>(lua, "error_reply");
  set_function<status_reply>(lua, "status_reply");
  set_function<sha1hex>(lua, "sha1hex");
  set_function<set_repl>(lua, "set_repl");
  set_number(lua, "REPL_NONE", 0);
  set_number(lua, "REPL_AOF", 1);
  set_number(lua, "REPL_SLAVE", 2);
  set_number(lua, "REPL_REPLICA", 2);
  set_number(lua, "REPL_ALL", 3);
  set_function<check_command>(lua, "acl_check_cmd");
  if (evaluated) {
    set_function<replicate_commands>(lua, "replicate_commands");
    set_function<breakpoint>(lua, "breakpoint");
    set_function<debug>(lua, "debug");
  }
  protect_table(lua);
}

void open_loading_api(lua_State* lua) {
  lua_newtable(lua);
  set_function<register_function>(lua, "register_function");
  set_log_and_version(lua);
  refuse_unknown_names(lua);
  protect_table(lua);
}

}  // namespace larder::core::script
