#include "server/core/container_help.h"

#include <string>
#include <vector>

#include "server/core/call.h"

namespace larder::core {

void write_help(Reply& reply, std::string_view container, std::span<const HelpLine> lines) {
  reply.array(1 + 2 * lines.size());
  reply.simple(to_upper(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const HelpLine& line : lines) {
    std::string call = to_upper(line.name);
    if (!line.syntax.empty()) call.append(" ").append(line.syntax);
    reply.simple(call);
    reply.simple("    " + std::string(line.summary));
  }
}

void container_help(Call& call) {
  const Command& container = *call.command().container;
  std::vector<HelpLine> lines;
  const auto add = [&](const Command& subcommand) {
    lines.push_back({subcommand.short_name, subcommand.row->syntax, subcommand.row->summary});
  };
  for (const Command* subcommand : container.subcommands) {
    if (subcommand != &call.command()) add(*subcommand);
  }
  add(call.command());
  write_help(call.reply(), container.row->name, lines);
}

}  // namespace larder::core
