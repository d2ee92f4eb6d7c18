// What handlers write their replies with.
#pragma once

#include <string_view>

#include "protocol/reply_writer.h"
#include "storage/entry.h"
#include "storage/types/listpack.h"

namespace larder::storage {
struct HashValue;
}

namespace larder::core {

class Output;
using protocol::RespVersion;

class Reply : public protocol::ReplyWriter {
 public:
  // A double, in the digits of storage::write_double().
  void real(double value);

  // A bulk string: the string value of an entry, whose shard is locked, or a part of it. Large ones
  // are not copied but sent from where they are.
  void value(const storage::Entry& entry);
  void value_part(const storage::Entry& entry, size_t first, size_t bytes);
  // The same for an element of a listpack, and for the value of a field of a hash.
  void element(const storage::listpack::Element& element);
  void value(const storage::HashValue& value);

  // For a reply that turns out to be impossible: what was written since mark() is forgotten. It must
  // have no errors.
  size_t mark() const;
  void take_back(size_t mark);

  // What it is a part of: where the replies of nested commands go.
  Output& output() { return out_; }

 private:
  friend class Output;
  Reply(Output& out, protocol::ByteBuffer& text, RespVersion version)
      : ReplyWriter(text, version), out_(out) {}

  Output& out_;
};

}  // namespace larder::core
