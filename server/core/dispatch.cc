#include "server/core/dispatch.h"

#include "server/core/monitor_line.h"
#include "server/core/output.h"
#include "server/core/script_runner.h"
#include "server/core/tick_clock.h"

namespace larder::core {
namespace {

// The first words of an HTTP request: a web page that was tricked into talking to this port must
// get no further line understood, so the connection ends here, as in Redis.
bool is_http(std::string_view name) {
  return equals_ignoring_case(name, "POST") || equals_ignoring_case(name, "HOST:");
}

// The row's flags, and what the client's transaction makes of them: EXEC is what it will run, and
// queueing takes memory, whatever is queued.
uint32_t flags_for(const Client& client, const CommandRow& row) {
  uint32_t flags = row.flags;
  if (!client.has(Client::kMulti)) return flags;
  if ((flags & kRunsQueue) != 0) {
    flags |= client.transaction().flags() & (kWrite | kReadonly | kDenyOom | kHeldLikeWrite);
  }
  if ((flags & kEndsMulti) == 0) flags |= kDenyOom;
  return flags;
}

}  // namespace

Dispatcher::Dispatcher(Server& server, size_t worker)
    : server_(server),
      counters_(server.statistics.worker(worker)),
      evictor_(server.store, worker * kHandsApart % storage::Store::kShards),
      scripts_(std::make_unique<ScriptRunner>(server, *this)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::start_timing() {
  last_tick_ = TickClock::now();
}

const Command* Dispatcher::find(Client& client, std::span<const std::string_view> arguments,
                                Reply& reply) const {
  const Command* command = server_.commands.find(arguments[0]);
  if (command == nullptr && is_http(arguments[0])) {
    client.set(Client::kCloseAfterReply);
    return nullptr;
  }
  if (command == nullptr) {
    reply.error(errors::unknown_command(arguments[0], arguments.data() + 1, arguments.size() - 1));
    return nullptr;
  }
  if (command->subcommands.empty() || arguments.size() < 2) return command;
  const Command* subcommand = CommandTable::subcommand(*command, arguments[1]);
  if (subcommand == nullptr) {
    // A container with a handler of its own (COMMAND) takes any first argument it is given.
    reply.error(errors::unknown_subcommand(command->row->name, arguments[1]));
  }
  return subcommand;
}

// Whether the row, the client's rights and the memory allow the command; else the reply says why.
inline bool Dispatcher::allowed(const Client& client, const Command& command, uint32_t flags,
                                size_t arguments, Reply& reply, int64_t now_ms) {
  const CommandRow& row = *command.row;
  const auto count = static_cast<int>(arguments);
  if ((row.arity > 0 && count != row.arity) || count < -row.arity) {
    reply.error(errors::wrong_arity(row.name));
    return false;
  }
  if ((flags & kNoAuth) == 0 && !server_.lets_in(client)) {
    reply.error(errors::kNoAuth);
    return false;
  }
  if ((flags & kAllowBusy) == 0 && server_.scripts.busy()) {
    reply.error(server_.scripts.busy_error());
    return false;
  }
  if ((flags & kNoMulti) != 0 && client.has(Client::kMulti)) {
    reply.error(errors::kNotInMulti);
    return false;
  }
  if ((flags & kDenyOom) != 0 && !server_.memory_limit.make_room(evictor_, now_ms)) {
    reply.error(errors::kOutOfMemory);
    return false;
  }
  return client.ordinary() || allowed_in_mode(client, row, flags, reply);
}

// The same for what a client that subscribes or monitors may not do.
bool Dispatcher::allowed_in_mode(const Client& client, const CommandRow& row, uint32_t flags,
                                 Reply& reply) {
  if ((flags & kWhileSubscribed) == 0 && client.has(Client::kSubscribed) &&
      client.resp() == RespVersion::k2) {
    reply.error(errors::not_while_subscribed(row.name));
    return false;
  }
  if (client.has(Client::kMonitor) && (flags & (kWrite | kReadonly)) != 0) {
    reply.error(errors::kMonitorHasNoKeys);
    return false;
  }
  return true;
}

inline bool Dispatcher::held_back(uint32_t flags, int64_t now_ms) const {
  const int64_t until_ms = server_.pause.until_ms.load(std::memory_order_relaxed);
  if (now_ms >= until_ms) return false;
  return !server_.pause.writes_only.load(std::memory_order_relaxed) ||
         (flags & (kWrite | kHeldLikeWrite)) != 0;
}

// Counts what was not run. Inside MULTI it makes EXEC fail; and if it is EXEC itself that is
// refused, that is the end of the transaction, which MONITOR shows, as in Redis.
void Dispatcher::refuse(Client& client, const Command* command,
                        std::span<const std::string_view> arguments, Output& out,
                        size_t reply_start, Reply& reply) {
  if (command != nullptr) counters_.command(command->index).rejected.add();
  if (command != nullptr && (command->row->flags & kRunsQueue) != 0) {
    const std::string why(reply.last_error());
    out.truncate(reply_start);
    reply.error(errors::exec_refused(why));
    client.end_transaction();
    server_.watches.unwatch_all(client, 0);
    show_to_monitors(client, arguments, false);
  } else if (client.has(Client::kMulti)) {
    client.transaction().fail();
  }
  if (reply.errors() > 0) server_.statistics.count_error(reply.last_error());
}

void Dispatcher::queue(Client& client, const Command& command,
                       std::span<const std::string_view> arguments, Reply& reply, int64_t now_ms) {
  client.note_command(command.row, now_ms);
  Transaction& transaction = client.transaction();
  transaction.add(client, command, arguments);
  if (!names_all_keys(*command.row, arguments)) transaction.add_all_keys();
  scratch_.positions.clear();
  find_keys(*command.row, arguments, scratch_.positions);
  for (const KeyPosition& position : scratch_.positions) {
    transaction.add_key(server_.store.key(arguments[position.index]).hash);
  }
  reply.simple("QUEUED");
}

Dispatcher::Prepared Dispatcher::prepare(std::span<const std::string_view> arguments,
                                         size_t database) {
  const Command* command = server_.commands.find(arguments[0]);
  if (command == nullptr || !command->subcommands.empty()) return {};
  const size_t at = command->key_at;
  if (at == 0 || at >= arguments.size()) return {command};
  return {command, server_.store.prefetch_shard(server_.store.key(arguments[at]).hash, database)};
}

// Each step reads what an earlier one asked for, so they are some requests apart: while one request
// is run, the memory of those behind it is on its way, and never of more of them than the processor
// can have under way.
void Dispatcher::prefetch(std::span<const Prepared> batch, size_t next) {
  constexpr size_t kDirectoryAhead = 12;
  constexpr size_t kBucketAhead = 8;
  constexpr size_t kEntryAhead = 4;
  if (batch.size() == 1 || server_.scripts.busy()) return;  // nothing to overlap with
  storage::Store& store = server_.store;
  const auto ask = [&](size_t at, void (storage::Store::*step)(const storage::Store::Place&)) {
    if (at < batch.size() && batch[at].place.shard != nullptr) (store.*step)(batch[at].place);
  };
  // In front of the first request, for all that it and its followers would have asked for.
  const auto ask_up_to = [&](size_t ahead, auto step) {
    if (next == 0) {
      for (size_t at = 0; at < ahead; at++) ask(at, step);
    }
    ask(next + ahead, step);
  };
  try {
    ask_up_to(kDirectoryAhead, &storage::Store::prefetch_directory);
    ask_up_to(kBucketAhead, &storage::Store::prefetch_bucket);
    ask_up_to(kEntryAhead, &storage::Store::prefetch_entry);
  } catch (const storage::HeldForLong&) {
    return;  // the command itself will be told
  }
}

Dispatcher::Outcome Dispatcher::run(Client& client, std::span<const std::string_view> arguments,
                                    const Prepared& prepared, Output& out, int64_t now_ms) {
  const size_t reply_start = out.size();
  Reply reply = out.reply(client.resp());
  const Command* command =
      prepared.command != nullptr ? prepared.command : find(client, arguments, reply);
  const uint32_t flags = command != nullptr ? flags_for(client, *command->row) : 0;
  Outcome outcome = Outcome::kDone;
  try {
    if (command == nullptr || !allowed(client, *command, flags, arguments.size(), reply, now_ms)) {
      refuse(client, command, arguments, out, reply_start, reply);
    } else {
      outcome = run_allowed(client, {command, arguments, flags}, prepared, reply, now_ms);
    }
  } catch (const storage::HeldForLong&) {
    // A command takes its lock before it does anything, so it has done nothing.
    out.truncate(reply_start);
    reply.error(server_.scripts.busy_error());
    refuse(client, command, arguments, out, reply_start, reply);
  }
  if (server_.tracking.in_use()) Tracking::end_command();
  if (outcome == Outcome::kHeld) return outcome;
  if (outcome == Outcome::kContinues) {
    suspended_.silent = client.has(Client::kReplySkip) || client.has(Client::kReplyOff);
  }
  if (!client.ordinary()) {
    // EXEC has looked at each part of its reply by itself.
    const bool as_it_is = (flags & (kAnswersByPush | kRunsQueue)) != 0 && reply.errors() == 0;
    apply_reply_mode(client, out, reply_start, as_it_is);
    if (client.has(Client::kCaching)) end_caching(client, command);
  }
  return outcome;
}

inline Dispatcher::Outcome Dispatcher::run_allowed(Client& client, const Request& request,
                                                   const Prepared& prepared, Reply& reply,
                                                   int64_t now_ms) {
  const Command& command = *request.command;
  if (held_back(request.flags, now_ms)) {
    client.note_command(command.row, now_ms);
    return Outcome::kHeld;
  }
  if (client.has(Client::kMulti) && (request.flags & kRunsInMulti) == 0) {
    queue(client, command, request.arguments, reply, now_ms);
    return Outcome::kDone;
  }
  Call call(*this, server_, client, command, request.arguments, reply, now_ms, scratch_);
  if (prepared.place.shard != nullptr) call.set_hashed(command.key_at, prepared.place.hash);
  const Outcome outcome = execute(call);
  serve_waiting(now_ms);
  return outcome;
}

// Not while a script holds keys for long: Worker comes back to it.
void Dispatcher::serve_waiting(int64_t now_ms) {
  if (!server_.blocking.any_ready() || server_.scripts.busy()) return;
  server_.blocking.serve(now_ms);
}

inline Dispatcher::Outcome Dispatcher::execute(Call& call) {
  call.client().note_command(&call.row(), call.now_ms());
  last_nanoseconds_ = run_handler(call, false);
  if (auto continuation = call.take_continuation(); continuation != nullptr) {
    suspended_ = {.continuation = std::move(continuation),
                  .command = &call.command(),
                  .nanoseconds = last_nanoseconds_};
    return Outcome::kContinues;
  }
  finish(call.client(), call.command(), call.shown_arguments(), call.reply(), last_nanoseconds_,
         call.now_ms());
  return Outcome::kDone;
}

void Dispatcher::feed_monitors(const Client& client, std::span<const std::string_view> arguments,
                               bool from_script) {
  server_.host->feed_monitors(monitor_line(client, arguments, server_.clock.now_us(), from_script));
}

// Answers how many nanoseconds it took, with all the commands that it ran in turn.
inline uint64_t Dispatcher::run_handler(Call& call, bool from_script) {
  const uint64_t begun = last_tick_;
  if (server_.tracking.in_use()) Tracking::begin_command(call.client().id());
  call.row().handler(call);
  // It may have failed before it locked anything: then, too, it counts as having read.
  if (call.client().has(Client::kTracksReads) && !call.reads_noted()) call.note_reads();
  counters_.commands.add();
  last_tick_ = TickClock::now();
  // Behind the handler, which knows by then what of its arguments is secret.
  if ((call.row().flags & (kSkipMonitor | kAdmin)) == 0) {
    show_to_monitors(call.client(), call.shown_arguments(), from_script);
  }
  return TickClock::nanoseconds(last_tick_ - begun);
}

void Dispatcher::run_nested(Call& outer, const Nested& nested, Output& out) {
  start_timing();
  Reply reply = out.reply(nested.version);
  Call call(*this, server_, outer.client(), nested.command, nested.arguments, reply, outer.now_ms(),
            scratch_, &nested.held);
  const uint64_t nanoseconds = run_handler(call, nested.from_script);
  if (const auto rest = call.take_continuation(); rest != nullptr) {
    while (rest->resume(call) != Continuation::Progress::kDone) rest->unblock(false);
  }
  Client& client = call.client();
  finish(client, nested.command, call.shown_arguments(), reply, nanoseconds, call.now_ms());
  // What a script or transaction publishes must not pile up until its end. A client that may get it
  // itself is left alone: one message too many would close it in the middle of its command.
  if (client.has(Client::kPublished) && !client.has(Client::kSubscribed)) server_.pushes.relieve();
}

// CLIENT CACHING is about the next command, or all of the next transaction.
void Dispatcher::end_caching(Client& client, const Command* command) {
  const bool keeps = command != nullptr && (command->row->flags & kKeepsCaching) != 0;
  if (!keeps && !client.has(Client::kMulti)) client.set(Client::kCaching, false);
}

// CLIENT REPLY: takes a reply back that the client does not want; pushes are no replies.
void Dispatcher::apply_reply_mode(Client& client, Output& out, size_t reply_start, bool as_it_is) {
  if (!client.has(static_cast<Client::Flag>(Client::kReplySkip | Client::kReplyOff |
                                            Client::kReplySkipNext))) {
    return;
  }
  const bool silent = client.has(Client::kReplySkip) || client.has(Client::kReplyOff);
  if (silent && !as_it_is) out.truncate(reply_start);
  client.set(Client::kReplySkip, client.has(Client::kReplySkipNext));
  client.set(Client::kReplySkipNext, false);
}

Continuation::Progress Dispatcher::resume(Client& client, Suspended& suspended, Output& out,
                                          int64_t now_ms) {
  const size_t reply_start = out.size();
  const uint64_t start = TickClock::now();
  Reply reply = out.reply(client.resp());
  Call call(*this, server_, client, *suspended.command, {}, reply, now_ms, scratch_);
  Continuation::Progress progress = Continuation::Progress::kAgain;
  // Beside a script that was left nobody may look at keys, with one thread no lock would say so.
  if (server_.scripts.busy() && !suspended.continuation->must_end()) return progress;
  if (server_.tracking.in_use()) Tracking::begin_command(client.id());
  try {
    progress = suspended.continuation->resume(call);
  } catch (const storage::HeldForLong&) {
    // A later slice goes on where this one stopped.
  }
  suspended.nanoseconds += TickClock::nanoseconds(TickClock::now() - start);
  if (progress == Continuation::Progress::kDone) {
    finish(client, *suspended.command, {}, reply, suspended.nanoseconds, now_ms);
  }
  serve_waiting(now_ms);
  if (server_.tracking.in_use()) Tracking::end_command();
  if (suspended.silent) out.truncate(reply_start);
  return progress;
}

inline void Dispatcher::finish(Client& client, const Command& command,
                               std::span<const std::string_view> arguments, const Reply& reply,
                               uint64_t nanoseconds, int64_t now_ms) {
  CommandCounters& counters = counters_.command(command.index);
  counters.calls.add();
  counters.nanoseconds.add(nanoseconds);
  const ConfigValues& values = server_.config.values;
  if (values.latency_tracking.load(std::memory_order_relaxed) != 0) {
    counters.durations.add(nanoseconds);
  }
  if (reply.errors() > 0) {
    counters.failed.add();
    server_.statistics.count_error(reply.last_error());
  }
  const auto duration_us = static_cast<int64_t>(nanoseconds / 1000);
  const int64_t slow_us = values.slowlog_slower_than_us.load(std::memory_order_relaxed);
  const int64_t spike_ms = values.latency_threshold_ms.load(std::memory_order_relaxed);
  const bool slow =
      slow_us >= 0 && duration_us >= slow_us && (command.row->flags & kSkipSlowlog) == 0;
  const bool spike = spike_ms > 0 && duration_us / 1000 >= spike_ms;
  if (slow) log_slow(client, command, arguments, duration_us, now_ms);
  if (spike) {
    server_.latency.add((command.row->flags & kFast) != 0 ? "fast-command" : "command",
                        now_ms / 1000, duration_us / 1000);
  }
}

void Dispatcher::log_slow(const Client& client, const Command& command,
                          std::span<const std::string_view> arguments, int64_t duration_us,
                          int64_t now_ms) {
  const std::string_view name = command.row->name;
  const auto logged = arguments.empty() ? std::span(&name, 1) : arguments;
  server_.slowlog.add(logged, now_ms / 1000, duration_us, client.address().peer,
                      server_.clients.name_of(client),
                      static_cast<size_t>(server_.config.values.slowlog_max_len.load()));
}

}  // namespace larder::core
