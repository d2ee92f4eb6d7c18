#include "storage/table.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <vector>

#include "storage/entry_arena.h"
#include "storage/prefetch.h"

namespace larder::storage {
namespace {

constexpr uint64_t kExpirySecondsMax = uint64_t{1} << 40;

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

// Keys are mostly short: two or three comparisons of eight bytes instead of a call.
bool equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const size_t size = a.size();
  if (size < 8 || size > 64) return a == b;
  const auto word = [](std::string_view bytes, size_t at) {
    uint64_t value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  for (size_t at = 0; at + 8 < size; at += 8) {
    if (word(a, at) != word(b, at)) return false;
  }
  return word(a, size - 8) == word(b, size - 8);
}

struct SegmentDeleter {
  void operator()(Segment* segment) const { Segment::destroy(segment); }
};
using SegmentOwner = std::unique_ptr<Segment, SegmentDeleter>;

}  // namespace

Table::~Table() {
  while (destroy_some(std::numeric_limits<size_t>::max())) {
  }
}

void Table::swap(Table& other) noexcept {
  std::swap(directory_, other.directory_);
  std::swap(size_, other.size_);
  std::swap(volatile_size_, other.volatile_size_);
  std::swap(segment_bytes_, other.segment_bytes_);
  std::swap(depth_, other.depth_);
  std::swap(next_due_ms_, other.next_due_ms_);
  std::swap(expire_at_sum_s_, other.expire_at_sum_s_);
  std::swap(tags_, other.tags_);
}

size_t Table::directory_index(KeyHash hash) const {
  return prefix_of(hash) >> (Segment::kDepthMax - depth_);
}

size_t Table::directory_span(const Segment& segment) const {
  return size_t{1} << (depth_ - segment.depth());
}

Slot Table::find(const Key& key) const {
  if (size_ == 0) return {};
  const SegmentRef ref = directory_[directory_index(key.hash)];
  Segment& segment = *ref;
  const uint8_t fingerprint = Segment::fingerprint_of(key.hash);
  const auto search = [&](uint32_t index) -> Slot {
    Bucket& bucket = segment.bucket(index);
    for (uint64_t m = bucket.candidates(fingerprint); m != 0; m &= m - 1) {
      const auto slot = static_cast<uint32_t>(std::countr_zero(m)) / 8;
      if (bucket.fingerprints[slot] == fingerprint &&
          equal(bucket.entries[slot].entry()->key(), key.bytes)) {
        return Slot(&segment, &bucket, slot);
      }
    }
    return {};
  };
  const uint32_t home = ref.home_of(key.hash);
  for (uint32_t index = home; index <= home + 1; index++) {  // and the line beside it
    if (const Slot slot = search(index)) return slot;
  }
  if (segment.bucket(home).stashed == 0) return {};
  for (uint32_t index = segment.homes(); index < segment.buckets(); index++) {
    if (const Slot slot = search(index)) return slot;
  }
  return {};
}

Slot Table::find(KeyHash hash, const Entry* entry) const {
  if (size_ == 0) return {};
  const SegmentRef ref = directory_[directory_index(hash)];
  const uint32_t home = ref.home_of(hash);
  const auto search = [&](uint32_t index) -> Slot {
    Bucket& bucket = ref->bucket(index);
    for (uint32_t i = 0; i < Bucket::kSlots; i++) {
      if (bucket.fingerprints[i] == Segment::fingerprint_of(hash) &&
          bucket.entries[i].entry() == entry) {
        return Slot(ref.get(), &bucket, i);
      }
    }
    return {};
  };
  if (Slot slot = search(home)) return slot;
  if (Slot slot = search(home + 1)) return slot;
  for (uint32_t i = ref->homes(); i < ref->buckets(); i++) {
    if (Slot slot = search(i)) return slot;
  }
  return {};
}

TablePosition Table::sample(TablePosition from, size_t& wanted,
                            FunctionRef<void(Slot)> visit) const {
  if (size_ == 0) return 0;
  uint64_t prefix = from >> Segment::kHomeBits;
  auto index = static_cast<uint32_t>(from) & ((1u << Segment::kHomeBits) - 1);
  for (; prefix >> Segment::kDepthMax == 0; index = 0) {
    Segment& segment = *directory_[prefix >> (Segment::kDepthMax - depth_)];
    for (; index < segment.buckets(); index++) {
      if (wanted == 0) return prefix << Segment::kHomeBits | index;
      Bucket& bucket = segment.bucket(index);
      segment.prefetch_entries(bucket);
      for (uint32_t i = 0; i < Bucket::kSlots; i++) {
        if (bucket.fingerprints[i] == 0) continue;
        visit(Slot(&segment, &bucket, i));
        wanted -= wanted > 0;
      }
    }
    prefix = segment.prefix() + (uint64_t{1} << (Segment::kDepthMax - segment.depth()));
  }
  return 0;
}

void Table::insert(KeyHash hash, Entry* entry, AccessBits bits) {
  if (!entry->tagged()) return place(hash, entry, bits);
  tags_->add(entry->tags(), hash);
  try {
    place(hash, entry, bits);
  } catch (...) {
    forget_tags(*entry, hash);
    throw;
  }
}

void Table::place(KeyHash hash, Entry* entry, AccessBits bits) {
  if (!directory_) {
    SegmentOwner first(Segment::create(0, 0, 1));
    directory_ = std::make_unique<SegmentRef[]>(1);
    segment_bytes_ = first->bytes();
    directory_[0] = SegmentRef(first.release());
    depth_ = 0;
  }
  const Bucket* bucket = nullptr;
  while ((bucket = directory_[directory_index(hash)]->place(hash, EntryRef(entry, bits))) ==
         nullptr) {
    make_room(directory_index(hash));
  }
  size_++;
  count_expiry(*directory_[directory_index(hash)], *bucket, *entry);
}

Entry* Table::replace(Slot slot, Entry* entry) {
  Entry* old = slot.entry();
  if (old->tags() != entry->tags()) change_tags(*old, *entry);
  forget_expiry(*old);
  slot.bucket_->entries[slot.index_] = EntryRef(entry, slot.bits());
  note_expiry(slot);
  return old;
}

Entry* Table::erase(Slot slot, KeyHash hash) {
  Entry* entry = slot.entry();
  take_out(*slot.segment_, *slot.bucket_, slot.index_, hash);
  give_back_room(directory_index(hash));
  return entry;
}

void Table::take_out(Segment& segment, Bucket& bucket, uint32_t slot, KeyHash hash) {
  const Entry& entry = *bucket.entries[slot].entry();
  forget_expiry(entry);
  if (entry.tagged()) forget_tags(entry, hash);
  segment.remove(bucket, slot, hash);
  size_--;
}

void Table::forget_expiry(const Entry& entry) {
  if (!entry.has_expiry()) return;
  volatile_size_--;
  expire_at_sum_s_ -= expiry_seconds(entry);
}

void Table::note_expiry(Slot slot) {
  count_expiry(*slot.segment_, *slot.bucket_, *slot.entry());
}

void Table::note_due(Slot slot) {
  note_due(*slot.segment_, *slot.bucket_, *slot.entry());
}

void Table::note_due(Segment& segment, const Bucket& bucket, const Entry& entry) {
  const int64_t due_ms = entry.next_due_ms();
  segment.due.note(DueTimes::group_of(segment.index_of(bucket)), due_ms);
  next_due_ms_ = std::min(next_due_ms_, due_ms);
  if (entry.tagged()) tags_->note_due(entry.tags(), due_ms);
}

void Table::count_expiry(Segment& segment, const Bucket& bucket, Entry& entry) {
  if (!entry.has_expiry() && entry.kind() != ValueKind::kObject) return;
  if (entry.scheduled()) entry.set_scheduled(false);  // with another expiry, or in another table
  note_due(segment, bucket, entry);
  if (!entry.has_expiry()) return;
  volatile_size_++;
  expire_at_sum_s_ += expiry_seconds(entry);
}

void Table::make_room(size_t index) {
  const Segment& full = *directory_[index];
  if (full.lines() < Segment::kLinesMax) {
    rebuild(index, full.entries_when_grown());
  } else {
    split(index);
  }
}

// Puts a segment in the place of the one at `index`, with its entries and room for `entries`.
// Throws std::bad_alloc, and then has changed nothing.
void Table::rebuild(size_t index, size_t entries) {
  Segment* const old = directory_[index].get();
  SegmentOwner rebuilt(Segment::create(old->depth(), old->prefix(), entries));
  // Random keys always find room in a larger segment; if these do not, it must be larger still.
  while (!old->move_to(*rebuilt, seed_)) {
    entries += entries / 4 + 1;
    rebuilt.reset(Segment::create(old->depth(), old->prefix(), entries));
  }
  segment_bytes_ += rebuilt->bytes() - old->bytes();
  put_in_directory(rebuilt.release());
  Segment::destroy(old);
}

void Table::double_directory() {
  const size_t old_size = directory_size();
  auto larger = std::make_unique<SegmentRef[]>(old_size * 2);
  for (size_t i = 0; i < old_size; i++) larger[2 * i] = larger[2 * i + 1] = directory_[i];
  directory_ = std::move(larger);
  depth_++;
}

void Table::put_in_directory(Segment* segment) {
  const size_t first = segment->prefix() >> (Segment::kDepthMax - depth_);
  std::fill_n(&directory_[first], directory_span(*segment), SegmentRef(segment));
}

// Divides the segment at directory index `index` by one more bit of its keys' hashes. Both halves
// are built beside the old segment, so that a failed allocation leaves the table as it was.
void Table::split(size_t index) {
  Segment* const old = directory_[index].get();
  // With more keys than a segment holds sharing 28 bits of a seeded hash, something else is broken.
  if (old->depth() == Segment::kDepthMax) throw std::bad_alloc();
  if (old->depth() == depth_) double_directory();
  const uint32_t depth = old->depth() + 1;
  const uint32_t high_bit = uint32_t{1} << (Segment::kDepthMax - depth);
  SegmentOwner low;
  SegmentOwner high;
  size_t entries = old->size() / 2;
  do {
    low.reset(Segment::create(depth, old->prefix(), entries));
    high.reset(Segment::create(depth, old->prefix() | high_bit, entries));
    entries += entries / 4 + 1;  // for the next try, where the hashes were not divided evenly
  } while (!old->divide(*low, *high, seed_));
  segment_bytes_ += low->bytes() + high->bytes() - old->bytes();
  put_in_directory(low.release());
  put_in_directory(high.release());
  Segment::destroy(old);
}

// After keys were taken out of the segment at `index`: what is empty or nearly so shrinks.
void Table::give_back_room(size_t index) {
  if (size_ == 0) return free_segments();
  if (!directory_[index]->sparse()) return;
  try {
    rebuild(index, directory_[index]->size());
  } catch (const std::bad_alloc&) {  // then it stays large
  }
}

// Of a table without entries.
void Table::free_segments() {
  while (destroy_some(std::numeric_limits<size_t>::max())) {
  }
}

void Table::visit_home(const Segment& segment, uint32_t home,
                       FunctionRef<void(const Entry&)> visit) const {
  const auto visit_bucket = [&](const Bucket& bucket) {
    for (uint32_t i = 0; i < Bucket::kSlots; i++) {
      if (bucket.fingerprints[i] == 0) continue;
      const Entry& entry = *bucket.entries[i].entry();
      if (segment.home_of(hash_key(entry.key(), seed_)) == home) visit(entry);
    }
  };
  visit_bucket(segment.bucket(home));
  visit_bucket(segment.beside(home));
  if (segment.bucket(home).stashed == 0) return;
  for (uint32_t i = segment.homes(); i < segment.buckets(); i++) {
    if (segment.in_stash(i, home)) visit_bucket(segment.bucket(i));
  }
}

TablePosition Table::scan(TablePosition from, ScanBudget& budget,
                          FunctionRef<void(const Entry&)> visit) const {
  if (size_ == 0 || from >> kTablePositionBits != 0) return 0;
  uint64_t prefix = from >> Segment::kHomeBits & ((uint64_t{1} << Segment::kDepthMax) - 1);
  auto position = static_cast<uint32_t>(from) & ((1u << Segment::kHomeBits) - 1);
  const uint64_t paused_depth = from >> kPausedDepthAt;
  const auto count_and_visit = [&](const Entry& entry) {
    budget.entries -= budget.entries > 0;
    visit(entry);
  };
  const auto spend_buckets = [&](size_t n) { budget.buckets -= std::min(n, budget.buckets); };
  for (; prefix >> Segment::kDepthMax == 0; position = 0) {
    Segment& segment = *directory_[prefix >> (Segment::kDepthMax - depth_)];
    const bool begun = position > 0;
    if (budget.entries == 0 || budget.buckets < (begun ? 1 : kSegmentBuckets)) {
      return begun ? from : prefix << Segment::kHomeBits;
    }
    // What was passed of a smaller segment nobody can tell any more: all of it, and at once.
    const bool united = begun && segment.depth() < paused_depth;
    if (segment.size() == 0) {
      spend_buckets(1);
    } else if (united || (!begun && segment.size() <= budget.entries)) {
      // All of it will be visited: no need to ask each key for its home bucket.
      segment.prefetch_entries();
      segment.each([&](Bucket& b, uint32_t i) { count_and_visit(*b.entries[i].entry()); });
      spend_buckets(segment.buckets());
    } else {
      for (uint32_t home = segment.home_at(position); home < segment.homes(); home++) {
        if (budget.entries == 0 || budget.buckets == 0) {
          return uint64_t{segment.depth()} << kPausedDepthAt | prefix << Segment::kHomeBits |
                 segment.first_position(home);
        }
        visit_home(segment, home, count_and_visit);
        spend_buckets(1);
      }
    }
    prefix = segment.prefix() + (uint64_t{1} << (Segment::kDepthMax - segment.depth()));
  }
  return 0;
}

TablePosition Table::compact(TablePosition from, bool values, size_t& moves_max) {
  if (size_ == 0) return 0;
  const uint64_t prefix = from >> Segment::kHomeBits;
  SegmentRef& ref = directory_[prefix >> (Segment::kDepthMax - depth_)];
  if (EntryArena::worth_moving(ref.get()) && moves_max > 0) {
    put_in_directory(Segment::moved(ref.get()));
    moves_max--;
  }
  Segment& segment = *ref;
  if (values) segment.prefetch_entries();
  auto index = static_cast<uint32_t>(from) & ((1u << Segment::kHomeBits) - 1);
  for (; index < segment.buckets(); index++) {
    if (moves_max == 0) return prefix << Segment::kHomeBits | index;
    compact_bucket(segment.bucket(index), values, moves_max);
  }
  const uint64_t next = segment.prefix() + (uint64_t{1} << (Segment::kDepthMax - segment.depth()));
  return next >> Segment::kDepthMax != 0 ? 0 : next << Segment::kHomeBits;
}

void Table::compact_bucket(Bucket& bucket, bool values, size_t& moves_max) {
  for (uint32_t i = 0; i < Bucket::kSlots; i++) {
    if (bucket.fingerprints[i] == 0) continue;
    const EntryRef ref = bucket.entries[i];
    size_t moves = 0;
    if (values && ref.entry()->move_value(EntryArena::worth_moving)) moves++;
    if (EntryArena::worth_moving(ref.entry())) {
      bucket.entries[i] = EntryRef(ref.entry()->moved(), ref.bits());
      moves++;
    }
    moves_max -= std::min(moves, moves_max);
  }
}

// The entry with `rank` others before it, in the order of segments, buckets and slots.
Entry* Table::entry_by_rank(size_t rank) const {
  size_t i = 0;
  while (rank >= directory_[i]->size()) {
    rank -= directory_[i]->size();
    i += directory_span(*directory_[i]);
  }
  Entry* found = nullptr;
  directory_[i]->each([&](Bucket& bucket, uint32_t slot) {
    if (rank-- == 0) found = bucket.entries[slot].entry();
  });
  return found;
}

// Draws slots until one is in use. A segment counts once, however often it stands in the directory,
// and for as many slots as the largest has, so that every slot has the same chance. In a table with
// few entries, drawing gives up soon and counting, which is as fair, is short; the longer the
// directory that counting must walk, the longer it is put off.
Entry* Table::random_entry(uint64_t random) const {
  if (size_ == 0) return nullptr;
  constexpr size_t kDrawsMin = 32;
  for (size_t draws = kDrawsMin + directory_size() / 8; draws > 0; draws--) {
    random = mix(random);
    const size_t index = random & (directory_size() - 1);
    const Segment& segment = *directory_[index];
    if (index != segment.prefix() >> (Segment::kDepthMax - depth_)) continue;
    const auto position = static_cast<uint32_t>((random >> 32) % kSegmentEntriesMax);
    if (position >= segment.buckets() * Bucket::kSlots) continue;
    const Bucket& bucket = segment.bucket(position / Bucket::kSlots);
    const uint32_t slot = position % Bucket::kSlots;
    if (bucket.fingerprints[slot] != 0) return bucket.entries[slot].entry();
  }
  return entry_by_rank(mix(random) % size_);
}

// Walks the directory from its end, which shrinks by the segment destroyed.
bool Table::destroy_some(size_t segments_max) {
  if (!directory_) return false;
  size_t end = directory_size();
  while (end > 0 && !directory_[end - 1]) end--;  // done in earlier slices
  for (; end > 0 && segments_max > 0; segments_max--) {
    const SegmentRef segment = directory_[end - 1];
    segment->prefetch_entries();
    segment->each([](Bucket& bucket, uint32_t i) { Entry::destroy(bucket.entries[i].entry()); });
    while (end > 0 && directory_[end - 1] == segment) directory_[--end] = {};
    segment_bytes_ -= segment->bytes();
    Segment::destroy(segment.get());
  }
  if (end > 0) return true;
  directory_.reset();
  tags_.reset();
  size_ = volatile_size_ = depth_ = 0;
  next_due_ms_ = kNothingDue;
  expire_at_sum_s_ = 0;
  return false;
}

size_t Table::memory_bytes() const {
  return directory_size() * sizeof(SegmentRef) + segment_bytes_;
}

bool Table::recount() const {
  size_t size = 0;
  size_t volatile_size = 0;
  uint64_t sum_s = 0;
  size_t bytes = 0;
  bool all_hold = true;
  for (size_t i = 0; i < directory_size();) {
    Segment& segment = *directory_[i];
    size_t in_segment = 0;
    all_hold &= stash_counts_hold(segment);
    segment.each([&](Bucket& bucket, uint32_t slot) {
      const Entry& entry = *bucket.entries[slot].entry();
      const Slot found = find({entry.key(), hash_key(entry.key(), seed_)});
      in_segment++;
      all_hold &= found && found.entry() == &entry;
      const int64_t bound_ms = segment.due.next_ms(DueTimes::group_of(segment.index_of(bucket)));
      const int64_t due_ms = entry.next_due_ms();
      all_hold &= doomed(entry) || std::max(bound_ms, segment.due.next_ms()) <= due_ms ||
                  (entry.scheduled() && due_ms == entry.expire_at_ms());
      if (!entry.has_expiry()) return;
      volatile_size++;
      sum_s += expiry_seconds(entry);
    });
    all_hold &= in_segment == segment.size() && next_due_ms_ <= segment.due.next_ms();
    size += in_segment;
    bytes += segment.bytes();
    i += directory_span(segment);
  }
  return all_hold && tags_hold() && size == size_ && volatile_size == volatile_size_ &&
         sum_s == expire_at_sum_s_ && bytes == segment_bytes_;
}

// Whether each home bucket knows how many of its keys live in the stash.
bool Table::stash_counts_hold(const Segment& segment) const {
  std::vector<uint32_t> stashed(segment.homes());
  for (uint32_t b = segment.homes(); b < segment.buckets(); b++) {
    const Bucket& bucket = segment.bucket(b);
    for (uint32_t i = 0; i < Bucket::kSlots; i++) {
      if (bucket.fingerprints[i] == 0) continue;
      const Entry& entry = *bucket.entries[i].entry();
      const uint32_t home = segment.home_of(hash_key(entry.key(), seed_));
      stashed[home] += segment.in_stash(b, home);
    }
  }
  bool all_hold = true;
  for (uint32_t b = 0; b < segment.homes(); b++) {
    all_hold &= stashed[b] == segment.bucket(b).stashed;
  }
  return all_hold;
}

void Table::prefetch_directory(KeyHash hash) const {
  if (size_ != 0) storage::prefetch(&directory_[directory_index(hash)]);
  if (tags_ != nullptr) storage::prefetch(tags_.get());
}

void Table::prefetch_bucket(KeyHash hash) const {
  if (size_ == 0) return;
  const SegmentRef segment = directory_[directory_index(hash)];
  storage::prefetch(&segment->bucket(segment.home_of(hash)));
  if (tags_ != nullptr) tags_->prefetch();
}

void Table::prefetch_segment(KeyHash hash) const {
  if (size_ != 0) storage::prefetch(directory_[directory_index(hash)].get());
}

void Table::prefetch_entry(KeyHash hash) const {
  if (size_ == 0) return;
  const SegmentRef ref = directory_[directory_index(hash)];
  const Segment& segment = *ref;
  const uint32_t index = ref.home_of(hash);
  const Bucket& home = segment.bucket(index);
  // If not at home, then most likely beside: that line came along, as the processor fetches lines
  // in pairs.
  for (const Bucket* bucket : {&home, &segment.beside(index)}) {
    if (const uint64_t m = bucket->candidates(Segment::fingerprint_of(hash)); m != 0) {
      const Entry* entry = bucket->entries[std::countr_zero(m) / 8].entry();
      storage::prefetch(entry);
      // Most values begin in the second line: no need to wait for the first to tell.
      storage::prefetch(reinterpret_cast<const char*>(entry) + sizeof(Bucket));
      return;
    }
  }
}

}  // namespace larder::storage
