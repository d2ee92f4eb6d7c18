// One worker's Lua: its state with the sandbox, compiled functions by reference, protected calls,
// and how errors become texts. Knows nothing of commands; who runs scripts (ScriptRunner) is told
// of the time by tick().
//
// The worker's thread, but for used_bytes().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/script_lua.h"
#include "server/core/script_memory.h"
#include "storage/function_ref.h"

namespace larder::core::script {

struct Run;
struct Loading;

struct LogLine {
  int level;
  std::string text;
};

class Interpreter final : public Watch {
 public:
  // Who is asked, every so many instructions, whether the script may go on: a text ends it.
  using Clock = std::function<const char*()>;

  // Throws std::bad_alloc if the limit is too low for the libraries.
  explicit Interpreter(size_t memory_bytes_max);
  ~Interpreter() override;
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  lua_State* state() { return lua_; }
  static Interpreter& of(lua_State* lua) {
    return static_cast<Interpreter&>(*Memory::of(lua).watch);
  }
  size_t used_bytes() const { return memory_.used_bytes(); }
  // What is kept from script to script leaves them but half of the memory.
  bool is_crowded() const { return bytes_after_collection_ > memory_.limit_bytes() / 2; }

  // Which names a script finds.
  enum class World { kScript, kLoading, kFunction };

  // A compiled function, or an error: what is wrong with the text.
  struct Compiled {
    int reference = LUA_NOREF;
    std::string error;
    bool out_of_memory() const { return error == kNotEnoughMemory; }
  };
  // Script or library: a chunk that will see the names of that world.
  Compiled compile(World world, std::string_view text);
  void release(int reference);

  // Calls what `push` pushes, a function and its arguments, of which it answers the number. False:
  // error() says why, in a reply's words, in which the script's `name` stands.
  bool run(World world, std::string_view name, storage::FunctionRef<int(lua_State*)> push,
           Run* run);
  const std::string& error() const { return error_; }
  // How work under protection ended; kFailed: for want of Lua's stack.
  enum class Outcome { kDone, kOutOfMemory, kFailed };
  // Does `work` with the result of the last run() on top.
  Outcome with_result(storage::FunctionRef<void(lua_State*)> work);
  Outcome protect(storage::FunctionRef<void(lua_State*)> work);
  // Forgets the result, and collects garbage if there is much.
  void clean_up();
  void collect_garbage();

  // Inside run(): gives the value on top a name that scripts see.
  void set_script_global(const char* name);

  // The script that runs; null while a library is loaded.
  Run* current() { return run_; }
  // The library that is being loaded, or null.
  Loading* loading() { return loading_; }
  void set_loading(Loading* loading) { loading_ = loading; }
  // What redis.log() is given is kept until nothing is locked any more.
  void add_log_line(int level, std::string text);
  std::vector<LogLine> take_log() { return std::move(log_); }
  void set_clock(Clock clock) { clock_ = std::move(clock); }

  // Watch:
  void tick(lua_State* lua) override;
  bool ending() const override { return end_ != nullptr; }
  void rethrow_end(lua_State* lua) override;

 private:
  void open();
  void select(World world);
  void describe_error(lua_State* lua, std::string_view name);

  Memory memory_;
  lua_State* lua_ = nullptr;
  int result_ = LUA_NOREF;        // of the last run
  int script_names_ = LUA_NOREF;  // the contents of the tables that scripts see
  int loading_names_ = LUA_NOREF;
  int function_names_ = LUA_NOREF;
  int script_world_ = LUA_NOREF;  // the protected tables that show them
  int library_world_ = LUA_NOREF;
  Run* run_ = nullptr;
  Loading* loading_ = nullptr;
  std::vector<LogLine> log_;
  const char* end_ = nullptr;  // why the script must end
  Clock clock_;
  std::string error_;
  size_t bytes_after_collection_ = 0;
};

}  // namespace larder::core::script
