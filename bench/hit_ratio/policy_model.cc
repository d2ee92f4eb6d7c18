// A cache that evicts exactly as the store does: keys in the order of their hashes, a hand that
// goes over them, a pool, and storage::EvictionPolicy for everything else. Requests are a
// millisecond apart, which is the pace at which the policies that look at a clock do well.
#include <algorithm>
#include <array>
#include <bit>

#include "bench/hit_ratio/cache_model.h"
#include "storage/candidate_pool.h"
#include "storage/clock.h"
#include "storage/eviction_policy.h"

namespace larder::bench {
namespace {

using storage::Candidate;
using storage::CandidatePool;
using storage::EvictionKind;
using storage::EvictionPolicy;
using storage::KeyHash;
using storage::ShardEviction;

constexpr int kShardBits = 10;
constexpr uint64_t kHashSeed = 20240229;

class PolicyModel final : public CacheModel {
 public:
  PolicyModel(EvictionKind kind, const CacheSize& size)
      : samples_(is_adaptive(kind) ? EvictionPolicy::kAdaptiveSamples : kRedisSamples),
        bytes_max_(size.bytes),
        bucket_bits_(std::max<int>(kShardBits, std::bit_width(size.objects / 4))),
        policy_(kind, 1U << kShardBits),
        shards_(size_t{1} << kShardBits),
        buckets_(size_t{1} << bucket_bits_),
        keys_(size.keys) {}

  bool request(const Request& request, uint32_t index) override {
    now_ms_ = kStartMs + index;
    Key& key = keys_[request.key];
    if (key.resident) {
      key.bits = policy_.on_hit(shard(hash_of(request.key)), key.bits, now_ms_);
      return true;
    }
    if (request.size > bytes_max_) return false;
    while (bytes_ + request.size > bytes_max_) evict_one();
    insert(request.key, request.size);
    return false;
  }

 private:
  static constexpr uint32_t kRedisSamples = 5;
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  struct Key {
    bool resident = false;
    storage::AccessBits bits = 0;
    uint32_t size = 0;
  };

  static KeyHash hash_of(uint32_t key) {
    return storage::hash_key({reinterpret_cast<const char*>(&key), sizeof key}, kHashSeed);
  }
  ShardEviction& shard(KeyHash hash) { return shards_[hash >> (64 - kShardBits)]; }
  std::vector<uint32_t>& bucket(KeyHash hash) { return buckets_[hash >> (64 - bucket_bits_)]; }

  void insert(uint32_t key, uint32_t size) {
    const KeyHash hash = hash_of(key);
    keys_[key] = {true, policy_.on_insert(shard(hash), hash, now_ms_), size};
    bucket(hash).push_back(key);
    bytes_ += size;
  }

  void evict(uint32_t key) {
    const KeyHash hash = hash_of(key);
    policy_.on_evict(shard(hash), hash, keys_[key].bits);
    policy_.on_remove(shard(hash));
    std::erase(bucket(hash), key);
    keys_[key].resident = false;
    bytes_ -= keys_[key].size;
  }

  double score(uint32_t key) {
    return policy_.score(shard(hash_of(key)), keys_[key].bits, std::max(keys_[key].size, 1U),
                         storage::kNoExpiry, now_ms_);
  }

  void sample() {
    for (uint32_t seen = 0; seen < samples_; hand_ = (hand_ + 1) & (buckets_.size() - 1)) {
      for (const uint32_t key : buckets_[hand_]) {
        policy_.count_sample(keys_[key].bits);
        pool_.offer({hash_of(key), key, score(key)});
        seen++;
      }
    }
  }

  void evict_one() {
    sample();
    for (;;) {
      if (pool_.empty()) sample();
      Candidate candidate = pool_.take_lowest();
      const auto key = static_cast<uint32_t>(candidate.where);
      if (!keys_[key].resident) continue;
      candidate.score = score(key);
      if (candidate.score <= pool_.next_score()) return evict(key);
      pool_.offer(candidate);
    }
  }

  const uint32_t samples_;
  const uint64_t bytes_max_;
  const int bucket_bits_;
  EvictionPolicy policy_;
  std::vector<ShardEviction> shards_;
  std::vector<std::vector<uint32_t>> buckets_;  // resident keys by the leading bits of their hashes
  std::vector<Key> keys_;
  CandidatePool pool_;
  uint64_t hand_ = 0;
  uint64_t bytes_ = 0;
  int64_t now_ms_ = 0;
};

template <EvictionKind kKind>
std::unique_ptr<CacheModel> make(const CacheSize& size) {
  return std::make_unique<PolicyModel>(kKind, size);
}

}  // namespace

const std::vector<ModelKind>& policy_models() {
  static const std::vector<ModelKind> models = {
      {"allkeys-adaptive", make<EvictionKind::kAllkeysAdaptive>},
      {"allkeys-lfu", make<EvictionKind::kAllkeysLfu>},
      {"allkeys-lru", make<EvictionKind::kAllkeysLru>},
      {"allkeys-random", make<EvictionKind::kAllkeysRandom>}};
  return models;
}

}  // namespace larder::bench
