// EntryArena::recount(): everything that the arena keeps count of, counted again.
#include <vector>

#include "storage/entry_arena.h"

namespace larder::storage {

// Used, freed and never used blocks make up the slab; no block is twice in the list of freed ones.
bool EntryArena::slab_holds(const Slab& slab) {
  const size_t index = slab.size_class.load();
  const size_t capacity = kClassCapacity[index];
  const size_t units = kClassBytes[index] / kBlockUnit;
  if (slab.block_units != units || slab.fresh_end != capacity * units) return false;
  if (slab.fresh > slab.fresh_end || slab.fresh % units != 0) return false;
  const char* memory = pool_.memory() + index_of(slab) * kSlabBytes;
  std::vector<bool> is_free(capacity);
  size_t free = 0;
  for (uint16_t at = slab.free_head; at != Slab::kNoBlock; free++) {
    if (at >= slab.fresh || at % units != 0 || is_free[at / units]) return false;
    is_free[at / units] = true;
    std::memcpy(&at, memory + at * kBlockUnit, sizeof at);
  }
  const size_t used = slab.used.load();
  if (used + free != slab.fresh / units) return false;
  switch (slab.place.load()) {
    case Slab::kFree:
      return false;
    case Slab::kCurrent:
      return &slab == classes_[index].current && slab.floor == 0;
    case Slab::kFull:
      return used == capacity && slab.floor == capacity;
    case Slab::kListed:
      return used < capacity && used >= slab.floor &&
             slab.bin == used * SizeClass::kBins / capacity;
    case Slab::kLeaving:
      return used > 0 && slab.floor == 1;
  }
  return false;
}

bool EntryArena::class_holds(const SizeClass& size_class) {
  const size_t index = index_of(size_class);
  size_t slabs = 0;
  size_t blocks = 0;
  size_t listed = 0;
  for (size_t i = 0; i < pool_.slab_count(); i++) {
    const Slab& slab = pool_.slabs()[i];
    const Slab::Place place = slab.place.load();
    if (place == Slab::kFree || slab.size_class.load() != index) continue;
    if (!slab_holds(slab)) return false;
    slabs++;
    blocks += slab.used.load();
    listed += place == Slab::kListed || place == Slab::kLeaving ? 1 : 0;
  }
  size_t found = 0;
  for (size_t bin = 0; bin < SizeClass::kBins; bin++) {
    size_class.bins[bin].each(pool_.slabs(), [&](uint32_t at) {
      const Slab& slab = pool_.slabs()[at];
      found += slab.place.load() == Slab::kListed && slab.bin == bin ? 1 : 0;
    });
  }
  size_class.leaving.each(pool_.slabs(), [&](uint32_t at) {
    found += pool_.slabs()[at].place.load() == Slab::kLeaving ? 1 : 0;
  });
  return found == listed && slabs == size_class.slabs.load() && blocks == size_class.blocks.load();
}

bool EntryArena::recount() {
  size_t slabs = 0;
  for (const SizeClass& size_class : classes_) {
    if (!class_holds(size_class)) return false;
    slabs += size_class.slabs.load();
  }
  return slabs == pool_.slabs_used() && pool_.recount();
}

}  // namespace larder::storage
