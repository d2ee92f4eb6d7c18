#include "server/core/bulk_list.h"

namespace larder::core {

void BulkList::add(std::string_view bytes) {
  if (chunks_.empty() || chunks_.back()->size() >= kChunkBytes) {
    chunks_.push_back(std::make_unique<protocol::ByteBuffer>());
  }
  Reply(*chunks_.back(), RespVersion::k2).bulk(bytes);
  size_++;
}

void BulkList::write(Reply& reply) const {
  reply.array(size_);
  for (const auto& chunk : chunks_) reply.raw(chunk->view());
}

}  // namespace larder::core
