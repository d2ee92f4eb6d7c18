#include "server/core/push_text.h"

#include <cstring>

namespace larder::core {

PushText PushText::share() const {
  PushText copy;
  if (head.get() != nullptr) copy.head = storage::BlobRef::share(*head);
  copy.body = storage::BlobRef::share(*body);
  copy.body_begin = body_begin;
  return copy;
}

storage::BlobRef join(std::initializer_list<std::string_view> pieces) {
  size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  storage::BlobRef blob(storage::Blob::create(size, size));
  char* to = blob->data();
  for (const std::string_view piece : pieces) {
    if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
  return blob;
}

}  // namespace larder::core
