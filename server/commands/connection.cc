// Commands about the connection itself.
#include "server/commands/families.h"
#include "server/core/call.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

void ping(Call& call) {
  if (call.argument_count() > 2) return call.fail(errors::wrong_arity("ping"));
  if (call.argument_count() == 2) return call.reply().bulk(call.argument(1));
  call.reply().simple("PONG");
}

void echo(Call& call) {
  call.reply().bulk(call.argument(1));
}

constexpr CommandRow kRows[] = {
    {.name = "ping",
     .handler = ping,
     .arity = -1,
     .flags = kFast,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "[message]",
     .summary = "Answers PONG, or the message it is given."},
    {.name = "echo",
     .handler = echo,
     .arity = 2,
     .flags = kLoading | kStale | kFast,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "message",
     .summary = "Answers the message."},
};

}  // namespace

core::Family connection_commands() {
  return kRows;
}

}  // namespace larder::commands
