// An array of bulk strings that is collected in slices, when nobody knows yet how many there will
// be.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/byte_buffer.h"
#include "server/core/reply.h"

namespace larder::core {

class BulkList {
 public:
  void add(std::string_view bytes);
  size_t size() const { return size_; }

  // Writes the reply: first the array's head, then its elements chunk by chunk, each of which is
  // forgotten. False when there was nothing left to write.
  void write_head(Reply& reply) const { reply.array(size_); }
  bool write_chunk(Reply& reply);

 private:
  // Kept as they will be sent, in chunks: a buffer that grew by doubling would copy megabytes in
  // one slice.
  static constexpr size_t kFirstChunkBytes = 1024;
  static constexpr size_t kChunkBytes = 64 * 1024;

  std::vector<std::unique_ptr<protocol::ByteBuffer>> chunks_;
  size_t size_ = 0;
  size_t written_ = 0;  // chunks
};

}  // namespace larder::core
