// Table's keys whose time is over: taken out, in parts.
#include <algorithm>
#include <bit>

#include "storage/prefetch.h"
#include "storage/table.h"

namespace larder::storage {

// Looks at the groups of buckets that are due, each step asking for what the next one needs.
void Table::sweep_segment(Segment& segment, int64_t now_ms, FunctionRef<void(Entry*)> on_dead,
                          FunctionRef<void(Entry&)> on_due) {
  const DueTimes before = segment.due;
  segment.due = DueTimes(now_ms);
  uint32_t due = 0;
  for (uint32_t group = 0; group < DueTimes::kGroups; group++) {
    const int64_t next_ms = before.next_ms(group);
    due |= uint32_t{next_ms <= now_ms} << group;
    if (next_ms > now_ms) segment.due.note(group, next_ms);
  }
  const auto each_due = [&](auto visit) {
    for (uint32_t groups = due; groups != 0; groups &= groups - 1) {
      const auto first = 2 * static_cast<uint32_t>(std::countr_zero(groups));
      for (uint32_t b = first; b < segment.buckets();
           b += b % 2 == 0 ? 1 : 2 * DueTimes::kGroups - 1) {
        visit(segment.bucket(b));
      }
    }
  };
  each_due([](Bucket& bucket) { storage::prefetch(&bucket); });
  each_due([](Bucket& bucket) { Segment::prefetch_entries(bucket); });
  each_due([&](Bucket& bucket) { sweep_bucket(segment, bucket, now_ms, on_dead, on_due); });
}

void Table::sweep_bucket(Segment& segment, Bucket& bucket, int64_t now_ms,
                         FunctionRef<void(Entry*)> on_dead, FunctionRef<void(Entry&)> on_due) {
  const uint32_t group = DueTimes::group_of(segment.index_of(bucket));
  for (uint32_t i = 0; i < Bucket::kSlots; i++) {
    if (bucket.fingerprints[i] == 0) continue;
    Entry* entry = bucket.entries[i].entry();
    const int64_t due_ms = entry->next_due_ms();
    if (due_ms == kNothingDue || doomed(*entry)) continue;
    if (due_ms > now_ms || !entry->dead(now_ms)) {
      if (due_ms <= now_ms) on_due(*entry);
      segment.due.note(group, entry->next_due_ms());
      continue;
    }
    const KeyHash hash = hash_key(entry->key(), seed_);
    forget_expiry(*entry);
    if (entry->tagged()) forget_tags(*entry, hash);
    segment.remove(bucket, i, hash);
    size_--;
    on_dead(entry);
  }
}

bool Table::sweep(int64_t now_ms, size_t segments_max, FunctionRef<void(Entry*)> on_dead,
                  FunctionRef<void(Entry&)> on_due) {
  if (next_due_ms_ > now_ms) return false;
  int64_t next_due_ms = kNothingDue;
  bool more = false;
  for (size_t i = 0; i < directory_size();) {
    const size_t span = directory_span(*directory_[i]);
    if (directory_[i]->due.next_ms() <= now_ms) {
      if (segments_max == 0) {
        more = true;
      } else {
        segments_max--;
        sweep_segment(*directory_[i], now_ms, on_dead, on_due);
        give_back_room(i);
        if (size_ == 0) break;
        more |= directory_[i]->due.next_ms() <= now_ms;
      }
    }
    next_due_ms = std::min(next_due_ms, directory_[i]->due.next_ms());
    i += span;
  }
  next_due_ms_ = size_ == 0 ? kNothingDue : next_due_ms;
  return more;
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
