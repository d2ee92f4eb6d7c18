// COMMAND: what the command table says, in the shapes that client libraries read at their start.
// Everything here is derived from the rows.
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"
#include "server/core/key_positions.h"
#include "server/core/syntax.h"
#include "storage/glob.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

// ------------------------------------------------------------------------------------------- INFO

// A set of status replies: the names of the bits, each behind `prefix`.
void write_bits(Reply& reply, uint32_t bits, std::span<const NamedBit> names,
                std::string_view prefix = "") {
  size_t count = 0;
  for (const NamedBit& named : names) count += (bits & named.bit) != 0 ? 1 : 0;
  reply.set(count);
  for (const NamedBit& named : names) {
    if ((bits & named.bit) == 0) continue;
    reply.simple(std::string(prefix).append(named.name));
  }
}

bool exists(const KeySpec& spec) {
  return spec.begin != 0;
}

size_t key_spec_count(const CommandRow& row) {
  size_t count = 0;
  while (count < row.keys.size() && exists(row.keys[count])) count++;
  return count;
}

// The row's flags, and "movablekeys" where first, last and step cannot say where the keys are.
uint32_t shown_flags(const CommandRow& row) {
  uint32_t flags = row.flags;
  for (size_t i = 0; i < key_spec_count(row); i++) {
    const KeySpec& spec = row.keys[i];
    const bool hidden = (spec.flags & (kIncomplete | kFromPatterns | kBehindStore)) != 0;
    if (spec.key_count_at >= 0 || hidden) flags |= kMovableKeys;
  }
  return flags;
}

void write_number(Reply& reply, std::string_view name, int64_t value) {
  reply.bulk(name);
  reply.integer(value);
}

void write_search(Reply& reply, std::string_view name, std::string_view type, size_t fields) {
  reply.bulk(name);
  reply.map(2);
  reply.bulk("type");
  reply.bulk(type);
  reply.bulk("spec");
  reply.map(fields);
}

void write_key_spec(Reply& reply, const KeySpec& spec) {
  reply.map(3);
  reply.bulk("flags");
  write_bits(reply, spec.flags, key_flag_names());
  if ((spec.flags & (kFromPatterns | kBehindStore)) != 0) {
    write_search(reply, "begin_search", "unknown", 0);
    write_search(reply, "find_keys", "unknown", 0);
    return;
  }
  write_search(reply, "begin_search", "index", 1);
  write_number(reply, "index", spec.begin);
  if (spec.key_count_at >= 0) {
    write_search(reply, "find_keys", "keynum", 3);
    write_number(reply, "keynumidx", spec.key_count_at);
    write_number(reply, "firstkey", spec.first_key);
    write_number(reply, "keystep", spec.step);
  } else {
    write_search(reply, "find_keys", "range", 3);
    write_number(reply, "lastkey", spec.last);
    write_number(reply, "keystep", spec.step);
    write_number(reply, "limit", spec.limit);
  }
}

void write_info(Reply& reply, const Command& command) {
  const CommandRow& row = *command.row;
  reply.array(10);
  reply.bulk(row.name);
  reply.integer(row.arity);
  write_bits(reply, shown_flags(row), command_flag_names());
  const LegacyKeyRange range = legacy_key_range(row);
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  write_bits(reply, command.categories, acl_category_names(), "@");
  reply.set(0);  // tips: hints for proxies of a cluster
  reply.set(key_spec_count(row));
  for (size_t i = 0; i < key_spec_count(row); i++) write_key_spec(reply, row.keys[i]);
  reply.set(command.subcommands.size());
  for (const Command* subcommand : command.subcommands) write_info(reply, *subcommand);
}

void write_all(Call& call) {
  const std::vector<const Command*>& commands = call.server().commands.commands();
  call.reply().array(commands.size());
  for (const Command* command : commands) write_info(call.reply(), *command);
}

void command(Call& call) {
  write_all(call);
}

void command_count(Call& call) {
  call.reply().integer(static_cast<int64_t>(call.server().commands.commands().size()));
}

void command_info(Call& call) {
  if (call.argument_count() == 2) return write_all(call);
  Reply& reply = call.reply();
  reply.array(call.argument_count() - 2);
  for (size_t i = 2; i < call.argument_count(); i++) {
    const Command* found = call.server().commands.find_full(call.argument(i));
    found != nullptr ? write_info(reply, *found) : reply.null();
  }
}

// ------------------------------------------------------------------------------------------- DOCS

void write_text(Reply& reply, std::string_view name, std::string_view value) {
  reply.bulk(name);
  reply.bulk(value);
}

void write_argument_flags(Reply& reply, const Argument& argument) {
  reply.bulk("flags");
  reply.set((argument.optional ? 1 : 0) + (argument.multiple ? 1 : 0) +
            (argument.multiple_token ? 1 : 0));
  if (argument.optional) reply.simple("optional");
  if (argument.multiple) reply.simple("multiple");
  if (argument.multiple_token) reply.simple("multiple_token");
}

void write_arguments(Reply& reply, const std::vector<Argument>& arguments) {
  reply.bulk("arguments");
  reply.array(arguments.size());
  for (const Argument& argument : arguments) {
    const bool has_flags = argument.optional || argument.multiple || argument.multiple_token;
    reply.map(2 + (argument.key_spec >= 0 ? 1 : 0) + (argument.token.empty() ? 0 : 1) +
              (has_flags ? 1 : 0) + (argument.arguments.empty() ? 0 : 1));
    write_text(reply, "name", argument.name);
    write_text(reply, "type", type_name(argument.type));
    if (argument.key_spec >= 0) write_number(reply, "key_spec_index", argument.key_spec);
    if (!argument.token.empty()) write_text(reply, "token", argument.token);
    if (has_flags) write_argument_flags(reply, argument);
    if (!argument.arguments.empty()) write_arguments(reply, argument.arguments);
  }
}

void write_docs(Reply& reply, const Command& command) {
  const CommandRow& row = *command.row;
  const std::vector<Argument> arguments = arguments_of(row);
  reply.bulk(row.name);
  reply.map(3 + (row.complexity.empty() ? 0 : 1) + (arguments.empty() ? 0 : 1) +
            (command.subcommands.empty() ? 0 : 1));
  write_text(reply, "summary", row.summary);
  write_text(reply, "since", row.since);
  write_text(reply, "group", group_name(row.group));
  if (!row.complexity.empty()) write_text(reply, "complexity", row.complexity);
  if (!arguments.empty()) write_arguments(reply, arguments);
  if (command.subcommands.empty()) return;
  reply.bulk("subcommands");
  reply.map(command.subcommands.size());
  for (const Command* subcommand : command.subcommands) write_docs(reply, *subcommand);
}

void command_docs(Call& call) {
  const CommandTable& table = call.server().commands;
  std::vector<const Command*> commands;
  if (call.argument_count() == 2) commands = table.commands();
  for (size_t i = 2; i < call.argument_count(); i++) {
    const Command* found = table.find_full(call.argument(i));
    if (found != nullptr) commands.push_back(found);
  }
  call.reply().map(commands.size());
  for (const Command* found : commands) write_docs(call.reply(), *found);
}

// ------------------------------------------------------------------------------------------- LIST

// FILTERBY: which commands LIST names.
struct Filter {
  enum class By { kNothing, kModule, kCategory, kPattern } by = By::kNothing;
  uint32_t category = 0;
  std::string_view pattern{};

  bool takes(const Command& command) const {
    switch (by) {
      case By::kNothing:
        return true;
      case By::kModule:
        return false;  // there are no modules
      case By::kCategory:
        return (command.categories & category) != 0;
      case By::kPattern:
        return storage::glob_match(pattern, command.row->name, storage::LetterCase::kIgnore);
    }
    return false;
  }
};

// The category's bit, 0 if there is none of that name.
uint32_t category_named(std::string_view name) {
  for (const NamedBit& named : acl_category_names()) {
    if (name.size() == named.name.size() && to_lower(name) == named.name) return named.bit;
  }
  return 0;
}

Filter read_filter(Args& args) {
  Filter filter;
  if (args.done()) return filter;
  if (!args.option("FILTERBY", 2)) return args.fail(errors::kSyntax), filter;
  if (args.option("MODULE")) {
    filter.by = Filter::By::kModule;
    args.next();
  } else if (args.option("ACLCAT")) {
    filter.by = Filter::By::kCategory;
    filter.category = category_named(args.next());
  } else if (args.option("PATTERN")) {
    filter.by = Filter::By::kPattern;
    filter.pattern = args.next();
  } else {
    args.fail(errors::kSyntax);
  }
  if (!args.done()) args.fail(errors::kSyntax);
  return filter;
}

void command_list(Call& call) {
  Args args = call.args(2);
  const Filter filter = read_filter(args);
  if (args.failed()) return call.fail(args.error());
  std::vector<std::string_view> names;
  const auto add = [&](const Command& command) {
    if (filter.takes(command)) names.push_back(command.row->name);
  };
  for (const Command* command : call.server().commands.commands()) {
    add(*command);
    for (const Command* subcommand : command->subcommands) add(*subcommand);
  }
  call.reply().array(names.size());
  for (const std::string_view name : names) call.reply().bulk(name);
}

// ---------------------------------------------------------------------------------------- GETKEYS

// The command that `request` would run, null if there is none.
const Command* command_of(const CommandTable& table, std::span<const std::string_view> request) {
  const Command* command = table.find(request[0]);
  if (command == nullptr || command->subcommands.empty() || request.size() < 2) return command;
  return CommandTable::subcommand(*command, request[1]);
}

bool has_keys(const CommandRow& row) {
  for (const KeySpec& spec : row.keys) {
    if (exists(spec) && (spec.flags & kNotKey) == 0) return true;
  }
  return false;
}

// The keys of the request behind COMMAND GETKEYS; an error was answered if false.
bool find_request_keys(Call& call, std::span<const std::string_view> request,
                       std::vector<KeyPosition>& positions) {
  const Command* command = command_of(call.server().commands, request);
  if (command == nullptr) return call.fail(errors::kInvalidCommand), false;
  const CommandRow& row = *command->row;
  if (!has_keys(row)) return call.fail(errors::kNoKeyArguments), false;
  const auto count = static_cast<int>(request.size());
  if ((row.arity > 0 && count != row.arity) || count < -row.arity) {
    return call.fail(errors::kInvalidCommandArity), false;
  }
  if (find_keys(row, request, positions)) return true;
  positions.clear();
  if ((row.flags & kNoMandatoryKeys) != 0) return true;
  return call.fail(errors::kInvalidCommandArguments), false;
}

void command_getkeys(Call& call) {
  const auto request = call.arguments().subspan(2);
  std::vector<KeyPosition> positions;
  if (!find_request_keys(call, request, positions)) return;
  call.reply().array(positions.size());
  for (const KeyPosition& position : positions) call.reply().bulk(request[position.index]);
}

void command_getkeysandflags(Call& call) {
  const auto request = call.arguments().subspan(2);
  std::vector<KeyPosition> positions;
  if (!find_request_keys(call, request, positions)) return;
  Reply& reply = call.reply();
  reply.array(positions.size());
  for (const KeyPosition& position : positions) {
    reply.array(2);
    reply.bulk(request[position.index]);
    write_bits(reply, position.flags, key_flag_names());
  }
}

constexpr CommandRow kRows[] = {
    {.name = "command",
     .handler = command,
     .arity = -1,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(N), N being the number of commands",
     .syntax = "",
     .summary = "Describes every command, as COMMAND INFO does."},
    {.name = "command|count",
     .handler = command_count,
     .arity = 2,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers how many commands there are, without subcommands."},
    {.name = "command|docs",
     .handler = command_docs,
     .arity = -2,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "7.0.0",
     .complexity = "O(N), N being the number of commands described",
     .syntax = "[command-name [command-name ...]]",
     .summary = "Answers summary, group and arguments of these commands, or of all."},
    {.name = "command|getkeys",
     .handler = command_getkeys,
     .arity = -4,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(N), N being the number of arguments of the command",
     .syntax = "command arg [arg ...]",
     .summary = "Answers the keys of a complete command without running it."},
    {.name = "command|getkeysandflags",
     .handler = command_getkeysandflags,
     .arity = -4,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "7.0.0",
     .complexity = "O(N), N being the number of arguments of the command",
     .syntax = "command arg [arg ...]",
     .summary = "Answers the keys of a complete command and what it would do with each."},
    {.name = "command|info",
     .handler = command_info,
     .arity = -2,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "2.8.13",
     .complexity = "O(N), N being the number of commands described",
     .syntax = "[command-name [command-name ...]]",
     .summary = "Answers arity, flags, categories and keys of these commands, or of all."},
    {.name = "command|list",
     .handler = command_list,
     .arity = -2,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "7.0.0",
     .complexity = "O(N), N being the number of commands",
     .syntax = "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
     .summary =
         "Lists the names of all commands and subcommands, or of those that a filter takes."},
    {.name = "command|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .categories = kAclConnection,
     .group = Group::kServer,
     .since = "5.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the subcommands."},
};

}  // namespace

core::Family introspection_commands() {
  return kRows;
}

}  // namespace larder::commands
