#include "storage/entry.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

// Expiries of 5 bytes count from here: 2020-01-01.
constexpr int64_t kExpiry40EpochMs = 1'577'836'800'000;

bool fits_40_bits(int64_t expire_at_ms) {
  return expire_at_ms >= kExpiry40EpochMs && (expire_at_ms - kExpiry40EpochMs) >> 40 == 0;
}

// Of the values that are kept elsewhere.
constexpr size_t kPointerBytes = 8;
static_assert(sizeof(Blob*) == kPointerBytes && sizeof(Object) == kPointerBytes);

template <typename T>
void store(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

// Binary logarithm of the bytes that an integer needs.
uint8_t width_of(int64_t value) {
  if (value == static_cast<int8_t>(value)) return 0;
  if (value == static_cast<int16_t>(value)) return 1;
  if (value == static_cast<int32_t>(value)) return 2;
  return 3;
}

}  // namespace

void Entry::write_expiry(uint8_t* at, int64_t expire_at_ms, uint8_t flags) {
  const bool narrow = (flags & kExpiry40) != 0;
  const int64_t value = narrow ? expire_at_ms - kExpiry40EpochMs : expire_at_ms;
  std::memcpy(at, &value, expiry_width(flags));  // little endian: the low bytes come first
}

uint8_t Entry::flags_for(const EntryShape& shape) {
  uint8_t flags = static_cast<uint8_t>(shape.kind);
  if (shape.kind == ValueKind::kInteger) flags |= shape.wide ? 3 : width_of(shape.integer);
  if (shape.expire_at_ms != kNoExpiry) {
    flags |= fits_40_bits(shape.expire_at_ms) ? kExpiry40 : kExpiry64;
  }
  if (shape.kind == ValueKind::kText && shape.text_bytes > 0xff) flags |= kLongText;
  if (shape.modified) flags |= kModified;
  if (!shape.tags.empty()) flags |= kTagged;
  return flags;
}

size_t Entry::bytes_for(const EntryShape& shape, uint8_t flags) {
  const size_t head = shape.key.size() >= kLongKey ? 6 : 2;
  const size_t value = shape.kind == ValueKind::kText
                           ? shape.text_bytes + ((flags & kLongText) != 0 ? 2 : 1)
                       : shape.kind == ValueKind::kInteger ? integer_bytes(flags)
                       : shape.kind == ValueKind::kNone    ? 0
                                                           : kPointerBytes;
  const size_t tags = shape.tags.empty() ? 0 : 1 + shape.tags.bytes().size();
  return head + expiry_width(flags) + shape.key.size() + value + tags;
}

void Entry::fill(const EntryShape& shape, uint8_t flags) {
  uint8_t* at = bytes();
  *at++ = flags;
  if (shape.key.size() >= kLongKey) {
    *at++ = kLongKey;
    store(at, static_cast<uint32_t>(shape.key.size()));
    at += sizeof(uint32_t);
  } else {
    *at++ = static_cast<uint8_t>(shape.key.size());
  }
  write_expiry(at, shape.expire_at_ms, flags);
  at += expiry_width(flags);
  if (shape.kind == ValueKind::kText) {
    *at++ = static_cast<uint8_t>(shape.text_bytes);
    if ((flags & kLongText) != 0) *at++ = static_cast<uint8_t>(shape.text_bytes >> 8);
  }
  std::memmove(at, shape.key.data(), shape.key.size());
  at += shape.key.size();
  // Little endian: the low bytes come first.
  if (shape.kind == ValueKind::kInteger) std::memcpy(at, &shape.integer, integer_bytes(flags));
  if (shape.kind == ValueKind::kBlob) store(at, shape.blob);
  if (shape.kind == ValueKind::kObject) store(at, shape.object);
  if (shape.tags.empty()) return;
  at = bytes() + tags_offset();
  *at++ = static_cast<uint8_t>(shape.tags.size());
  std::memcpy(at, shape.tags.bytes().data(), shape.tags.bytes().size());
}

Entry* Entry::create(const EntryShape& shape) {
  assert(shape.key.size() <= kKeyBytesMax && shape.text_bytes <= kInlineValueMax);
  const uint8_t flags = flags_for(shape);
  auto* entry = static_cast<Entry*>(EntryArena::allocate(bytes_for(shape, flags)));
  entry->fill(shape, flags);
  return entry;
}

void Entry::release_value() {
  if (kind() == ValueKind::kBlob) blob()->release();
  if (kind() == ValueKind::kObject) object().destroy();
}

void Entry::destroy(Entry* entry) {
  entry->release_value();
  destroy_block(entry);
}

void Entry::destroy_block(Entry* entry) {
  EntryArena::free(entry, entry->block_bytes());
}

Entry* Entry::moved() {
  const size_t bytes = block_bytes();
  void* block = EntryArena::allocate(bytes);
  std::memcpy(block, this, bytes);
  EntryArena::free(this, bytes);
  return static_cast<Entry*>(block);
}

bool Entry::move_value(bool (*worth_moving)(const void* block)) {
  if (kind() == ValueKind::kObject) {
    Object value = object();
    if (!value.move(worth_moving)) return false;
    set_object(value);
    return true;
  }
  if (kind() != ValueKind::kBlob || !worth_moving(blob()) || !blob()->unique()) return false;
  store(bytes() + value_offset(), blob()->moved());
  return true;
}

bool Entry::rewrite(const EntryShape& shape) {
  const uint8_t new_flags = flags_for(shape);
  const size_t new_bytes = EntryArena::block_bytes(bytes_for(shape, new_flags));
  if (new_bytes != EntryArena::block_bytes(block_bytes())) return false;
  release_value();
  fill(shape, new_flags);
  return true;
}

EntryShape Entry::shape() const {
  EntryShape shape{.key = key(), .expire_at_ms = expire_at_ms(), .kind = kind()};
  shape.modified = modified();
  switch (shape.kind) {
    case ValueKind::kText:
      shape.text_bytes = text_size();
      break;
    case ValueKind::kInteger:
      shape.integer = integer();
      break;
    case ValueKind::kBlob:
      shape.blob = blob();
      break;
    case ValueKind::kObject:
      shape.object = object();
      break;
    case ValueKind::kNone:
      break;
  }
  return shape;
}

Entry* Entry::with(std::string_view key, int64_t expire_at_ms, TagIds tags) {
  EntryShape changed = shape();
  changed.key = key;
  changed.expire_at_ms = expire_at_ms;
  changed.tags = tags;
  Entry* entry = create(changed);
  if (kind() == ValueKind::kText) std::memcpy(entry->text_bytes(), text().data(), text_size());
  return entry;
}

Entry* Entry::copy(std::string_view key, TagIds tags) const {
  EntryShape changed = shape();
  changed.key = key;
  changed.tags = tags;
  BlobRef blob;
  if (changed.blob != nullptr) {
    const std::string_view bytes = changed.blob->view();
    blob = BlobRef(Blob::create(bytes.size(), bytes.size()));
    std::memcpy(blob->data(), bytes.data(), bytes.size());
    changed.blob = blob.get();
  }
  if (changed.object) changed.object = changed.object.copy();
  Entry* entry = nullptr;
  try {
    entry = create(changed);
  } catch (...) {
    if (changed.object) changed.object.destroy();
    throw;
  }
  blob.detach();  // the entry's
  if (kind() == ValueKind::kText) std::memcpy(entry->text_bytes(), text().data(), text_size());
  return entry;
}

int64_t Entry::expire_at_ms() const {
  const uint8_t expiry = flags() & kExpiryMask;
  if (expiry == kExpiryNone) return kNoExpiry;
  int64_t at_ms = 0;
  std::memcpy(&at_ms, bytes() + expiry_offset(), expiry_width(expiry));
  return (expiry & kExpiry40) != 0 ? at_ms + kExpiry40EpochMs : at_ms;
}

int64_t Entry::next_due_ms() const {
  const int64_t elements_ms =
      kind() == ValueKind::kObject ? object().next_due_ms() : Object::kNothingDue;
  return has_expiry() ? std::min(expire_at_ms(), elements_ms) : elements_ms;
}

bool Entry::set_expire_at_ms(int64_t expire_at_ms) {
  const uint8_t expiry = flags() & kExpiryMask;
  if (expiry == kExpiryNone) return expire_at_ms == kNoExpiry;
  if (expire_at_ms == kNoExpiry) return false;
  if ((expiry & kExpiry40) != 0 && !fits_40_bits(expire_at_ms)) return false;
  write_expiry(bytes() + expiry_offset(), expire_at_ms, expiry);
  return true;
}

char* Entry::text_bytes() {
  return reinterpret_cast<char*>(bytes() + value_offset());
}

int64_t Entry::integer() const {
  const uint8_t* at = bytes() + value_offset();
  switch (flags() & 3) {
    case 0:
      return load<int8_t>(at);
    case 1:
      return load<int16_t>(at);
    case 2:
      return load<int32_t>(at);
    default:
      return load<int64_t>(at);
  }
}

bool Entry::set_integer(int64_t value) {
  if (width_of(value) > (flags() & 3)) return false;
  std::memcpy(bytes() + value_offset(), &value, integer_bytes(flags()));
  return true;
}

Blob* Entry::blob() const {
  return load<Blob*>(bytes() + value_offset());
}

void Entry::set_object(Object object) {
  store(bytes() + value_offset(), object);
}

std::string_view Entry::string(char (&digits)[kIntegerTextMax]) const {
  switch (kind()) {
    case ValueKind::kText:
      return text();
    case ValueKind::kBlob:
      return blob()->view();
    case ValueKind::kInteger:
    case ValueKind::kObject:  // not asked, nor the next
    case ValueKind::kNone:
      break;
  }
  return {digits, write_integer(integer(), digits)};
}

size_t Entry::string_bytes() const {
  char digits[kIntegerTextMax];
  return string(digits).size();
}

size_t Entry::value_bytes() const {
  switch (kind()) {
    case ValueKind::kText:
      return text_size();
    case ValueKind::kInteger:
      return integer_bytes(flags());
    case ValueKind::kNone:
      return 0;
    case ValueKind::kBlob:
    case ValueKind::kObject:
      break;
  }
  return kPointerBytes;
}

size_t Entry::block_bytes() const {
  return tags_offset() + (tagged() ? 1 + tags().bytes().size() : 0);
}

size_t Entry::memory_bytes() const {
  if (kind() == ValueKind::kBlob) return block_bytes() + blob()->memory_bytes();
  if (kind() == ValueKind::kObject) return block_bytes() + object().memory_bytes();
  return block_bytes();
}

}  // namespace larder::storage
