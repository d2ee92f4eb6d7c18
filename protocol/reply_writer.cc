#include "protocol/reply_writer.h"

#include <array>
#include <charconv>
#include <cstring>

namespace larder::protocol {
namespace {

// "$<n>\r\n" for the sizes that nearly every bulk string has, 8 bytes each.
constexpr size_t kHeadsCached = 1000;
struct BulkHead {
  char text[7];
  uint8_t size;
};

constexpr std::array<BulkHead, kHeadsCached> make_bulk_heads() {
  std::array<BulkHead, kHeadsCached> heads{};
  for (size_t n = 0; n < kHeadsCached; n++) {
    size_t at = 0;
    heads[n].text[at++] = '$';
    if (n >= 100) heads[n].text[at++] = static_cast<char>('0' + n / 100);
    if (n >= 10) heads[n].text[at++] = static_cast<char>('0' + n / 10 % 10);
    heads[n].text[at++] = static_cast<char>('0' + n % 10);
    heads[n].text[at++] = '\r';
    heads[n].text[at++] = '\n';
    heads[n].size = static_cast<uint8_t>(at);
  }
  return heads;
}

constexpr std::array<BulkHead, kHeadsCached> kBulkHeads = make_bulk_heads();

}  // namespace

size_t format_integer(int64_t value, char* to) {
  return static_cast<size_t>(std::to_chars(to, to + kIntegerCharsMax, value).ptr - to);
}

void ReplyWriter::head(char type, uint64_t count) {
  char* to = out_.reserve(kIntegerCharsMax + 3);
  to[0] = type;
  size_t size = 1 + format_integer(static_cast<int64_t>(count), to + 1);
  to[size++] = '\r';
  to[size++] = '\n';
  out_.commit(size);
}

void ReplyWriter::line(char type, std::string_view text) {
  char* to = out_.reserve(text.size() + 3);
  to[0] = type;
  std::memcpy(to + 1, text.data(), text.size());
  to[text.size() + 1] = '\r';
  to[text.size() + 2] = '\n';
  out_.commit(text.size() + 3);
}

void ReplyWriter::error(std::string_view text) {
  errors_++;
  error_offset_ = out_.size() + 1;
  error_size_ = text.size();
  line('-', text);
  char* bytes = out_.reserve(0) - (text.size() + 2);
  for (size_t i = 0; i < text.size(); i++) {
    if (bytes[i] == '\r' || bytes[i] == '\n') bytes[i] = ' ';
  }
}

void ReplyWriter::integer(int64_t value) {
  char* to = out_.reserve(kIntegerCharsMax + 3);
  to[0] = ':';
  size_t size = 1 + format_integer(value, to + 1);
  to[size++] = '\r';
  to[size++] = '\n';
  out_.commit(size);
}

void ReplyWriter::bulk(std::string_view bytes) {
  char* to = out_.reserve(bytes.size() + kIntegerCharsMax + 5);
  size_t size = 0;
  if (bytes.size() < kHeadsCached) {
    const BulkHead& cached = kBulkHeads[bytes.size()];
    std::memcpy(to, &cached, sizeof cached);
    size = cached.size;
  } else {
    to[0] = '$';
    size = 1 + format_integer(static_cast<int64_t>(bytes.size()), to + 1);
    to[size++] = '\r';
    to[size++] = '\n';
  }
  if (!bytes.empty()) std::memcpy(to + size, bytes.data(), bytes.size());
  size += bytes.size();
  to[size++] = '\r';
  to[size++] = '\n';
  out_.commit(size);
}

void ReplyWriter::bulk_integer(int64_t value) {
  char digits[kIntegerCharsMax];
  bulk({digits, format_integer(value, digits)});
}

void ReplyWriter::boolean(bool value) {
  if (resp3()) {
    out_.append(value ? "#t\r\n" : "#f\r\n");
  } else {
    integer(value ? 1 : 0);
  }
}

void ReplyWriter::real(std::string_view digits) {
  if (resp3()) {
    line(',', digits);
  } else {
    bulk(digits);
  }
}

void ReplyWriter::null() {
  out_.append(resp3() ? "_\r\n" : "$-1\r\n");
}

void ReplyWriter::null_array() {
  out_.append(resp3() ? "_\r\n" : "*-1\r\n");
}

void ReplyWriter::big_number(std::string_view digits) {
  resp3() ? line('(', digits) : bulk(digits);
}

void ReplyWriter::verbatim(std::string_view text) {
  if (!resp3()) return bulk(text);
  head('=', text.size() + 4);
  out_.append("txt:");
  out_.append(text);
  out_.append("\r\n");
}

}  // namespace larder::protocol
