#include "storage/types/packed_elements.h"

#include "storage/dump_bytes.h"

namespace larder::storage {
namespace {

using listpack::Element;
using Visit = FunctionRef<bool(const Element&)>;

constexpr uint8_t kEnd = 0xff;

Element integer_element(int64_t value) {
  return {.is_integer = true, .integer = value, .text = {}};
}

// Nothing in here is unpacked, so the reader needs no limit on strings.
DumpReader reader_of(std::string_view bytes) {
  return {bytes, 0};
}

int64_t sign_extended(uint64_t value, size_t bytes) {
  const auto unused = static_cast<int>(64 - 8 * bytes);
  return static_cast<int64_t>(value << unused) >> unused;
}

bool each_of_listpack(std::string_view bytes, Visit visit) {
  if (!listpack::is_valid(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())) {
    return false;
  }
  // A Packed is nothing but bytes that begin with their length, which is_valid() has compared.
  const auto* list = reinterpret_cast<const Packed*>(bytes.data());
  for (auto at = listpack::first(list); at != listpack::kNone; at = listpack::next(list, at)) {
    const Element element = listpack::get(list, at);
    if (!visit(element.is_integer ? element : listpack::element_of(element.text))) return false;
  }
  return true;
}

// A string's head is 00xxxxxx, 01xxxxxx and a byte, or 0x80 and 4 bytes, the high byte first.
uint64_t ziplist_string_bytes(uint8_t head, DumpReader& in) {
  if (head < 0x40) return head;
  if (head < 0x80) return (head & 0x3fu) << 8 | in.fixed(1);
  if (head != 0x80) in.fail();
  return __builtin_bswap32(static_cast<uint32_t>(in.fixed(4)));
}

Element ziplist_element(uint8_t head, DumpReader& in) {
  const auto read = [&](size_t bytes) {
    return integer_element(sign_extended(in.fixed(bytes), bytes));
  };
  if (head < 0xc0) return listpack::element_of(in.bytes(ziplist_string_bytes(head, in)));
  switch (head) {
    case 0xc0:
      return read(2);
    case 0xd0:
      return read(4);
    case 0xe0:
      return read(8);
    case 0xf0:
      return read(3);
    case 0xfe:
      return read(1);
    default:
      break;
  }
  if (head < 0xf1 || head > 0xfd) in.fail();
  return integer_element(head - 0xf1);  // 0 to 12, in the head itself
}

bool each_of_ziplist(std::string_view bytes, Visit visit) {
  constexpr uint64_t kCountUnknown = 0xffff;
  constexpr uint64_t kLongBefore = 0xfe;
  if (bytes.empty() || static_cast<uint8_t>(bytes.back()) != kEnd) return false;
  DumpReader in = reader_of(bytes);
  const uint64_t all = in.fixed(4);
  in.fixed(4);  // where the last one is: elements are read from the front alone
  const uint64_t stored = in.fixed(2);
  if (in.failed() || all != bytes.size()) return false;
  uint64_t count = 0;
  for (;; count++) {
    const uint64_t before = in.fixed(1);
    if (in.failed()) return false;
    if (before == kEnd) break;
    if (before == kLongBefore) in.fixed(4);
    const auto head = static_cast<uint8_t>(in.fixed(1));
    const Element element = ziplist_element(head, in);
    if (in.failed() || !visit(element)) return false;
  }
  return in.at_end() && (stored == kCountUnknown || stored == count);
}

uint64_t zipmap_length(uint64_t first, DumpReader& in) {
  constexpr uint64_t kLong = 254;
  if (first > kLong) in.fail();
  return first == kLong ? in.fixed(4) : first;
}

bool each_of_zipmap(std::string_view bytes, Visit visit) {
  DumpReader in = reader_of(bytes);
  in.fixed(1);  // how many, or 254: not counted
  for (;;) {
    const uint64_t first = in.fixed(1);
    if (in.failed()) return false;
    if (first == kEnd) return in.at_end();
    const std::string_view key = in.bytes(zipmap_length(first, in));
    const uint64_t value_bytes = zipmap_length(in.fixed(1), in);
    const uint64_t spare = in.fixed(1);
    const std::string_view value = in.bytes(value_bytes);
    in.bytes(spare);
    if (in.failed() || !visit(listpack::element_of(key))) return false;
    if (!visit(listpack::element_of(value))) return false;
  }
}

bool each_of_intset(std::string_view bytes, Visit visit) {
  DumpReader in = reader_of(bytes);
  const uint64_t width = in.fixed(4);
  const uint64_t count = in.fixed(4);
  if (in.failed() || (width != 2 && width != 4 && width != 8)) return false;
  constexpr size_t kHeadBytes = 8;
  if (bytes.size() - kHeadBytes != width * count) return false;
  int64_t before = 0;
  for (uint64_t i = 0; i < count; i++) {
    const int64_t value = sign_extended(in.fixed(width), width);
    if (i > 0 && value <= before) return false;
    if (!visit(integer_element(value))) return false;
    before = value;
  }
  return true;
}

}  // namespace

bool each_packed(PackedForm form, std::string_view bytes, Visit visit) {
  switch (form) {
    case PackedForm::kListpack:
      return each_of_listpack(bytes, visit);
    case PackedForm::kZiplist:
      return each_of_ziplist(bytes, visit);
    case PackedForm::kZipmap:
      return each_of_zipmap(bytes, visit);
    case PackedForm::kIntset:
      return each_of_intset(bytes, visit);
  }
  return false;
}

}  // namespace larder::storage
