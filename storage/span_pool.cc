#include "storage/span_pool.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>

#include "storage/page_memory.h"

namespace larder::storage {
namespace {

constexpr uint32_t kAllSlabs = 0xffffffff;
static_assert(kSlabsPerSpan == 32);

// Spans whose addresses are opened together.
constexpr size_t kSpansPerStep = 16;

// Too little for any use; the process' address space must be limited oddly.
constexpr size_t kReservedBytesMin = 64 * kSpanBytes;

// Free spans whose memory is kept, against giving back what is needed again at once.
constexpr uint32_t kIdleSpansKept = 1;

// With so few holes left in the spans in use, the next one should be prepared: a span and a half,
// since who writes 300 MB/s fills one in the time that preparing the next may take.
constexpr size_t kHolesLow = kSlabsPerSpan * 3 / 2;

// In calls of maintain(), of which there are ten a second: for how long a span is left alone after
// a slab of it became free, and for how long one is kept in case that it is needed.
constexpr uint32_t kSpanRestTicks = 2;
constexpr uint32_t kSlabRestTicks = 10;
constexpr uint32_t kKeptSpanRestTicks = 10;

// Idle slabs that are tolerated in partly used spans: a part of the slabs in use, and some anyway.
constexpr size_t kIdleSlabsPart = 48;
constexpr size_t kIdleSlabsMin = 24;

// Idle slabs from which on it is worthwhile to drain spans, and what is left of them.
constexpr size_t kDrainPart = 40;
constexpr size_t kDrainMin = 40;
constexpr size_t kDrainLeftPart = 96;

// Work of one call of maintain().
constexpr size_t kSlabsGivenBackPerCall = 32;
constexpr size_t kSpansVisitedPerCall = 64;
constexpr uint32_t kSpansSearchedPerCall = 512;

uint32_t count(uint32_t slabs) {
  return static_cast<uint32_t>(std::popcount(slabs));
}

void add(std::atomic<size_t>& counter, ptrdiff_t change) {
  counter.fetch_add(static_cast<size_t>(change), std::memory_order_relaxed);
}

}  // namespace

void SpanPool::reserve() {
  constexpr size_t kBytesOfSpan = kSpanBytes + sizeof(Span) + kSlabsPerSpan * sizeof(Slab);
  const AddressRange range = reserve_addresses(kReservedBytesMax, kReservedBytesMin);
  if (range.bytes == 0) throw std::bad_alloc();
  reserved_spans_ = (range.bytes - 2 * kSpanBytes) / kBytesOfSpan;
  // Records first, then from a span's boundary on the spans themselves.
  spans_ = reinterpret_cast<Span*>(range.begin);
  char* slabs = range.begin + reserved_spans_ * sizeof(Span);
  char* end_of_records = slabs + reserved_spans_ * kSlabsPerSpan * sizeof(Slab);
  const size_t over = reinterpret_cast<uintptr_t>(end_of_records) % kSpanBytes;
  slabs_.store(reinterpret_cast<Slab*>(slabs), std::memory_order_relaxed);
  memory_.store(end_of_records + (over == 0 ? 0 : kSpanBytes - over), std::memory_order_relaxed);
}

void SpanPool::open_spans() {
  if (spans_ == nullptr) reserve();
  const size_t first = spans_opened();
  const size_t spans = std::min(kSpansPerStep, reserved_spans_ - first);
  char* span_records = reinterpret_cast<char*>(spans_ + first);
  char* slab_records = reinterpret_cast<char*>(slabs() + first * kSlabsPerSpan);
  if (spans == 0 || !open_pages(span_records, spans * sizeof(Span)) ||
      !open_pages(slab_records, spans * kSlabsPerSpan * sizeof(Slab)) ||
      !open_pages(span_memory(static_cast<uint32_t>(first)), spans * kSpanBytes)) {
    throw std::bad_alloc();
  }
  for (size_t i = 0; i < spans * kSlabsPerSpan; i++) {
    new (slab_records + i * sizeof(Slab)) Slab();
  }
  for (size_t i = first; i < first + spans; i++) {
    new (spans_ + i) Span();
    relist(static_cast<uint32_t>(i));
  }
  opened_.store(first + spans, std::memory_order_release);
}

SpanPool::ListIndex SpanPool::list_for(const Span& span) {
  const uint32_t used = kSlabsPerSpan - count(span.free_slabs);
  if (used == kSlabsPerSpan) return kNoList;
  if (used == 0) return span.returned_slabs == kAllSlabs ? kReturned : kIdle;
  return static_cast<ListIndex>((used - 1) * kBins / kSlabsPerSpan);
}

// Puts the span into the list that its slabs demand.
void SpanPool::relist(uint32_t index) {
  Span& span = spans_[index];
  const ListIndex list = list_for(span);
  if (list == span.list) return;
  if (span.list != kNoList) {
    lists_[span.list].remove(spans_, index);
    list_sizes_[span.list]--;
  }
  span.list = list;
  if (list == kNoList) return;
  lists_[list].push_back(spans_, index);
  list_sizes_[list]++;
}

uint32_t SpanPool::fullest_span() {
  for (size_t bin = kBins; bin-- > 0;) {
    if (!lists_[bin].empty()) return lists_[bin].first();
  }
  if (!lists_[kIdle].empty()) return lists_[kIdle].first();
  if (lists_[kReturned].empty()) open_spans();
  return lists_[kReturned].first();
}

bool SpanPool::huge_wanted() const {
  return huge_pages_.load(std::memory_order_relaxed) && slabs_used() * kSlabBytes >= kHugeFromBytes;
}

// A span without memory comes into use: decides in which pages it will be.
void SpanPool::prepare_first_touch(uint32_t index) {
  Span& span = spans_[index];
  const bool huge = huge_wanted();
  if (span.huge_advised != huge) advise_huge_pages(span_memory(index), kSpanBytes, huge);
  span.huge_advised = huge;
  span.small_pages = !huge;
}

uint32_t SpanPool::take_slab() {
  const std::lock_guard guard(lock_);
  const uint32_t index = fullest_span();
  Span& span = spans_[index];
  if (span.returned_slabs == kAllSlabs) prepare_first_touch(index);
  const uint32_t idle = span.free_slabs & ~span.returned_slabs;
  const uint32_t slab = static_cast<uint32_t>(std::countr_zero(idle != 0 ? idle : span.free_slabs));
  const uint32_t bit = uint32_t{1} << slab;
  span.free_slabs &= ~bit;
  span.returned_slabs &= ~bit;
  if (idle != 0) add(idle_slabs_, -1);
  add(used_slabs_, 1);
  relist(index);
  if (preparing_wanted()) {
    need_.fetch_add(1, std::memory_order_relaxed);
    need_.notify_one();
  }
  return index * static_cast<uint32_t>(kSlabsPerSpan) + slab;
}

bool SpanPool::preparing_wanted() const {
  return lists_[kIdle].empty() && holes() <= kHolesLow && huge_wanted();
}

// Addresses are opened here too, if need be: like the touching it may have to wait for the kernel's
// lock on the process' memory.
bool SpanPool::prepare_span() {
  std::unique_lock guard(lock_);
  if (!preparing_wanted()) return false;
  if (lists_[kReturned].empty()) {
    if (spans_opened() == reserved_spans_) return false;
    open_spans();
  }
  const uint32_t index = lists_[kReturned].first();
  Span& span = spans_[index];
  span.free_slabs = span.returned_slabs = 0;
  relist(index);
  prepare_first_touch(index);
  guard.unlock();
  touch_pages(span_memory(index), kSpanBytes);
  guard.lock();
  span.free_slabs = kAllSlabs;
  span.freed_tick = tick_;
  add(idle_slabs_, kSlabsPerSpan);
  relist(index);
  return true;
}

void SpanPool::put_slab(uint32_t index) {
  const std::lock_guard guard(lock_);
  const uint32_t span_index = index / kSlabsPerSpan;
  Span& span = spans_[span_index];
  Slab& slab = slabs()[index];
  slab.free_head = Slab::kNoBlock;
  slab.place.store(Slab::kFree, std::memory_order_relaxed);
  span.free_slabs |= uint32_t{1} << (index % kSlabsPerSpan);
  span.freed_tick = tick_;
  add(used_slabs_, -1);
  add(idle_slabs_, 1);
  relist(span_index);
}

size_t SpanPool::record_bytes() const {
  return spans_opened() * (sizeof(Span) + kSlabsPerSpan * sizeof(Slab));
}

// Free slabs of partly used spans.
size_t SpanPool::holes() const {
  const size_t free_spans = list_sizes_[kIdle] + list_sizes_[kReturned];
  return (spans_opened() - free_spans) * kSlabsPerSpan - slabs_used();
}

size_t SpanPool::scattered_idle_slabs() const {
  return slabs_idle() - std::min(slabs_idle(), list_sizes_[kIdle] * kSlabsPerSpan);
}

size_t SpanPool::spans_to_drain(size_t more_idle) {
  const std::lock_guard guard(lock_);
  const size_t have = scattered_idle_slabs() + more_idle;
  if (have < std::max(kDrainMin, slabs_used() / kDrainPart)) return 0;
  return (have - slabs_used() / kDrainLeftPart) / kSlabsPerSpan;
}

bool SpanPool::maintain(size_t spans_max) {
  {
    const std::lock_guard guard(lock_);
    tick_++;
    if (spans_opened() == 0) return false;
  }
  bool gave_back = false;
  for (size_t i = 0; i < spans_max && give_back_span(); i++) gave_back = true;
  if (!gave_back) gave_back = give_back_slabs();
  if (!gave_back) collapse_one();
  const std::lock_guard guard(lock_);
  return list_sizes_[kIdle] > kIdleSpansKept;
}

bool SpanPool::give_back(size_t spans_max) {
  size_t given = 0;
  while (given < spans_max && give_back_span()) given++;
  return given == spans_max;
}

// The memory is given back without the lock; meanwhile the span is in no list, so nobody takes it.
bool SpanPool::give_back_span() {
  std::unique_lock guard(lock_);
  if (lists_[kIdle].empty()) return false;
  const uint32_t index = lists_[kIdle].first();
  Span& span = spans_[index];
  const uint32_t rest = list_sizes_[kIdle] > kIdleSpansKept ? kSpanRestTicks : kKeptSpanRestTicks;
  if (tick_ - span.freed_tick < rest) return false;
  const uint32_t idle = span.free_slabs & ~span.returned_slabs;
  span.free_slabs = span.returned_slabs = 0;
  relist(index);
  guard.unlock();
  discard_pages(span_memory(index), kSpanBytes);
  guard.lock();
  span.free_slabs = span.returned_slabs = kAllSlabs;
  add(idle_slabs_, -static_cast<ptrdiff_t>(count(idle)));
  relist(index);
  return true;
}

// Gives slabs of partly used spans back, those of the emptiest spans first, if they have been free
// for a while and are many.
bool SpanPool::give_back_slabs() {
  size_t given = 0;
  for (size_t bin = 0, visited = 0; bin < kBins; bin++) {
    std::unique_lock guard(lock_);
    const size_t tolerated = std::max(kIdleSlabsMin, slabs_used() / kIdleSlabsPart);
    if (scattered_idle_slabs() <= tolerated) break;
    for (size_t left = list_sizes_[bin]; left > 0 && visited < kSpansVisitedPerCall; left--) {
      if (lists_[bin].empty() || given >= kSlabsGivenBackPerCall) break;
      visited++;
      const uint32_t index = lists_[bin].first();
      lists_[bin].remove(spans_,
                         index);  // to the end of the list, so that the next call sees others
      lists_[bin].push_back(spans_, index);
      if (tick_ - spans_[index].freed_tick < kSlabRestTicks) continue;
      guard.unlock();
      given += give_back_slabs_of(index);
      guard.lock();
    }
  }
  return given > 0;
}

// All idle slabs of a span. Its huge page is broken, and must not be made whole by the kernel,
// which would fill the holes again.
size_t SpanPool::give_back_slabs_of(uint32_t index) {
  std::unique_lock guard(lock_);
  Span& span = spans_[index];
  const uint32_t idle = span.free_slabs & ~span.returned_slabs;
  if (idle == 0 || list_for(span) >= kBins) return 0;
  const bool was_huge = span.huge_advised;
  span.huge_advised = false;
  span.small_pages = true;
  span.free_slabs &= ~idle;
  relist(index);
  guard.unlock();
  if (was_huge) advise_huge_pages(span_memory(index), kSpanBytes, false);
  for (uint32_t rest = idle; rest != 0;) {  // run by run
    const auto first = static_cast<uint32_t>(std::countr_zero(rest));
    const auto slabs = static_cast<uint32_t>(std::countr_one(rest >> first));
    discard_pages(span_memory(index) + first * kSlabBytes, slabs * kSlabBytes);
    rest &= ~(slabs == kSlabsPerSpan ? kAllSlabs : ((uint32_t{1} << slabs) - 1) << first);
  }
  guard.lock();
  span.free_slabs |= idle;
  span.returned_slabs |= idle;
  add(idle_slabs_, -static_cast<ptrdiff_t>(count(idle)));
  relist(index);
  return count(idle);
}

// Finds a span that is full and in small pages, and moves it into a huge one.
void SpanPool::collapse_one() {
  std::unique_lock guard(lock_);
  if (!can_collapse_ || !huge_wanted()) return;
  const auto spans = static_cast<uint32_t>(spans_opened());
  uint32_t searched = 0;
  Span* span = nullptr;
  for (; searched < std::min(kSpansSearchedPerCall, spans) && span == nullptr; searched++) {
    collapse_cursor_ = (collapse_cursor_ + 1) % spans;
    Span& candidate = spans_[collapse_cursor_];
    // One slab that was given back would be filled again, which is cheaper than a span that never
    // becomes huge.
    if (candidate.small_pages && count(candidate.free_slabs) <= 1) span = &candidate;
  }
  if (span == nullptr) return;
  char* memory = span_memory(collapse_cursor_);
  add(idle_slabs_, static_cast<ptrdiff_t>(count(span->returned_slabs)));
  span->returned_slabs = 0;
  span->huge_advised = true;
  span->small_pages = false;
  guard.unlock();
  advise_huge_pages(memory, kSpanBytes, true);
  const CollapseResult result = collapse_pages(memory, kSpanBytes);
  guard.lock();
  // Where the kernel cannot do it at once, its own thread will, since the span is advised.
  if (result == CollapseResult::kUnsupported) can_collapse_ = false;
  if (result == CollapseResult::kNotNow) span->small_pages = true;
}

bool SpanPool::span_counts_hold(uint32_t index) const {
  const Span& span = spans_[index];
  if ((span.returned_slabs & ~span.free_slabs) != 0 || span.list != list_for(span)) return false;
  for (uint32_t i = 0; i < kSlabsPerSpan; i++) {
    const bool free = (span.free_slabs >> i & 1) != 0;
    const Slab& slab = slabs()[index * kSlabsPerSpan + i];
    if ((slab.place.load(std::memory_order_relaxed) == Slab::kFree) != free) return false;
  }
  return true;
}

bool SpanPool::recount() {
  const std::lock_guard guard(lock_);
  size_t used = 0;
  size_t idle = 0;
  size_t listed[kLists + 1] = {};
  for (uint32_t i = 0; i < spans_opened(); i++) {
    if (!span_counts_hold(i)) return false;
    used += kSlabsPerSpan - count(spans_[i].free_slabs);
    idle += count(spans_[i].free_slabs & ~spans_[i].returned_slabs);
    listed[spans_[i].list]++;
  }
  for (size_t list = 0; list < kLists; list++) {
    size_t found = 0;
    lists_[list].each(spans_, [&](uint32_t index) { found += spans_[index].list == list ? 1 : 0; });
    if (found != listed[list] || found != list_sizes_[list]) return false;
  }
  return used == slabs_used() && idle == slabs_idle();
}

}  // namespace larder::storage
