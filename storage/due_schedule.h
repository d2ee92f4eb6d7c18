// Who dies within the next two seconds: what a sweep has seen to be due soon, so that it need not
// look for it again. A timing wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels",
// 1987) of slots of 32 ms.
//
// It names entries by their hashes only, so whoever changes or removes one need not know of it:
// what is not there any more, or not dead when its time has come, is passed over.
//
// Used by one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/key_hash.h"

namespace larder::storage {

// Times are milliseconds since the epoch.
class DueSchedule {
 public:
  struct Item {
    KeyHash hash = 0;
    uint32_t database = 0;
    uint32_t swaps = 0;  // Store::swaps when it was added
  };
  static constexpr int64_t kHorizonMs = 2000;
  static constexpr int64_t kSlotMs = 32;
  // Some 4 MiB, at most 8. What finds no room is left to the bounds of its segment
  // (storage/due_times.h).
  static constexpr size_t kItemsMax = 256 * 1024;

  // What is due later than now, and no later than this, may be added; `now_ms` if nothing may: it
  // is full, or the clock was set back and has not come to the first item again.
  int64_t end_ms(int64_t now_ms);
  // False: there is no room, or no memory.
  bool add(int64_t due_ms, const Item& item);

  // Some items of a slot whose time is over; none if there is no such slot.
  std::span<const Item> ripe(int64_t now_ms);
  // Forgets the last `items` of those.
  void drop(size_t items);

  size_t size() const { return size_; }

 private:
  static constexpr int64_t kSlots = 64;
  static int64_t number_of(int64_t at_ms) { return at_ms >> 5; }
  std::vector<Item>& slot(int64_t number) {
    return slots_[static_cast<size_t>(number & (kSlots - 1))];
  }

  std::array<std::vector<Item>, kSlots> slots_;
  int64_t first_ = 0;  // the number of the first slot that may hold something
  size_t size_ = 0;
};

}  // namespace larder::storage
