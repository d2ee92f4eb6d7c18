// A lock of four bytes: spins for about a microsecond, then parks the thread (futex). Not
// recursive. Guards a shard, a size class of the entry arena, the arena's spans.
//
// Whoever holds it and learns that this will take long (a script that does not end) says so by
// hold_long(): those who wait, and those who come, are then turned away by HeldForLong, so that
// their loops can serve other connections.
#pragma once

#include <atomic>
#include <cstdint>

namespace larder::storage {

// Thrown by lock(); nothing is held then.
struct HeldForLong {};

class ShardLock {
 public:
  void lock() {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) lock_slowly();
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) state_.notify_one();
  }
  // By the holder.
  void hold_long() {
    state_.exchange(kHeldLong, std::memory_order_relaxed);
    state_.notify_all();
  }

 private:
  enum State : uint32_t { kFree, kHeld, kContended, kHeldLong };
  void lock_slowly();

  std::atomic<uint32_t> state_{kFree};
};

}  // namespace larder::storage
