// A thread that touches the memory which the entry arena is about to need, so that no command waits
// for the system to find and clear a huge page. It sleeps unless the arena grows. The process has
// one at most, from its start to its end; a process without one works too.
#pragma once

#include <atomic>
#include <thread>

namespace larder::storage {

class MemoryPreparer {
 public:
  MemoryPreparer() : thread_([this] { run(); }) {}
  ~MemoryPreparer();
  MemoryPreparer(const MemoryPreparer&) = delete;
  MemoryPreparer& operator=(const MemoryPreparer&) = delete;

 private:
  void run();

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace larder::storage
