// HELP of every container command ("CLIENT HELP"), derived from the rows of its subcommands. A
// family adds one row:
//
//   {.name = "client|help", .handler = container_help, .arity = 2, .flags = kLoading | kStale, ...}
#pragma once

namespace larder::core {

class Call;

// Answers an array of lines (status replies): one that says how the container is called, then for
// each subcommand its name with its syntax, and below it, indented by four blanks, its summary.
// HELP itself comes last. For rows of subcommands only.
void container_help(Call& call);

}  // namespace larder::core
