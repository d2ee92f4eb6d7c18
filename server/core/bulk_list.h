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

  // The array with its head.
  void write(Reply& reply) const;

 private:
  // Kept as they will be sent, in chunks: a buffer that grew by doubling would copy megabytes in
  // one slice.
  static constexpr size_t kChunkBytes = 64 * 1024;

  std::vector<std::unique_ptr<protocol::ByteBuffer>> chunks_;
  size_t size_ = 0;
};

}  // namespace larder::core
