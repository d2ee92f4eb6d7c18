#include "storage/types/member.h"

#include <bit>
#include <cstring>

namespace larder::storage {
namespace {

// Bytes of the shortest two's complement.
size_t integer_bytes(int64_t value) {
  const auto magnitude = static_cast<uint64_t>(value < 0 ? ~value : value);
  return static_cast<size_t>(std::bit_width(magnitude)) / 8 + 1;
}

int64_t read_integer(std::string_view bytes) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.data(), bytes.size());
  const auto unused = static_cast<int>(64 - 8 * bytes.size());
  return static_cast<int64_t>(bits << unused) >> unused;
}

}  // namespace

std::string_view Member::encode() const {
  if (value_.is_integer) {
    const size_t bytes = integer_bytes(value_.integer);
    integer_key_[0] = static_cast<char>(kIntegerMark);
    std::memcpy(&integer_key_[1], &value_.integer, bytes);
    return {integer_key_.data(), 1 + bytes};
  }
  const std::string_view text = value_.text;
  if (text.empty() || static_cast<uint8_t>(text[0]) < kTextMark) return text;
  text_key_.assign(1, static_cast<char>(kTextMark));
  text_key_ += text;
  return text_key_;
}

const Key& Member::key(uint64_t seed) const {
  if (hashed_ && seed_ == seed) return key_;
  key_.bytes = encode();
  key_.hash = hash_key(key_.bytes, seed);
  seed_ = seed;
  hashed_ = true;
  return key_;
}

MemberValue Member::of_key(std::string_view key) {
  if (key.empty()) return {.text = key};
  const auto mark = static_cast<uint8_t>(key[0]);
  if (mark == kIntegerMark) return {.is_integer = true, .integer = read_integer(key.substr(1))};
  return {.text = mark == kTextMark ? key.substr(1) : key};
}

}  // namespace larder::storage
