// What handlers write their replies with.
#pragma once

#include <string_view>

#include "protocol/reply_writer.h"
#include "storage/entry.h"

namespace larder::core {

class Output;
using protocol::RespVersion;

class Reply : public protocol::ReplyWriter {
 public:
  // A bulk string: the string value of an entry, whose shard is locked, or a part of it. Large ones
  // are not copied but sent from where they are.
  void value(const storage::Entry& entry);
  void value_part(const storage::Entry& entry, size_t first, size_t bytes);

  // What it is a part of: where the replies of nested commands go.
  Output& output() { return out_; }

 private:
  friend class Output;
  Reply(Output& out, protocol::ByteBuffer& text, RespVersion version)
      : ReplyWriter(text, version), out_(out) {}

  Output& out_;
};

}  // namespace larder::core
