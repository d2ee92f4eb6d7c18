// Table's keys whose time is over: taken out, in parts.
#include <algorithm>
#include <bit>

#include "storage/prefetch.h"
#include "storage/table.h"

namespace larder::storage {

// Looks at the groups of buckets that are due, each step asking for what the next one needs.
void Table::sweep_segment(Segment& segment, const TableSweep& sweep) {
  const uint32_t due = segment.due.due_groups(sweep.until_ms);
  const auto each_due = [&](auto visit) {
    for (uint32_t groups = due; groups != 0; groups &= groups - 1) {
      const auto group = static_cast<uint32_t>(std::countr_zero(groups));
      for (uint32_t b = 2 * group; b < segment.buckets();
           b += b % 2 == 0 ? 1 : 2 * DueTimes::kGroups - 1) {
        visit(segment.bucket(b), group);
      }
    }
  };
  DueTimes::GroupTimes next_ms;
  next_ms.fill(kNothingDue);
  each_due([](Bucket& bucket, uint32_t) { storage::prefetch(&bucket); });
  each_due([](Bucket& bucket, uint32_t) { Segment::prefetch_entries(bucket); });
  each_due([&](Bucket& bucket, uint32_t group) {
    next_ms[group] = std::min(next_ms[group], sweep_bucket(segment, bucket, sweep));
  });
  segment.due.renew(due, next_ms, sweep.until_ms);
}

// Answers when something that is left there is due.
int64_t Table::sweep_bucket(Segment& segment, Bucket& bucket, const TableSweep& sweep) {
  int64_t next_ms = kNothingDue;
  for (uint32_t i = 0; i < Bucket::kSlots; i++) {
    if (bucket.fingerprints[i] == 0) continue;
    Entry& entry = *bucket.entries[i].entry();
    const int64_t due_ms = entry.next_due_ms();
    if (due_ms == kNothingDue || doomed(entry)) continue;
    if (due_ms <= sweep.now_ms && entry.dead(sweep.now_ms)) {
      const KeyHash hash = hash_key(entry.key(), seed_);
      take_out(segment, bucket, i, hash);
      sweep.on_dead(&entry, hash);
      continue;
    }
    if (due_ms <= sweep.now_ms) {
      sweep.on_due(entry);
    } else if (due_ms <= sweep.until_ms && entry.can_be_scheduled() &&
               due_ms == entry.expire_at_ms()) {
      if (entry.scheduled()) continue;
      if (sweep.on_soon(hash_key(entry.key(), seed_), due_ms)) {
        entry.set_scheduled(true);
        continue;
      }
    }
    next_ms = std::min(next_ms, entry.next_due_ms());
  }
  return next_ms;
}

bool Table::sweep(const TableSweep& sweep, size_t segments_max) {
  if (next_due_ms_ > sweep.now_ms) return false;
  for (size_t i = 0; i < directory_size(); i++) storage::prefetch(directory_[i].get());
  int64_t next_due_ms = kNothingDue;
  bool more = false;
  for (size_t i = 0; i < directory_size();) {
    const size_t span = directory_span(*directory_[i]);
    if (directory_[i]->due.next_ms() <= sweep.now_ms) {
      if (segments_max == 0) {
        more = true;
      } else {
        segments_max--;
        sweep_segment(*directory_[i], sweep);
        give_back_room(i);
        if (size_ == 0) break;
        more |= directory_[i]->due.next_ms() <= sweep.now_ms;
      }
    }
    next_due_ms = std::min(next_due_ms, directory_[i]->due.next_ms());
    i += span;
  }
  next_due_ms_ = size_ == 0 ? kNothingDue : next_due_ms;
  return more;
}

Entry* Table::take_dead(KeyHash hash, int64_t now_ms) {
  if (size_ == 0) return nullptr;
  const size_t index = directory_index(hash);
  Segment& segment = *directory_[index];
  const uint8_t fingerprint = Segment::fingerprint_of(hash);
  const auto take_from = [&](uint32_t at) -> Entry* {
    Bucket& bucket = segment.bucket(at);
    for (uint64_t m = bucket.candidates(fingerprint); m != 0; m &= m - 1) {
      const auto slot = static_cast<uint32_t>(std::countr_zero(m)) / 8;
      Entry* const entry = bucket.entries[slot].entry();
      if (bucket.fingerprints[slot] != fingerprint || !entry->dead(now_ms) || doomed(*entry) ||
          hash_key(entry->key(), seed_) != hash) {
        continue;
      }
      take_out(segment, bucket, slot, hash);
      return entry;
    }
    return nullptr;
  };
  const uint32_t home = segment.home_of(hash);
  Entry* dead = take_from(home);
  if (dead == nullptr) dead = take_from(home + 1);
  const bool stashed = segment.bucket(home).stashed > 0;
  for (uint32_t at = segment.homes(); dead == nullptr && stashed && at < segment.buckets(); at++) {
    dead = take_from(at);
  }
  if (dead != nullptr) give_back_room(index);
  return dead;
}

size_t Table::count_dead(int64_t now_ms) const {
  if (next_due_ms_ > now_ms) return 0;
  size_t dead = 0;
  for (size_t i = 0; i < directory_size();) {
    Segment& segment = *directory_[i];
    if (segment.due.next_ms() <= now_ms) {
      segment.prefetch_entries();
      segment.each(
          [&](Bucket& b, uint32_t slot) { dead += b.entries[slot].entry()->dead(now_ms); });
    }
    i += directory_span(segment);
  }
  return dead;
}

}  // namespace larder::storage
