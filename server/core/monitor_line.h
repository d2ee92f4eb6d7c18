// The line that MONITOR shows for a command.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace larder::core {

class Client;

// A complete reply, with its line end: +1700000000.123456 [0 127.0.0.1:50000] "set" "k" "v". The
// words are shown with redis-cli's escapes. `from_script`: "lua" stands where the address is.
std::string monitor_line(const Client& client, std::span<const std::string_view> arguments,
                         int64_t now_us, bool from_script);

}  // namespace larder::core
