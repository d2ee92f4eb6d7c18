// Collections that nobody can reach any more and that are too large to be freed at once: the loops
// free them in slices, behind everything else. To free a hash of a million fields takes a tenth of
// a second, for which neither the client that deleted it should wait, nor the others.
//
// One for the process, like the memory it frees. Handing over takes no lock and is allowed under a
// shard's: the dead container is its own link in a list.
#pragma once

#include <atomic>
#include <cstddef>

namespace larder::storage {

class Container;

class Garbage {
 public:
  Garbage() = delete;
  // Up to so many elements a collection is freed at once.
  static constexpr size_t kElementsMin = 64;

  // Any thread, all of these.
  static void take(Container* container);
  // Whether there is something to free, and how many collections that are.
  static bool waiting();
  static size_t waiting_objects();
  // What the allocators still count although nobody uses it any more: a memory limit must deduct
  // it, or it would evict twice.
  static size_t waiting_bytes();
  // Frees some `elements`; nothing if another thread is doing so. True if something is left.
  static bool free_some(size_t elements);
  // Frees everything that waits.
  static void free_all();

 private:
  static std::atomic<Container*> first_;          // a stack
  static inline std::atomic<bool> begun_{false};  // one is taken out of it and half freed
};

}  // namespace larder::storage
