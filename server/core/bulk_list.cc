#include "server/core/bulk_list.h"

namespace larder::core {

void BulkList::add(std::string_view bytes) {
  if (chunks_.empty() || chunks_.back()->size() >= kChunkBytes) {
    chunks_.push_back(std::make_unique<protocol::ByteBuffer>());
  }
  Reply(*chunks_.back(), RespVersion::k2).bulk(bytes);
  size_++;
}

bool BulkList::write_chunk(Reply& reply) {
  if (written_ == chunks_.size()) return false;
  reply.raw(chunks_[written_]->view());
  chunks_[written_++].reset();
  return true;
}

}  // namespace larder::core
