#include "storage/dump_bytes.h"

#include <limits>

#include "storage/crc64.h"
#include "storage/lzf.h"
#include "storage/number.h"

namespace larder::storage {
namespace {

constexpr size_t kFooterBytes = 10;
constexpr size_t kChecksumBytes = 8;

constexpr uint8_t kLength32 = 0x80;
constexpr uint8_t kLength64 = 0x81;
constexpr uint8_t kSpecial = 0xc0;  // and one of these:
constexpr uint64_t kInteger8 = 0;
constexpr uint64_t kInteger16 = 1;
constexpr uint64_t kInteger32 = 2;
constexpr uint64_t kPacked = 3;

void append_high_first(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

template <typename T>
bool fits(int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

void append_special(std::string& out, uint64_t kind, int64_t value, size_t bytes) {
  out += static_cast<char>(kSpecial | kind);
  append_dump_fixed(out, static_cast<uint64_t>(value), bytes);
}

}  // namespace

void append_dump_fixed(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) out += static_cast<char>(value >> (8 * i));
}

void append_dump_length(std::string& out, uint64_t length) {
  if (length < 64) {
    out += static_cast<char>(length);
  } else if (length < 16384) {
    append_high_first(out, length | 0x4000, 2);
  } else if (length <= std::numeric_limits<uint32_t>::max()) {
    out += static_cast<char>(kLength32);
    append_high_first(out, length, 4);
  } else {
    out += static_cast<char>(kLength64);
    append_high_first(out, length, 8);
  }
}

void append_dump_string(std::string& out, std::string_view string) {
  int64_t value = 0;
  if (string.size() > kIntegerTextMax || !parse_integer(string, value) || !fits<int32_t>(value)) {
    append_dump_length(out, string.size());
    out += string;
  } else if (fits<int8_t>(value)) {
    append_special(out, kInteger8, value, 1);
  } else if (fits<int16_t>(value)) {
    append_special(out, kInteger16, value, 2);
  } else {
    append_special(out, kInteger32, value, 4);
  }
}

void append_dump_footer(std::string& out, uint16_t version) {
  append_dump_fixed(out, version, kFooterBytes - kChecksumBytes);
  append_dump_fixed(out, crc64(out), kChecksumBytes);
}

bool take_dump_footer(std::string_view& dump) {
  if (dump.size() < kFooterBytes) return false;
  DumpReader footer(dump.substr(dump.size() - kFooterBytes), kFooterBytes);
  const uint64_t version = footer.fixed(kFooterBytes - kChecksumBytes);
  const uint64_t checksum = footer.fixed(kChecksumBytes);
  if (version > kDumpVersionMax) return false;
  if (checksum != crc64(dump.substr(0, dump.size() - kChecksumBytes))) return false;
  dump.remove_suffix(kFooterBytes);
  return true;
}

std::string_view DumpReader::bytes(uint64_t count) {
  if (failed_ || count > rest_.size()) {
    failed_ = true;
    return {};
  }
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

uint64_t DumpReader::fixed(size_t count) {
  uint64_t value = 0;
  int shift = 0;
  for (const char c : bytes(count)) {
    value |= uint64_t{static_cast<uint8_t>(c)} << shift;
    shift += 8;
  }
  return value;
}

uint64_t DumpReader::high_first(size_t count) {
  uint64_t value = 0;
  for (const char c : bytes(count)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

uint64_t DumpReader::length_or_kind(bool& special) {
  const uint64_t first = fixed(1);
  special = (first & kSpecial) == kSpecial;
  if (special || first < 64) return first & 63;
  if (first < kLength32) return (first & 63) << 8 | fixed(1);
  if (first == kLength32) return high_first(4);
  if (first == kLength64) return high_first(8);
  failed_ = true;
  return 0;
}

uint64_t DumpReader::length() {
  bool special = false;
  const uint64_t length = length_or_kind(special);
  if (special) failed_ = true;
  return failed_ ? 0 : length;
}

std::string_view DumpReader::string(std::string& scratch) {
  bool special = false;
  const uint64_t length = length_or_kind(special);
  if (special) return special_string(length, scratch);
  if (length > string_bytes_max_) failed_ = true;
  return bytes(length);
}

std::string_view DumpReader::special_string(uint64_t kind, std::string& scratch) {
  int64_t value = 0;
  switch (kind) {
    case kInteger8:
      value = static_cast<int8_t>(fixed(1));
      break;
    case kInteger16:
      value = static_cast<int16_t>(fixed(2));
      break;
    case kInteger32:
      value = static_cast<int32_t>(fixed(4));
      break;
    case kPacked:
      return packed_string(scratch);
    default:
      failed_ = true;
  }
  if (failed_) return {};
  scratch.resize(kIntegerTextMax);
  scratch.resize(write_integer(value, scratch.data()));
  return scratch;
}

std::string_view DumpReader::packed_string(std::string& scratch) {
  const uint64_t packed_bytes = length();
  const uint64_t unpacked_bytes = length();
  const std::string_view packed = bytes(packed_bytes);
  if (unpacked_bytes > string_bytes_max_ || unpacked_bytes > unpacked_left_) failed_ = true;
  if (failed_ || !unpack_lzf(packed, unpacked_bytes, scratch)) {
    failed_ = true;
    return {};
  }
  unpacked_left_ -= unpacked_bytes;
  return scratch;
}

}  // namespace larder::storage
