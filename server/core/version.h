// What the server says of itself.
#pragma once

namespace larder::core {

inline constexpr const char* kLarderVersion = LARDER_VERSION;  // from CMakeLists.txt

// The Redis whose behaviour Larder keeps to; clients choose features by it.
inline constexpr const char* kRedisVersion = "7.2.4";
inline constexpr int kRedisVersionNumber = 0x070204;

}  // namespace larder::core
