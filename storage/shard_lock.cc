#include "storage/shard_lock.h"

namespace larder::storage {

namespace {

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void ShardLock::lock_slowly() {
  constexpr int kSpins = 100;
  for (int i = 0; i < kSpins; i++) {
    uint32_t expected = kFree;
    if (state_.load(std::memory_order_relaxed) == kFree &&
        state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire)) {
      return;
    }
    relax();
  }
  // Whoever waits marks the lock as contended, also when it gets it: another may wait still.
  uint32_t seen = state_.load(std::memory_order_relaxed);
  for (;;) {
    if (seen == kHeldLong) throw HeldForLong();
    if (seen == kContended) {
      state_.wait(kContended, std::memory_order_relaxed);
      seen = state_.load(std::memory_order_relaxed);
    } else if (state_.compare_exchange_weak(seen, kContended, std::memory_order_acquire)) {
      if (seen == kFree) return;
      seen = kContended;
    }
  }
}

}  // namespace larder::storage
