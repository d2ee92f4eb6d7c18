#include "storage/ghosts.h"

#include <algorithm>
#include <bit>

namespace larder::storage {
namespace {

constexpr uint32_t kFrequencyBits = 4;
// The hash's bits 42 to 53 choose the set: at most 2^12 of them matter beside the shard, whose bits
// lie above; the fingerprint takes bits that neither uses.
constexpr int kSetShift = 22;
constexpr int kPrintShift = 8;

uint16_t print_of(KeyHash hash) {
  return static_cast<uint16_t>(((hash >> kPrintShift) & 0xfff) << kFrequencyBits);
}
bool same_print(uint16_t ghost, uint16_t print) {
  return ghost != 0 && (ghost & ~0xf) == print;
}

}  // namespace

uint16_t* Ghosts::set_of(KeyHash hash) const {
  return &ghosts_[((hash >> kSetShift) & (sets_ - 1)) * ways_];
}

void Ghosts::remember(KeyHash hash, uint32_t frequency) {
  if (capacity() == 0) return;
  uint16_t* set = set_of(hash);
  const uint16_t print = print_of(hash);
  uint16_t* place = std::find_if(
      set, set + ways_ - 1, [&](uint16_t ghost) { return ghost == 0 || same_print(ghost, print); });
  std::move_backward(set, place, place + 1);
  set[0] = static_cast<uint16_t>(print | frequency);
}

uint32_t Ghosts::recall(KeyHash hash) {
  if (capacity() == 0) return 0;
  uint16_t* set = set_of(hash);
  uint16_t* end = set + ways_;
  const uint16_t print = print_of(hash);
  uint16_t* place =
      std::find_if(set, end, [&](uint16_t ghost) { return same_print(ghost, print); });
  if (place == end) return 0;
  const uint32_t frequency = *place & 0xf;
  std::move(place + 1, end, place);
  end[-1] = 0;
  return frequency;
}

void Ghosts::resize(size_t keys) {
  const size_t sets = std::bit_ceil(std::max<size_t>((keys + kWaysMax - 1) / kWaysMax, 1));
  const size_t ways = keys == 0 ? 0 : std::min<size_t>(keys, kWaysMax);
  if (sets * ways == capacity()) return;
  auto ghosts = ways == 0 ? nullptr : std::make_unique<uint16_t[]>(sets * ways);
  // A ghost does not know the bits of its hash beyond those that chose its set: it goes to every
  // set that it may belong to now.
  const size_t old_sets = capacity() == 0 ? 0 : sets_;
  for (size_t from = 0, to = 0; ways != 0 && old_sets != 0 && to < std::max(sets, old_sets); to++) {
    from = to & (old_sets - 1);
    uint16_t* target = &ghosts[(to & (sets - 1)) * ways];
    for (size_t i = 0, free = 0; i < std::min<size_t>(ways, ways_); i++) {
      while (free < ways && target[free] != 0) free++;
      if (free < ways) target[free] = ghosts_[from * ways_ + i];
    }
  }
  ghosts_ = std::move(ghosts);
  sets_ = static_cast<uint32_t>(sets);
  ways_ = static_cast<uint32_t>(ways);
}

}  // namespace larder::storage
