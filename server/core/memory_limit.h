// maxmemory: how much memory there may be, how much there is, and what policy makes room.
//
// One for the server; any thread may call anything. Who evicts, and when, is the dispatcher's
// (before a command that needs memory) and the worker's (between commands, for what other things
// have taken).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "server/core/config.h"
#include "storage/evictor.h"
#include "storage/memory.h"
#include "storage/store.h"

namespace larder::core {

class MemoryLimit {
 public:
  // Follows the options maxmemory, maxmemory-policy, lfu-log-factor and lfu-decay-time from here
  // on.
  MemoryLimit(Config& config, storage::Store& store);
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

  // Bytes in use above the limit; 0 if there is none, or memory is being reclaimed. Costs some tens
  // of nanoseconds.
  size_t excess_bytes() const { return excess_bytes(0); }

  // Whether a command that needs memory may run. Evicts first if it must, with some keys more than
  // the command needs, but for kPatienceUs at most; what is left to do then is upkeep's. False: the
  // policy has nothing to evict.
  bool make_room(storage::Evictor& evictor, int64_t now_ms) const;
  // One slice of making room, while no command waits. True: there is more to do.
  bool relieve(storage::Evictor& evictor, int64_t now_ms) const;

  // What the system says that the process takes: to be told some ten times a second.
  void note_resident(size_t rss_bytes);

  static constexpr int64_t kPatienceUs = 250;

  // Between these two, memory is about to be freed in slices (FLUSHALL): meanwhile nothing is
  // evicted and no command is refused for want of it.
  void begin_reclaim() { reclaims_.fetch_add(1, std::memory_order_relaxed); }
  void end_reclaim() { reclaims_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  void apply();
  size_t excess_bytes(size_t withheld_bytes) const;
  size_t withheld_bytes() const;
  uint32_t samples() const;
  storage::Evictor::Outcome evict_for(storage::Evictor& evictor, int64_t now_ms,
                                      int64_t patience_us) const;

  const ConfigValues& values_;
  storage::Store& store_;
  std::atomic<size_t> other_resident_bytes_{0};  // what is not the entry arena's
  std::atomic<int> reclaims_{0};
};

}  // namespace larder::core
