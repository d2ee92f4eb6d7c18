#include "server/core/script_call.h"

#include <cstdio>
#include <string>
#include <vector>

#include "server/core/call.h"
#include "server/core/dispatch.h"
#include "server/core/script_errors.h"
#include "server/core/script_interpreter.h"
#include "server/core/script_run.h"
#include "server/core/script_values.h"

namespace larder::core::script {
namespace {

// The arguments of one call; views of Lua's strings, which lie on the stack as long as this is
// used.
using Words = std::vector<std::string_view>;

// Empty when done, else an error.
std::string_view read_words(lua_State* lua, Words& words) {
  const int count = lua_gettop(lua);
  if (count == 0) return errors::kScriptCallEmpty;
  words.reserve(static_cast<size_t>(count));
  for (int i = 1; i <= count; i++) {
    if (lua_type(lua, i) == LUA_TNUMBER) {
      // As Redis writes them, with more digits than Lua would.
      char digits[40];
      const int size = std::snprintf(digits, sizeof(digits), "%.17g", lua_tonumber(lua, i));
      lua_pushlstring(lua, digits, static_cast<size_t>(size));
      lua_replace(lua, i);
    } else if (lua_type(lua, i) != LUA_TSTRING) {
      return errors::kScriptCallTypes;
    }
    words.push_back(to_view(lua, i));
  }
  return {};
}

const Command* find_command(const CommandTable& commands, const Words& words) {
  const Command* command = commands.find(words[0]);
  if (command == nullptr || command->subcommands.empty() || words.size() < 2) return command;
  return CommandTable::subcommand(*command, words[1]);
}

bool right_arity(const CommandRow& row, size_t words) {
  const auto count = static_cast<int>(words);
  return row.arity > 0 ? count == row.arity : count >= -row.arity;
}

// Whether the script holds the shards of all keys that the command will touch.
bool holds_keys(const Run& run, const Command& command, const Words& words) {
  if (run.held.holds_all()) return true;
  if (!names_all_keys(*command.row, words)) return false;
  std::vector<KeyPosition> positions;
  find_keys(*command.row, words, positions);
  for (const KeyPosition& position : positions) {
    if (!run.held.holds(run.call.store().key(words[position.index]).hash)) return false;
  }
  return true;
}

// Why the script may not run the command; empty if it may.
std::string_view refusal(Run& run, const Command* command, const Words& words) {
  if (command == nullptr) return errors::kScriptCallUnknown;
  const CommandRow& row = *command->row;
  if (row.handler == nullptr || !right_arity(row, words.size())) return errors::kScriptCallArity;
  if ((row.flags & kNoscript) != 0) return errors::kScriptCallRefused;
  if (run.read_only && (row.flags & (kWrite | kHeldLikeWrite)) != 0) return errors::kScriptReadOnly;
  const bool wrote = run.running.state.load() == RunningScript::kHasWritten;
  if ((row.flags & kDenyOom) != 0 && run.memory_is_full && !wrote) return errors::kOutOfMemory;
  if (!holds_keys(run, *command, words)) {
    if (run.text != nullptr) run.text->keys_wrong.store(true);
    return errors::kScriptKeyNotDeclared;
  }
  if ((row.flags & kWrite) != 0 && !run.running.may_write()) return errors::kScriptKilled;
  return {};
}

void push_replies(lua_State* lua, Output& out) {
  if (out.bytes_from(0) == out.size()) return push_reply(lua, out.text());
  push_reply(lua, out.whole());
}

// The errors that become of commands are told from the script's own, as in Redis.
void mark_counted(lua_State* lua) {
  lua_pushboolean(lua, 1);
  lua_setfield(lua, -2, "ignore_error_stats_update");
}

int run_command(lua_State* lua, bool raises) {
  Run* run = Interpreter::of(lua).current();
  if (run == nullptr) return luaL_error(lua, "%s", "redis.call() needs a running script");
  Words words;
  std::string_view error = read_words(lua, words);
  if (error.empty()) {
    const Command* command = find_command(run->call.server().commands, words);
    error = refusal(*run, command, words);
    if (error.empty()) {
      run->replies.truncate(0);
      run->call.dispatcher().run_nested(run->call,
                                        {.command = *command,
                                         .arguments = words,
                                         .held = run->held,
                                         .version = run->version,
                                         .from_script = true},
                                        run->replies);
      push_replies(lua, run->replies);
    }
  }
  if (!error.empty()) push_error(lua, "-" + std::string(error));
  if (lua_istable(lua, -1) && push_error_text(lua)) {
    lua_pop(lua, 1);
    mark_counted(lua);
    if (raises) return lua_error(lua);
  }
  return 1;
}

}  // namespace

int call_command(lua_State* lua) {
  return run_command(lua, true);
}

int try_command(lua_State* lua) {
  return run_command(lua, false);
}

int check_command(lua_State* lua) {
  Run* run = Interpreter::of(lua).current();
  Words words;
  const std::string_view error = read_words(lua, words);
  if (!error.empty()) raise_error(lua, "-" + std::string(error));
  const Command* command =
      run == nullptr ? nullptr : find_command(run->call.server().commands, words);
  if (command == nullptr) raise_error(lua, "Invalid command passed to redis.acl_check_cmd()");
  lua_pushboolean(lua, 1);
  return 1;
}

}  // namespace larder::core::script
