// What the server calls itself.
#pragma once

#include <string_view>

namespace larder::core {

// The Redis whose behaviour Larder follows, as INFO and HELLO say it. Three numbers and nothing else:
// clients compare them to choose commands, and some (rq) read each with int().
inline constexpr std::string_view kRedisVersion = "7.2.4";

// Larder's own version, from CMakeLists.txt.
inline constexpr std::string_view kLarderVersion = LARDER_VERSION;

}  // namespace larder::core
