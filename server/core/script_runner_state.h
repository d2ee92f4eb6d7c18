// What ScriptRunner keeps: for its source files alone.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/core/call.h"
#include "server/core/output.h"
#include "server/core/script_interpreter.h"
#include "server/core/script_runner.h"
#include "server/core/script_stack.h"

namespace larder::core {

// A text as this worker compiled it.
struct ScriptRunner::Compiled {
  std::shared_ptr<ScriptText> text;
  int reference;
};

// A library whose code this worker has run.
struct ScriptRunner::LoadedLibrary {
  std::shared_ptr<const ScriptLibrary> library;
  std::unordered_map<std::string, int> callbacks;
};

struct ScriptRunner::Machine {
  explicit Machine(size_t memory_bytes_max) : interpreter(memory_bytes_max) {}

  script::Interpreter interpreter;
  script::SideStack stack;
  Output replies;  // of the commands that scripts call
  KeyScratch scratch;
  std::unordered_map<std::string, Compiled> compiled;  // by SHA
  size_t sweep_at = 2 * Scripts::kEvaluatedMax;        // so many are looked over
  std::unordered_map<const ScriptLibrary*, LoadedLibrary> libraries;
  std::shared_ptr<const ScriptLibraries> known_libraries;
  uint64_t libraries_version = 0;
  uint64_t loading_since = 0;  // a tick
  size_t shown_bytes = 0;      // of the sum in Scripts
};

// From the begin of a script to its reply. The views are good until the script first leaves its
// stack: they are used for its start only.
struct ScriptRunner::Active {
  Active(Call& call, const Input& what) : client(call.client()), command(call.command()) {
    words = call.arguments();
    input = what;
    outer = call.held();
    now_ms = call.now_ms();
    database = client.database();
  }

  Client& client;
  const Command& command;
  std::span<const std::string_view> words;
  Input input;
  const storage::LockedKeys* outer;  // a transaction's lock, or null
  int64_t now_ms;
  size_t database;  // the client's, which SELECT changes for the script alone

  std::string name;  // the SHA-1, or the function
  std::shared_ptr<ScriptText> text;
  std::shared_ptr<const ScriptLibrary> library;
  int reference = 0;
  uint32_t flags = 0;
  bool read_only = false;
  bool memory_is_full = false;
  bool all_keys = true;  // else these:
  std::vector<storage::Key> keys;

  RunningScript running;
  RespVersion version = RespVersion::k2;
  const storage::LockedKeys* held = nullptr;
  uint64_t begun = 0;  // ticks
  uint64_t slice_begun = 0;
  bool busy = false;
  bool failed = false;
  bool turned_away = false;
  bool exception = false;
};

// A transaction that has scripts in it. Its replies go into an output of their own, since the
// worker's is used by others while it is left.
struct ScriptRunner::Aside {
  Aside(Call& call, void (*what)(Call&))
      : client(call.client()), command(call.command()), now_ms(call.now_ms()), work(what) {}

  Client& client;
  const Command& command;
  int64_t now_ms;
  void (*work)(Call&);
  Output out;
  bool turned_away = false;
  bool failed = false;
};

}  // namespace larder::core
