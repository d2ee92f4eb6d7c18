// Replies on their way out, of all sessions of a worker in turn: text, and large values that belong
// into it but are sent from their blobs.
//
// Places in it are offsets in the text. A held value never stands at the edge of a reply, there is
// its head in front and its line end behind: so a part of the text, cut between replies, says which
// held values belong to it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/byte_buffer.h"
#include "server/core/push_text.h"
#include "server/core/reply.h"
#include "server/net/held_bytes.h"
#include "storage/blob.h"

namespace larder::core {

class Output {
 public:
  Reply reply(RespVersion version) { return {*this, text_, version}; }

  std::string_view text() const { return text_.view(); }
  size_t size() const { return text_.size(); }
  // Bytes from that place on, with what is held.
  size_t bytes_from(size_t begin) const {
    return text_.size() - begin + (held_.empty() ? 0 : held_bytes_from(begin));
  }

  // Takes a reference to the blob, of which `bytes` are a part, until they have been sent.
  void hold(storage::Blob& blob, std::string_view bytes);
  // Writes a push at the end, as a reply of its own; a long one is held, not copied.
  void push(const PushText& text, RespVersion version);
  // What belongs into a part of the text; the caller may move it away.
  std::span<net::HeldBytes> held(size_t begin, size_t end) {
    return held_.empty() ? std::span<net::HeldBytes>() : find_held(begin, end);
  }

  // The text with what is held in its place: for an output that is not sent.
  std::string whole();

  // Forgets what was written after the first `size` bytes.
  void truncate(size_t size) {
    text_.truncate(size);
    if (!held_.empty()) drop_held(size);
  }
  // Gives memory above `bytes` of text back.
  void shrink_to(size_t bytes) { text_.shrink_to(bytes); }

 private:
  size_t held_bytes_from(size_t begin) const;
  std::span<net::HeldBytes> find_held(size_t begin, size_t end);
  void drop_held(size_t size);

  protocol::ByteBuffer text_;
  std::vector<net::HeldBytes> held_;  // in the order of their positions
};

}  // namespace larder::core
