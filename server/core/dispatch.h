// From a request to its reply: finds the command, checks what its row says, runs its handler,
// counts.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "server/core/call.h"

namespace larder::core {

class ScriptRunner;

class Dispatcher {
 public:
  enum class Outcome {
    kDone,       // the reply is in the buffer
    kContinues,  // take_continuation() has the rest of the command
    kHeld,       // CLIENT PAUSE: nothing was done, offer the request again later
  };

  // `worker`: which of the server's WorkerCounters this thread owns.
  Dispatcher(Server& server, size_t worker);
  ~Dispatcher();

  // What is known of a request before it is run.
  struct Prepared {
    const Command* command = nullptr;  // null: unknown, or a container
    storage::Store::Place place{};     // of its key, if it has just one: else without a shard
  };

  // Looks requests over before they are run, so that the cache misses of their keys overlap: each
  // when it is parsed, then a batch of them, before each is run that comes `next`.
  Prepared prepare(std::span<const std::string_view> arguments, size_t database);
  void prefetch(std::span<const Prepared> batch, size_t next);

  // Runs one request of the client, appending its reply to `out`.
  Outcome run(Client& client, std::span<const std::string_view> arguments, Output& out,
              int64_t now_ms) {
    return run(client, arguments, Prepared{}, out, now_ms);
  }
  Outcome run(Client& client, std::span<const std::string_view> arguments, const Prepared& prepared,
              Output& out, int64_t now_ms);
  // What run() left over; the caller resumes it through resume().
  struct Suspended {
    std::unique_ptr<Continuation> continuation;
    const Command* command = nullptr;
    uint64_t nanoseconds = 0;  // spent in slices so far
    bool silent = false;       // CLIENT REPLY says that nobody wants the reply
  };
  Suspended take_suspended() { return std::move(suspended_); }
  Continuation::Progress resume(Client& client, Suspended& suspended, Output& out, int64_t now_ms);

  // Runs one command inside another one, `outer`: in a transaction, or called by a script. Appends
  // its reply to `out` and counts and shows it as any other, but checks nothing beforehand. A
  // command that would wait is told that its time is up. The client's last command stays `outer`.
  struct Nested {
    const Command& command;  // one with a handler, for which the number of arguments is right
    std::span<const std::string_view> arguments;
    const storage::LockedKeys& held;  // the shards of its keys; all, unless names_all_keys()
    RespVersion version;              // of the reply
    bool from_script = false;
  };
  void run_nested(Call& outer, const Nested& nested, Output& out);

  // Shows a command to those in MONITOR mode, if there are any.
  void show_to_monitors(const Client& client, std::span<const std::string_view> arguments,
                        bool from_script) {
    if (server_.monitors.load(std::memory_order_relaxed) == 0) return;
    feed_monitors(client, arguments, from_script);
  }
  // Makes room for commands that may need memory; false: there is none to be had.
  bool make_room(int64_t now_ms) { return server_.memory_limit.make_room(evictor_, now_ms); }
  ScriptRunner& scripts() { return *scripts_; }
  // Serves clients that wait for keys that this thread has changed.
  void serve_waiting(int64_t now_ms);

  // What the last command took.
  uint64_t last_nanoseconds() const { return last_nanoseconds_; }

  // Between commands: makes some room if memory is above its limit. True: there is more to do.
  bool relieve_memory(int64_t now_ms) { return server_.memory_limit.relieve(evictor_, now_ms); }

  // Called when a batch begins: the time up to now was not spent in commands.
  void start_timing();

 private:
  const Command* find(Client& client, std::span<const std::string_view> arguments,
                      Reply& reply) const;
  bool allowed(const Client& client, const Command& command, uint32_t flags, size_t arguments,
               Reply& reply, int64_t now_ms);
  static bool allowed_in_mode(const Client& client, const CommandRow& row, uint32_t flags,
                              Reply& reply);
  bool held_back(uint32_t flags, int64_t now_ms) const;
  void refuse(Client& client, const Command* command, std::span<const std::string_view> arguments,
              Output& out, size_t reply_start, Reply& reply);
  void queue(Client& client, const Command& command, std::span<const std::string_view> arguments,
             Reply& reply, int64_t now_ms);
  struct Request {
    const Command* command;
    std::span<const std::string_view> arguments;
    uint32_t flags;
  };
  Outcome run_allowed(Client& client, const Request& request, const Prepared& prepared,
                      Reply& reply, int64_t now_ms);
  Outcome execute(Call& call);
  uint64_t run_handler(Call& call, bool from_script);
  static void apply_reply_mode(Client& client, Output& out, size_t reply_start, bool as_it_is);
  static void end_caching(Client& client, const Command* command);
  void finish(Client& client, const Command& command, std::span<const std::string_view> arguments,
              const Reply& reply, uint64_t nanoseconds, int64_t now_ms);
  void log_slow(const Client& client, const Command& command,
                std::span<const std::string_view> arguments, int64_t duration_us, int64_t now_ms);
  void feed_monitors(const Client& client, std::span<const std::string_view> arguments,
                     bool from_script);

  Server& server_;
  WorkerCounters& counters_;
  // Where each worker's hand begins: no multiple of the number of shards.
  static constexpr size_t kHandsApart = 389;

  storage::Evictor evictor_;
  uint64_t last_tick_ = 0;
  uint64_t last_nanoseconds_ = 0;
  Suspended suspended_;
  KeyScratch scratch_;
  std::unique_ptr<ScriptRunner> scripts_;
};

}  // namespace larder::core
