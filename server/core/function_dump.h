// Libraries as one text, in the format of Redis' FUNCTION DUMP: for each library the byte 245 and
// its code as a string, at the end a footer. storage/dump_bytes.h says what strings and footers
// are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace larder::core {

std::string dump_libraries(const std::vector<std::string_view>& codes);

struct ReadDump {
  std::vector<std::string> codes;
  std::string_view error;  // empty: all is well
};
// Of what a client sent: every length is checked, and what a string unpacks to is at most
// `bytes_max`.
ReadDump read_dump(std::string_view dump, size_t bytes_max);

}  // namespace larder::core
