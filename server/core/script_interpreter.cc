#include "server/core/script_interpreter.h"

#include <algorithm>

#include "server/core/errors.h"
#include "server/core/script_api.h"
#include "server/core/script_errors.h"
#include "server/core/script_json.h"
#include "server/core/script_sandbox.h"
#include "server/core/script_values.h"

namespace larder::core::script {
namespace {

// How often Lua asks whether the time is up, in its instructions: some hundred microseconds.
constexpr int kInstructionsPerTick = 20'000;

// Garbage below this is left to Lua's own collector, and below this share of the memory.
constexpr size_t kGarbageKept = size_t{4} << 20;
constexpr size_t kGarbageShare = 8;

void hook(lua_State* lua, lua_Debug* /*event*/) {
  tick(lua);
}

// The text of a value that was thrown, as tostring() gives it.
void push_text_of(lua_State* lua, int index) {
  switch (lua_type(lua, index)) {
    case LUA_TSTRING:
    case LUA_TNUMBER:
      lua_pushvalue(lua, index);
      lua_tostring(lua, -1);
      return;
    case LUA_TBOOLEAN:
      return lua_pushstring(lua, lua_toboolean(lua, index) != 0 ? "true" : "false");
    case LUA_TNIL:
      return lua_pushliteral(lua, "nil");
    default:
      lua_pushfstring(lua, "%s: %p", luaL_typename(lua, index), lua_topointer(lua, index));
  }
}

// Handles an error where it is raised: a table {err = text, source = , line = } is handed on.
int add_place(lua_State* lua) {
  lua_settop(lua, 1);
  lua_Debug place{};
  bool known = lua_getstack(lua, 1, &place) != 0 && lua_getinfo(lua, "Sl", &place) != 0;
  if (known && std::string_view(place.what) == "C") {
    known = lua_getstack(lua, 2, &place) != 0 && lua_getinfo(lua, "Sl", &place) != 0;
  }
  if (!lua_istable(lua, 1)) {
    lua_createtable(lua, 0, 3);
    lua_pushliteral(lua, "ERR ");
    push_text_of(lua, 1);
    lua_concat(lua, 2);
    lua_setfield(lua, 2, "err");
  }
  if (known && std::string_view(place.what) != "C") {
    lua_pushstring(lua, place.source);
    lua_setfield(lua, -2, "source");
    lua_pushinteger(lua, place.currentline);
    lua_setfield(lua, -2, "line");
  }
  return 1;
}

// A field of the table on top as text, without asking metatables; empty if there is none.
std::string text_field(lua_State* lua, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  std::string text(lua_isstring(lua, -1) != 0 ? to_view(lua, -1) : std::string_view());
  lua_pop(lua, 1);
  return text;
}

int call_work(lua_State* lua) {
  (*static_cast<storage::FunctionRef<void(lua_State*)>*>(lua_touserdata(lua, 1)))(lua);
  return 0;
}

void copy_names(lua_State* lua) {
  lua_newtable(lua);
  lua_pushnil(lua);
  while (lua_next(lua, -3) != 0) {
    lua_pushvalue(lua, -2);
    lua_insert(lua, -2);
    lua_rawset(lua, -4);
  }
}

}  // namespace

Interpreter::Interpreter(size_t memory_bytes_max) : memory_(memory_bytes_max) {
  memory_.watch = this;
  lua_ = lua_newstate(Memory::allocate, &memory_);
  if (lua_ == nullptr) throw std::bad_alloc();
  if (protect([this](lua_State*) { open(); }) != Outcome::kDone) {
    lua_close(lua_);
    throw std::bad_alloc();
  }
  lua_sethook(lua_, hook, LUA_MASKCOUNT, kInstructionsPerTick);
  collect_garbage();
}

Interpreter::~Interpreter() {
  lua_close(lua_);
}

// The names that scripts and functions see are the same tables, but for `redis` and what belongs to
// one script.
void Interpreter::open() {
  lua_pushboolean(lua_, 0);
  result_ = luaL_ref(lua_, LUA_REGISTRYINDEX);
  lua_pushboolean(lua_, 0);
  // The first release makes a list of what is free; later ones need no memory.
  release(luaL_ref(lua_, LUA_REGISTRYINDEX));
  open_libraries(lua_);
  copy_names(lua_);
  lua_newtable(lua_);
  open_loading_api(lua_);
  lua_setfield(lua_, -2, "redis");
  refuse_unknown_names(lua_);
  loading_names_ = luaL_ref(lua_, LUA_REGISTRYINDEX);
  open_api(lua_, false);
  lua_setfield(lua_, -2, "redis");
  lua_pushvalue(lua_, -1);
  function_names_ = luaL_ref(lua_, LUA_REGISTRYINDEX);
  protect_globals(lua_);
  library_world_ = luaL_ref(lua_, LUA_REGISTRYINDEX);
  open_api(lua_, true);
  lua_setfield(lua_, -2, "redis");
  lua_pushvalue(lua_, -1);
  script_names_ = luaL_ref(lua_, LUA_REGISTRYINDEX);
  protect_globals(lua_);
  script_world_ = luaL_ref(lua_, LUA_REGISTRYINDEX);
}

void Interpreter::select(World world) {
  const bool script = world == World::kScript;
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, script ? script_world_ : library_world_);
  if (!script) {
    const bool loading = world == World::kLoading;
    lua_rawgeti(lua_, LUA_REGISTRYINDEX, loading ? loading_names_ : function_names_);
    show_contents(lua_);
  }
  lua_replace(lua_, LUA_GLOBALSINDEX);
}

Interpreter::Outcome Interpreter::protect(storage::FunctionRef<void(lua_State*)> work) {
  if (lua_cpcall(lua_, guarded<call_work>, &work) == 0) return Outcome::kDone;
  const bool memory = lua_type(lua_, -1) == LUA_TSTRING && to_view(lua_, -1) == kNotEnoughMemory;
  lua_pop(lua_, 1);
  return memory ? Outcome::kOutOfMemory : Outcome::kFailed;
}

// ------------------------------------------------------------------------------------- compiling

Interpreter::Compiled Interpreter::compile(World world, std::string_view text) {
  Compiled compiled;
  const Outcome outcome = protect([&](lua_State* lua) {
    select(world);
    const char* chunk = world == World::kScript ? "@user_script" : "@user_function";
    if (text.starts_with(LUA_SIGNATURE[0])) {
      compiled.error = "attempt to load bytecode";
    } else if (luaL_loadbuffer(lua, text.data(), text.size(), chunk) != 0) {
      compiled.error = to_view(lua, -1);
    } else {
      compiled.reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    }
  });
  if (outcome != Outcome::kDone) compiled.error = kNotEnoughMemory;
  return compiled;
}

void Interpreter::release(int reference) {
  luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
}

// --------------------------------------------------------------------------------------- running

bool Interpreter::run(World world, std::string_view name,
                      storage::FunctionRef<int(lua_State*)> push, Run* run) {
  run_ = run;
  end_ = nullptr;
  bool failed = true;
  const Outcome outcome = protect([&](lua_State* lua) {
    select(world);
    reset_json(lua);
    lua_pushcfunction(lua, guarded<add_place>);
    const int handler = lua_gettop(lua);
    const int arguments = push(lua);
    failed = lua_pcall(lua, arguments, 1, handler) != 0;
    run_ = nullptr;
    if (failed) return describe_error(lua, name);
    lua_rawseti(lua, LUA_REGISTRYINDEX, result_);
  });
  run_ = nullptr;
  if (outcome == Outcome::kDone) return !failed;
  error_ = errors::script_failed(name, kNotEnoughMemory);
  return false;
}

// Of what lies on top.
void Interpreter::describe_error(lua_State* lua, std::string_view name) {
  if (!lua_istable(lua, -1)) {
    const bool text = lua_type(lua, -1) == LUA_TSTRING;
    error_ = errors::script_failed(name, text ? to_view(lua, -1) : errors::kExecutionFailure);
    return;
  }
  error_ = text_field(lua, "err");
  if (error_.empty()) error_ = errors::kUnknownScriptError;
  const std::string source = text_field(lua, "source");
  const std::string line = text_field(lua, "line");
  if (!source.empty() && !line.empty() && loading_ == nullptr)
    error_ += errors::script_place(name, source, line);
}

Interpreter::Outcome Interpreter::with_result(storage::FunctionRef<void(lua_State*)> work) {
  return protect([&](lua_State* lua) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, result_);
    work(lua);
  });
}

void Interpreter::clean_up() {
  lua_pushboolean(lua_, 0);
  lua_rawseti(lua_, LUA_REGISTRYINDEX, result_);
  const size_t garbage_max =
      std::min(bytes_after_collection_ + kGarbageKept, memory_.limit_bytes() / kGarbageShare);
  if (used_bytes() >= bytes_after_collection_ + garbage_max) collect_garbage();
}

// Protected, as the collector may want memory itself, to make a table of Lua's smaller.
void Interpreter::collect_garbage() {
  protect([](lua_State* lua) { lua_gc(lua, LUA_GCCOLLECT, 0); });
  bytes_after_collection_ = used_bytes();
}

void Interpreter::add_log_line(int level, std::string text) {
  constexpr size_t kLinesMax = 100;
  if (log_.size() < kLinesMax) log_.push_back({level, std::move(text)});
}

void Interpreter::set_script_global(const char* name) {
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, script_names_);
  lua_insert(lua_, -2);
  lua_setfield(lua_, -2, name);
  lua_pop(lua_, 1);
}

// ------------------------------------------------------------------------------------------- time

void Interpreter::tick(lua_State* lua) {
  if (end_ == nullptr && clock_) end_ = clock_();
  rethrow_end(lua);
}

void Interpreter::rethrow_end(lua_State* lua) {
  if (end_ != nullptr) raise_error(lua, "-" + std::string(end_));
}

}  // namespace larder::core::script
