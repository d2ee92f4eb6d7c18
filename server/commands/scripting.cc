// EVAL and its like, and SCRIPT: server/core/script_runner.h runs them.
#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"
#include "server/core/dispatch.h"
#include "server/core/script_arguments.h"
#include "server/core/script_errors.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

constexpr size_t kShaDigits = 40;

void eval(Call& call) {
  ScriptRunner::Input input;
  if (!read_script_input(call, input)) return;
  call.dispatcher().scripts().evaluate(call, call.argument(1), input);
}

void evalsha(Call& call) {
  // What cannot be a SHA is not found, whatever else is wrong.
  if (call.argument(1).size() != kShaDigits) return call.fail(errors::kNoScript);
  ScriptRunner::Input input;
  if (!read_script_input(call, input)) return;
  call.dispatcher().scripts().evaluate_sha(call, call.argument(1), input);
}

void script_load(Call& call) {
  const ScriptRunner::Loaded loaded = call.dispatcher().scripts().load(call.argument(2));
  if (!loaded.error.empty()) return call.fail(loaded.error);
  call.reply().bulk(loaded.sha);
}

void script_exists(Call& call) {
  call.reply().array(call.argument_count() - 2);
  for (size_t i = 2; i < call.argument_count(); i++) {
    const bool known = call.server().scripts.find(to_lower(call.argument(i))) != nullptr;
    call.reply().integer(known ? 1 : 0);
  }
}

void script_flush(Call& call) {
  if (!read_flush_option(call, errors::kScriptFlushOption)) return;
  call.server().scripts.flush();
  call.reply().simple("OK");
}

void script_kill(Call& call) {
  const std::string_view error = call.server().scripts.kill(false);
  if (!error.empty()) return call.fail(error);
  call.reply().simple("OK");
}

void script_debug(Call& call) {
  if (!equals_ignoring_case(call.argument(2), "NO")) return call.fail(errors::kScriptDebug);
  call.reply().simple("OK");
}

constexpr std::string_view kComplexity = "Depends on the script that is executed.";

constexpr CommandRow kRows[] = {
    {.name = "eval",
     .handler = eval,
     .arity = -3,
     .flags = kRunsScriptOrFunction | kHeldLikeWrite,
     .categories = kAclScripting,
     .keys = script_keys(kRW | kAccess | kUpdate),
     .group = Group::kScripting,
     .since = "2.6.0",
     .complexity = kComplexity,
     .syntax = "script numkeys [key [key ...]] [arg [arg ...]]",
     .summary = "Runs a script."},
    {.name = "eval_ro",
     .handler = eval,
     .arity = -3,
     .flags = kRunsScriptOrFunction | kReadonly,
     .categories = kAclScripting,
     .keys = script_keys(kRO | kAccess),
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = kComplexity,
     .syntax = "script numkeys [key [key ...]] [arg [arg ...]]",
     .summary = "Runs a script that may not write."},
    {.name = "evalsha",
     .handler = evalsha,
     .arity = -3,
     .flags = kRunsScriptOrFunction | kHeldLikeWrite,
     .categories = kAclScripting,
     .keys = script_keys(kRW | kAccess | kUpdate),
     .group = Group::kScripting,
     .since = "2.6.0",
     .complexity = kComplexity,
     .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
     .summary = "Runs the script with that SHA-1, if it is known."},
    {.name = "evalsha_ro",
     .handler = evalsha,
     .arity = -3,
     .flags = kRunsScriptOrFunction | kReadonly,
     .categories = kAclScripting,
     .keys = script_keys(kRO | kAccess),
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = kComplexity,
     .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
     .summary = "Runs the script with that SHA-1, which may not write."},
    {.name = "script",
     .arity = -2,
     .group = Group::kScripting,
     .since = "2.6.0",
     .complexity = "Depends on the subcommand.",
     .summary = "A container for commands that manage scripts."},
    {.name = "script|debug",
     .handler = script_debug,
     .arity = 3,
     .flags = kNoscript,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "3.2.0",
     .complexity = "O(1)",
     .syntax = "NO",
     .summary = "Says that scripts are not debugged, which is all that is possible."},
    {.name = "script|exists",
     .handler = script_exists,
     .arity = -3,
     .flags = kNoscript,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "2.6.0",
     .complexity = "O(N) where N is the number of scripts asked for",
     .syntax = "sha1 [sha1 ...]",
     .summary = "Answers which of the scripts are known."},
    {.name = "script|flush",
     .handler = script_flush,
     .arity = -2,
     .flags = kNoscript,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "2.6.0",
     .complexity = "O(N) where N is the number of scripts",
     .syntax = "[<ASYNC | SYNC>]",
     .summary = "Forgets all scripts."},
    {.name = "script|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "5.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers these lines."},
    {.name = "script|kill",
     .handler = script_kill,
     .arity = 2,
     .flags = kNoscript | kAllowBusy,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Ends the scripts that have been running for too long, unless they have written."},
    {.name = "script|load",
     .handler = script_load,
     .arity = 3,
     .flags = kNoscript | kStale,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "2.6.0",
     .complexity = "O(N) where N is the length of the script",
     .syntax = "script",
     .summary = "Keeps a script under its SHA-1, for EVALSHA."},
};

}  // namespace

core::Family scripting_commands() {
  return kRows;
}

}  // namespace larder::commands
