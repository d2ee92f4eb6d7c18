#include "storage/due_schedule.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace larder::storage {

static_assert(DueSchedule::kSlotMs == 1 << 5);

// Behind the first slot by less than a turn of the wheel. (A slot is over in its last millisecond
// already.)
int64_t DueSchedule::end_ms(int64_t now_ms) {
  if (size_ == 0) first_ = number_of(now_ms);
  if (number_of(now_ms + 1) < first_ || size_ == kItemsMax) return now_ms;
  return std::max(now_ms, std::min(now_ms + kHorizonMs, (first_ + kSlots) * kSlotMs - 1));
}

bool DueSchedule::add(int64_t due_ms, const Item& item) {
  const int64_t number = number_of(due_ms);
  assert(number >= first_ && number < first_ + kSlots);
  if (size_ == kItemsMax) return false;
  try {
    slot(number).push_back(item);
  } catch (const std::bad_alloc&) {
    return false;
  }
  size_++;
  return true;
}

std::span<const DueSchedule::Item> DueSchedule::ripe(int64_t now_ms) {
  while (size_ > 0 && (first_ + 1) * kSlotMs <= now_ms + 1) {
    if (!slot(first_).empty()) return slot(first_);
    first_++;
  }
  return {};
}

void DueSchedule::drop(size_t items) {
  std::vector<Item>& ripe = slot(first_);
  assert(items <= ripe.size());
  ripe.resize(ripe.size() - items);
  size_ -= items;
  if (ripe.empty()) std::vector<Item>().swap(ripe);
}

}  // namespace larder::storage
