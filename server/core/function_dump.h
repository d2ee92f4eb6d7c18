// Libraries as one text, in the format of Redis' FUNCTION DUMP (its RDB format): for each library
// the byte 245 and its code as a string, at the end the format's version in two bytes and a CRC-64
// (Jones' polynomial, bits reflected, as in Redis' crc64.c) in eight, both with the low byte first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::core {

// Written by us: Redis 7.0 and later read it. What we read may be of 7.2.
inline constexpr uint16_t kDumpVersionWritten = 10;
inline constexpr uint16_t kDumpVersionMax = 11;

uint64_t crc64(std::string_view bytes);

std::string dump_libraries(const std::vector<std::string_view>& codes);

struct ReadDump {
  std::vector<std::string> codes;
  std::string_view error;  // empty: all is well
};
// Of what a client sent: every length is checked, and what it unpacks to is at most `bytes_max`.
ReadDump read_dump(std::string_view dump, size_t bytes_max);

}  // namespace larder::core
