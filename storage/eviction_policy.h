// Eviction: which key goes when memory is short. This file decides; it knows of keys only 20
// "access bits" that the table keeps in each key's slot, and of tables nothing.
//
// How a victim is found. No list orders the keys. Each thread that must make room has a hand and a
// CandidatePool. The hand goes over the whole store in the order of hashes, shard by shard and
// bucket by bucket, and comes round. To evict one key it goes on until it has seen some more keys
// (`samples`), asks score() about each, and offers it to the pool. The lowest of the pool is looked
// up again, scored again with the bits that it has then, and evicted if it is still the lowest;
// else it is offered again. A key that is gone by then is passed over; an empty pool means more
// samples.
//   Since hashes are random, the next keys under the hand are a random sample; unlike draws with a
// random number they are cache lines in a row, never the same key twice in a round, and it does not
// matter whether a shard holds 1,000 keys or, like most shards of a store of 200 keys, none: hand,
// pool, clock and scores all belong to the whole store. Shards are visited one at a time, before
// the command that needs the room locks its own; no lock is taken under another.
//
// What the bits are:
//   noeviction, lru, random, ttl   20 bits: seconds of the last access (wraps after 12 days)
//   lfu                            8 bits: Redis' logarithmic counter; 12 bits: minutes of its last
//                                  change (wraps after 2.8 days)
//   adaptive                       4 bits: frequency; 16 bits: tick of the last access
// When the policy is changed the bits of keys are not rewritten: they mean something arbitrary
// until the key's next access, as in Redis.
//
// The adaptive policy (allkeys-adaptive, volatile-adaptive) learns from hits what each combination
// of frequency and age is worth, see LearnedScores (under volatile-adaptive from the hits of all
// keys, since a hit does not tell whether the key has an expiry). It divides by the bytes that
// evicting would free, remembers the frequency of evicted keys in Ghosts, and spares what was
// accessed just now.
//
// Threads: an EvictionPolicy is shared by all of a store. What takes a ShardEviction is called
// under that shard's lock; anything else, at any time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "storage/access_bits.h"
#include "storage/access_clock.h"
#include "storage/eviction_kind.h"
#include "storage/ghosts.h"
#include "storage/key_hash.h"
#include "storage/learned_scores.h"

namespace larder::storage {

// What the policy keeps in each shard, guarded by the shard's lock.
struct ShardEviction {
  uint32_t accesses = 0;         // of which those not reported to the clock are the rest by batch()
  int32_t keys_unreported = 0;   // inserted less removed
  uint32_t random = 0x9e3779b9;  // state of a generator: chance in LFU counters and random policies
  Ghosts ghosts;
};

class EvictionPolicy {
 public:
  // How many keys to look at for each eviction under an adaptive policy.
  static constexpr uint32_t kAdaptiveSamples = 10;

  // For an empty store. `shards`: how many ShardEvictions there will be.
  EvictionPolicy(EvictionKind kind, uint32_t shards);

  EvictionKind kind() const { return kind_.load(std::memory_order_relaxed); }
  // `keys`: in the store now, all databases.
  void set_kind(EvictionKind kind, uint64_t keys);

  // lfu-log-factor (0 up) and lfu-decay-time (minutes; 0: counters do not fade).
  void set_lfu(uint32_t log_factor, uint32_t decay_minutes);

  // The bits of a key that is inserted, or was hit (read or overwritten). Each inserted key is
  // followed by on_remove() when it goes, for whatever reason; on_evict() comes before that if the
  // reason was eviction. `now_ms`: since the epoch.
  AccessBits on_insert(ShardEviction& shard, KeyHash hash, int64_t now_ms);
  AccessBits on_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms);
  void on_remove(ShardEviction& shard);
  void on_evict(ShardEviction& shard, KeyHash hash, AccessBits bits);

  // All keys of the store are counted anew, e.g. after FLUSHALL: on_remove() was not called.
  void set_keys(uint64_t keys) { clock_.set_keys(keys); }

  // What a sampled key is worth: the lowest is evicted first. Only to be compared with scores of
  // the same policy. `bytes`: allocated for the key, above 0. `expire_at_ms`: kNoExpiry if none;
  // under only_volatile() such keys are not to be offered. count_sample() is to be called for each
  // sampled key once, but not when a candidate is scored again.
  double score(ShardEviction& shard, AccessBits bits, size_t bytes, int64_t expire_at_ms,
               int64_t now_ms) const;
  void count_sample(AccessBits bits);

  // OBJECT IDLETIME: seconds since the last access. Under adaptive, estimated by the clock's marks;
  // meaningless under lfu, where Redis refuses it.
  uint64_t idle_seconds(AccessBits bits, int64_t now_ms) const;
  // OBJECT FREQ: under lfu the counter, faded until now, 0 to 255; under adaptive 0 to 15.
  // Meaningless elsewhere.
  uint32_t frequency(AccessBits bits, int64_t now_ms) const;

 private:
  AccessBits adaptive_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms);
  AccessBits adaptive_insert(ShardEviction& shard, KeyHash hash, int64_t now_ms);
  AccessBits lfu_hit(ShardEviction& shard, AccessBits bits, int64_t now_ms) const;
  double adaptive_score(AccessBits bits, size_t bytes) const;
  uint32_t lfu_counter(AccessBits bits, int64_t now_ms) const;
  void report_accesses(ShardEviction& shard, uint32_t accesses, int64_t now_ms);
  void report_keys(ShardEviction& shard);
  void fit_ghosts(ShardEviction& shard) const;
  void learn(uint64_t keys);

  const uint32_t shards_;
  std::atomic<EvictionKind> kind_;
  std::atomic<uint32_t> lfu_log_factor_{10};
  std::atomic<uint32_t> lfu_decay_minutes_{1};

  AccessClock clock_;
  LearnedScores scores_;

  std::atomic<uint64_t> learnt_at_tick_{0};
  std::atomic<uint64_t> inserts_{0};       // since then
  std::atomic<uint32_t> spared_ticks_{1};  // keys of that age or younger are spared
};

}  // namespace larder::storage
