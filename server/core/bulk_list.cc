#include "server/core/bulk_list.h"

#include <algorithm>

namespace larder::core {

void BulkList::add(std::string_view bytes) {
  // More than the head and the line ends of a bulk string.
  constexpr size_t kAroundBytes = 32;
  const size_t wanted = bytes.size() + kAroundBytes;
  if (chunks_.empty() || chunks_.back()->size() + wanted > chunks_.back()->capacity()) {
    chunks_.push_back(std::make_unique<protocol::ByteBuffer>());
    chunks_.back()->reserve(std::max(wanted, chunks_.size() == 1 ? kFirstChunkBytes : kChunkBytes));
  }
  protocol::ReplyWriter(*chunks_.back(), RespVersion::k2).bulk(bytes);
  size_++;
}

bool BulkList::write_chunk(Reply& reply) {
  if (written_ == chunks_.size()) return false;
  reply.raw(chunks_[written_]->view());
  chunks_[written_++].reset();
  return true;
}

}  // namespace larder::core
