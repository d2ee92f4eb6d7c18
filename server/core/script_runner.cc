#include "server/core/script_runner.h"

#include <spdlog/spdlog.h>

#include "server/core/call.h"
#include "server/core/dispatch.h"
#include "server/core/script_errors.h"
#include "server/core/script_interpreter.h"
#include "server/core/script_keys.h"
#include "server/core/script_run.h"
#include "server/core/script_runner_state.h"
#include "server/core/script_values.h"
#include "server/core/sha1.h"
#include "server/core/tick_clock.h"

namespace larder::core {
namespace {

using script::Interpreter;

// How long a script that has been running for too long keeps the loop, before the others are
// served.
constexpr uint64_t kSliceNs = 2'000'000;

// As in Redis.
constexpr uint64_t kLoadLimitNs = 500'000'000;

uint64_t nanoseconds_since(uint64_t tick) {
  return TickClock::nanoseconds(TickClock::now() - tick);
}

spdlog::level::level_enum log_level(int level) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::debug,
                                                   spdlog::level::info, spdlog::level::warn};
  return kLevels[level];
}

void push_list(lua_State* lua, std::span<const std::string_view> texts) {
  lua_createtable(lua, static_cast<int>(texts.size()), 0);
  for (size_t i = 0; i < texts.size(); i++) {
    script::push(lua, texts[i]);
    lua_rawseti(lua, -2, static_cast<int>(i) + 1);
  }
}

}  // namespace

// The rest of a script's command, while it leaves its stack now and then.
class ScriptRunner::Suspended final : public Continuation {
 public:
  explicit Suspended(ScriptRunner& runner) : runner_(runner) {}
  // The connection broke all the same.
  ~Suspended() override { runner_.abandon(); }

  Progress resume(Call& call) override {
    return runner_.resume(call) ? Progress::kDone : Progress::kAgain;
  }
  // Only the end of the server, which asks with an error, ends a script.
  bool unblock(bool with_error) override {
    if (with_error) runner_.active_->running.stopping.store(true);
    return with_error;
  }
  bool must_end() const override { return true; }

 private:
  ScriptRunner& runner_;
};

ScriptRunner::ScriptRunner(Server& server, Dispatcher& dispatcher)
    : server_(server), dispatcher_(dispatcher) {}
ScriptRunner::~ScriptRunner() = default;

ScriptRunner::Machine& ScriptRunner::machine() {
  if (machine_ == nullptr) {
    const auto limit = static_cast<size_t>(server_.config.values.script_memory_bytes_max.load());
    machine_ = std::make_unique<Machine>(limit);
    machine_->interpreter.set_clock([this] { return check_time(); });
  }
  return *machine_;
}

// ---------------------------------------------------------------------- compiled texts

ScriptRunner::Compiled* ScriptRunner::find_compiled(const std::string& sha) {
  const auto found = machine().compiled.find(sha);
  if (found == machine().compiled.end()) return nullptr;
  if (!found->second.text->dropped.load(std::memory_order_relaxed)) return &found->second;
  machine().interpreter.release(found->second.reference);
  machine().compiled.erase(found);
  return nullptr;
}

// Null, and an error, if the text is wrong.
ScriptRunner::Compiled* ScriptRunner::compile(std::shared_ptr<ScriptText> text,
                                              std::string& error) {
  error = text->head.error;
  if (!error.empty()) return nullptr;
  const std::string_view body = std::string_view(text->text).substr(text->head.size);
  std::string why;
  const int reference = compile_code(body, false, why);
  if (!why.empty()) {
    error = errors::script_does_not_compile(why);
    return nullptr;
  }
  forget_dropped();
  text->keys_proven.store(touches_declared_keys_only(body, server_.commands));
  const std::string sha = text->sha;
  return &(machine().compiled[sha] = {std::move(text), reference});
}

// A reference to the code of a script or library; `why` is empty if it compiles.
int ScriptRunner::compile_code(std::string_view code, bool library, std::string& why) {
  const auto world = library ? Interpreter::World::kLoading : Interpreter::World::kScript;
  Interpreter::Compiled result = machine().interpreter.compile(world, code);
  if (result.out_of_memory()) {
    make_room();
    result = machine().interpreter.compile(world, code);
  }
  why = std::move(result.error);
  return result.reference;
}

// Leaves the next script room.
void ScriptRunner::clean_up() {
  Machine& m = *machine_;
  m.interpreter.clean_up();
  if (m.interpreter.is_crowded() && !m.compiled.empty()) make_room();
  const size_t bytes = m.interpreter.used_bytes();
  server_.scripts.vm_bytes.fetch_add(bytes - m.shown_bytes, std::memory_order_relaxed);
  m.shown_bytes = bytes;
}

// Gives up what can be made again: texts are compiled anew at their next use.
void ScriptRunner::make_room() {
  Machine& m = machine();
  for (const auto& [sha, compiled] : m.compiled) m.interpreter.release(compiled.reference);
  m.compiled.clear();
  refresh_libraries();
  m.libraries_version = 0;  // who makes room for a library looks again at whether it is known
  m.interpreter.collect_garbage();
}

void ScriptRunner::forget_dropped() {
  Machine& m = machine();
  if (m.compiled.size() < m.sweep_at) return;
  for (auto at = m.compiled.begin(); at != m.compiled.end();) {
    if (at->second.text->dropped.load()) {
      m.interpreter.release(at->second.reference);
      at = m.compiled.erase(at);
    } else {
      ++at;
    }
  }
  m.sweep_at = m.compiled.size() + 2 * Scripts::kEvaluatedMax;
}

ScriptRunner::Loaded ScriptRunner::load(std::string_view text) {
  Loaded loaded{.sha = sha1_hex(text), .error = ""};
  Compiled* compiled = find_compiled(loaded.sha);
  if (compiled == nullptr) {
    compiled = compile(make_script_text(loaded.sha, text), loaded.error);
    if (compiled == nullptr) return loaded;
  }
  auto known = server_.scripts.add(compiled->text, true);
  if (known == nullptr) {
    compiled->text->dropped.store(true);
    loaded.error = errors::kScriptsTooLarge;
  } else {
    compiled->text = std::move(known);
  }
  clean_up();
  return loaded;
}

// ---------------------------------------------------------------------- evaluating

void ScriptRunner::evaluate(Call& call, std::string_view text, const Input& input) {
  const std::string sha = sha1_hex(text);
  Compiled* compiled = find_compiled(sha);
  if (compiled == nullptr) {
    std::shared_ptr<ScriptText> known = server_.scripts.find(sha);
    const bool is_new = known == nullptr;
    if (is_new) known = make_script_text(sha, text);
    std::string error;
    compiled = compile(std::move(known), error);
    if (compiled == nullptr) return call.fail(error);
    if (is_new) {
      auto added = server_.scripts.add(compiled->text, false);
      // Without room for it, it is forgotten again at its next use.
      added == nullptr ? compiled->text->dropped.store(true) : void(compiled->text = added);
    }
  }
  evaluate(call, *compiled, input);
}

void ScriptRunner::evaluate_sha(Call& call, std::string_view given, const Input& input) {
  const std::string sha = to_lower(given);
  Compiled* compiled = find_compiled(sha);
  if (compiled == nullptr) {
    std::shared_ptr<ScriptText> known = server_.scripts.find(sha);
    if (known == nullptr) return call.fail(errors::kNoScript);
    std::string error;
    compiled = compile(std::move(known), error);
    if (compiled == nullptr) return call.fail(error);
  }
  evaluate(call, *compiled, input);
}

void ScriptRunner::evaluate(Call& call, const Compiled& compiled, const Input& input) {
  auto active = std::make_unique<Active>(call, input);
  active->name = compiled.text->sha;
  active->text = compiled.text;
  active->reference = compiled.reference;
  active->flags = compiled.text->head.flags;
  server_.scripts.note_use(*compiled.text);
  if (!admit(call, *active, input)) return;
  const ScriptText& text = *compiled.text;
  // With one thread no lock is taken, and all keys are as cheap as a few.
  active->all_keys =
      !server_.store.concurrent() || !text.keys_proven.load() || text.keys_wrong.load();
  start(call, std::move(active));
}

// Memory is above its limit, and nothing may be evicted.
bool ScriptRunner::is_full_for_good() const {
  return server_.memory_limit.excess_bytes() > 0 &&
         server_.config.values.eviction_kind() == storage::EvictionKind::kNoEviction;
}

// Whether the flags let it run now; else the reply says why.
bool ScriptRunner::admit(Call& call, Active& active, const Input& input) {
  const bool read_only = input.read_only || (active.flags & kScriptNoWrites) != 0;
  const bool plain = (active.flags & kScriptPlain) != 0;
  if (!plain && input.read_only && (active.flags & kScriptNoWrites) == 0) {
    call.fail(errors::kScriptMayWrite);
    return false;
  }
  active.read_only = read_only;
  if ((active.flags & kScriptAllowOom) != 0) return true;
  // In a transaction the keys are locked, so that none could be evicted.
  active.memory_is_full =
      active.outer == nullptr ? !dispatcher_.make_room(active.now_ms) : is_full_for_good();
  if (active.memory_is_full && !plain && !read_only) {
    call.fail(errors::kScriptOutOfMemory);
    return false;
  }
  return true;
}

// ---------------------------------------------------------------------- running

void ScriptRunner::start(Call& call, std::unique_ptr<Active> active) {
  dispatcher_.show_to_monitors(call.client(), call.shown_arguments(), false);
  active->begun = active->slice_begun = TickClock::now();
  if (!active->all_keys) {
    for (const std::string_view key : active->input.keys) {
      active->keys.push_back(server_.store.key(key));
    }
  }
  active_ = std::move(active);
  if (active_->outer != nullptr) {
    run_active();
  } else {
    machine().stack.run([](void* self) { static_cast<ScriptRunner*>(self)->run_active(); }, this);
    if (machine().stack.occupied()) return call.continue_with(std::make_unique<Suspended>(*this));
  }
  finish(call);
}

// On the script's stack, which no exception may leave; or inside a transaction.
void ScriptRunner::run_active() {
  Active& active = *active_;
  try {
    if (active.outer != nullptr) {
      run_under(*active.outer);
    } else if (active.all_keys) {
      run_under(server_.store.lock_all());
    } else {
      run_under(server_.store.lock(active.keys));
    }
  } catch (const storage::HeldForLong&) {
    active.turned_away = true;
  } catch (const std::exception&) {
    active.exception = true;
  }
  if (active.busy) server_.scripts.end_busy(active.running);
}

void ScriptRunner::run_under(const storage::LockedKeys& held) {
  Active& active = *active_;
  Machine& m = *machine_;
  active.held = &held;
  Reply reply = m.replies.reply(RespVersion::k2);
  Call call(dispatcher_, server_, active.client, active.command, {}, reply, active.now_ms,
            m.scratch, &held);
  script::Run run{.call = call,
                  .held = held,
                  .running = active.running,
                  .replies = m.replies,
                  .text = active.text.get(),
                  .read_only = active.read_only,
                  .memory_is_full = active.memory_is_full};
  const bool function = active.library != nullptr;
  const auto push = [&](lua_State* lua) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, active.reference);
    push_list(lua, active.input.keys);
    if (!function) m.interpreter.set_script_global("KEYS");
    push_list(lua, active.input.arguments);
    if (!function) m.interpreter.set_script_global("ARGV");
    return function ? 2 : 0;
  };
  using World = Interpreter::World;
  active.failed =
      !m.interpreter.run(function ? World::kFunction : World::kScript, active.name, push, &run);
  active.version = run.version;
}

// Called every so many instructions: null, or why the script must end.
const char* ScriptRunner::check_time() {
  if (active_ == nullptr) {
    const bool late = nanoseconds_since(machine_->loading_since) > kLoadLimitNs;
    return late ? errors::kLoadTimeout : nullptr;
  }
  Active& active = *active_;
  const auto killed = [&]() -> const char* {
    if (!active.running.killed()) return nullptr;
    return active.running.is_function ? errors::kFunctionKilled : errors::kScriptKilled;
  };
  if (const char* why = killed()) return why;
  if (!active.busy && !begin_busy()) return nullptr;
  if (nanoseconds_since(active.slice_begun) < kSliceNs || !machine_->stack.on_it()) return nullptr;
  machine_->stack.leave();
  active.slice_begun = TickClock::now();
  return killed();
}

// Whether the script has been running for too long by now.
bool ScriptRunner::begin_busy() {
  Active& active = *active_;
  const int64_t threshold_ms = server_.config.values.busy_reply_threshold_ms.load();
  const auto ran_ms = static_cast<int64_t>(nanoseconds_since(active.begun) / 1'000'000);
  if (threshold_ms <= 0 || ran_ms < threshold_ms) return false;
  active.running.name = active.name;
  active.running.command.assign(active.words.begin(), active.words.end());
  active.running.started_ms = active.now_ms;
  active.busy = true;
  server_.scripts.begin_busy(active.running);
  active.held->hold_long();
  return true;
}

// True: the script has ended, and the call is answered.
bool ScriptRunner::resume(Call& call) {
  machine_->stack.resume();
  if (machine_->stack.occupied()) return false;
  aside_ != nullptr ? finish_aside(call) : finish(call);
  return true;
}

// Ends what has been left; nobody wants the reply.
void ScriptRunner::abandon() {
  if (!machine_->stack.occupied()) return;
  while (machine_->stack.occupied()) {
    if (active_ != nullptr) active_->running.stopping.store(true);
    machine_->stack.resume();
  }
  if (active_ != nullptr) active_->client.set_database(active_->database);
  active_.reset();
  aside_.reset();
  clean_up();
}

void ScriptRunner::run_aside(Call& call, void (*work)(Call&)) {
  aside_ = std::make_unique<Aside>(call, work);
  machine().stack.run([](void* self) { static_cast<ScriptRunner*>(self)->do_aside(); }, this);
  if (machine().stack.occupied()) return call.continue_with(std::make_unique<Suspended>(*this));
  finish_aside(call);
}

// On the side stack, which no exception may leave.
void ScriptRunner::do_aside() {
  Aside& aside = *aside_;
  Reply reply = aside.out.reply(aside.client.resp());
  Call call(dispatcher_, server_, aside.client, aside.command, {}, reply, aside.now_ms,
            machine_->scratch);
  try {
    aside.work(call);
  } catch (const storage::HeldForLong&) {
    aside.turned_away = true;
  } catch (const std::exception&) {
    aside.failed = true;
  }
}

void ScriptRunner::finish_aside(Call& call) {
  const std::unique_ptr<Aside> done = std::move(aside_);
  if (done->turned_away) throw storage::HeldForLong();
  write_log();
  if (done->failed) {
    done->client.end_transaction();
    server_.watches.unwatch_all(done->client, done->now_ms);
    return call.fail(errors::kScriptsMemory);
  }
  call.reply().raw(done->out.whole());
}

void ScriptRunner::finish(Call& call) {
  const std::unique_ptr<Active> done = std::move(active_);
  done->client.set_database(done->database);
  if (done->turned_away) throw storage::HeldForLong();
  write_reply(call, *done);
  clean_up();
  if (done->outer == nullptr) write_log();
}

void ScriptRunner::write_reply(Call& call, const Active& done) {
  Interpreter& interpreter = machine_->interpreter;
  if (done.exception) return call.fail(errors::kScriptsMemory);
  if (done.failed) return call.fail(interpreter.error());
  Output& out = call.reply().output();
  const size_t begin = out.size();
  const Interpreter::Outcome outcome = interpreter.with_result(
      [&](lua_State* lua) { script::write_value(lua, call.reply(), done.version); });
  if (outcome == Interpreter::Outcome::kDone) return;
  out.truncate(begin);
  const bool memory = outcome == Interpreter::Outcome::kOutOfMemory;
  call.fail(memory ? errors::kScriptsMemory : errors::kScriptReplyTooDeep);
}

void ScriptRunner::write_log() {
  for (const script::LogLine& line : machine_->interpreter.take_log()) {
    spdlog::log(log_level(line.level), "script: {}", line.text);
  }
}

}  // namespace larder::core
