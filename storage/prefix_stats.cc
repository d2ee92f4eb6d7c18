#include "storage/prefix_stats.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <new>

namespace larder::storage {
namespace {

constexpr size_t index_of(PrefixCount count) {
  return static_cast<size_t>(count);
}

// A candidate must be so many times as busy as the one whose row it gets, or two that are alike
// would push each other out for ever; and must have been seen so often, or, for a row that nobody
// needs, more than once.
constexpr uint64_t kTimesAsBusy = 2;
constexpr uint64_t kSeenMin = 4;
constexpr uint64_t kSeenMinForFree = 2;

// Walks take a part in so many of the time, at most.
constexpr int64_t kRestPerWalk = 20;

// 1 to 2 * mean - 1, so that accesses in a rhythm are met alike (xorshift32, Marsaglia 2003).
uint32_t random_step(uint32_t mean) {
  static thread_local uint32_t state = 0x9e3779b9;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return 1 + state % (2 * mean - 1);
}

}  // namespace

PrefixStats::~PrefixStats() {
  for (auto& counters : counters_) delete[] counters.load();
}

void PrefixStats::note(size_t database, const Key& key, PrefixCount what, int64_t n, int64_t keys,
                       int64_t bytes) {
  const KeyPrefix prefix = prefix_in(key.bytes);
  if (!prefix.found) return;
  const PrefixRow* row = rows_.find(database, prefix);
  if (row == nullptr && (row = learn(database, prefix, keys > 0)) == nullptr) return;
  size_t thread = ThreadNumber::get();
  Counters* counters = counters_[thread].load(std::memory_order_acquire);
  if (counters == nullptr && (counters = make_counters(thread)) == nullptr) {
    thread = ThreadNumber::kShared;
    counters = counters_[thread].load(std::memory_order_acquire);
  }
  auto& values = counters[rows_.index_of(*row)].values;
  const auto add = [&](PrefixCount count, int64_t more) {
    std::atomic<int64_t>& value = values[index_of(count)];
    if (thread == ThreadNumber::kShared) {
      value.fetch_add(more, std::memory_order_relaxed);
    } else {
      value.store(value.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
  };
  if (n != 0) add(what, n);
  if ((keys | bytes) == 0 || !counts(*row, database, key.hash)) return;
  if (keys != 0) add(PrefixCount::kKeys, keys);
  if (bytes != 0) add(PrefixCount::kBytes, bytes);
}

// For a prefix without a row: its new one, if `inserted` says that this is its first key and there
// is room; else it may be remembered as one that would like a row.
PrefixRow* PrefixStats::learn(size_t database, const KeyPrefix& prefix, bool inserted) {
  if (inserted && complete_.load(std::memory_order_relaxed)) return add_row(database, prefix);
  static thread_local uint32_t until_sample = 1;
  if (--until_sample > 0) return nullptr;
  until_sample = random_step(kSampled);
  const std::unique_lock lock(mutex_, std::try_to_lock);
  try {
    if (lock.owns_lock()) sketch_.add(database, prefix);
  } catch (const std::bad_alloc&) {  // then this access is not remembered
  }
  return nullptr;
}

// Null, and from then on it is known that there are prefixes without a row, if there is no room.
PrefixRow* PrefixStats::add_row(size_t database, const KeyPrefix& prefix) {
  const std::lock_guard lock(mutex_);
  if (PrefixRow* row = rows_.find(database, prefix)) return row;  // another shard's thread did it
  if (!rows_.full()) return &rows_.add(database, prefix, walking());
  complete_.store(false, std::memory_order_relaxed);
  return nullptr;
}

// Null if there is no memory.
PrefixStats::Counters* PrefixStats::make_counters(size_t thread) {
  auto* counters = new (std::nothrow) Counters[rows_.capacity()];
  if (counters != nullptr) counters_[thread].store(counters, std::memory_order_release);
  return counters;
}

void PrefixStats::forget(const PrefixRow& row, size_t first_count, size_t last_count) {
  for (auto& counters : counters_) {
    Counters* const rows = counters.load(std::memory_order_acquire);
    if (rows == nullptr) continue;
    auto& values = rows[rows_.index_of(row)].values;
    for (size_t i = first_count; i <= last_count; i++)
      values[i].store(0, std::memory_order_relaxed);
  }
}

void PrefixStats::remove(PrefixRow& row) {
  forget(row, 0, kPrefixCounts - 1);
  rows_.remove(row);
}

PrefixCounts PrefixStats::counts_of(const PrefixRow& row) const {
  PrefixCounts sums{};
  for (const auto& counters : counters_) {
    const Counters* const rows = counters.load(std::memory_order_acquire);
    if (rows == nullptr) continue;
    for (size_t i = 0; i < kPrefixCounts; i++) {
      sums[i] += rows[rows_.index_of(row)].values[i].load(std::memory_order_relaxed);
    }
  }
  return sums;
}

const PrefixRow* PrefixStats::counted_row(size_t database, const Key& key) const {
  if (!on()) return nullptr;
  const KeyPrefix prefix = prefix_in(key.bytes);
  const PrefixRow* row = prefix.found ? rows_.find(database, prefix) : nullptr;
  return row != nullptr && counts(*row, database, key.hash) ? row : nullptr;
}

void PrefixStats::configure(int separator, size_t rows_max, bool empty) {
  const std::lock_guard lock(mutex_);
  const bool more = rows_max > rows_.rows_max();
  if (rows_max > rows_.capacity()) {
    std::array<std::unique_ptr<Counters[]>, ThreadNumber::kShared + 1> larger;
    for (size_t t = 0; t < larger.size(); t++) {
      if (counters_[t].load() != nullptr || t == ThreadNumber::kShared) {
        larger[t] = std::make_unique<Counters[]>(rows_max);
      }
    }
    const size_t capacity = rows_.capacity();
    rows_.set_rows_max(rows_max);
    for (size_t t = 0; t < larger.size(); t++) {
      Counters* const old = counters_[t].load();
      for (size_t row = 0; old != nullptr && row < capacity; row++) {
        for (size_t i = 0; i < kPrefixCounts; i++) {
          larger[t][row].values[i].store(old[row].values[i].load());
        }
      }
      counters_[t].store(larger[t].release());
      delete[] old;
    }
  } else {
    rows_.set_rows_max(rows_max);
  }
  if (separator != separator_.load()) {
    rows_.each([&](PrefixRow& row) { remove(row); });
    sketch_.clear();
    separator_.store(separator);
    complete_.store(true);
    walked_.store(empty || separator == kOff ? kWalked : 0);
  } else if (more && on() && !complete_.load()) {  // for those that were refused one
    complete_.store(true);
    if (!empty) begin_walk();
  }
  if (rows_.used() > rows_max) judge();
  while (rows_.used() > rows_max) {
    remove(*least_busy());
    complete_.store(false);
  }
}

void PrefixStats::flush(size_t database, bool empty) {
  const std::lock_guard lock(mutex_);
  rows_.each([&](const PrefixRow& row) {
    if (row.database == database) forget_size(row);
  });
  if (!empty) return;
  complete_.store(true, std::memory_order_relaxed);
  end_walk();
}

void PrefixStats::swap_databases(size_t a, size_t b) {
  const std::lock_guard lock(mutex_);
  rows_.swap_databases(a, b);
  sketch_.clear();
  if (walking()) begin_walk();  // in the middle of a shard it has seen one of the two
}

void PrefixStats::reset() {
  const std::lock_guard lock(mutex_);
  rows_.each([&](PrefixRow& row) {
    forget(row, index_of(PrefixCount::kHits), kPrefixCounts - 1);
    row.accesses = 0;
  });
}

// From the beginning, also if one is under way.
void PrefixStats::begin_walk() {
  rows_.each([&](const PrefixRow& row) {
    if (row.counting.load(std::memory_order_relaxed)) forget_size(row);
  });
  walked_.store(0, std::memory_order_relaxed);
}

void PrefixStats::end_walk() {
  rows_.each([](PrefixRow& row) { row.counting.store(false, std::memory_order_relaxed); });
  walked_.store(kWalked, std::memory_order_relaxed);
}

void PrefixStats::set_walked(uint64_t place) {
  if (place != kWalked) return walked_.store(place, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  end_walk();
}

void PrefixStats::found(size_t database, const Key& key, size_t bytes) {
  const KeyPrefix prefix = prefix_in(key.bytes);
  if (!prefix.found) return;
  const PrefixRow* row = rows_.find(database, prefix);
  if (row == nullptr && complete_.load(std::memory_order_relaxed)) row = add_row(database, prefix);
  if (row == nullptr || !row->counting.load(std::memory_order_relaxed)) return;
  // The walk is one thread of many, but rare: what all threads share is good enough.
  auto& values = counters_[ThreadNumber::kShared].load()[rows_.index_of(*row)].values;
  values[index_of(PrefixCount::kKeys)].fetch_add(1, std::memory_order_relaxed);
  values[index_of(PrefixCount::kBytes)].fetch_add(static_cast<int64_t>(bytes),
                                                  std::memory_order_relaxed);
}

// Of those that are alike one without keys.
PrefixRow* PrefixStats::least_busy() const {
  PrefixRow* least = nullptr;
  rows_.each([&](PrefixRow& row) {
    if (least == nullptr || row.activity < least->activity ||
        (row.activity == least->activity && has_keys(*least) && !has_keys(row))) {
      least = &row;
    }
  });
  return least;
}

bool PrefixStats::has_keys(const PrefixRow& row) const {
  return counts_of(row)[index_of(PrefixCount::kKeys)] != 0;
}

bool PrefixStats::turn(int64_t now_ms) {
  if (now_ms < turned_at_ms_) turned_at_ms_ = now_ms - kTurnMs;  // the clock was set back
  if (walking()) {
    rest_ms_ = std::max(kTurnMs, (now_ms - turned_at_ms_) * kRestPerWalk);
    return false;
  }
  if (now_ms - turned_at_ms_ < rest_ms_) return false;
  turned_at_ms_ = now_ms;
  rest_ms_ = kTurnMs;
  const std::lock_guard lock(mutex_);
  judge();
  sketch_.decay();
  const PrefixSketch::Name* const name = sketch_.busiest();
  return on() && name != nullptr && name->own_count() >= kSeenMinForFree;
}

// Brings it up to date how busy each prefix was of late.
void PrefixStats::judge() {
  rows_.each([&](PrefixRow& row) {
    const PrefixCounts counts = counts_of(row);
    uint64_t accesses = 0;
    for (const PrefixCount count : {PrefixCount::kHits, PrefixCount::kMisses, PrefixCount::kSets}) {
      accesses += static_cast<uint64_t>(counts[index_of(count)]);
    }
    row.activity = row.activity / 2 + accesses - std::min(accesses, row.accesses);
    row.accesses = accesses;
  });
}

void PrefixStats::exchange() {
  const std::lock_guard lock(mutex_);
  if (!on() || walking()) return;
  // Then there are no keys to be counted.
  const bool complete = complete_.load(std::memory_order_relaxed);
  bool any = false;
  while (const PrefixSketch::Name* name = sketch_.busiest()) {
    const uint64_t activity = name->own_count() * kSampled;
    PrefixRow* const least = rows_.full() ? least_busy() : nullptr;
    const bool free = least == nullptr || (least->activity == 0 && !has_keys(*least));
    if (name->own_count() < (free ? kSeenMinForFree : kSeenMin)) break;
    if (least != nullptr) {
      if (activity < kTimesAsBusy * least->activity) break;
      if (!free) complete_.store(false, std::memory_order_relaxed);
      remove(*least);
    }
    rows_.add(name->database, name->prefix(), !complete).activity = activity;
    sketch_.remove(*name);
    any = true;
  }
  if (any && !complete) begin_walk();
}

std::vector<PrefixStats::Prefix> PrefixStats::report() const {
  std::map<std::string, PrefixCounts> by_name;
  const std::lock_guard lock(mutex_);
  rows_.each([&](const PrefixRow& row) {
    if (row.counting.load(std::memory_order_relaxed)) return;
    PrefixCounts& sums = by_name[std::string(row.name())];
    const PrefixCounts counts = counts_of(row);
    for (size_t i = 0; i < kPrefixCounts; i++) sums[i] += counts[i];
  });
  std::vector<Prefix> prefixes;
  for (const auto& [name, counts] : by_name) {
    prefixes.push_back({name, counts});
    // Between two counters that are read one after the other, keys may have come and gone.
    for (int64_t& count : prefixes.back().counts) count = std::max<int64_t>(count, 0);
  }
  return prefixes;
}

}  // namespace larder::storage
