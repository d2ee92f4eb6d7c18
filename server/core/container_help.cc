#include "server/core/container_help.h"

#include <string>

#include "server/core/call.h"

namespace larder::core {
namespace {

void describe(Reply& reply, const Command& subcommand) {
  std::string line = to_upper(subcommand.short_name);
  if (!subcommand.row->syntax.empty()) line.append(" ").append(subcommand.row->syntax);
  reply.simple(line);
  reply.simple("    " + std::string(subcommand.row->summary));
}

}  // namespace

void container_help(Call& call) {
  const Command& container = *call.command().container;
  Reply& reply = call.reply();
  reply.array(1 + 2 * container.subcommands.size());
  reply.simple(to_upper(container.row->name) +
               " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const Command* subcommand : container.subcommands) {
    if (subcommand != &call.command()) describe(reply, *subcommand);
  }
  describe(reply, call.command());
}

}  // namespace larder::core
