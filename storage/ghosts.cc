#include "storage/ghosts.h"

#include <algorithm>
#include <utility>

namespace larder::storage {
namespace {

constexpr uint32_t kFrequencyBits = 4;
// The fingerprint is bits 8 to 19 of the hash; 32 bits below the shard's choose the set.
constexpr int kPrintShift = 8;
constexpr int kSetShift = 22;

uint16_t print_of(KeyHash hash) {
  return static_cast<uint16_t>(((hash >> kPrintShift) & 0xfff) << kFrequencyBits);
}
bool same_print(uint16_t ghost, uint16_t print) {
  return ghost != 0 && (ghost & ~0xf) == print;
}

}  // namespace

// The sets divide the range of those 32 bits evenly, in order: their number need not be a power of
// two, and a resize finds the sets that overlap.
uint16_t* Ghosts::set_of(KeyHash hash) const {
  const auto bits = static_cast<uint32_t>(hash >> kSetShift);
  return &ghosts_[((uint64_t{bits} * sets_) >> 32) * ways_];
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

void Ghosts::resize(size_t capacity_wanted) {
  Ghosts other;
  other.ways_ = static_cast<uint32_t>(std::min<size_t>(capacity_wanted, kWaysMax));
  other.sets_ = static_cast<uint32_t>((capacity_wanted + kWaysMax - 1) / kWaysMax);
  if (other.capacity() == capacity()) return;
  if (other.capacity() > 0) other.ghosts_ = std::make_unique<uint16_t[]>(other.capacity());
  if (other.capacity() > 0 && capacity() > 0) other.take_from(*this);
  *this = std::move(other);
}

// A ghost does not know which part of its set's range its key was in: it goes to every set that
// overlaps, the latest of each first, as far as there is room.
void Ghosts::take_from(const Ghosts& old) {
  for (uint64_t to = 0; to < sets_; to++) {
    const uint64_t first = to * old.sets_ / sets_;
    const uint64_t last = ((to + 1) * old.sets_ - 1) / sets_;
    uint32_t taken = 0;
    for (uint32_t way = 0; way < old.ways_; way++) {
      for (uint64_t from = first; from <= last && taken < ways_; from++) {
        const uint16_t ghost = old.ghosts_[from * old.ways_ + way];
        if (ghost != 0) ghosts_[to * ways_ + taken++] = ghost;
      }
    }
  }
}

}  // namespace larder::storage
