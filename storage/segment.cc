#include "storage/segment.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <new>

#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

// Steps in which a segment grows: a fifth to a third at a time, so that little of it stands empty,
// and few, since each step looks at all its keys. Each fills a block of the arena.
constexpr uint32_t kSteps[] = {4, 8, 12, 16, 21, 28, 34, 42, 53, Segment::kLinesMax};

constexpr bool fills_a_block(uint32_t lines) {
  const size_t bytes = lines * sizeof(Bucket);
  return std::find(kClassBytes.begin(), kClassBytes.end(), bytes) != kClassBytes.end();
}
static_assert(std::all_of(std::begin(kSteps), std::end(kSteps), fills_a_block));

// Part of a new segment's slots that is meant to be in use, so that it can take some keys before it
// is rebuilt. (Random keys fill 90 to 95 % of a segment before one of them finds no room.)
constexpr double kFillAtStart = 0.78;

// A segment with less than this part of its slots in use is sparse.
constexpr double kSparseFill = 0.25;

// Lines for overflowing homes: in simulations a tenth fills a segment to 92 to 94 %, and 6 to 10 %
// of the keys come to live there.
constexpr uint32_t stash_of(uint32_t lines) {
  return std::max(1u, lines / 10);
}

constexpr double slots_of(uint32_t lines) {
  return (lines - 1) * Bucket::kSlots;
}

uint32_t lines_for(size_t entries) {
  for (const uint32_t lines : kSteps) {
    if (static_cast<double>(entries) <= kFillAtStart * slots_of(lines)) return lines;
  }
  // Only where the hashes of a full segment's keys could not be divided evenly.
  const auto lines =
      static_cast<uint32_t>(static_cast<double>(entries) / Bucket::kSlots * 1.25) + 2;
  const size_t bytes = std::max(lines, Segment::kLinesMax) * sizeof(Bucket);
  return static_cast<uint32_t>(EntryArena::block_bytes(bytes) / sizeof(Bucket));
}

}  // namespace

Segment::Segment(uint32_t depth, uint32_t prefix, uint32_t lines)
    : prefix_(prefix),
      homes_(static_cast<uint16_t>(lines - 1 - stash_of(lines))),
      stash_(static_cast<uint16_t>(stash_of(lines))),
      depth_(static_cast<uint8_t>(depth)) {
  for (uint32_t b = 0; b < buckets(); b++) {
    std::memset(bucket(b).fingerprints, 0, sizeof bucket(b).fingerprints);
    bucket(b).stashed = 0;
  }
}

Segment* Segment::create(uint32_t depth, uint32_t prefix, size_t entries) {
  const uint32_t lines = lines_for(entries);
  void* memory = EntryArena::allocate(lines * sizeof(Bucket));
  assert(reinterpret_cast<uintptr_t>(memory) % alignof(Segment) == 0);
  return new (memory) Segment(depth, prefix, lines);
}

// Nothing in a segment depends on where it lies.
Segment* Segment::moved(Segment* segment) {
  const size_t bytes = segment->bytes();
  void* memory = EntryArena::allocate(bytes);
  std::memcpy(memory, static_cast<const void*>(segment), bytes);
  EntryArena::free(segment, bytes);
  return static_cast<Segment*>(memory);
}

void Segment::destroy(Segment* segment) {
  EntryArena::free(segment, segment->bytes());
}

Bucket* Segment::place(uint32_t home, uint8_t fingerprint, EntryRef entry) {
  const auto put = [&](Bucket& bucket, int slot) {
    bucket.fingerprints[slot] = fingerprint;
    bucket.entries[slot] = entry;
    size_++;
    return &bucket;
  };
  Bucket& first = bucket(home);
  Bucket& second = beside(home);
  Bucket& emptier = second.used() < first.used() ? second : first;
  if (const int free = emptier.free_slot(); free >= 0) return put(emptier, free);
  for (uint32_t i = homes_; i < buckets(); i++) {
    if (const int free = bucket(i).free_slot(); free >= 0) {
      first.stashed++;
      return put(bucket(i), free);
    }
  }
  return nullptr;
}

void Segment::remove(Bucket& from, uint32_t slot, KeyHash hash) {
  from.fingerprints[slot] = 0;
  if (in_stash(index_of(from), home_of(hash))) bucket(home_of(hash)).stashed--;
  size_--;
}

size_t Segment::entries_when_grown() const {
  const auto outgrown = static_cast<size_t>(kFillAtStart * slots_of(lines())) + 1;
  return std::max<size_t>(size_, outgrown);
}

bool Segment::sparse() const {
  return lines() > kSteps[0] && size_ < kSparseFill * slots_of(lines());
}

// Where a home's keys, or those of the one before it, can only be at one position with the bits
// that the fingerprint has, that is theirs. Only a few entries must be read: those in the stash,
// and all of a small segment, whose homes have more positions.
bool Segment::move_to(Segment& to, uint64_t hash_seed) const {
  to.due.succeed(due);
  for (uint32_t b = 0; b < buckets(); b++) {
    const bool at_home = b < homes_;
    const uint32_t first = at_home ? first_position(b == 0 ? 0 : b - 1) : 0;
    const uint32_t end = at_home ? first_position(b + 1) : 0;
    for (uint32_t i = 0; i < Bucket::kSlots; i++) {
      const uint8_t print = bucket(b).fingerprints[i];
      if (print == 0) continue;
      const EntryRef ref = bucket(b).entries[i];
      const uint32_t position = first + ((print - first) & (kPrintedPositions - 1));
      const bool known =
          print != kTwoPrints && position < end && position + kPrintedPositions >= end;
      const Bucket* placed = known ? to.place(to.home_at(position), print, ref)
                                   : to.place(hash_key(ref.entry()->key(), hash_seed), ref);
      if (placed == nullptr) return false;
      to.due.moved(due, DueTimes::group_of(b), DueTimes::group_of(to.index_of(*placed)));
    }
  }
  return true;
}

bool Segment::divide(Segment& low, Segment& high, uint64_t hash_seed) const {
  prefetch_entries();
  const uint32_t bit = 1u << (kDepthMax - 1 - depth_);
  for (uint32_t b = 0; b < buckets(); b++) {
    for (uint32_t i = 0; i < Bucket::kSlots; i++) {
      if (bucket(b).fingerprints[i] == 0) continue;
      const EntryRef ref = bucket(b).entries[i];
      const Entry& entry = *ref.entry();
      const KeyHash hash = hash_key(entry.key(), hash_seed);
      Segment& to = (prefix_of(hash) & bit) != 0 ? high : low;
      const Bucket* placed = to.place(hash, ref);
      if (placed == nullptr) return false;
      to.due.note(DueTimes::group_of(to.index_of(*placed)), entry.next_due_ms());
    }
  }
  return true;
}

}  // namespace larder::storage
