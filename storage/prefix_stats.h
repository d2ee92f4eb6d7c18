// Statistics by prefix: what was done to the keys of each (database, prefix), and how many keys and
// bytes there are. docs/ARCHITECTURE.md, "Statistics by prefix", tells how it works and why.
//
// Counting is called by whoever holds the key's shard, for every read and every change, and costs
// some nanoseconds: a row is found without a lock (storage/prefix_table.h), and each thread has
// counters of its own. Where threads meet is said at each function.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/key_hash.h"
#include "storage/prefix_sketch.h"
#include "storage/prefix_table.h"
#include "storage/segment.h"
#include "storage/thread_number.h"

namespace larder::storage {

// What is counted of a prefix. Those that a command may change stand first: in one cache line.
enum class PrefixCount : uint8_t {
  kKeys,
  kBytes,  // held_bytes()
  kHits,
  kMisses,
  kSets,     // values stored as a whole
  kDeletes,  // keys removed by a command that names them, or renamed
  kExpired,
  kEvicted,
  kInvalidated,  // keys removed by tag or by pattern
};
inline constexpr size_t kPrefixCounts = 9;
using PrefixCounts = std::array<int64_t, kPrefixCounts>;

class PrefixStats {
 public:
  explicit PrefixStats(uint64_t seed) : seed_(seed) {}
  ~PrefixStats();
  PrefixStats(const PrefixStats&) = delete;
  PrefixStats& operator=(const PrefixStats&) = delete;

  // Whether anything is counted. It changes only while all shards are held.
  bool on() const { return separator_.load(std::memory_order_relaxed) != kOff; }

  // --- By whoever holds the key's shard.

  // Counts one of `what`; with it, or by counts() alone, so many keys and bytes come (or go).
  void count(size_t database, const Key& key, PrefixCount what, int64_t keys = 0,
             int64_t bytes = 0) {
    if (on()) note(database, key, what, 1, keys, bytes);
  }
  void resize(size_t database, const Key& key, int64_t bytes) {
    if (on()) note(database, key, PrefixCount::kBytes, 0, 0, bytes);
  }

  // --- By whoever holds all shards.

  static constexpr int kOff = -1;
  // Sets the separator, a byte or kOff, and how many rows there may be, 1 to PrefixTable::kRowsMax.
  // Another separator drops all rows. `empty`: there are no keys. Throws std::bad_alloc.
  void configure(int separator, size_t rows_max, bool empty);
  // All keys of a database went away; `empty`: now there is none at all.
  void flush(size_t database, bool empty);
  void swap_databases(size_t a, size_t b);
  // Everything but keys and bytes begins at 0.
  void reset();
  // Gives the rows of the least busy to names that are busier.
  void exchange();
  // The row that the key counts for, whose place in the order of the walk has been passed; null if
  // there is none.
  const PrefixRow* counted_row(size_t database, const Key& key) const;
  const PrefixTable& rows() const { return rows_; }
  PrefixCounts counts_of(const PrefixRow& row) const;
  // Whether every key that has a prefix has a row.
  bool complete() const { return complete_.load(std::memory_order_relaxed) && !walking(); }

  // --- Any thread.

  struct Prefix {
    std::string name;
    PrefixCounts counts;
  };
  // All that are kept and counted, by name, the databases added up. Exact once the writers are
  // quiet.
  std::vector<Prefix> report() const;

  // --- By one thread, now and then, which holds no shard.

  static constexpr int64_t kTurnMs = 10'000;
  // Judges how busy the prefixes were, at most once in kTurnMs, and seldom enough for walks to be a
  // small part of the time. True: exchange() should be called.
  bool turn(int64_t now_ms);

  // --- By PrefixWalker.

  // Where a key is in the order of the walk, which goes shard by shard, and in each of them
  // database by database in the order of the hashes.
  static constexpr int kDatabaseAt = Segment::kDepthMax;
  static constexpr int kShardAt = 64 - kShardHashBits;
  static uint64_t place(size_t database, KeyHash hash) {
    return hash >> kShardAt << kShardAt | uint64_t{database} << kDatabaseAt | prefix_of(hash);
  }
  static constexpr uint64_t kWalked = UINT64_MAX;
  // What lies in front of it has been walked over. Changed under the lock of its shard, or of all.
  uint64_t walked() const { return walked_.load(std::memory_order_relaxed); }
  bool walking() const { return walked() != kWalked; }
  void set_walked(uint64_t place);
  // Counts a key that was there when the walk came to it.
  void found(size_t database, const Key& key, size_t bytes);

 private:
  struct alignas(64) Counters {
    std::array<std::atomic<int64_t>, kPrefixCounts> values{};
  };

  void note(size_t database, const Key& key, PrefixCount what, int64_t n, int64_t keys,
            int64_t bytes);
  PrefixRow* learn(size_t database, const KeyPrefix& prefix, bool inserted);
  PrefixRow* add_row(size_t database, const KeyPrefix& prefix);
  KeyPrefix prefix_in(std::string_view key) const {
    return find_prefix(key, static_cast<char>(separator_.load(std::memory_order_relaxed)), seed_);
  }
  bool counts(const PrefixRow& row, size_t database, KeyHash hash) const {
    return !row.counting.load(std::memory_order_relaxed) || place(database, hash) < walked();
  }
  Counters* make_counters(size_t thread);
  void forget(const PrefixRow& row, size_t first_count, size_t last_count);
  void forget_size(const PrefixRow& row) { forget(row, 0, 1); }
  void remove(PrefixRow& row);
  PrefixRow* least_busy() const;
  bool has_keys(const PrefixRow& row) const;
  void judge();
  void begin_walk();
  void end_walk();

  const uint64_t seed_;
  // Changed while all shards are held.
  std::atomic<int> separator_{kOff};
  std::atomic<uint64_t> walked_{kWalked};
  // Whether every key that the walk has passed has a row, if it has a prefix; then who inserts the
  // first key of a new one may begin its row.
  std::atomic<bool> complete_{true};
  // One array a thread, by ThreadNumber, made at its first use: written by that thread alone, but
  // the last one. As long as rows_ has capacity.
  std::array<std::atomic<Counters*>, ThreadNumber::kShared + 1> counters_{};

  // Held while rows are added, and to look at them without a shard. A leaf: locked under shards.
  mutable std::mutex mutex_;
  PrefixTable rows_;
  PrefixSketch sketch_;  // guarded by mutex_: accesses to prefixes without a row, one in kSampled
  static constexpr uint32_t kSampled = 16;
  // Of turn(): when it was, and how long it rests from then on.
  int64_t turned_at_ms_ = 0;
  int64_t rest_ms_ = 0;
};

}  // namespace larder::storage
