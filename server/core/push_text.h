// What is sent to clients that did not ask for it just then: a message of a channel, an
// invalidation. Encoded once, whatever the number of clients and their versions of the protocol.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include "storage/blob.h"

namespace larder::core {

// One push as RESP3 writes it, from its '>' to its last line end. To clients of RESP2 it goes as an
// array: only the first byte differs. What many texts have in common can be shared: the text is all
// of `head`, if there is one, and the body from `body_begin` on.
struct PushText {
  storage::BlobRef head;
  storage::BlobRef body;  // ends with a line end, behind at least one other byte
  size_t body_begin = 0;

  size_t size() const { return (head.get() != nullptr ? head->size() : 0) + rest().size(); }
  std::string_view rest() const { return body->view().substr(body_begin); }
  // Another reference to the same text. Any thread.
  PushText share() const;
};

// All the pieces, one behind the other. Throws std::bad_alloc.
storage::BlobRef join(std::initializer_list<std::string_view> pieces);

}  // namespace larder::core
