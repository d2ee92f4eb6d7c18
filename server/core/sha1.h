// SHA-1 (FIPS 180-4): the name of a script. Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::core {

using Sha1 = std::array<uint8_t, 20>;

Sha1 sha1(std::string_view bytes);

// The 40 lower-case hexadecimal digits.
std::string sha1_hex(std::string_view bytes);

}  // namespace larder::core
