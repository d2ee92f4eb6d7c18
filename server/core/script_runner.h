// Runs scripts and functions on one worker: EVAL, FCALL and what belongs to them.
//
// A script runs on a stack of its own. As long as it is short, that is all that is special about
// it: it locks its keys, runs, unlocks, and its reply is written. Once it has been running for
// busy-reply-threshold, it says so (Scripts::begin_busy, LockedKeys::hold_long) and leaves its
// stack every few milliseconds, with its keys locked: as a continuation of its client's command.
// The loop serves the others meanwhile, who are told BUSY, and can so be asked to kill the script.
// Other loops that wait for its keys are turned away.
//
// Inside a transaction a script runs under the transaction's lock.
//
// The worker's thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/core/scripts.h"

namespace larder::storage {
class LockedKeys;
}

namespace larder::core {

class Call;
class Dispatcher;
struct Server;

class ScriptRunner {
 public:
  ScriptRunner(Server& server, Dispatcher& dispatcher);
  ~ScriptRunner();
  ScriptRunner(const ScriptRunner&) = delete;
  ScriptRunner& operator=(const ScriptRunner&) = delete;

  // What a script gets.
  struct Input {
    std::span<const std::string_view> keys;
    std::span<const std::string_view> arguments;
    bool read_only = false;  // EVAL_RO and its like
  };
  // These answer the call, perhaps later.
  void evaluate(Call& call, std::string_view text, const Input& input);
  void evaluate_sha(Call& call, std::string_view sha, const Input& input);
  void call_function(Call& call, std::string_view name, const Input& input);

  // Does `work`, a transaction, so that the scripts in it can be left. Without memory for it the
  // transaction ends.
  void run_aside(Call& call, void (*work)(Call&));

  // SCRIPT LOAD: the SHA-1, or an error.
  struct Loaded {
    std::string sha;
    std::string error;
  };
  Loaded load(std::string_view text);

  // Runs a library's code to see which functions it registers. Null, and an error, if it is wrong.
  std::shared_ptr<const ScriptLibrary> load_library(std::string_view code, std::string& error);

 private:
  class Suspended;
  struct Compiled;
  struct LoadedLibrary;
  struct Machine;
  struct Active;
  struct Aside;

  Machine& machine();
  Compiled* find_compiled(const std::string& sha);
  Compiled* compile(std::shared_ptr<ScriptText> text, std::string& error);
  void forget_dropped();
  int compile_code(std::string_view code, bool library, std::string& why);
  void make_room();
  void clean_up();
  void refresh_libraries();
  LoadedLibrary* find_library(const std::shared_ptr<const ScriptLibrary>& library);
  bool run_library(ScriptLibrary& library, LoadedLibrary& loaded, std::string& error);

  void evaluate(Call& call, const Compiled& compiled, const Input& input);
  bool is_full_for_good() const;
  bool admit(Call& call, Active& active, const Input& input);
  void start(Call& call, std::unique_ptr<Active> active);
  void run_active();
  void run_under(const storage::LockedKeys& held);
  const char* check_time();
  bool begin_busy();
  bool resume(Call& call);
  void abandon();
  void finish(Call& call);
  void write_reply(Call& call, const Active& done);
  void write_log();
  void do_aside();
  void finish_aside(Call& call);

  Server& server_;
  Dispatcher& dispatcher_;
  std::unique_ptr<Machine> machine_;  // made for the first script
  std::unique_ptr<Active> active_;    // the script that runs
  std::unique_ptr<Aside> aside_;      // what it runs in, if that is no command of its own
};

}  // namespace larder::core
