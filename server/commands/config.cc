// CONFIG: reads and changes the options while the server runs.
#include <string>
#include <utility>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

void config_get(Call& call) {
  const auto found = call.config().get(call.arguments().subspan(2));
  call.reply().map(found.size());
  for (const auto& [name, value] : found) {
    call.reply().bulk(name);
    call.reply().bulk(value);
  }
}

// With all shards locked: a new eviction policy counts the keys, and a transaction that is told to
// set an option holds the shards already, so options must never be waited for in front of shards.
void config_set(Call& call) {
  if (call.argument_count() % 2 != 0) return call.fail(errors::kSyntax);
  std::vector<Config::Assignment> assignments;
  for (size_t i = 2; i < call.argument_count(); i += 2) {
    assignments.emplace_back(call.argument(i), call.argument(i + 1));
    if (equals_ignoring_case(call.argument(i), "REQUIREPASS")) call.redact(i + 1);
  }
  DatabaseLock db = call.lock_all();
  std::string failed_name;
  const std::string wrong = call.config().set_live(assignments, failed_name);
  if (wrong.empty()) return call.reply().simple("OK");
  call.fail(Config::exists(failed_name) ? errors::config_set_failed(failed_name, wrong)
                                        : errors::unknown_config(failed_name));
}

void config_resetstat(Call& call) {
  call.server().statistics.reset();
  call.server().cache_statistics.reset(call.held(), call.now_ms());
  call.reply().simple("OK");
}

void config_rewrite(Call& call) {
  if (call.config().file().empty()) return call.fail(errors::kNoConfigFile);
  const std::string wrong = call.config().rewrite_file();
  if (!wrong.empty()) return call.fail(errors::config_rewrite_failed(wrong));
  call.reply().simple("OK");
}

constexpr uint32_t kOperator = kAdmin | kNoscript | kLoading | kStale;

constexpr CommandRow kRows[] = {
    {.name = "config",
     .arity = -2,
     .group = Group::kServer,
     .since = "2.0.0",
     .complexity = "Depends on the subcommand.",
     .syntax = "",
     .summary = "Reads and changes the server's options."},
    {.name = "config|get",
     .handler = config_get,
     .arity = -3,
     .flags = kOperator,
     .group = Group::kServer,
     .since = "2.0.0",
     .complexity = "O(N) with N options in all",
     .syntax = "parameter [parameter ...]",
     .summary =
         "Answers the options whose names match one of the glob patterns, with their values."},
    {.name = "config|set",
     .handler = config_set,
     .arity = -4,
     .flags = kOperator | kWholeKeyspace,
     .group = Group::kServer,
     .since = "2.0.0",
     .complexity = "O(N) with N options given",
     .syntax = "parameter value [parameter value ...]",
     .summary = "Changes options at once: all that are given, or none if one is wrong."},
    {.name = "config|resetstat",
     .handler = config_resetstat,
     .arity = 2,
     .flags = kOperator | kWholeKeyspace,
     .group = Group::kServer,
     .since = "2.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Sets the counters that INFO shows back to zero."},
    {.name = "config|rewrite",
     .handler = config_rewrite,
     .arity = 2,
     .flags = kOperator,
     .group = Group::kServer,
     .since = "2.8.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Writes the options as they are now into the configuration file."},
    {.name = "config|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .group = Group::kServer,
     .since = "5.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the subcommands."},
};

}  // namespace

core::Family config_commands() {
  return kRows;
}

}  // namespace larder::commands
