// A small number for the calling thread, its own for as long as it lives: who keeps one counter a
// thread needs no atomic read-modify-write, and no cache line goes from core to core.
#pragma once

#include <cstddef>

namespace larder::storage {

class ThreadNumber {
 public:
  // So many threads have numbers of their own, from 0; those that come while all are taken have
  // kShared in common. More than loops (option `threads`: 128 at most), main thread and helpers.
  static constexpr size_t kShared = 136;

  static size_t get() { return number_ != kNone ? number_ : take(); }

 private:
  static constexpr size_t kNone = kShared + 1;
  static size_t take();

  static inline constinit thread_local size_t number_ = kNone;
};

}  // namespace larder::storage
