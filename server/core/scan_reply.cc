#include "server/core/scan_reply.h"

namespace larder::core {

Continuation::Progress ScanReply::write(Reply& reply, std::optional<uint64_t> cursor) {
  // What one slice sends: copying it and handing it to the system takes some 50 us.
  constexpr int kChunksPerSlice = 2;
  if (!begun_) {
    if (cursor) {
      reply.array(2);
      reply.bulk_integer(static_cast<int64_t>(*cursor));
    }
    found_.write_head(reply);
    begun_ = true;
  }
  for (int i = 0; i < kChunksPerSlice; i++) {
    if (!found_.write_chunk(reply)) return Continuation::Progress::kDone;
  }
  return Continuation::Progress::kAgain;
}

}  // namespace larder::core
