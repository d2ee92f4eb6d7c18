// Slabs and size classes of the entry arena.
//
// A slab is 64 KiB of blocks of one size. Its record is not in it but in an array beside all slabs,
// so that the slab can be full of blocks from its first byte, a block's record is found from its
// address by one shift, and the records of a thousand slabs fit in a processor's cache.
//
// Size classes: every 8 bytes up to 512, every 16 up to 1,024; above, a class is what goes n times
// into a slab, rounded down to a cache line (n = 60, 56 ... 26, 25 ... 8), so that little is left
// over at a slab's end. A block whose size is a multiple of 64 begins at a multiple of 64.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "storage/index_list.h"

namespace larder::storage {

inline constexpr size_t kSlabBytes = 64 * 1024;
inline constexpr size_t kBlockUnit = 8;  // sizes and places of blocks are multiples of it
inline constexpr size_t kSlabBlockBytesMax = 8192;  // larger blocks do not live in slabs
inline constexpr size_t kSizeClasses = 126;

namespace slab_detail {

constexpr std::array<uint16_t, kSizeClasses> class_sizes() {
  std::array<uint16_t, kSizeClasses> sizes{};
  size_t i = 0;
  const auto add = [&](size_t bytes) { sizes[i++] = static_cast<uint16_t>(bytes); };
  const auto add_fitting = [&](size_t times) { add(kSlabBytes / times / 64 * 64); };
  for (size_t bytes = 8; bytes <= 512; bytes += 8) add(bytes);
  for (size_t bytes = 528; bytes <= 1024; bytes += 16) add(bytes);
  for (size_t times = 60; times > 36; times -= 4) add_fitting(times);
  for (size_t times = 36; times > 26; times -= 2) add_fitting(times);
  for (size_t times = 26; times >= 8; times--) add_fitting(times);
  return sizes;
}

constexpr std::array<uint16_t, kSizeClasses> class_capacities(
    const std::array<uint16_t, kSizeClasses>& sizes) {
  std::array<uint16_t, kSizeClasses> capacities{};
  for (size_t i = 0; i < kSizeClasses; i++) {
    capacities[i] = static_cast<uint16_t>(kSlabBytes / sizes[i]);
  }
  return capacities;
}

constexpr auto classes_by_units(const std::array<uint16_t, kSizeClasses>& sizes) {
  std::array<uint8_t, kSlabBlockBytesMax / kBlockUnit + 1> classes{};
  size_t index = 0;
  for (size_t units = 0; units < classes.size(); units++) {
    if (units * kBlockUnit > sizes[index]) index++;
    classes[units] = static_cast<uint8_t>(index);
  }
  return classes;
}

}  // namespace slab_detail

// By size class: bytes of a block, and how many go into a slab.
inline constexpr auto kClassBytes = slab_detail::class_sizes();
inline constexpr auto kClassCapacity = slab_detail::class_capacities(kClassBytes);
inline constexpr auto kClassByUnits = slab_detail::classes_by_units(kClassBytes);
static_assert(kClassBytes.back() == kSlabBlockBytesMax);

// The class of a block of `bytes` <= kSlabBlockBytesMax.
inline size_t size_class_of(size_t bytes) {
  return kClassByUnits[(bytes + kBlockUnit - 1) / kBlockUnit];
}

// What is known of a slab; guarded by the lock of its size class, or by the span pool's while it is
// free. The atomics are read without a lock by whoever looks for sparse slabs.
struct Slab {
  static constexpr uint16_t kNoBlock = 0xffff;
  enum Place : uint8_t {
    kFree,     // in the span pool
    kCurrent,  // new blocks of its class come from it
    kFull,     // no free block; in no list
    kListed,   // has free blocks; in its class' list number `bin`
    kLeaving,  // is being emptied and gets no new blocks; in its class' list of such
  };

  // Units from the slab's begin. Freed blocks are a list, each holding the place of the next in its
  // first two bytes; blocks from `fresh` on were never used, so that their pages stay untouched.
  uint16_t free_head = kNoBlock;
  uint16_t fresh = 0;
  uint16_t fresh_end = 0;
  uint16_t block_units = 0;
  uint16_t floor = 0;  // with fewer blocks than this, the slab must change its place
  uint8_t bin = 0;
  std::atomic<uint8_t> size_class{0};
  std::atomic<uint16_t> used{0};  // blocks
  std::atomic<Place> place{kFree};
  uint32_t next = IndexList::kNone;
  uint32_t prev = IndexList::kNone;

  bool exhausted() const { return free_head == kNoBlock && fresh == fresh_end; }
};
static_assert(sizeof(Slab) <= 32);

}  // namespace larder::storage
