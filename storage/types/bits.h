// Bits of a string of bytes. Bit 0 is the most significant bit of byte 0, as in Redis' bitmaps.
// Pure functions over bytes: any thread that may read or write the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/types/range.h"

namespace larder::storage {

// Bit `at`; 0 behind the end.
inline bool bit_at(std::string_view bytes, uint64_t at) {
  if (at / 8 >= bytes.size()) return false;
  return ((static_cast<uint8_t>(bytes[at / 8]) >> (7 - at % 8)) & 1) != 0;
}
// Sets bit `at`, which is inside `bytes`.
inline void set_bit(std::span<char> bytes, uint64_t at, bool bit) {
  const auto mask = static_cast<uint8_t>(0x80 >> (at % 8));
  const auto byte = static_cast<uint8_t>(bytes[at / 8]);
  bytes[at / 8] = static_cast<char>(bit ? byte | mask : byte & ~mask);
}

// How many bits are 1: all of them, or those of `bits`, a range of positions inside `bytes`.
uint64_t count_bits(std::string_view bytes);
uint64_t count_bits(std::string_view bytes, IndexRange bits);

// The first position in `bits`, a range inside `bytes`, whose bit is `bit`.
std::optional<uint64_t> find_bit(std::string_view bytes, bool bit, IndexRange bits);

enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot };

// All sources combined, as long as the longest; shorter ones count as filled up with zeros. There
// is at least one; kNot looks at the first alone.
std::string combine_bits(BitOperation operation, std::span<const std::string_view> sources);

// An integer inside a string of bytes, most significant bit first, two's complement if signed.
struct BitFieldType {
  bool is_signed = false;
  uint8_t width = 0;  // bits: 1 .. 64 if signed, else 1 .. 63
};

// The field that begins at bit `at`. Bits behind the end read as 0.
int64_t read_field(std::string_view bytes, BitFieldType type, uint64_t at);
// Writes the low bits of `value`; the field is inside `bytes`.
void write_field(std::span<char> bytes, BitFieldType type, uint64_t at, int64_t value);

// What becomes of a result that the field cannot hold.
enum class FieldOverflow : uint8_t { kWrap, kSaturate, kFail };

// What a field holds after value + increment, or nullopt where that does not fit and `overflow` is
// kFail. A negative `value` for an unsigned field stands for its 64 bits, so it is too large.
std::optional<int64_t> add_to_field(BitFieldType type, int64_t value, int64_t increment,
                                    FieldOverflow overflow);

}  // namespace larder::storage
