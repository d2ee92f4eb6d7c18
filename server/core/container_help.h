// HELP of every container command ("CLIENT HELP"), derived from the rows of its subcommands. A
// family adds one row:
//
//   {.name = "client|help", .handler = container_help, .arity = 2, .flags = kLoading | kStale, ...}
#pragma once

#include <span>
#include <string_view>

#include "server/core/reply.h"

namespace larder::core {

class Call;

// Answers an array of lines (status replies): one that says how the container is called, then for
// each subcommand its name with its syntax, and below it, indented by four blanks, its summary.
// HELP itself comes last. For rows of subcommands only.
void container_help(Call& call);

// The same answer for a command whose subcommands are no commands of their own (DEBUG): `container`
// is its name, HELP is among `lines`.
struct HelpLine {
  std::string_view name;
  std::string_view syntax;
  std::string_view summary;
};
void write_help(Reply& reply, std::string_view container, std::span<const HelpLine> lines);

}  // namespace larder::core
