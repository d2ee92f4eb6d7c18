// Writes requests as a client library does: RESP arrays of bulk strings.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace larder::bench {

inline void append_request(std::string& out, std::span<const std::string_view> arguments) {
  out += '*' + std::to_string(arguments.size()) + "\r\n";
  for (const std::string_view argument : arguments) {
    out += '$' + std::to_string(argument.size()) + "\r\n";
    out.append(argument) += "\r\n";
  }
}

inline void append_request(std::string& out, std::initializer_list<std::string_view> arguments) {
  append_request(out, std::span(arguments.begin(), arguments.size()));
}

}  // namespace larder::bench
