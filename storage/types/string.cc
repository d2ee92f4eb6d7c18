#include "storage/types/string.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "storage/number.h"

namespace larder::storage {

Result<int64_t> increment(Keyspace& db, const Key& key, int64_t by) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  Entry* entry = found.value();
  if (entry == nullptr) {
    db.put_integer(key, by, kNoExpiry);
    return by;
  }
  int64_t value = 0;
  const bool in_place = entry->kind() == ValueKind::kInteger;
  char digits[kIntegerTextMax];
  if (in_place) {
    value = entry->integer();
  } else if (!parse_integer(entry->string(digits), value)) {
    return Status::kNotInteger;
  }
  if (__builtin_add_overflow(value, by, &value)) return Status::kOverflow;
  if (in_place) {
    db.set_integer(key, *entry, value);
  } else {
    db.put_integer(key, value, entry->expire_at_ms(), kKeepTags);
  }
  return value;
}

Result<std::string> increment_float(Keyspace& db, const Key& key, std::string_view by) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  const Entry* entry = found.value();
  long double value = 0;
  char digits[kIntegerTextMax];
  if (entry != nullptr && !parse_long_double(entry->string(digits), value)) {
    return Status::kNotFloat;
  }
  long double increment = 0;
  if (!parse_long_double(by, increment)) return Status::kNotFloat;
  value += increment;
  if (!std::isfinite(value)) return Status::kNanOrInfinity;
  char text[kLongDoubleTextMax];
  std::string sum(text, write_long_double(value, text));
  db.put_text(key, sum, entry != nullptr ? entry->expire_at_ms() : kNoExpiry, false, kKeepTags);
  return sum;
}

Result<size_t> append_string(Keyspace& db, const Key& key, std::string_view suffix,
                             size_t bytes_max) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  if (found.value() == nullptr) {
    db.put_string(key, suffix, kNoExpiry);
    return suffix.size();
  }
  const size_t before = found.value()->string_bytes();
  const size_t size = before + suffix.size();
  if (size > bytes_max) return Status::kTooLong;
  char* bytes = db.grow_string(key, size);
  std::copy(suffix.begin(), suffix.end(), bytes + before);
  db.note_written(key);
  return size;
}

Result<size_t> set_string_range(Keyspace& db, const Key& key, uint64_t offset,
                                std::string_view bytes, size_t bytes_max) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  if (bytes.empty()) return found.value() != nullptr ? found.value()->string_bytes() : size_t{0};
  if (offset > bytes_max || bytes.size() > bytes_max - offset) return Status::kTooLong;
  const Result<WritableString> value = writable_string(db, key, offset + bytes.size());
  if (!value.ok()) return value.status();
  std::memcpy(value.value().bytes.data() + offset, bytes.data(), bytes.size());
  db.note_written(key);
  return value.value().bytes.size();
}

Result<WritableString> writable_string(Keyspace& db, const Key& key, size_t bytes_min) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  const size_t before = found.value() != nullptr ? found.value()->string_bytes() : 0;
  const size_t size = std::max(before, bytes_min);
  const bool grown = found.value() == nullptr || size > before;
  return WritableString{{db.grow_string(key, size), size}, grown};
}

}  // namespace larder::storage
