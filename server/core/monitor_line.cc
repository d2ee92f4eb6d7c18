#include "server/core/monitor_line.h"

#include <fmt/format.h>

#include "protocol/words.h"
#include "server/core/client.h"

namespace larder::core {
namespace {

// Where a command came from, as MONITOR says it.
std::string origin(const Client& client) {
  const std::string& peer = client.address().peer;
  if (!client.has(Client::kUnixSocket)) return peer;
  return "unix:" + peer.substr(0, peer.rfind(':'));
}

}  // namespace

std::string monitor_line(const Client& client, std::span<const std::string_view> arguments,
                         int64_t now_us, bool from_script) {
  std::string line = fmt::format("+{}.{:06} [{} {}]", now_us / 1000000, now_us % 1000000,
                                 client.database(), from_script ? "lua" : origin(client));
  for (const std::string_view argument : arguments) {
    line += ' ';
    protocol::append_quoted(line, argument);
  }
  line += "\r\n";
  return line;
}

}  // namespace larder::core
