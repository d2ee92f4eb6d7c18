// What all workers know of scripts: their texts by SHA-1, the libraries of functions, and which
// scripts have been running for so long that nobody else is served.
//
// A text belongs to everybody; each worker compiles it for its own interpreter at its first use and
// keeps a reference. A text that is dropped (SCRIPT FLUSH, or too many of them) is marked, so that
// a worker that still knows it need not ask here: the mutex is for new texts only.
//
// Any thread, unless something else is said.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/core/script_flags.h"

namespace larder::core {

// Constant, but for the atomics.
struct ScriptText {
  std::string sha;  // 40 hexadecimal digits, lower case
  std::string text;
  ScriptHead head;

  // The text shows that it touches the keys in KEYS only; see script_keys.h.
  std::atomic<bool> keys_proven{false};
  std::atomic<bool> dropped{false};
  std::atomic<bool> loaded{false};      // by SCRIPT LOAD: never given up to make room
  std::atomic<bool> keys_wrong{false};  // touched a key that it had not declared
  std::atomic<uint64_t> last_use{0};    // counted by Scripts
};

std::shared_ptr<ScriptText> make_script_text(std::string sha, std::string_view text);

struct LibraryFunction {
  std::string name;
  std::string description;
  bool described = false;
  uint32_t flags = 0;  // ScriptFlag
};

// What it takes, with what is kept about it.
size_t bytes_of(const LibraryFunction& function);

// A library as FUNCTION LOAD got it. Constant.
struct ScriptLibrary {
  std::string name;
  std::string code;
  std::vector<LibraryFunction> functions;
};

// All libraries at one moment. Constant: a change makes another one.
struct ScriptLibraries {
  std::map<std::string, std::shared_ptr<const ScriptLibrary>, std::less<>> by_name;
  struct Found {
    std::shared_ptr<const ScriptLibrary> library;
    const LibraryFunction* function;
  };
  std::map<std::string, Found, std::less<>> by_function;
};

// A script from its begin to its end; registered here once it runs for too long.
struct RunningScript {
  bool is_function = false;
  std::string name;                  // of the function, or the SHA-1
  std::vector<std::string> command;  // as it was called
  int64_t started_ms = 0;

  // Before its first write a script may be killed, behind it no more: one step decides.
  enum State : int { kHarmless, kHasWritten, kKilled };
  std::atomic<int> state{kHarmless};
  std::atomic<bool> stopping{false};  // the server stops: it ends whatever it has done
  bool killed() const { return state.load() == kKilled || stopping.load(); }
  // False: it was killed, and must not write.
  bool may_write() {
    int expected = kHarmless;
    return state.compare_exchange_strong(expected, kHasWritten) || expected == kHasWritten;
  }
};

class Scripts {
 public:
  // Texts that EVAL brought, as of Redis 7.4; more are given up, the least recently used first.
  static constexpr size_t kEvaluatedMax = 500;
  // Texts and libraries together; more is refused.
  static constexpr size_t kTextBytesMax = size_t{256} << 20;

  // ---- texts
  std::shared_ptr<ScriptText> find(std::string_view sha);
  // The text under its SHA, which may be there already; null if there is no room. `loaded`: keep
  // it.
  std::shared_ptr<ScriptText> add(std::shared_ptr<ScriptText> text, bool loaded);
  void note_use(ScriptText& text) { text.last_use.store(use_.fetch_add(1) + 1); }
  void flush();

  // ---- libraries
  // Counts up with every change: a worker that saw this number has the libraries of then.
  uint64_t libraries_version() const { return libraries_version_.load(std::memory_order_acquire); }
  std::shared_ptr<const ScriptLibraries> libraries() const;
  // Each is empty when done, else an error.
  std::string add_library(std::shared_ptr<const ScriptLibrary> library, bool replace);
  std::string delete_library(std::string_view name);
  void flush_libraries();
  enum class Restore { kAppend, kReplace, kFlush };
  std::string restore_libraries(std::vector<std::shared_ptr<const ScriptLibrary>> added,
                                Restore policy);

  // ---- running
  // Scripts that have been running for so long that other commands are refused.
  bool busy() const { return busy_.load(std::memory_order_relaxed) > 0; }
  void begin_busy(RunningScript& script);
  void end_busy(RunningScript& script);
  // What to answer to others meanwhile.
  std::string_view busy_error() const;
  // Ends those that may be ended. Empty when done, else an error.
  std::string_view kill(bool function);
  // A copy for FUNCTION STATS; an empty name: nothing runs.
  struct Running {
    std::string name;
    std::vector<std::string> command;
    int64_t started_ms = 0;
  };
  Running running() const;
  // The server stops: all end.
  void stop_all();

  // ---- INFO
  struct Sizes {
    size_t scripts = 0;
    size_t script_bytes = 0;
    size_t libraries = 0;
    size_t functions = 0;
    size_t library_bytes = 0;
    uint64_t evicted = 0;
  };
  Sizes sizes() const;
  // Of all interpreters together, kept by them.
  std::atomic<size_t> vm_bytes{0};

 private:
  static std::string clashes(const ScriptLibraries& with, const ScriptLibrary& library);
  void make_room();
  void drop(const std::string& sha);
  void publish(std::shared_ptr<ScriptLibraries> changed);

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<std::string, std::shared_ptr<ScriptText>> texts_;
  size_t text_bytes_ = 0;
  size_t evaluated_ = 0;  // of the texts, those that nobody loaded
  uint64_t evicted_ = 0;
  std::shared_ptr<const ScriptLibraries> libraries_ = std::make_shared<ScriptLibraries>();
  std::vector<RunningScript*> running_;

  std::atomic<uint64_t> use_{0};
  std::atomic<uint64_t> libraries_version_{1};
  std::atomic<int> busy_{0};
};

}  // namespace larder::core
