// Writes replies in RESP2 or RESP3 to a ByteBuffer. The caller says what it means (a map, a null, a
// double); the writer knows how each version of the protocol spells it.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/byte_buffer.h"

namespace larder::protocol {

enum class RespVersion : uint8_t { k2 = 2, k3 = 3 };

class ReplyWriter {
 public:
  ReplyWriter(ByteBuffer& out, RespVersion version) : out_(out), version_(version) {}

  RespVersion version() const { return version_; }
  void set_version(RespVersion version) { version_ = version; }

  // `text` has no line ends; error() turns any into blanks, since they would end the reply.
  void simple(std::string_view text) { line('+', text); }
  void error(std::string_view text);

  // How many errors were written, and the text of the last one: a view into the buffer, valid until
  // more is written. Only errors at the top of a reply or inside it are meant, not raw() ones.
  size_t errors() const { return errors_; }
  std::string_view last_error() const { return out_.view().substr(error_offset_, error_size_); }

  void integer(int64_t value);
  void bulk(std::string_view bytes);
  void bulk_integer(int64_t value);          // the digits as a bulk string
  void boolean(bool value);                  // RESP2: integer 0 or 1
  void real(std::string_view digits);        // RESP3 double, RESP2 bulk string
  void null();                               // RESP2: null bulk string
  void null_array();                         // RESP2: null array
  void big_number(std::string_view digits);  // RESP2: bulk string
  void verbatim(std::string_view text);      // RESP3: "txt:", RESP2: bulk string

  // Heads: the elements follow. A map counts pairs; in RESP2 it is a flat array of 2 * pairs.
  void array(size_t elements) { head('*', elements); }
  // Of a bulk string whose bytes, and then a line end, follow.
  void bulk_head(size_t bytes) { head('$', bytes); }
  void map(size_t pairs) { head(resp3() ? '%' : '*', resp3() ? pairs : pairs * 2); }
  void set(size_t elements) { head(resp3() ? '~' : '*', elements); }
  void push(size_t elements) { head(resp3() ? '>' : '*', elements); }

  // Bytes that are a complete reply already.
  void raw(std::string_view reply) { out_.append(reply); }

 private:
  bool resp3() const { return version_ == RespVersion::k3; }
  void head(char type, uint64_t count);
  void line(char type, std::string_view text);

  ByteBuffer& out_;
  RespVersion version_;
  size_t errors_ = 0;
  size_t error_offset_ = 0;
  size_t error_size_ = 0;
};

// Longest text that format_integer writes.
inline constexpr size_t kIntegerCharsMax = 20;

// Writes the decimal digits to `to` (kIntegerCharsMax bytes); returns how many.
size_t format_integer(int64_t value, char* to);

}  // namespace larder::protocol
