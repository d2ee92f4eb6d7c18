// A lock of four bytes: spins for about a microsecond, then parks the thread (futex). Not
// recursive. Guards a shard, a size class of the entry arena, the arena's spans.
#pragma once

#include <atomic>
#include <cstdint>

namespace larder::storage {

class ShardLock {
 public:
  void lock() {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) lock_slowly();
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) state_.notify_one();
  }

 private:
  enum State : uint32_t { kFree, kHeld, kContended };
  void lock_slowly();

  std::atomic<uint32_t> state_{kFree};
};

}  // namespace larder::storage
