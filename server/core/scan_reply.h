// A list of keys or names that was collected in slices, and is answered in slices.
#pragma once

#include <cstdint>
#include <optional>

#include "server/core/bulk_list.h"
#include "server/core/continuation.h"

namespace larder::core {

class ScanReply {
 public:
  BulkList& found() { return found_; }

  // Writes the next part: the list, behind the cursor if there is one. kDone: that was all.
  Continuation::Progress write(Reply& reply, std::optional<uint64_t> cursor);
  bool begun() const { return begun_; }

 private:
  BulkList found_;
  bool begun_ = false;
};

}  // namespace larder::core
