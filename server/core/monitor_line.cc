#include "server/core/monitor_line.h"

#include <fmt/format.h>

#include "server/core/client.h"

namespace larder::core {
namespace {

// "..." with the escapes of redis-cli.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c >= 0x20 && c < 0x7f) {
          out += c;
        } else {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
  }
  out += '"';
}

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
    append_quoted(line, argument);
  }
  line += "\r\n";
  return line;
}

}  // namespace larder::core
