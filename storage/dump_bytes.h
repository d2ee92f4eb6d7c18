// The bytes that Redis' dumps (its RDB format) are made of: lengths, strings, and the footer that
// closes a dump; rdb.c of Redis 7.2 is their description. What a value is made of them stands in
// types/dump.h and types/restore.h.
//
//   length  00xxxxxx | 01xxxxxx and a byte | 0x80 and 4 bytes | 0x81 and 8 bytes, high byte first
//   string  length, bytes
//           | 0xC0, 0xC1, 0xC2 and an integer of 1, 2 or 4 bytes, low byte first
//           | 0xC3, packed length, length, bytes in LZF
//   footer  version of the format, 2 bytes, and the CRC-64 of all before it, 8, low byte first
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::storage {

// Written: Redis 7.0 and later read it. Of a hash whose fields have expiries, Redis 7.4's.
inline constexpr uint16_t kDumpVersion = 10;
inline constexpr uint16_t kDumpVersionTimed = 12;
// The latest that is read.
inline constexpr uint16_t kDumpVersionMax = 12;

void append_dump_fixed(std::string& out, uint64_t value, size_t bytes);  // low byte first
void append_dump_length(std::string& out, uint64_t length);
void append_dump_string(std::string& out, std::string_view string);  // an integer as such
void append_dump_footer(std::string& out, uint16_t version);

// Whether a footer ends these bytes, of a version that is read and with the right checksum. If so,
// it is cut off.
[[nodiscard]] bool take_dump_footer(std::string_view& dump);

// Reads what somebody sent: nothing is believed before it was checked. The first thing that is
// wrong is remembered; after it all reads as 0 or empty. Borrows the bytes.
class DumpReader {
 public:
  // No string may be longer than `string_bytes_max`; those that are unpacked may be
  // kUnpackedStringsMax times as long together.
  DumpReader(std::string_view bytes, size_t string_bytes_max)
      : rest_(bytes),
        string_bytes_max_(string_bytes_max),
        unpacked_left_(string_bytes_max > SIZE_MAX / kUnpackedStringsMax
                           ? SIZE_MAX
                           : string_bytes_max * kUnpackedStringsMax) {}
  static constexpr size_t kUnpackedStringsMax = 8;

  bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  bool at_end() const { return rest_.empty(); }

  uint64_t fixed(size_t bytes);  // low byte first, 8 at most
  uint64_t length();
  std::string_view bytes(uint64_t count);
  // Of the reader's bytes, or of `scratch`, where it was unpacked. Throws std::bad_alloc.
  std::string_view string(std::string& scratch);

 private:
  uint64_t high_first(size_t bytes);
  // `special`: it is no length but the kind of a string that is not plain.
  uint64_t length_or_kind(bool& special);
  std::string_view special_string(uint64_t kind, std::string& scratch);
  std::string_view packed_string(std::string& scratch);

  std::string_view rest_;
  const size_t string_bytes_max_;
  size_t unpacked_left_;
  bool failed_ = false;
};

}  // namespace larder::storage
