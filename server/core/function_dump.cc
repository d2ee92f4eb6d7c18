#include "server/core/function_dump.h"

#include <array>

#include "server/core/errors.h"
#include "server/core/script_errors.h"

namespace larder::core {
namespace {

constexpr char kFunctionOpcode = static_cast<char>(245);
constexpr char kOldFunctionOpcode = static_cast<char>(246);
constexpr size_t kFooterBytes = 10;

constexpr std::array<uint64_t, 256> make_crc_table() {
  constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // Jones', reflected
  std::array<uint64_t, 256> table{};
  for (uint64_t i = 0; i < 256; i++) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ kPolynomial : crc >> 1;
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint64_t, 256> kCrcTable = make_crc_table();

void append_low_first(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out += static_cast<char>(value >> (8 * i));
}

void append_high_first(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; i--) out += static_cast<char>(value >> (8 * i));
}

// Redis' lengths: 6 bits, 14 bits, 32 bits or 64 bits.
void append_length(std::string& out, uint64_t length) {
  if (length < 64) {
    out += static_cast<char>(length);
  } else if (length < 16384) {
    append_high_first(out, length | 0x4000, 2);
  } else if (length <= UINT32_MAX) {
    out += static_cast<char>(0x80);
    append_high_first(out, length, 4);
  } else {
    out += static_cast<char>(0x81);
    append_high_first(out, length, 8);
  }
}

// Unpacks LZF (Marc Lehmann's liblzf, whose format its lzf_d.c shows): a byte below 32 is followed
// by so many literals and one more, any other is a length in its 3 upper bits (7: and another byte)
// and the distance of what is repeated in the lower 5 and the next byte.
std::optional<std::string> unpack_lzf(std::string_view packed, size_t bytes) {
  std::string out;
  out.reserve(bytes);
  for (size_t at = 0; at < packed.size();) {
    const auto control = static_cast<unsigned char>(packed[at++]);
    if (control < 32) {
      const size_t literals = size_t{control} + 1;
      if (literals > packed.size() - at || literals > bytes - out.size()) return std::nullopt;
      out += packed.substr(at, literals);
      at += literals;
      continue;
    }
    size_t length = control >> 5;
    if (length == 7) {
      if (at == packed.size()) return std::nullopt;
      length += static_cast<unsigned char>(packed[at++]);
    }
    length += 2;
    if (at == packed.size()) return std::nullopt;
    const size_t distance = (size_t{control} & 31) << 8 | static_cast<unsigned char>(packed[at++]);
    if (distance + 1 > out.size() || length > bytes - out.size()) return std::nullopt;
    for (size_t from = out.size() - distance - 1; length > 0; length--) out += out[from++];
  }
  if (out.size() != bytes) return std::nullopt;
  return out;
}

// Reads what append_length() and Redis write; each read answers nothing when the bytes end.
class Reader {
 public:
  explicit Reader(std::string_view bytes, size_t bytes_max) : rest_(bytes), bytes_max_(bytes_max) {}

  bool done() const { return rest_.empty(); }
  std::optional<uint64_t> number(size_t bytes) {
    if (bytes > rest_.size()) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(bytes);
    return value;
  }
  std::optional<std::string> string();

 private:
  // `special`: it is no length but the kind of a special string.
  std::optional<uint64_t> length(bool& special);
  std::optional<std::string> plain(uint64_t size);
  std::optional<std::string> packed();

  std::string_view rest_;
  size_t bytes_max_;
};

std::optional<uint64_t> Reader::length(bool& special) {
  const auto first = number(1);
  if (!first) return std::nullopt;
  special = *first >> 6 == 3;
  switch (*first >> 6) {
    case 0:
    case 3:
      return *first & 63;
    case 1: {
      const auto low = number(1);
      return low ? std::optional((*first & 63) << 8 | *low) : std::nullopt;
    }
    default:
      return number(*first == 0x81 ? 8 : 4);
  }
}

std::optional<std::string> Reader::plain(uint64_t size) {
  if (size > rest_.size()) return std::nullopt;
  std::string text(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return text;
}

std::optional<std::string> Reader::packed() {
  bool special = false;
  const auto packed_bytes = length(special);
  if (!packed_bytes || special) return std::nullopt;
  const auto bytes = length(special);
  if (!bytes || special || *bytes > bytes_max_) return std::nullopt;
  const auto packed = plain(*packed_bytes);
  return packed ? unpack_lzf(*packed, *bytes) : std::nullopt;
}

std::optional<std::string> Reader::string() {
  constexpr uint64_t kLzf = 3;
  bool special = false;
  const auto size = length(special);
  if (!size) return std::nullopt;
  if (!special) return plain(*size);
  return *size == kLzf ? packed() : std::nullopt;  // the others are integers: no code
}

}  // namespace

uint64_t crc64(std::string_view bytes) {
  uint64_t crc = 0;
  for (const char c : bytes)
    crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 255] ^ crc >> 8;
  return crc;
}

std::string dump_libraries(const std::vector<std::string_view>& codes) {
  std::string out;
  for (const std::string_view code : codes) {
    out += kFunctionOpcode;
    append_length(out, code.size());
    out += code;
  }
  append_low_first(out, kDumpVersionWritten, 2);
  append_low_first(out, crc64(out), 8);
  return out;
}

ReadDump read_dump(std::string_view dump, size_t bytes_max) {
  if (dump.size() < kFooterBytes) return {{}, errors::kDumpDamaged};
  std::string expected;
  append_low_first(expected, crc64(dump.substr(0, dump.size() - 8)), 8);
  const std::string_view footer = dump.substr(dump.size() - kFooterBytes);
  const auto version = static_cast<unsigned>(static_cast<unsigned char>(footer[0]) |
                                             static_cast<unsigned char>(footer[1]) << 8);
  if (version > kDumpVersionMax || footer.substr(2) != expected) return {{}, errors::kDumpDamaged};
  Reader reader(dump.substr(0, dump.size() - kFooterBytes), bytes_max);
  ReadDump read;
  while (!reader.done()) {
    const auto opcode = static_cast<char>(*reader.number(1));
    if (opcode == kOldFunctionOpcode) return {{}, errors::kDumpTooOld};
    if (opcode != kFunctionOpcode) return {{}, errors::kDumpNoFunction};
    auto code = reader.string();
    if (!code) return {{}, errors::kDumpUnreadable};
    read.codes.push_back(std::move(*code));
  }
  return read;
}

}  // namespace larder::core
