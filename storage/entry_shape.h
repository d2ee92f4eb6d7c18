// What an entry (storage/entry.h) is to be made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "storage/blob.h"
#include "storage/clock.h"
#include "storage/object.h"
#include "storage/tag_ids.h"

namespace larder::storage {

inline constexpr size_t kInlineValueMax = 1024;  // longer values hang off the entry as a Blob

// How a value is kept.
enum class ValueKind : uint8_t { kText = 0, kBlob = 1, kObject = 2, kNone = 3, kInteger = 4 };

// A blob is taken over with its reference, and so is an object.
struct EntryShape {
  std::string_view key;
  int64_t expire_at_ms = kNoExpiry;
  ValueKind kind = ValueKind::kText;
  size_t text_bytes = 0;  // of kText
  int64_t integer = 0;
  // Keeps the integer in 8 bytes, however small: then set_integer() takes any. with() and copy()
  // do not preserve it.
  bool wide = false;
  Blob* blob = nullptr;
  Object object{};
  // The string was modified in place: OBJECT ENCODING calls it "raw" however short it is.
  bool modified = false;
  TagIds tags{};
};

}  // namespace larder::storage
