#include "storage/types/listpack.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>

#include "storage/entry_arena.h"

namespace larder::storage::listpack {
namespace {

constexpr size_t kCountAt = Packed::kHeadBytes;
constexpr size_t kHeadBytes = kCountAt + sizeof(uint16_t);
constexpr uint16_t kCountUnknown = 0xffff;
constexpr uint8_t kEnd = 0xff;

// The first byte of an element, but for the bits that belong to its value or its length.
constexpr uint8_t kString6 = 0x80;    // 10xxxxxx: a string of up to 63 bytes
constexpr uint8_t kInteger13 = 0xc0;  // 110xxxxx and a byte
constexpr uint8_t kString12 = 0xe0;   // 1110xxxx and a byte: a string of up to 4,095 bytes
constexpr uint8_t kString32 = 0xf0;   // and four bytes of length
constexpr uint8_t kInteger16 = 0xf1;
constexpr uint8_t kInteger24 = 0xf2;
constexpr uint8_t kInteger32 = 0xf3;
constexpr uint8_t kInteger64 = 0xf4;

constexpr size_t kIntegerBytesMax = 9;
constexpr size_t kStringHeadMax = 5;
constexpr size_t kBackMax = 5;

// An element without its backward length: how long its head is and what follows it.
struct Extent {
  size_t head = 0;
  size_t body = 0;
  size_t bytes() const { return head + body; }
};

// As Redis writes it, which takes a byte more than it must for 2^14 - 1 and its like.
size_t back_bytes(size_t length) {
  if (length <= 127) return 1;
  if (length < (1u << 14) - 1) return 2;
  if (length < (1u << 21) - 1) return 3;
  return length < (1u << 28) - 1 ? 4 : kBackMax;
}

size_t write_back(uint8_t* to, size_t length) {
  const size_t bytes = back_bytes(length);
  for (size_t i = bytes; i-- > 0;) {
    to[i] = static_cast<uint8_t>((length & 127) | (i > 0 ? 128 : 0));
    length >>= 7;
  }
  return bytes;
}

// The length that ends right before `end`, which has at least `room` bytes in front of it; 0 if
// there is none.
size_t read_back(const uint8_t* end, size_t room) {
  size_t length = 0;
  for (size_t i = 0; i < kBackMax && i < room; i++) {
    const uint8_t byte = *--end;
    length |= size_t{byte & 127u} << (7 * i);
    if ((byte & 128) == 0) return length;
  }
  return 0;
}

template <typename T>
T load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// What the head at `at` says; a head of 0 bytes if it is none. `room`: how many bytes there are.
Extent extent_at(const uint8_t* at, size_t room) {
  if (room == 0) return {};
  const uint8_t first = *at;
  if ((first & 0x80) == 0) return {1, 0};
  if ((first & 0xc0) == kString6) return {1, first & 0x3fu};
  if ((first & 0xe0) == kInteger13) return {1, 1};
  if ((first & 0xf0) == kString12) {
    return room < 2 ? Extent{} : Extent{2, size_t{first & 0x0fu} << 8 | at[1]};
  }
  switch (first) {
    case kString32:
      return room < kStringHeadMax ? Extent{} : Extent{kStringHeadMax, load<uint32_t>(at + 1)};
    case kInteger16:
      return {1, 2};
    case kInteger24:
      return {1, 3};
    case kInteger32:
      return {1, 4};
    case kInteger64:
      return {1, 8};
    default:
      return {};
  }
}

Extent extent_at(const Packed* list, Position at) {
  return extent_at(list->data() + at, list->bytes() - at);
}

size_t whole_bytes(Extent extent) {
  return extent.bytes() + back_bytes(extent.bytes());
}

// Head and value of an integer; answers their length.
size_t write_integer_element(uint8_t* to, int64_t value) {
  const auto write = [&](uint8_t head, size_t bytes) {
    to[0] = head;
    std::memcpy(to + 1, &value, bytes);  // little endian: the low bytes come first
    return bytes + 1;
  };
  const auto fits = [&](int bits) {
    return value >= -(int64_t{1} << (bits - 1)) && value < int64_t{1} << (bits - 1);
  };
  if (value >= 0 && value <= 127) {
    to[0] = static_cast<uint8_t>(value);
    return 1;
  }
  if (fits(13)) {
    to[0] = static_cast<uint8_t>(kInteger13 | (value >> 8 & 0x1f));
    to[1] = static_cast<uint8_t>(value);
    return 2;
  }
  if (fits(16)) return write(kInteger16, 2);
  if (fits(24)) return write(kInteger24, 3);
  if (fits(32)) return write(kInteger32, 4);
  return write(kInteger64, 8);
}

size_t write_string_head(uint8_t* to, size_t length) {
  if (length < 64) {
    to[0] = static_cast<uint8_t>(kString6 | length);
    return 1;
  }
  if (length < 4096) {
    to[0] = static_cast<uint8_t>(kString12 | length >> 8);
    to[1] = static_cast<uint8_t>(length);
    return 2;
  }
  to[0] = kString32;
  const auto length32 = static_cast<uint32_t>(length);
  std::memcpy(to + 1, &length32, sizeof length32);
  return kStringHeadMax;
}

// An element made ready for writing: its head (of an integer, all of it) and its backward length.
struct Written {
  explicit Written(const Element& element) : text(element.is_integer ? "" : element.text) {
    head_bytes = element.is_integer ? write_integer_element(head.data(), element.integer)
                                    : write_string_head(head.data(), text.size());
    back_length = write_back(back.data(), head_bytes + text.size());
  }
  size_t bytes() const { return head_bytes + text.size() + back_length; }
  void copy_to(uint8_t* to) const {
    std::memcpy(to, head.data(), head_bytes);
    if (!text.empty()) std::memcpy(to + head_bytes, text.data(), text.size());
    std::memcpy(to + head_bytes + text.size(), back.data(), back_length);
  }

  std::array<uint8_t, kIntegerBytesMax> head;
  size_t head_bytes;
  std::string_view text;
  std::array<uint8_t, kBackMax> back;
  size_t back_length;
};

uint16_t stored_count(const Packed* list) {
  return load<uint16_t>(list->data() + kCountAt);
}

void set_stored_count(Packed* list, size_t count) {
  const auto stored = static_cast<uint16_t>(count < kCountUnknown ? count : kCountUnknown);
  std::memcpy(list->data() + kCountAt, &stored, sizeof stored);
}

size_t walk_count(const Packed* list) {
  size_t count = 0;
  for (Position at = first(list); at != kNone; at = next(list, at)) count++;
  return count;
}

// Makes the `before` bytes at `at` as many as `after`, moving what stands behind them.
void change_room(Packed*& list, Position at, size_t before, size_t after) {
  const size_t bytes = list->bytes();
  const size_t behind = bytes - at - before;
  const size_t changed = bytes - before + after;
  assert(changed <= kBytesMax);
  if (after < before && EntryArena::block_bytes(bytes) != EntryArena::block_bytes(changed)) {
    // Not moved within the old block first: the new one may not be had.
    Packed* smaller = Packed::create(changed);
    std::memcpy(smaller->data() + Packed::kHeadBytes, list->data() + Packed::kHeadBytes,
                at - Packed::kHeadBytes);
    std::memcpy(smaller->data() + at + after, list->data() + at + before, behind);
    Packed::destroy(list);
    list = smaller;
    return;
  }
  if (after < before) std::memmove(list->data() + at + after, list->data() + at + before, behind);
  list = Packed::resize(list, changed);
  if (after > before) std::memmove(list->data() + at + after, list->data() + at + before, behind);
}

Position behind(const Packed* list, Position at) {
  return at + static_cast<Position>(whole_bytes(extent_at(list, at)));
}

Position or_none(const Packed* list, Position at) {
  return list->data()[at] == kEnd ? kNone : at;
}

}  // namespace

size_t Element::string_bytes() const {
  char digits[kIntegerTextMax];
  return string(digits).size();
}

Element element_of(std::string_view string) {
  Element element;
  element.is_integer = string.size() <= kIntegerTextMax && parse_integer(string, element.integer);
  if (!element.is_integer) element.text = string;
  return element;
}

Packed* create() {
  Packed* list = Packed::create(kHeadBytes + 1);
  set_stored_count(list, 0);
  list->data()[kHeadBytes] = kEnd;
  return list;
}

size_t count(const Packed* list) {
  const uint16_t stored = stored_count(list);
  return stored != kCountUnknown ? stored : walk_count(list);
}

Position first(const Packed* list) {
  return or_none(list, kHeadBytes);
}

Position last(const Packed* list) {
  return previous(list, static_cast<Position>(list->bytes() - 1));
}

Position next(const Packed* list, Position at) {
  return or_none(list, behind(list, at));
}

Position previous(const Packed* list, Position at) {
  if (at == kHeadBytes) return kNone;
  const size_t length = read_back(list->data() + at, at - kHeadBytes);
  return at - static_cast<Position>(length + back_bytes(length));
}

Position seek(const Packed* list, int64_t index) {
  const uint16_t stored = stored_count(list);
  if (stored != kCountUnknown) {
    if (index < 0) index += stored;
    if (index < 0 || index >= stored) return kNone;
    if (index > stored / 2) index -= stored;  // nearer from the end
  }
  Position at = index < 0 ? last(list) : first(list);
  if (index < 0) {
    for (; index < -1 && at != kNone; index++) at = previous(list, at);
  } else {
    for (; index > 0 && at != kNone; index--) at = next(list, at);
  }
  return at;
}

Element get(const Packed* list, Position at) {
  const uint8_t* from = list->data() + at;
  const uint8_t head = *from;
  const auto integer = [](int64_t value) { return Element{.is_integer = true, .integer = value}; };
  if ((head & 0x80) == 0) return integer(head);
  if ((head & 0xe0) == kInteger13) {
    const auto bits = static_cast<uint16_t>((head & 0x1f) << 8 | from[1]);
    return integer(static_cast<int16_t>(bits << 3) >> 3);
  }
  switch (head) {
    case kInteger16:
      return integer(load<int16_t>(from + 1));
    case kInteger24: {
      uint32_t bits = 0;
      std::memcpy(&bits, from + 1, 3);
      return integer(static_cast<int32_t>(bits << 8) >> 8);
    }
    case kInteger32:
      return integer(load<int32_t>(from + 1));
    case kInteger64:
      return integer(load<int64_t>(from + 1));
    default:
      break;
  }
  const Extent extent = extent_at(list, at);
  return {.text = {reinterpret_cast<const char*>(from + extent.head), extent.body}};
}

Position find(const Packed* list, Position from, const Element& wanted, size_t skip) {
  // An element is written in one way only, so it is found by its bytes.
  const Written written(wanted);
  const size_t length = written.head_bytes + written.text.size();
  const uint8_t* end = list->data() + list->bytes();
  for (Position at = from; at != kNone;) {
    const uint8_t* bytes = list->data() + at;
    if (static_cast<size_t>(end - bytes) > length &&
        std::memcmp(bytes, written.head.data(), written.head_bytes) == 0 &&
        std::memcmp(bytes + written.head_bytes, written.text.data(), written.text.size()) == 0) {
      return at;
    }
    at = next(list, at);
    for (size_t i = 0; i < skip && at != kNone; i++) at = next(list, at);
  }
  return kNone;
}

Position insert(Packed*& list, Position before, const Element& element) {
  const Written written(element);
  const Position at = before != kNone ? before : static_cast<Position>(list->bytes() - 1);
  const uint16_t stored = stored_count(list);
  change_room(list, at, 0, written.bytes());
  written.copy_to(list->data() + at);
  set_stored_count(list, stored != kCountUnknown ? stored + 1u : stored);
  return at;
}

Position insert(Packed*& list, Position before, std::span<const Element> elements) {
  size_t bytes = 0;
  for (const Element& element : elements) bytes += Written(element).bytes();
  const Position at = before != kNone ? before : static_cast<Position>(list->bytes() - 1);
  const size_t count = stored_count(list) + elements.size();
  const bool unknown = stored_count(list) == kCountUnknown;
  change_room(list, at, 0, bytes);
  uint8_t* to = list->data() + at;
  for (const Element& element : elements) {
    const Written written(element);
    written.copy_to(to);
    to += written.bytes();
  }
  set_stored_count(list, unknown ? kCountUnknown : count);
  return at;
}

Position replace(Packed*& list, Position at, const Element& element) {
  const Written written(element);
  change_room(list, at, whole_bytes(extent_at(list, at)), written.bytes());
  written.copy_to(list->data() + at);
  return at;
}

Position erase(Packed*& list, Position at, size_t elements) {
  Position end = at;
  for (size_t i = 0; i < elements; i++) end = behind(list, end);
  const uint16_t stored = stored_count(list);
  change_room(list, at, end - at, 0);
  set_stored_count(list, stored != kCountUnknown ? stored - elements : walk_count(list));
  return or_none(list, at);
}

void rotate(Packed* list, Position at) {
  uint8_t* const elements = list->data() + kHeadBytes;
  const std::string before(reinterpret_cast<const char*>(elements),
                           list->bytes() - kHeadBytes - sizeof kEnd);
  const size_t front = at - kHeadBytes;
  const size_t rest = before.size() - front;
  std::memcpy(elements, before.data() + front, rest);
  std::memcpy(elements + rest, before.data(), front);
}

Packed* split(Packed*& list, Position at) {
  assert(at != kNone && at != kHeadBytes);
  const size_t before = count(list);
  OwnedPacked owned(Packed::create(list->bytes() - at + kHeadBytes));
  Packed* rest = owned.get();
  std::memcpy(rest->data() + kHeadBytes, list->data() + at, list->bytes() - at);
  const size_t moved = walk_count(rest);
  set_stored_count(rest, moved);
  list = Packed::resize(list, at + 1);
  list->data()[at] = kEnd;
  set_stored_count(list, before - moved);
  return owned.release();
}

size_t bytes_with(const Packed* list, const Element& element) {
  return list->bytes() + Written(element).bytes();
}

bool is_valid(const uint8_t* bytes, size_t size) {
  if (size < kHeadBytes + 1 || size > kBytesMax) return false;
  if (load<uint32_t>(bytes) != size || bytes[size - 1] != kEnd) return false;
  size_t count = 0;
  size_t at = kHeadBytes;
  while (at < size - 1) {
    const size_t room = size - 1 - at;
    const Extent extent = extent_at(bytes + at, room);
    if (extent.head == 0 || extent.bytes() >= room || whole_bytes(extent) > room) return false;
    const size_t back = back_bytes(extent.bytes());
    if (read_back(bytes + at + extent.bytes() + back, back) != extent.bytes()) return false;
    at += extent.bytes() + back;
    count++;
  }
  const auto stored = load<uint16_t>(bytes + kCountAt);
  return at == size - 1 && (stored == kCountUnknown || stored == count);
}

bool is_canonical(const Packed* list) {
  size_t count = 0;
  for (Position at = first(list); at != kNone; at = next(list, at), count++) {
    const Element element = get(list, at);
    const Element ours = element.is_integer ? element : element_of(element.text);
    if (find(list, at, ours) != at) return false;
  }
  return stored_count(list) == std::min(count, size_t{kCountUnknown});
}

}  // namespace larder::storage::listpack
