// A part of a table: a header line and a row of buckets, each one cache line.
//
// A bucket holds seven entries by their fingerprints, so that one comparison of eight bytes finds
// the candidates. A key lives in its home bucket, the next one, or the stash, the last few buckets
// of the segment. A segment does not know its table: the table grows it by rebuilding it with more
// lines, and divides it in two when it has kLinesMax of them.
//
// Not thread-safe: guarded by the lock of the shard that its table belongs to.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "storage/access_bits.h"
#include "storage/due_times.h"
#include "storage/entry.h"
#include "storage/key_hash.h"
#include "storage/prefetch.h"

namespace larder::storage {

// A pointer to an entry with its access bits. Entries are aligned to 8 bytes and lie below 2^47, as
// all user memory on x86-64 and AArch64 does, so a pointer has 44 bits of its own.
class EntryRef {
 public:
  EntryRef() = default;
  EntryRef(Entry* entry, AccessBits bits)
      : word_(reinterpret_cast<uintptr_t>(entry) >> 3 | static_cast<uint64_t>(bits) << kShift) {}
  Entry* entry() const { return reinterpret_cast<Entry*>((word_ & kPointerMask) << 3); }
  AccessBits bits() const { return static_cast<AccessBits>(word_ >> kShift); }

 private:
  static constexpr int kShift = 64 - kAccessBitsWidth;
  static constexpr uint64_t kPointerMask = (uint64_t{1} << kShift) - 1;
  uint64_t word_;
};

// Fingerprint 0 marks a free slot.
struct alignas(64) Bucket {
  static constexpr uint32_t kSlots = 7;

  uint8_t fingerprints[kSlots];
  uint8_t stashed;  // of a home bucket: its keys that live in the stash
  EntryRef entries[kSlots];

  // The slots that may hold `fingerprint`, as bit 8 * slot + 7. A false candidate is possible, a
  // missed one is not (the well-known "find a zero byte" of Hacker's Delight, 6-1).
  uint64_t candidates(uint8_t fingerprint) const {
    constexpr uint64_t kEachByte = 0x0101010101010101;
    const uint64_t difference = head() ^ (kEachByte * fingerprint);
    return (difference - kEachByte) & ~difference & 0x0080808080808080;
  }
  uint32_t used() const {
    uint32_t n = 0;
    for (const uint8_t f : fingerprints) n += f != 0;
    return n;
  }
  int free_slot() const {
    const uint64_t free = candidates(0);
    return free == 0 ? -1 : std::countr_zero(free) / 8;
  }

 private:
  uint64_t head() const {
    uint64_t bytes;
    std::memcpy(&bytes, fingerprints, sizeof bytes);
    return bytes;
  }
};
static_assert(sizeof(Bucket) == 64);

class alignas(64) Segment {
 public:
  // Cache lines of a segment with its header, but for rare luck of the hashes (see rebuilt()).
  static constexpr uint32_t kLinesMax = 64;
  static constexpr uint32_t kDepthMax = 28;
  static constexpr int kHomeBits = 10;
  static constexpr int64_t kNothingDue = DueTimes::kNothingDue;

  // An empty segment for the keys whose hashes begin, behind the shard's bits, with the `depth`
  // leading bits of `prefix`, a number of kDepthMax bits. Made for `entries` of them, with room for
  // some more. Throws std::bad_alloc.
  static Segment* create(uint32_t depth, uint32_t prefix, size_t entries);
  // The same segment at another address; the old one is gone. Throws std::bad_alloc, and then has
  // changed nothing.
  static Segment* moved(Segment* segment);
  // Frees the segment, not its entries.
  static void destroy(Segment* segment);

  uint32_t depth() const { return depth_; }
  uint32_t prefix() const { return prefix_; }
  size_t size() const { return size_; }
  uint32_t lines() const { return 1u + homes_ + stash_; }
  // All of the block that it lies in.
  size_t bytes() const { return lines() * sizeof(Bucket); }
  uint32_t homes() const { return homes_; }
  uint32_t buckets() const { return uint32_t{homes_} + stash_; }
  Bucket& bucket(uint32_t index) { return begin()[index]; }
  const Bucket& bucket(uint32_t index) const { return begin()[index]; }

  // Of its entries and of their elements.
  DueTimes due;
  uint32_t index_of(const Bucket& bucket) const { return static_cast<uint32_t>(&bucket - begin()); }

  // The position of a home bucket is in the order of its keys' hashes, however many there are: a
  // number below 2^kHomeBits. first_position() is the lowest of a home's; `homes()` has one as
  // well, behind all others.
  uint32_t home_at(uint32_t position) const { return position * homes_ >> kHomeBits; }
  uint32_t home_of(KeyHash hash) const { return home_of(hash, homes_); }
  static uint32_t home_of(KeyHash hash, uint32_t homes) {
    return (static_cast<uint32_t>(hash) & ((1u << kHomeBits) - 1)) * homes >> kHomeBits;
  }
  uint32_t first_position(uint32_t home) const {
    return ((home << kHomeBits) + homes_ - 1) / homes_;
  }

  // Six bits of the position and two more of the hash. So a segment grows without a look at its
  // entries: the bucket says the position roughly, the fingerprint says the rest. As a filter that
  // makes it as good as seven random bits.
  static uint8_t fingerprint_of(KeyHash hash) {
    constexpr uint32_t kOwn = 0xff & ~(kPrintedPositions - 1);
    const auto print = static_cast<uint8_t>((hash & (kPrintedPositions - 1)) |
                                            (hash >> (kHomeBits - kPrintedBits) & kOwn));
    return print == 0 ? kTwoPrints : print;
  }

  // Where a home's keys live when it is full: in the line behind it, which the processor fetches
  // along (behind the last home that is the first of the stash).
  Bucket& beside(uint32_t home) { return bucket(home + 1); }
  const Bucket& beside(uint32_t home) const { return bucket(home + 1); }

  // Whether a key of this home in this bucket counts as stashed.
  bool in_stash(uint32_t bucket, uint32_t home) const {
    return bucket >= homes_ && bucket != home + 1;
  }

  // Puts an entry into the emptier of its two buckets, or into the stash; null if both are full.
  Bucket* place(KeyHash hash, EntryRef entry) {
    return place(home_of(hash), fingerprint_of(hash), entry);
  }
  // Empties a slot. The entry stays the caller's.
  void remove(Bucket& from, uint32_t slot, KeyHash hash);

  // How many entries a segment must be made for to be larger than this one.
  size_t entries_when_grown() const;
  // So empty that its memory could serve better elsewhere.
  bool sparse() const;

  // Moves all entries into `to`, or into `low` and, where bit `kDepthMax - 1 - depth()` of their
  // prefix is set, `high`. These must be new. False: they have no room, and nothing is moved. After
  // true this segment is good for destroy() only.
  bool move_to(Segment& to, uint64_t hash_seed) const;
  bool divide(Segment& low, Segment& high, uint64_t hash_seed) const;

  template <typename Visit>
  void each(Visit&& visit) {
    for (uint32_t b = 0; b < buckets(); b++) {
      Bucket& at = bucket(b);
      for (uint32_t i = 0; i < Bucket::kSlots; i++) {
        if (at.fingerprints[i] != 0) visit(at, i);
      }
    }
  }
  // Asks for the memory of all entries, so that they arrive together.
  void prefetch_entries() const {
    for (uint32_t b = 0; b < buckets(); b++) prefetch_entries(bucket(b));
  }
  static void prefetch_entries(const Bucket& bucket) {
    for (uint32_t i = 0; i < Bucket::kSlots; i++) {
      if (bucket.fingerprints[i] != 0) storage::prefetch(bucket.entries[i].entry());
    }
  }

 private:
  static constexpr int kPrintedBits = 6;  // of a position, in the fingerprint
  static constexpr uint32_t kPrintedPositions = 1u << kPrintedBits;
  static constexpr uint8_t kTwoPrints = 1;  // stands for 0 as well

  Segment(uint32_t depth, uint32_t prefix, uint32_t lines);
  Bucket* place(uint32_t home, uint8_t fingerprint, EntryRef entry);
  Bucket* begin() { return reinterpret_cast<Bucket*>(this + 1); }
  const Bucket* begin() const { return reinterpret_cast<const Bucket*>(this + 1); }

  uint32_t prefix_;
  uint32_t size_ = 0;
  uint16_t homes_;
  uint16_t stash_;
  uint8_t depth_;
};
static_assert(sizeof(Segment) == sizeof(Bucket));

// The leading bits of the hash behind the shard's.
inline constexpr int kShardHashBits = 10;
inline uint32_t prefix_of(KeyHash hash) {
  return static_cast<uint32_t>((hash << kShardHashBits) >> (64 - Segment::kDepthMax));
}

}  // namespace larder::storage
