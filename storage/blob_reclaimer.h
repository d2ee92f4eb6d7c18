// Frees large blobs on a thread of its own. To give 100 MB back to the system takes milliseconds,
// for which neither the client that deleted the key should wait, nor the others on its loop, nor
// those behind the shard's lock.
//
// While a reclaimer exists, Blob::release() hands it every block of kBytesMin or more; without one
// it frees them itself. Handing over takes no lock and is allowed under a shard's: the dead block
// is its own link in a list. What waits is not bounded, but it was in use a moment ago, and freeing
// a byte takes less than writing the one that made it superfluous.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace larder::storage {

class BlobReclaimer {
 public:
  // Below this, freeing takes no longer than handing over.
  static constexpr size_t kBytesMin = 4 * 1024 * 1024;

  // At most one exists at a time. It must outlive all threads that release blobs, but for the one
  // that destroys it.
  BlobReclaimer();
  // Frees what still waits. run() must have returned.
  ~BlobReclaimer();
  BlobReclaimer(const BlobReclaimer&) = delete;

  // The body of its thread: frees whatever comes until stop() was called and nothing waits.
  void run();

  // Any thread, all of these:
  void stop();
  // Takes over a block of EntryArena with nothing alive in it; false if there is no reclaimer.
  static bool take(void* block, size_t bytes);
  // What the allocator still counts although nobody uses it any more: memory limits must deduct it,
  // or they would evict twice. 0 if there is no reclaimer.
  static size_t waiting_bytes();
  // Frees what waits now, on the calling thread. True if there was something.
  bool free_waiting();

 private:
  struct Block {
    Block* next;
    size_t bytes;
  };

  void push(void* block, size_t bytes);

  std::atomic<Block*> first_{nullptr};
  std::atomic<size_t> waiting_bytes_{0};
  std::atomic<uint32_t> signal_{0};  // changes when there is something to do
  std::atomic<bool> stopping_{false};
};

}  // namespace larder::storage
