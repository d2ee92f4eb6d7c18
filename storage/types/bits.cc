#include "storage/types/bits.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace larder::storage {
namespace {

uint64_t load_word(const char* from) {
  uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

#if defined(__x86_64__)
// One instruction a word; without the attribute the compiler must assume a processor that lacks it
// and calls a function with a table.
__attribute__((target("popcnt"))) uint64_t count_words_fast(const char* words, size_t count) {
  uint64_t ones = 0;
  for (size_t i = 0; i < count; i++) {
    ones += static_cast<uint64_t>(__builtin_popcountll(load_word(words + i * sizeof(uint64_t))));
  }
  return ones;
}
#endif

uint64_t count_words(const char* words, size_t count) {
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("popcnt") != 0;
  if (fast) return count_words_fast(words, count);
#endif
  uint64_t ones = 0;
  for (size_t i = 0; i < count; i++) {
    ones += static_cast<uint64_t>(std::popcount(load_word(words + i * sizeof(uint64_t))));
  }
  return ones;
}

uint64_t count_byte(int byte) {
  return static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(byte)));
}

// The first index from `from` on, before `to`, at which a word that is not `uniform` may begin.
size_t skip_uniform(std::string_view bytes, size_t from, size_t to, uint64_t uniform) {
  while (from + sizeof(uint64_t) <= to && load_word(bytes.data() + from) == uniform) {
    from += sizeof(uint64_t);
  }
  return from;
}

// to[i] = combine(to[i], from[i]) for all of `from`, by words; `to` may be the same bytes.
template <typename Combine>
void combine_into(char* to, std::string_view from, Combine combine) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= from.size(); i += sizeof(uint64_t)) {
    const uint64_t word = combine(load_word(to + i), load_word(from.data() + i));
    std::memcpy(to + i, &word, sizeof word);
  }
  for (; i < from.size(); i++) {
    to[i] =
        static_cast<char>(combine(static_cast<uint64_t>(to[i]), static_cast<uint64_t>(from[i])));
  }
}

// The low `width` bits of `raw` as the value of a field.
int64_t value_of(BitFieldType type, uint64_t raw) {
  const int unused = 64 - type.width;
  raw <<= unused;
  return type.is_signed ? static_cast<int64_t>(raw) >> unused : static_cast<int64_t>(raw >> unused);
}

// The part of a field that lies in one byte.
struct FieldPart {
  size_t byte;
  unsigned width;  // bits of the field in this byte
  unsigned shift;  // bits of the byte behind them
};

// The part that holds bit `at` and, as far as they are in the same byte, those of `left` bits.
FieldPart part_at(uint64_t at, unsigned left) {
  const auto skipped = static_cast<unsigned>(at % 8);
  const unsigned width = std::min(8 - skipped, left);
  return {static_cast<size_t>(at / 8), width, 8 - skipped - width};
}

}  // namespace

uint64_t count_bits(std::string_view bytes) {
  const size_t words = bytes.size() / sizeof(uint64_t);
  uint64_t ones = count_words(bytes.data(), words);
  for (size_t i = words * sizeof(uint64_t); i < bytes.size(); i++) ones += count_byte(bytes[i]);
  return ones;
}

uint64_t count_bits(std::string_view bytes, IndexRange bits) {
  const size_t first = bits.first / 8;
  const size_t last = bits.last / 8;
  const uint64_t ones = count_bits(bytes.substr(first, last - first + 1));
  const uint64_t before = count_byte(bytes[first] & ~(0xff >> (bits.first % 8)));
  const uint64_t behind = count_byte(bytes[last] & (0x7f >> (bits.last % 8)));
  return ones - before - behind;
}

std::optional<uint64_t> find_bit(std::string_view bytes, bool bit, IndexRange bits) {
  const int flip = bit ? 0 : 0xff;  // makes the wanted bits ones
  const uint64_t uniform = bit ? 0 : ~uint64_t{0};
  const size_t end = bits.last / 8 + 1;
  size_t i = bits.first / 8;
  auto wanted = static_cast<uint8_t>((bytes[i] ^ flip) & (0xff >> (bits.first % 8)));
  if (wanted == 0) {
    i = skip_uniform(bytes, i + 1, end, uniform);
    for (; i < end && wanted == 0; i++) wanted = static_cast<uint8_t>(bytes[i] ^ flip);
    if (wanted == 0) return std::nullopt;
    i--;
  }
  const uint64_t at = i * 8 + static_cast<uint64_t>(std::countl_zero(wanted));
  if (at > bits.last) return std::nullopt;
  return at;
}

std::string combine_bits(BitOperation operation, std::span<const std::string_view> sources) {
  std::string result(sources[0]);
  if (operation == BitOperation::kNot) {
    combine_into(result.data(), result, [](uint64_t, uint64_t word) { return ~word; });
    return result;
  }
  for (const std::string_view source : sources.subspan(1)) {
    if (source.size() > result.size()) result.resize(source.size());
    switch (operation) {
      case BitOperation::kAnd:
        combine_into(result.data(), source, [](uint64_t a, uint64_t b) { return a & b; });
        std::memset(result.data() + source.size(), 0, result.size() - source.size());
        break;
      case BitOperation::kOr:
        combine_into(result.data(), source, [](uint64_t a, uint64_t b) { return a | b; });
        break;
      case BitOperation::kXor:
        combine_into(result.data(), source, [](uint64_t a, uint64_t b) { return a ^ b; });
        break;
      case BitOperation::kNot:
        break;
    }
  }
  return result;
}

int64_t read_field(std::string_view bytes, BitFieldType type, uint64_t at) {
  uint64_t raw = 0;
  unsigned left = type.width;
  do {
    const FieldPart part = part_at(at, left);
    const unsigned byte = part.byte < bytes.size() ? static_cast<uint8_t>(bytes[part.byte]) : 0;
    raw = raw << part.width | ((byte >> part.shift) & ((1u << part.width) - 1));
    at += part.width;
    left -= part.width;
  } while (left > 0);
  return value_of(type, raw);
}

void write_field(std::span<char> bytes, BitFieldType type, uint64_t at, int64_t value) {
  const auto raw = static_cast<uint64_t>(value);
  for (unsigned left = type.width; left > 0;) {
    const FieldPart part = part_at(at, left);
    at += part.width;
    left -= part.width;
    const unsigned mask = ((1u << part.width) - 1) << part.shift;
    const unsigned byte = static_cast<uint8_t>(bytes[part.byte]);
    const auto bits = static_cast<unsigned>(raw >> left) << part.shift;
    bytes[part.byte] = static_cast<char>((byte & ~mask) | (bits & mask));
  }
}

std::optional<int64_t> add_to_field(BitFieldType type, int64_t value, int64_t increment,
                                    FieldOverflow overflow) {
  const int magnitude = type.width - (type.is_signed ? 1 : 0);
  const auto max = static_cast<int64_t>((uint64_t{1} << magnitude) - 1);
  const int64_t min = type.is_signed ? -max - 1 : 0;
  int64_t sum = 0;
  const bool wrapped = __builtin_add_overflow(value, increment, &sum);
  const bool above = (!type.is_signed && value < 0) || (wrapped ? increment > 0 : sum > max);
  const bool below = wrapped ? increment < 0 : sum < min;
  if (!above && !below) return sum;
  switch (overflow) {
    case FieldOverflow::kFail:
      return std::nullopt;
    case FieldOverflow::kSaturate:
      return above ? max : min;
    case FieldOverflow::kWrap:
      break;
  }
  return value_of(type, static_cast<uint64_t>(value) + static_cast<uint64_t>(increment));
}

}  // namespace larder::storage
