// The checksum of Redis' dumps: CRC-64 with Jones' polynomial 0xad93d23594c935a9, bits reflected,
// beginning with 0 and not inverted at the end, as in Redis' crc64.c. That of "123456789" is
// 0xe9c6d914c4b8d9ca. Pure functions: any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace larder::storage {

uint64_t crc64(std::string_view bytes);

}  // namespace larder::storage
