// Bytes that are nearly right: what a reader of a format must survive.
#pragma once

#include <cstddef>
#include <random>
#include <string>

namespace larder::testing {

// Changes, drops or adds one to three bytes, or cuts the end off.
inline void damage(std::string& content, std::mt19937& random) {
  for (size_t changes = 1 + random() % 3; changes > 0 && !content.empty(); changes--) {
    const size_t at = random() % content.size();
    switch (random() % 5) {
      case 0:
        content[at] = static_cast<char>(content[at] ^ 1 << random() % 8);
        break;
      case 1:
        content[at] = static_cast<char>(random());
        break;
      case 2:
        content.resize(at);
        break;
      case 3:
        content.erase(at, 1 + random() % 4);
        break;
      default:
        content.insert(at, 1, static_cast<char>(random()));
    }
  }
}

}  // namespace larder::testing
