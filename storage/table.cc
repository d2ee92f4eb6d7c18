#include "storage/table.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace larder::storage {

namespace {

constexpr uint32_t kSlots = 7;
constexpr uint32_t kBuckets = Table::kSegmentBuckets;  // homes; a power of two
constexpr uint32_t kStash = 7;
constexpr int kShardBits = 10;      // leading bits that chose the shard say nothing in here
constexpr uint32_t kDepthMax = 32;  // a prefix has as many bits
constexpr uint64_t kExpirySecondsMax = uint64_t{1} << 40;

constexpr uint64_t kEachByte = 0x0101010101010101;

static_assert(Table::kSegmentEntriesMax == (kBuckets + kStash) * kSlots);

}  // namespace

// Fingerprint 0 marks a free slot.
struct alignas(64) Bucket {
  uint8_t fingerprints[kSlots] = {};
  uint8_t stashed = 0;  // of a home bucket: its keys that live in the stash
  Entry* entries[kSlots];

  uint64_t head() const {
    uint64_t bytes;
    std::memcpy(&bytes, fingerprints, sizeof bytes);
    return bytes;
  }
  // The slots that may hold `fingerprint`, as bit 8 * slot + 7. A false candidate is possible, a
  // missed one is not (the well-known "find a zero byte" of Hacker's Delight, 6-1).
  uint64_t candidates(uint8_t fingerprint) const {
    const uint64_t difference = head() ^ (kEachByte * fingerprint);
    return (difference - kEachByte) & ~difference & 0x0080808080808080;
  }
  uint32_t used() const {
    uint32_t n = 0;
    for (const uint8_t f : fingerprints) n += f != 0;
    return n;
  }
  int free_slot() const {
    for (uint32_t i = 0; i < kSlots; i++) {
      if (fingerprints[i] == 0) return static_cast<int>(i);
    }
    return -1;
  }
};
static_assert(sizeof(Bucket) == 64);
static_assert(Table::kSlotBytes == (sizeof(Bucket) + kSlots - 1) / kSlots);

struct Segment {
  Segment(uint32_t segment_depth, uint32_t segment_prefix)
      : depth(segment_depth), prefix(segment_prefix) {}

  uint32_t depth;   // how many leading bits all its keys share
  uint32_t prefix;  // those bits, as the top bits of a 32-bit number
  uint32_t size = 0;
  int64_t next_due_ms = Table::kNothingDue;
  Bucket buckets[kBuckets + kStash];

  template <typename Visit>
  void each(Visit&& visit) {
    for (Bucket& bucket : buckets) {
      for (uint32_t i = 0; i < kSlots; i++) {
        if (bucket.fingerprints[i] != 0) visit(bucket, i);
      }
    }
  }
};

namespace {

uint32_t home_of(KeyHash hash) {
  return static_cast<uint32_t>(hash) & (kBuckets - 1);
}
uint32_t beside(uint32_t home) {
  return (home + 1) & (kBuckets - 1);
}

uint8_t fingerprint_of(KeyHash hash) {
  const auto print = static_cast<uint8_t>(hash >> 8);
  return print == 0 ? 1 : print;
}

// The leading bits of the hash behind the shard's, as a 32-bit number.
uint32_t prefix_of(KeyHash hash) {
  return static_cast<uint32_t>((hash << kShardBits) >> 32);
}

uint64_t expiry_seconds(const Entry& entry) {
  const int64_t at_ms = entry.expire_at_ms();
  return at_ms <= 0 ? 0 : std::min(static_cast<uint64_t>(at_ms) / 1000, kExpirySecondsMax);
}

// One step of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
// 2014).
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

void put(Bucket& bucket, uint32_t index, KeyHash hash, Entry* entry) {
  bucket.fingerprints[index] = fingerprint_of(hash);
  bucket.entries[index] = entry;
}

}  // namespace

Entry* Slot::entry() const {
  return bucket_->entries[index_];
}

Table::~Table() {
  while (destroy_some(std::numeric_limits<size_t>::max())) {
  }
}

void Table::swap(Table& other) noexcept {
  std::swap(directory_, other.directory_);
  std::swap(size_, other.size_);
  std::swap(volatile_size_, other.volatile_size_);
  std::swap(segments_, other.segments_);
  std::swap(depth_, other.depth_);
  std::swap(next_due_ms_, other.next_due_ms_);
  std::swap(expire_at_sum_s_, other.expire_at_sum_s_);
}

size_t Table::directory_index(KeyHash hash) const {
  return static_cast<size_t>(static_cast<uint64_t>(prefix_of(hash)) >> (32 - depth_));
}

Slot Table::find(const Key& key) const {
  if (size_ == 0) return {};
  Segment* segment = directory_[directory_index(key.hash)];
  const uint8_t fingerprint = fingerprint_of(key.hash);
  const auto search = [&](Bucket& bucket) -> Slot {
    for (uint64_t m = bucket.candidates(fingerprint); m != 0; m &= m - 1) {
      const auto index = static_cast<uint32_t>(std::countr_zero(m)) / 8;
      if (bucket.fingerprints[index] == fingerprint && bucket.entries[index]->key() == key.bytes) {
        return Slot(segment, &bucket, index);
      }
    }
    return {};
  };
  const uint32_t home = home_of(key.hash);
  if (Slot slot = search(segment->buckets[home])) return slot;
  if (Slot slot = search(segment->buckets[beside(home)])) return slot;
  if (segment->buckets[home].stashed == 0) return {};
  for (uint32_t i = kBuckets; i < kBuckets + kStash; i++) {
    if (Slot slot = search(segment->buckets[i])) return slot;
  }
  return {};
}

// Puts the entry into the emptier of its two buckets, or into the stash; false if there is no room.
bool Table::place(Segment& segment, KeyHash hash, Entry* entry) {
  Bucket& home = segment.buckets[home_of(hash)];
  Bucket& next = segment.buckets[beside(home_of(hash))];
  Bucket& emptier = next.used() < home.used() ? next : home;
  if (const int free = emptier.free_slot(); free >= 0) {
    put(emptier, static_cast<uint32_t>(free), hash, entry);
    segment.size++;
    return true;
  }
  for (uint32_t i = kBuckets; i < kBuckets + kStash; i++) {
    if (const int free = segment.buckets[i].free_slot(); free >= 0) {
      put(segment.buckets[i], static_cast<uint32_t>(free), hash, entry);
      home.stashed++;
      segment.size++;
      return true;
    }
  }
  return false;
}

void Table::insert(KeyHash hash, Entry* entry) {
  if (!directory_) {
    auto directory = std::make_unique<Segment*[]>(1);
    directory[0] = new Segment(0, 0);
    directory_ = std::move(directory);
    depth_ = 0;
    segments_ = 1;
  }
  while (!place(*directory_[directory_index(hash)], hash, entry)) split(directory_index(hash));
  size_++;
  if (entry->has_expiry()) note_expiry(find({entry->key(), hash}));
}

Entry* Table::replace(Slot slot, Entry* entry) {
  Entry* old = slot.entry();
  forget_expiry(*old);
  slot.bucket_->entries[slot.index_] = entry;
  note_expiry(slot);
  return old;
}

Entry* Table::erase(Slot slot, KeyHash hash) {
  Entry* entry = slot.entry();
  forget_expiry(*entry);
  take_out(*slot.segment_, *slot.bucket_, slot.index_, hash);
  return entry;
}

void Table::take_out(Segment& segment, Bucket& bucket, uint32_t index, KeyHash hash) {
  bucket.fingerprints[index] = 0;
  if (&bucket >= segment.buckets + kBuckets) segment.buckets[home_of(hash)].stashed--;
  segment.size--;
  size_--;
}

void Table::forget_expiry(const Entry& entry) {
  if (!entry.has_expiry()) return;
  volatile_size_--;
  expire_at_sum_s_ -= expiry_seconds(entry);
}

void Table::note_expiry(Slot slot) {
  const Entry& entry = *slot.entry();
  if (!entry.has_expiry()) return;
  volatile_size_++;
  expire_at_sum_s_ += expiry_seconds(entry);
  slot.segment_->next_due_ms = std::min(slot.segment_->next_due_ms, entry.expire_at_ms());
  next_due_ms_ = std::min(next_due_ms_, entry.expire_at_ms());
}

void Table::double_directory() {
  const size_t old_size = directory_size();
  auto larger = std::make_unique<Segment*[]>(old_size * 2);
  for (size_t i = 0; i < old_size; i++) larger[2 * i] = larger[2 * i + 1] = directory_[i];
  directory_ = std::move(larger);
  depth_++;
}

// Divides the segment at directory index `index` by one more bit of its keys' hashes. Both halves
// are built beside the old segment, so that a failed allocation leaves the table as it was.
void Table::split(size_t index) {
  Segment* old = directory_[index];
  // With more keys than a segment holds sharing 32 bits of a seeded hash, something else is broken.
  if (old->depth == kDepthMax) throw std::bad_alloc();
  auto low = std::make_unique<Segment>(old->depth + 1, old->prefix);
  auto high = std::make_unique<Segment>(
      old->depth + 1, old->prefix | (uint32_t{1} << (kDepthMax - 1 - old->depth)));
  if (old->depth == depth_) double_directory();

  old->each([&](Bucket& bucket, uint32_t i) {
    Entry* entry = bucket.entries[i];
    const KeyHash hash = hash_key(entry->key(), seed_);
    Segment& half = (prefix_of(hash) & high->prefix) == high->prefix ? *high : *low;
    [[maybe_unused]] const bool placed = place(half, hash, entry);
    // About half of at most 273 keys finds room in as many buckets: for random hashes the odds of
    // the opposite are below 2^-100.
    assert(placed);
    if (entry->has_expiry()) half.next_due_ms = std::min(half.next_due_ms, entry->expire_at_ms());
  });

  const uint32_t shift = 32 - depth_;
  const size_t first = static_cast<size_t>(static_cast<uint64_t>(old->prefix) >> shift);
  const size_t count = directory_span(*old);
  Segment* const lower = low.release();  // from here on nothing throws
  Segment* const upper = high.release();
  for (size_t i = 0; i < count; i++) directory_[first + i] = i < count / 2 ? lower : upper;
  delete old;
  segments_++;
}

void Table::visit_home(const Segment& segment, uint32_t home,
                       FunctionRef<void(const Entry&)> visit) const {
  const auto visit_bucket = [&](const Bucket& bucket) {
    for (uint32_t i = 0; i < kSlots; i++) {
      if (bucket.fingerprints[i] == 0) continue;
      const Entry& entry = *bucket.entries[i];
      if (home_of(hash_key(entry.key(), seed_)) == home) visit(entry);
    }
  };
  visit_bucket(segment.buckets[home]);
  visit_bucket(segment.buckets[beside(home)]);
  if (segment.buckets[home].stashed == 0) return;
  for (uint32_t i = kBuckets; i < kBuckets + kStash; i++) visit_bucket(segment.buckets[i]);
}

TablePosition Table::scan(TablePosition from, ScanBudget& budget,
                          FunctionRef<void(const Entry&)> visit) const {
  if (size_ == 0) return 0;
  constexpr int kBucketBits = kTablePositionBits - 32;
  static_assert(kBuckets == 1 << kBucketBits);
  uint64_t prefix = from >> kBucketBits;
  uint32_t bucket = static_cast<uint32_t>(from) & (kBuckets - 1);
  const auto count_and_visit = [&](const Entry& entry) {
    budget.entries -= budget.entries > 0;
    visit(entry);
  };
  for (; prefix >> 32 == 0; bucket = 0) {
    Segment& segment = *directory_[prefix >> (32 - depth_)];
    const bool begun = bucket > 0;
    if (budget.entries == 0 || budget.buckets < (begun ? 1 : kBuckets)) {
      return prefix << kBucketBits | bucket;
    }
    if (segment.size == 0) {
      budget.buckets--;
    } else if (!begun && segment.size <= budget.entries) {
      // All of it will be visited: no need to ask each key for its home bucket.
      segment.each([&](Bucket& b, uint32_t i) { count_and_visit(*b.entries[i]); });
      budget.buckets -= kBuckets;
    } else {
      for (; bucket < kBuckets; bucket++) {
        if (budget.entries == 0 || budget.buckets == 0) return prefix << kBucketBits | bucket;
        visit_home(segment, bucket, count_and_visit);
        budget.buckets--;
      }
    }
    prefix = segment.prefix + (uint64_t{1} << (32 - segment.depth));
  }
  return 0;
}

size_t Table::directory_span(const Segment& segment) const {
  return size_t{1} << (depth_ - segment.depth);
}

void Table::sweep_segment(Segment& segment, int64_t now_ms, FunctionRef<void(Entry*)> on_dead) {
  // Nearly every entry is a cache miss: asked for together, they arrive together.
  segment.each([](Bucket& bucket, uint32_t i) { __builtin_prefetch(bucket.entries[i]); });
  int64_t next_due_ms = kNothingDue;
  segment.each([&](Bucket& bucket, uint32_t i) {
    Entry* entry = bucket.entries[i];
    if (!entry->has_expiry()) return;
    if (entry->expire_at_ms() > now_ms) {
      next_due_ms = std::min(next_due_ms, entry->expire_at_ms());
      return;
    }
    forget_expiry(*entry);
    take_out(segment, bucket, i, hash_key(entry->key(), seed_));
    on_dead(entry);
  });
  segment.next_due_ms = next_due_ms;
}

bool Table::sweep(int64_t now_ms, size_t segments_max, FunctionRef<void(Entry*)> on_dead) {
  if (next_due_ms_ > now_ms) return false;
  int64_t next_due_ms = kNothingDue;
  bool more = false;
  for (size_t i = 0; i < directory_size();) {
    Segment& segment = *directory_[i];
    if (segment.next_due_ms <= now_ms) {
      if (segments_max == 0) {
        more = true;
      } else {
        segments_max--;
        sweep_segment(segment, now_ms, on_dead);
      }
    }
    next_due_ms = std::min(next_due_ms, segment.next_due_ms);
    i += directory_span(segment);
  }
  next_due_ms_ = next_due_ms;
  return more;
}

// The entry with `rank` others before it, in the order of segments, buckets and slots.
Entry* Table::entry_by_rank(size_t rank) const {
  size_t i = 0;
  while (rank >= directory_[i]->size) {
    rank -= directory_[i]->size;
    i += directory_span(*directory_[i]);
  }
  Entry* found = nullptr;
  directory_[i]->each([&](Bucket& bucket, uint32_t slot) {
    if (rank-- == 0) found = bucket.entries[slot];
  });
  return found;
}

// Draws slots until one is in use. A segment counts once, however often it stands in the directory,
// so that every slot has the same chance. In a table with few entries, drawing gives up soon and
// counting, which is as fair, is short.
Entry* Table::random_entry(uint64_t random) const {
  if (size_ == 0) return nullptr;
  constexpr int kDraws = 32;
  for (int i = 0; i < kDraws; i++) {
    random = mix(random);
    const size_t index = random & (directory_size() - 1);
    const Segment& segment = *directory_[index];
    if (index != static_cast<uint64_t>(segment.prefix) >> (32 - depth_)) continue;
    const auto position = static_cast<uint32_t>((random >> 32) % kSegmentEntriesMax);
    const Bucket& bucket = segment.buckets[position / kSlots];
    if (bucket.fingerprints[position % kSlots] != 0) return bucket.entries[position % kSlots];
  }
  return entry_by_rank(mix(random) % size_);
}

// Walks the directory from its end, which shrinks by the segment destroyed.
bool Table::destroy_some(size_t segments_max) {
  if (!directory_) return false;
  size_t end = directory_size();
  while (end > 0 && directory_[end - 1] == nullptr) end--;  // done in earlier slices
  for (; end > 0 && segments_max > 0; segments_max--) {
    Segment* segment = directory_[end - 1];
    segment->each([](Bucket& bucket, uint32_t i) { Entry::destroy(bucket.entries[i]); });
    while (end > 0 && directory_[end - 1] == segment) directory_[--end] = nullptr;
    delete segment;
  }
  if (end > 0) return true;
  directory_.reset();
  size_ = volatile_size_ = segments_ = depth_ = 0;
  next_due_ms_ = kNothingDue;
  expire_at_sum_s_ = 0;
  return false;
}

size_t Table::memory_bytes() const {
  return directory_size() * sizeof(Segment*) + segments_ * sizeof(Segment);
}

// Whether each home bucket knows how many of its keys live in the stash.
bool Table::stash_counts_hold(const Segment& segment) const {
  uint32_t stashed[kBuckets] = {};
  for (uint32_t b = kBuckets; b < kBuckets + kStash; b++) {
    for (uint32_t i = 0; i < kSlots; i++) {
      if (segment.buckets[b].fingerprints[i] == 0) continue;
      stashed[home_of(hash_key(segment.buckets[b].entries[i]->key(), seed_))]++;
    }
  }
  return std::equal(stashed, stashed + kBuckets, segment.buckets,
                    [](uint32_t n, const Bucket& bucket) { return n == bucket.stashed; });
}

bool Table::recount() const {
  size_t size = 0;
  size_t volatile_size = 0;
  uint64_t sum_s = 0;
  uint32_t segments = 0;
  bool bounds_hold = true;
  for (size_t i = 0; i < directory_size();) {
    Segment& segment = *directory_[i];
    size_t in_segment = 0;
    bounds_hold &= stash_counts_hold(segment);
    segment.each([&](Bucket& bucket, uint32_t slot) {
      const Entry& entry = *bucket.entries[slot];
      in_segment++;
      bounds_hold &= find({entry.key(), hash_key(entry.key(), seed_)}).entry() == &entry;
      if (!entry.has_expiry()) return;
      volatile_size++;
      sum_s += expiry_seconds(entry);
      bounds_hold &= segment.next_due_ms <= entry.expire_at_ms();
    });
    bounds_hold &= in_segment == segment.size && next_due_ms_ <= segment.next_due_ms;
    size += in_segment;
    segments++;
    i += directory_span(segment);
  }
  return bounds_hold && size == size_ && volatile_size == volatile_size_ &&
         sum_s == expire_at_sum_s_ && segments == segments_;
}

void Table::prefetch_bucket(KeyHash hash) const {
  if (size_ == 0) return;
  __builtin_prefetch(&directory_[directory_index(hash)]->buckets[home_of(hash)]);
}

void Table::prefetch_entry(KeyHash hash) const {
  if (size_ == 0) return;
  const Bucket& home = directory_[directory_index(hash)]->buckets[home_of(hash)];
  if (const uint64_t m = home.candidates(fingerprint_of(hash)); m != 0) {
    __builtin_prefetch(home.entries[std::countr_zero(m) / 8]);
    return;
  }
  // Most likely beside: that line came along, as the processor fetches lines in pairs.
  const Bucket& next = directory_[directory_index(hash)]->buckets[beside(home_of(hash))];
  if (const uint64_t m = next.candidates(fingerprint_of(hash)); m != 0) {
    __builtin_prefetch(next.entries[std::countr_zero(m) / 8]);
  }
}

}  // namespace larder::storage
