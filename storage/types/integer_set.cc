#include "storage/types/integer_set.h"

#include <algorithm>
#include <cstring>

namespace larder::storage::integer_set {
namespace {

constexpr size_t kWidthAt = Packed::kHeadBytes;
constexpr size_t kHeadBytes = kWidthAt + 1;

size_t width(const Packed* run) {
  return run->data()[kWidthAt];
}

size_t width_of(int64_t value) {
  if (value == static_cast<int16_t>(value)) return 2;
  return value == static_cast<int32_t>(value) ? 4 : 8;
}

template <typename T>
T load(const Packed* run, size_t index) {
  T value;
  std::memcpy(&value, run->data() + kHeadBytes + index * sizeof value, sizeof value);
  return value;
}

int64_t load(const Packed* run, size_t index, size_t width) {
  if (width == 2) return load<int16_t>(run, index);
  return width == 4 ? load<int32_t>(run, index) : load<int64_t>(run, index);
}

void store(Packed* run, size_t index, size_t width, int64_t value) {
  // Little endian: the low bytes come first.
  std::memcpy(run->data() + kHeadBytes + index * width, &value, width);
}

// How many members are smaller than `value`. The halving has no branch to guess wrong: where the
// value is, is as good as random.
template <typename T>
size_t rank(const Packed* run, int64_t value) {
  size_t first = 0;
  for (size_t left = size(run); left > 0;) {
    const size_t half = left / 2;
    first += load<T>(run, first + half) < value ? left - half : 0;
    left = half;
  }
  return first;
}

size_t rank(const Packed* run, int64_t value) {
  switch (width(run)) {
    case 2:
      return rank<int16_t>(run, value);
    case 4:
      return rank<int32_t>(run, value);
    default:
      return rank<int64_t>(run, value);
  }
}

bool stands_at(const Packed* run, size_t index, int64_t value) {
  return index < size(run) && at(run, index) == value;
}

// Makes `members` of them wider, in place, from the end. The run has the room.
void widen(Packed* run, size_t members, size_t to) {
  const size_t from = width(run);
  for (size_t i = members; i-- > 0;) store(run, i, to, load(run, i, from));
  run->data()[kWidthAt] = static_cast<uint8_t>(to);
}

}  // namespace

Packed* create() {
  Packed* run = Packed::create(kHeadBytes);
  run->data()[kWidthAt] = 2;
  return run;
}

size_t size(const Packed* run) {
  return (run->bytes() - kHeadBytes) / width(run);
}

int64_t at(const Packed* run, size_t index) {
  return load(run, index, width(run));
}

bool contains(const Packed* run, int64_t value) {
  return width_of(value) <= width(run) && stands_at(run, rank(run, value), value);
}

bool insert(Packed*& run, int64_t value) {
  const size_t index = rank(run, value);
  if (stands_at(run, index, value)) return false;
  const size_t members = size(run);
  const size_t each = std::max(width(run), width_of(value));
  run = Packed::resize(run, kHeadBytes + (members + 1) * each);  // at once: it may throw
  if (each > width(run)) widen(run, members, each);
  uint8_t* place = run->data() + kHeadBytes + index * each;
  std::memmove(place + each, place, (members - index) * each);
  store(run, index, each, value);
  return true;
}

bool erase(Packed*& run, int64_t value) {
  if (!contains(run, value)) return false;
  const size_t index = rank(run, value);
  const size_t each = width(run);
  const size_t behind = size(run) - index - 1;
  uint8_t* place = run->data() + kHeadBytes + index * each;
  std::memmove(place, place + each, behind * each);
  run = Packed::resize(run, run->bytes() - each);
  return true;
}

}  // namespace larder::storage::integer_set
