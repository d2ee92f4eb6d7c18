// Tells when a slice of long work has had its time (Continuation::kSliceUs).
#pragma once

#include "server/core/continuation.h"
#include "server/core/tick_clock.h"

namespace larder::core {

class SliceTimer {
 public:
  bool over() const {
    return TickClock::nanoseconds(TickClock::now() - start_) >= Continuation::kSliceUs * 1000;
  }

 private:
  const uint64_t start_ = TickClock::now();
};

}  // namespace larder::core
