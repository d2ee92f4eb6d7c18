// What a client may say of itself: its name and its library's, which CLIENT LIST shows.
#pragma once

#include <string_view>

namespace larder::core {

// The one user there is.
inline constexpr std::string_view kDefaultUser = "default";

// Whether all bytes are printable ASCII but blank, so that a line of CLIENT LIST stays one that can
// be split at blanks. An empty text takes the attribute away, and is one.
constexpr bool is_client_attribute(std::string_view text) {
  for (const char c : text) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

}  // namespace larder::core
