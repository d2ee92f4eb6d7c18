// FCALL and FUNCTION: libraries of functions. server/core/script_runner.h runs them,
// server/core/scripts.h keeps them.
#include <limits>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"
#include "server/core/dispatch.h"
#include "server/core/function_dump.h"
#include "server/core/script_arguments.h"
#include "server/core/script_errors.h"
#include "storage/glob.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

void fcall(Call& call) {
  const auto libraries = call.server().scripts.libraries();
  if (!libraries->by_function.contains(call.argument(1))) {
    return call.fail(errors::kFunctionNotFound);
  }
  ScriptRunner::Input input;
  if (!read_script_input(call, input, errors::kBadKeyCount)) return;
  call.dispatcher().scripts().call_function(call, call.argument(1), input);
}

void function_load(Call& call) {
  Args args = call.args(2);
  bool replace = false;
  while (args.left() > 1) {
    if (args.option("REPLACE")) {
      replace = true;
    } else {
      args.fail(errors::unknown_option_given(args.peek()));
    }
  }
  if (args.failed()) return call.fail(args.error());
  const std::string_view code = args.next();
  const LibraryHead head = read_library_head(code);
  if (!head.error.empty()) return call.fail(head.error);
  Scripts& scripts = call.server().scripts;
  if (!replace && scripts.libraries()->by_name.contains(head.name)) {
    return call.fail(errors::library_exists(head.name));
  }
  std::string error;
  const auto library = call.dispatcher().scripts().load_library(code, error);
  if (library != nullptr) error = scripts.add_library(library, replace);
  if (!error.empty()) return call.fail(error);
  call.reply().bulk(library->name);
}

void function_delete(Call& call) {
  const std::string error = call.server().scripts.delete_library(call.argument(2));
  if (!error.empty()) return call.fail(error);
  call.reply().simple("OK");
}

void function_flush(Call& call) {
  if (!read_flush_option(call, errors::kFunctionFlushOption)) return;
  call.server().scripts.flush_libraries();
  call.reply().simple("OK");
}

void function_kill(Call& call) {
  const std::string_view error = call.server().scripts.kill(true);
  if (!error.empty()) return call.fail(error);
  call.reply().simple("OK");
}

// ------------------------------------------------------------------------------------------ LIST

void write_flags(Reply& reply, uint32_t flags) {
  size_t count = 0;
  for (const ScriptFlagName& known : kScriptFlagNames) count += (flags & known.flag) != 0 ? 1 : 0;
  reply.set(count);
  for (const ScriptFlagName& known : kScriptFlagNames) {
    if ((flags & known.flag) != 0) reply.simple(known.name);
  }
}

void write_library(Reply& reply, const ScriptLibrary& library, bool with_code) {
  reply.map(with_code ? 4 : 3);
  reply.bulk("library_name");
  reply.bulk(library.name);
  reply.bulk("engine");
  reply.bulk("LUA");
  reply.bulk("functions");
  reply.array(library.functions.size());
  for (const LibraryFunction& function : library.functions) {
    reply.map(3);
    reply.bulk("name");
    reply.bulk(function.name);
    reply.bulk("description");
    function.described ? reply.bulk(function.description) : reply.null();
    reply.bulk("flags");
    write_flags(reply, function.flags);
  }
  if (!with_code) return;
  reply.bulk("library_code");
  reply.bulk(library.code);
}

void function_list(Call& call) {
  Args args = call.args(2);
  bool with_code = false;
  bool by_name = false;
  std::string_view pattern;
  while (!args.done()) {
    if (!with_code && args.option("WITHCODE")) {
      with_code = true;
    } else if (!by_name && args.option("LIBRARYNAME")) {
      by_name = true;
      if (args.done()) args.fail(errors::kLibraryNameNotGiven);
      pattern = args.next();
    } else {
      args.fail(errors::list_argument_unknown(args.peek()));
    }
  }
  if (args.failed()) return call.fail(args.error());
  const auto libraries = call.server().scripts.libraries();
  std::vector<const ScriptLibrary*> listed;
  for (const auto& [name, library] : libraries->by_name) {
    const bool wanted =
        !by_name || storage::glob_match(pattern, name, storage::LetterCase::kIgnore);
    if (wanted) listed.push_back(library.get());
  }
  call.reply().array(listed.size());
  for (const ScriptLibrary* library : listed) write_library(call.reply(), *library, with_code);
}

void function_stats(Call& call) {
  Reply& reply = call.reply();
  const Scripts::Running running = call.server().scripts.running();
  const Scripts::Sizes sizes = call.server().scripts.sizes();
  reply.map(2);
  reply.bulk("running_script");
  if (running.name.empty()) {
    reply.null();
  } else {
    reply.map(3);
    reply.bulk("name");
    reply.bulk(running.name);
    reply.bulk("command");
    reply.array(running.command.size());
    for (const std::string& word : running.command) reply.bulk(word);
    reply.bulk("duration_ms");
    reply.integer(call.server().clock.now_ms() - running.started_ms);
  }
  reply.bulk("engines");
  reply.map(1);
  reply.bulk("LUA");
  reply.map(2);
  reply.bulk("libraries_count");
  reply.integer(static_cast<int64_t>(sizes.libraries));
  reply.bulk("functions_count");
  reply.integer(static_cast<int64_t>(sizes.functions));
}

// ------------------------------------------------------------------------------ DUMP and RESTORE

void function_dump(Call& call) {
  const auto libraries = call.server().scripts.libraries();
  std::vector<std::string_view> codes;
  for (const auto& [name, library] : libraries->by_name) codes.push_back(library->code);
  call.reply().bulk(dump_libraries(codes));
}

// All or none: each library is run before any becomes known.
void function_restore(Call& call) {
  Args args = call.args(3);
  Scripts::Restore policy = Scripts::Restore::kAppend;
  if (args.left() > 1) return call.fail(errors::unknown_subcommand_or_arity("function", "restore"));
  if (args.option("FLUSH")) {
    policy = Scripts::Restore::kFlush;
  } else if (args.option("REPLACE")) {
    policy = Scripts::Restore::kReplace;
  } else if (!args.done() && !args.option("APPEND")) {
    return call.fail(errors::kRestorePolicy);
  }
  const ReadDump dump = read_dump(call.argument(2), Scripts::kTextBytesMax);
  if (!dump.error.empty()) return call.fail(dump.error);
  std::vector<std::shared_ptr<const ScriptLibrary>> libraries;
  for (const std::string& code : dump.codes) {
    const LibraryHead head = read_library_head(code);
    std::string error = head.error;
    if (error.empty()) {
      auto library = call.dispatcher().scripts().load_library(code, error);
      if (library != nullptr) libraries.push_back(std::move(library));
    }
    if (!error.empty()) return call.fail(error);
  }
  const std::string error = call.server().scripts.restore_libraries(std::move(libraries), policy);
  if (!error.empty()) return call.fail(error);
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "fcall",
     .handler = fcall,
     .arity = -3,
     .flags = kRunsScriptOrFunction | kHeldLikeWrite,
     .categories = kAclScripting,
     .keys = script_keys(kRW | kAccess | kUpdate),
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "Depends on the function that is executed.",
     .syntax = "function numkeys [key [key ...]] [arg [arg ...]]",
     .summary = "Calls a function of a library."},
    {.name = "fcall_ro",
     .handler = fcall,
     .arity = -3,
     .flags = kRunsScriptOrFunction | kReadonly,
     .categories = kAclScripting,
     .keys = script_keys(kRO | kAccess),
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "Depends on the function that is executed.",
     .syntax = "function numkeys [key [key ...]] [arg [arg ...]]",
     .summary = "Calls a function that may not write."},
    {.name = "function",
     .arity = -2,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "Depends on the subcommand.",
     .summary = "A container for commands that manage libraries of functions."},
    {.name = "function|delete",
     .handler = function_delete,
     .arity = 3,
     .flags = kNoscript | kWrite,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of libraries",
     .syntax = "library-name",
     .summary = "Deletes a library with its functions."},
    {.name = "function|dump",
     .handler = function_dump,
     .arity = 2,
     .flags = kNoscript,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(N) where N is the length of all libraries",
     .syntax = "",
     .summary = "Answers all libraries in one text, for FUNCTION RESTORE."},
    {.name = "function|flush",
     .handler = function_flush,
     .arity = -2,
     .flags = kNoscript | kWrite,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of libraries",
     .syntax = "[<ASYNC | SYNC>]",
     .summary = "Deletes all libraries."},
    {.name = "function|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers these lines."},
    {.name = "function|kill",
     .handler = function_kill,
     .arity = 2,
     .flags = kNoscript | kAllowBusy,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Ends functions that have been running for too long, unless they have written."},
    {.name = "function|list",
     .handler = function_list,
     .arity = -2,
     .flags = kNoscript,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of functions",
     .syntax = "[LIBRARYNAME library-name-pattern] [WITHCODE]",
     .summary = "Answers the libraries with their functions."},
    {.name = "function|load",
     .handler = function_load,
     .arity = -3,
     .flags = kNoscript | kWrite | kDenyOom,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(N) where N is the length of the code, and what the code does",
     .syntax = "[REPLACE] function-code",
     .summary = "Makes the functions that a library's code registers known."},
    {.name = "function|restore",
     .handler = function_restore,
     .arity = -3,
     .flags = kNoscript | kWrite | kDenyOom,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(N) where N is the length of all libraries",
     .syntax = "serialized-value [<FLUSH | APPEND | REPLACE>]",
     .summary = "Makes the libraries of a FUNCTION DUMP known."},
    {.name = "function|stats",
     .handler = function_stats,
     .arity = 2,
     .flags = kNoscript | kAllowBusy,
     .categories = kAclScripting,
     .group = Group::kScripting,
     .since = "7.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers which script has been running for too long, and how many functions there "
                "are."},
};

}  // namespace

core::Family function_commands() {
  return kRows;
}

}  // namespace larder::commands
