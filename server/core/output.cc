#include "server/core/output.h"

#include <algorithm>

namespace larder::core {

void Output::hold(storage::Blob& blob, std::string_view bytes) {
  storage::BlobRef reference = storage::BlobRef::share(blob);
  held_.emplace_back(text_.size(), bytes, &blob,
                     [](void* owner) { static_cast<storage::Blob*>(owner)->release(); });
  reference.detach();
}

// From the end: only the last of what is held can be behind the place.
size_t Output::held_bytes_from(size_t begin) const {
  size_t bytes = 0;
  for (auto it = held_.rbegin(); it != held_.rend() && it->position() > begin; ++it) {
    bytes += it->bytes().size();
  }
  return bytes;
}

std::span<net::HeldBytes> Output::find_held(size_t begin, size_t end) {
  const auto first = std::partition_point(
      held_.begin(), held_.end(), [=](const auto& piece) { return piece.position() <= begin; });
  const auto last = std::partition_point(first, held_.end(),
                                         [=](const auto& piece) { return piece.position() < end; });
  return {first, last};
}

void Output::drop_held(size_t size) {
  while (!held_.empty() && held_.back().position() > size) held_.pop_back();
}

}  // namespace larder::core
