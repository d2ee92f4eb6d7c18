#include "server/core/output.h"

#include <algorithm>

namespace larder::core {

void Output::hold(storage::Blob& blob, std::string_view bytes) {
  storage::BlobRef reference = storage::BlobRef::share(blob);
  held_.emplace_back(text_.size(), bytes, &blob,
                     [](void* owner) { static_cast<storage::Blob*>(owner)->release(); });
  reference.detach();
}

void Output::push(const PushText& text, RespVersion version) {
  // Shorter than this, a copy costs less than to gather the pieces in front of each write.
  constexpr size_t kHeldBytesMin = 4096;
  std::string_view rest = text.rest();
  std::string_view start = text.head.get() != nullptr ? text.head->view() : rest.substr(0, 1);
  if (text.head.get() == nullptr) rest.remove_prefix(1);
  text_.append(version == RespVersion::k3 ? ">" : "*");
  text_.append(start.substr(1));
  if (rest.size() < kHeldBytesMin) return text_.append(rest);
  hold(*text.body, rest.substr(0, rest.size() - 1));
  text_.append(rest.substr(rest.size() - 1));
}

std::string Output::whole() {
  std::string bytes;
  bytes.reserve(bytes_from(0));
  size_t at = 0;
  for (const net::HeldBytes& piece : held_) {
    bytes += text().substr(at, piece.position() - at);
    bytes += piece.bytes();
    at = piece.position();
  }
  bytes += text().substr(at);
  return bytes;
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
