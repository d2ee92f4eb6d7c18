// Work that a command leaves to its loop and does not wait for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace larder::core {

class BackgroundJob {
 public:
  // How many one loop may have at a time.
  static constexpr size_t kPerLoopMax = 16;

  virtual ~BackgroundJob() = default;
  // Does one slice (Continuation::kSliceUs), on the loop; true: there is more.
  virtual bool step(int64_t now_ms) = 0;
};

}  // namespace larder::core
