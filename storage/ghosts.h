// What a shard remembers of keys that were evicted: how often they had been used. A key that comes
// back does not begin as a stranger (the idea of ARC's ghost lists: Megiddo and Modha, "ARC: a
// self-tuning, low overhead replacement cache", FAST 2003).
//
// A ghost takes two bytes: 12 bits of fingerprint and 4 of frequency. Ghosts stand in sets of up to
// eight, the latest in front; the last falls out. Two keys share a ghost with a probability of
// about 1 in 500, which costs a wrong guess and nothing else.
//
// Guarded by the shard's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "storage/key_hash.h"

namespace larder::storage {

class Ghosts {
 public:
  static constexpr uint32_t kFrequencyMax = 15;

  // Remembers a key, if there is any room; `frequency` is 1 to kFrequencyMax.
  void remember(KeyHash hash, uint32_t frequency);

  // The frequency of a remembered key, which is forgotten with that, since it is resident again;
  // 0 if there is none.
  uint32_t recall(KeyHash hash);

  // Makes room for so many ghosts, rounded up to a multiple of eight above eight; with 0, frees
  // everything. What is remembered is kept as far as it fits.
  void resize(size_t capacity_wanted);

  size_t capacity() const { return size_t{sets_} * ways_; }
  size_t memory_bytes() const { return capacity() * sizeof(uint16_t); }

 private:
  static constexpr uint32_t kWaysMax = 8;
  uint16_t* set_of(KeyHash hash) const;
  void take_from(const Ghosts& old);

  std::unique_ptr<uint16_t[]> ghosts_;  // sets_ times ways_; 0 is an empty place
  uint32_t sets_ = 0;
  uint32_t ways_ = 0;
};

}  // namespace larder::storage
