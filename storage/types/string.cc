#include "storage/types/string.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "storage/number.h"

namespace larder::storage {
namespace {

int64_t expiry_of(const Entry* entry) {
  return entry != nullptr ? entry->expire_at_ms() : kNoExpiry;
}

// The number in an entry, 0 if that is null; kOk if it holds one.
Status read_number(const Entry* entry, int64_t& value) {
  value = 0;
  if (entry == nullptr) return Status::kOk;
  if (entry->kind() == ValueKind::kInteger) return value = entry->integer(), Status::kOk;
  char digits[kIntegerTextMax];
  return parse_integer(entry->string(digits), value) ? Status::kOk : Status::kNotInteger;
}

Status read_number(const Entry* entry, long double& value) {
  value = 0;
  if (entry == nullptr) return Status::kOk;
  char digits[kIntegerTextMax];
  return parse_long_double(entry->string(digits), value) ? Status::kOk : Status::kNotFloat;
}

// In place of the live `entry` of `key`, or of nothing; expiry and tags are kept.
void store_number(Keyspace& db, const Key& key, Entry* entry, int64_t value) {
  if (entry != nullptr && entry->kind() == ValueKind::kInteger) {
    db.set_integer(key, *entry, value);
  } else {
    db.put_integer(key, value, expiry_of(entry), kKeepTags);
  }
}

std::string store_number(Keyspace& db, const Key& key, Entry* entry, long double value) {
  char text[kLongDoubleTextMax];
  std::string digits(text, write_long_double(value, text));
  db.put_text(key, digits, expiry_of(entry), false, kKeepTags);
  return digits;
}

// `by` in a type that holds every sum and difference: of long doubles an overflow is infinite.
template <typename Number, typename Wide>
Result<BoundedIncrement<Number>> increment_number_within(Keyspace& db, const Key& key, Wide by,
                                                         const IncrementBounds<Number>& bounds) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  Number value = 0;
  if (const Status read = read_number(found.value(), value); read != Status::kOk) return read;
  if (!(value - value == 0)) return Status::kNanOrInfinity;
  const Wide sum = value + by;
  if (!bounds.saturate && (sum < bounds.lower || sum > bounds.upper)) {
    return BoundedIncrement<Number>{value, 0, false};
  }
  const auto now = static_cast<Number>(std::clamp<Wide>(sum, bounds.lower, bounds.upper));
  const Wide applied = now == sum ? by : static_cast<Wide>(now) - value;
  using Limits = std::numeric_limits<Number>;
  if (applied < Limits::lowest() || applied > Limits::max()) return Status::kOverflow;
  store_number(db, key, found.value(), now);
  return BoundedIncrement<Number>{now, static_cast<Number>(applied), true};
}

}  // namespace

Result<int64_t> increment(Keyspace& db, const Key& key, int64_t by) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  int64_t value = 0;
  if (const Status read = read_number(found.value(), value); read != Status::kOk) return read;
  if (__builtin_add_overflow(value, by, &value)) return Status::kOverflow;
  store_number(db, key, found.value(), value);
  return value;
}

Result<std::string> increment_float(Keyspace& db, const Key& key, std::string_view by) {
  const Result<Entry*> found = find_string(db, key);
  if (!found.ok()) return found.status();
  long double value = 0;
  if (const Status read = read_number(found.value(), value); read != Status::kOk) return read;
  long double increment = 0;
  if (!parse_long_double(by, increment)) return Status::kNotFloat;
  value += increment;
  if (!std::isfinite(value)) return Status::kNanOrInfinity;
  return store_number(db, key, found.value(), value);
}

Result<BoundedIncrement<int64_t>> increment_within(Keyspace& db, const Key& key, int64_t by,
                                                   const IncrementBounds<int64_t>& bounds) {
  return increment_number_within<int64_t, __int128>(db, key, by, bounds);
}

Result<BoundedIncrement<long double>> increment_within(Keyspace& db, const Key& key, long double by,
                                                       const IncrementBounds<long double>& bounds) {
  return increment_number_within<long double, long double>(db, key, by, bounds);
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
