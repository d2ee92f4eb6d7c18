#include "storage/eviction_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "storage/candidate_pool.h"
#include "storage/clock.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kMinute = 60'000;

KeyHash hash_of(uint32_t key) {
  return hash_key({reinterpret_cast<const char*>(&key), sizeof key}, 1);
}

// A cache of so many keys of equal size that evicts the lowest score among some drawn at random.
class SampledCache {
 public:
  SampledCache(EvictionKind kind, size_t keys_max, uint32_t universe)
      : keys_max_(keys_max), policy_(kind, 1), place_(universe, kAbsent), bits_(universe) {}

  // True if the key was there; else it is now.
  bool request(uint32_t key, size_t bytes = 100) {
    now_ms_++;
    if (place_[key] != kAbsent) {
      bits_[key] = policy_.on_hit(shard_, bits_[key], now_ms_);
      return true;
    }
    if (keys_.size() == keys_max_) evict(bytes);
    bits_[key] = policy_.on_insert(shard_, hash_of(key), now_ms_);
    place_[key] = keys_.size();
    keys_.push_back(key);
    return false;
  }

  bool holds(uint32_t key) const { return place_[key] != kAbsent; }

 private:
  static constexpr size_t kAbsent = SIZE_MAX;

  void evict(size_t bytes) {
    CandidatePool pool;
    for (uint32_t i = 0; i < EvictionPolicy::kAdaptiveSamples; i++) {
      const uint32_t key = keys_[random_() % keys_.size()];
      policy_.count_sample(bits_[key]);
      const double score = policy_.score(shard_, bits_[key], bytes, kNoExpiry, now_ms_);
      pool.offer({hash_of(key), key, score});
    }
    const auto victim = static_cast<uint32_t>(pool.take_lowest().where);
    policy_.on_evict(shard_, hash_of(victim), bits_[victim]);
    policy_.on_remove(shard_);
    place_[keys_.back()] = place_[victim];
    std::swap(keys_[place_[victim]], keys_.back());
    keys_.pop_back();
    place_[victim] = kAbsent;
  }

  const size_t keys_max_;
  EvictionPolicy policy_;
  ShardEviction shard_;
  std::vector<uint32_t> keys_;
  std::vector<size_t> place_;  // of each key in keys_
  std::vector<AccessBits> bits_;
  std::mt19937 random_{7};
  int64_t now_ms_ = kNow;
};

TEST(EvictionKind, NamesAreThoseOfRedisAndTheAdaptiveOnes) {
  for (int i = 0; i < kEvictionKinds; i++) {
    const auto kind = static_cast<EvictionKind>(i);
    EXPECT_EQ(eviction_kind(name_of(kind)), kind);
  }
  EXPECT_EQ(eviction_kind("volatile-ttl"), EvictionKind::kVolatileTtl);
  EXPECT_EQ(eviction_kind("allkeys-adaptive"), EvictionKind::kAllkeysAdaptive);
  EXPECT_EQ(eviction_kind("allkeys-ttl"), std::nullopt);
  EXPECT_EQ(eviction_kind(""), std::nullopt);
}

TEST(EvictionKind, OnlyVolatileKindsSpareKeysWithoutExpiry) {
  for (int i = 0; i < kEvictionKinds; i++) {
    const auto kind = static_cast<EvictionKind>(i);
    EXPECT_EQ(only_volatile(kind), name_of(kind).starts_with("volatile-")) << name_of(kind);
    EXPECT_EQ(evicts(kind), kind != EvictionKind::kNoEviction);
  }
}

TEST(EvictionPolicy, BitsFitTheSlot) {
  for (int i = 0; i < kEvictionKinds; i++) {
    EvictionPolicy policy(static_cast<EvictionKind>(i), 1);
    ShardEviction shard;
    AccessBits bits = policy.on_insert(shard, 1, kNow);
    for (int j = 0; j < 100'000; j++) {
      ASSERT_EQ(bits >> kAccessBitsWidth, 0U);
      bits = policy.on_hit(shard, bits, kNow + int64_t{j} * 977'777);
    }
  }
}

TEST(EvictionPolicy, IdleTimeIsInSecondsAndSurvivesTheWrapOfItsClock) {
  EvictionPolicy policy(EvictionKind::kAllkeysLru, 1);
  ShardEviction shard;
  const int64_t wrap_ms = (int64_t{1} << kAccessBitsWidth) * 1000;
  const int64_t before_wrap = wrap_ms * 1600 - 5'000;
  const AccessBits bits = policy.on_insert(shard, 1, before_wrap);
  EXPECT_EQ(policy.idle_seconds(bits, before_wrap + 999), 0U);
  EXPECT_EQ(policy.idle_seconds(bits, before_wrap + 1'000), 1U);
  EXPECT_EQ(policy.idle_seconds(bits, before_wrap + 60'000), 60U);
  EXPECT_EQ(policy.idle_seconds(bits, before_wrap + int64_t{12} * 86'400'000), 12U * 86'400);
  const AccessBits touched = policy.on_hit(shard, bits, before_wrap + 60'000);
  EXPECT_EQ(policy.idle_seconds(touched, before_wrap + 61'000), 1U);
}

// Of two loops one may be a little behind in reading the time.
TEST(EvictionPolicy, WhatWasTouchedALittleLaterThanNowIsNotOld) {
  ShardEviction shard;
  EvictionPolicy lru(EvictionKind::kAllkeysLru, 1);
  const int64_t second = 1'700'000'040'000;  // at which a minute begins, too
  EXPECT_EQ(lru.idle_seconds(lru.on_insert(shard, 1, second), second - 1), 0U);
  EvictionPolicy lfu(EvictionKind::kAllkeysLfu, 1);
  lfu.set_lfu(10, 1);
  EXPECT_EQ(lfu.frequency(lfu.on_insert(shard, 1, second), second - 1), 5U);
}

TEST(EvictionPolicy, LruEvictsTheLongestIdle) {
  EvictionPolicy policy(EvictionKind::kVolatileLru, 1);
  ShardEviction shard;
  const AccessBits old = policy.on_insert(shard, 1, kNow);
  const AccessBits young = policy.on_insert(shard, 2, kNow + 10'000);
  const int64_t later = kNow + 20'000;
  EXPECT_LT(policy.score(shard, old, 10, later, later),
            policy.score(shard, young, 10, later, later));
  const AccessBits touched = policy.on_hit(shard, old, later);
  EXPECT_GT(policy.score(shard, touched, 10, later, later),
            policy.score(shard, young, 10, later, later));
}

TEST(EvictionPolicy, TtlEvictsWhatExpiresFirst) {
  EvictionPolicy policy(EvictionKind::kVolatileTtl, 1);
  ShardEviction shard;
  const AccessBits bits = policy.on_insert(shard, 1, kNow);
  EXPECT_LT(policy.score(shard, bits, 10, kNow + 1'000, kNow),
            policy.score(shard, bits, 10, kNow + 1'001, kNow));
}

TEST(EvictionPolicy, RandomScoresDoNotFollowFromTheKey) {
  EvictionPolicy policy(EvictionKind::kAllkeysRandom, 1);
  ShardEviction shard;
  std::vector<double> scores(100);
  for (double& score : scores) score = policy.score(shard, 0, 10, kNoExpiry, kNow);
  std::sort(scores.begin(), scores.end());
  EXPECT_EQ(std::unique(scores.begin(), scores.end()), scores.end());
}

TEST(EvictionPolicy, LfuBeginsAtFiveAndFadesByOneADecayTime) {
  EvictionPolicy policy(EvictionKind::kAllkeysLfu, 1);
  ShardEviction shard;
  const AccessBits bits = policy.on_insert(shard, 1, kNow);
  EXPECT_EQ(policy.frequency(bits, kNow), 5U);
  EXPECT_EQ(policy.frequency(bits, kNow + 3 * kMinute), 2U);
  EXPECT_EQ(policy.frequency(bits, kNow + 300 * kMinute), 0U);
  policy.set_lfu(10, 3);
  EXPECT_EQ(policy.frequency(bits, kNow + 3 * kMinute), 4U);
  policy.set_lfu(10, 0);
  EXPECT_EQ(policy.frequency(bits, kNow + 300 * kMinute), 5U);
}

// Redis' formula: from 5 up, a hit counts with a probability of 1 / ((counter - 5) * factor + 1),
// so going from 5 to c takes 1 + ... + ((c - 6) * factor + 1) hits in the mean.
TEST(EvictionPolicy, LfuCounterGrowsAsInRedis) {
  for (const uint32_t factor : {0U, 1U, 10U}) {
    EvictionPolicy policy(EvictionKind::kAllkeysLfu, 1);
    policy.set_lfu(factor, 1);
    ShardEviction shard;
    constexpr uint32_t kGoal = 25;
    constexpr int kKeys = 400;
    uint64_t hits = 0;
    for (int i = 0; i < kKeys; i++) {
      AccessBits bits = policy.on_insert(shard, 1, kNow);
      for (; policy.frequency(bits, kNow) < kGoal; hits++) bits = policy.on_hit(shard, bits, kNow);
    }
    double expected = 0;
    for (uint32_t excess = 0; excess < kGoal - 5; excess++) expected += excess * factor + 1;
    EXPECT_NEAR(static_cast<double>(hits) / kKeys, expected, expected * 0.05) << factor;
  }
}

TEST(EvictionPolicy, LfuCounterStopsAt255) {
  EvictionPolicy policy(EvictionKind::kAllkeysLfu, 1);
  policy.set_lfu(0, 1);
  ShardEviction shard;
  AccessBits bits = policy.on_insert(shard, 1, kNow);
  for (int i = 0; i < 1'000; i++) bits = policy.on_hit(shard, bits, kNow);
  EXPECT_EQ(policy.frequency(bits, kNow), 255U);
}

TEST(EvictionPolicy, LfuEvictsTheLessUsed) {
  EvictionPolicy policy(EvictionKind::kAllkeysLfu, 1);
  ShardEviction shard;
  const AccessBits once = policy.on_insert(shard, 1, kNow);
  AccessBits often = once;
  for (int i = 0; i < 100; i++) often = policy.on_hit(shard, often, kNow);
  EXPECT_LT(policy.score(shard, once, 10, kNoExpiry, kNow),
            policy.score(shard, often, 10, kNoExpiry, kNow));
  // A counter that has faded to less than the other's is worth less.
  const int64_t later = kNow + 200 * kMinute;
  const AccessBits fresh = policy.on_insert(shard, 2, later);
  EXPECT_LT(policy.score(shard, often, 10, kNoExpiry, later),
            policy.score(shard, fresh, 10, kNoExpiry, later));
}

TEST(AdaptivePolicy, CountsHitsUpToFifteen) {
  EvictionPolicy policy(EvictionKind::kAllkeysAdaptive, 1);
  ShardEviction shard;
  AccessBits bits = policy.on_insert(shard, 1, kNow);
  EXPECT_EQ(policy.frequency(bits, kNow), 1U);
  for (uint32_t i = 2; i < 40; i++) {
    bits = policy.on_hit(shard, bits, kNow);
    EXPECT_EQ(policy.frequency(bits, kNow), std::min(i, 15U));
  }
}

TEST(AdaptivePolicy, FrequencyHalvesEveryTwentyGenerations) {
  EvictionPolicy policy(EvictionKind::kAllkeysAdaptive, 1);
  ShardEviction shard;
  AccessBits bits = policy.on_insert(shard, 1, kNow);
  for (int i = 0; i < 20; i++) bits = policy.on_hit(shard, bits, kNow);
  // With one key a generation is 64 accesses.
  AccessBits other = policy.on_insert(shard, 2, kNow);
  for (int i = 0; i < 21 * 64; i++) other = policy.on_hit(shard, other, kNow);
  EXPECT_EQ(policy.frequency(bits, kNow), 7U);
  for (int i = 0; i < 20 * 64; i++) other = policy.on_hit(shard, other, kNow);
  EXPECT_EQ(policy.frequency(bits, kNow), 3U);
}

TEST(AdaptivePolicy, IdleTimeIsKnownToTheSecondWhileTheClockStands) {
  EvictionPolicy policy(EvictionKind::kAllkeysAdaptive, 1);
  ShardEviction shard;
  const AccessBits bits = policy.on_insert(shard, 1, kNow);
  EXPECT_EQ(policy.idle_seconds(bits, kNow), 0U);
  EXPECT_EQ(policy.idle_seconds(bits, kNow + 7'000), 7U);
}

TEST(AdaptivePolicy, IdleTimeIsAboutRightWhileOthersAreUsed) {
  EvictionPolicy policy(EvictionKind::kAllkeysAdaptive, 1);
  ShardEviction shard;
  AccessBits busy = policy.on_insert(shard, 1, kNow);
  int64_t now = kNow;
  const auto use_for = [&](int seconds) {
    for (int i = 0; i < seconds * 20; i++) busy = policy.on_hit(shard, busy, now += 50);
  };
  use_for(100);
  const AccessBits bits = policy.on_insert(shard, 2, now);
  use_for(300);
  EXPECT_NEAR(static_cast<double>(policy.idle_seconds(bits, now)), 300, 5);
  EXPECT_EQ(policy.idle_seconds(busy, now), 0U);
}

TEST(AdaptivePolicy, SparesWhatWasJustInsertedAndEvictsTheOldestIfThereIsNothingElse) {
  EvictionPolicy policy(EvictionKind::kAllkeysAdaptive, 1);
  ShardEviction shard;
  AccessBits hot = policy.on_insert(shard, 1, kNow);
  for (int i = 0; i < 500; i++) hot = policy.on_hit(shard, hot, kNow);
  std::vector<AccessBits> newcomers;
  for (uint32_t i = 0; i < 5; i++) newcomers.push_back(policy.on_insert(shard, 10 + i, kNow));
  const auto score = [&](AccessBits bits) {
    return policy.score(shard, bits, 100, kNoExpiry, kNow);
  };
  EXPECT_GT(score(newcomers.back()), score(hot));
  EXPECT_GE(score(newcomers.back()), score(newcomers[3]));
}

TEST(AdaptivePolicy, LargeKeysGoBeforeSmallOnesThatAreUsedAlike) {
  EvictionPolicy policy(EvictionKind::kAllkeysAdaptive, 1);
  ShardEviction shard;
  const AccessBits bits = policy.on_insert(shard, 1, kNow);
  AccessBits other = policy.on_insert(shard, 2, kNow);
  for (int i = 0; i < 500; i++) other = policy.on_hit(shard, other, kNow);
  EXPECT_LT(policy.score(shard, bits, 1000, kNoExpiry, kNow),
            policy.score(shard, bits, 100, kNoExpiry, kNow));
}

TEST(AdaptivePolicy, AKeyThatComesBackIsRemembered) {
  EvictionPolicy policy(EvictionKind::kAllkeysAdaptive, 1);
  ShardEviction shard;
  AccessBits bits = policy.on_insert(shard, hash_of(1), kNow);
  for (int i = 0; i < 5; i++) bits = policy.on_hit(shard, bits, kNow);
  policy.on_evict(shard, hash_of(1), bits);
  policy.on_remove(shard);
  EXPECT_EQ(policy.frequency(policy.on_insert(shard, hash_of(2), kNow), kNow), 1U);
  EXPECT_EQ(policy.frequency(policy.on_insert(shard, hash_of(1), kNow), kNow), 7U);
}

TEST(EvictionPolicy, OthersThanAdaptiveKeepNoGhosts) {
  EvictionPolicy policy(EvictionKind::kAllkeysLfu, 1);
  ShardEviction shard;
  policy.on_evict(shard, hash_of(1), policy.on_insert(shard, hash_of(1), kNow));
  EXPECT_EQ(shard.ghosts.memory_bytes(), 0U);
}

// 100 hot keys, each used once in 1,000 requests; all other requests ask for something once. The
// hot keys fit easily, but between two uses of one 900 strangers pass, more than the cache holds:
// LRU loses every one of them.
TEST(AdaptivePolicy, AScanDoesNotWashOutTheHotSet) {
  constexpr uint32_t kHot = 100;
  constexpr uint32_t kRequests = 300'000;
  const auto late_hits = [](EvictionKind kind) {
    SampledCache cache(kind, 500, kHot + kRequests);
    uint32_t hits = 0;
    for (uint32_t i = 0; i < kRequests; i++) {
      const uint32_t key = i % 10 == 0 ? (i / 10) % kHot : kHot + i;
      const bool hit = cache.request(key);
      if (i >= kRequests / 2 && hit) hits++;
    }
    return static_cast<double>(hits) / (kRequests / 2.0 / 10);
  };
  EXPECT_GT(late_hits(EvictionKind::kAllkeysAdaptive), 0.95);
  EXPECT_LT(late_hits(EvictionKind::kAllkeysLru), 0.6);
}

// In a loop over more keys than fit, what was used last is used latest: the young should go. A
// cache of half the loop can hit up to half the time, LRU never does.
TEST(AdaptivePolicy, LearnsThatInALoopTheYoungShouldGo) {
  SampledCache cache(EvictionKind::kAllkeysAdaptive, 1'000, 2'000);
  uint32_t hits = 0;
  for (uint32_t i = 0; i < 400'000; i++) {
    if (cache.request(i % 2'000) && i >= 200'000) hits++;
  }
  EXPECT_GT(hits / 200'000.0, 0.35);
}

TEST(AdaptivePolicy, FollowsWhenTheHotSetChanges) {
  SampledCache cache(EvictionKind::kAllkeysAdaptive, 500, 400'000);
  std::mt19937 random(3);
  uint32_t hits = 0;
  for (uint32_t i = 0; i < 200'000; i++) {
    const uint32_t first = i < 100'000 ? 0 : 1'000;
    const uint32_t key = random() % 2 == 0 ? first + random() % 300 : 2'000 + i;
    if (cache.request(key) && i >= 150'000) hits++;
  }
  EXPECT_GT(hits / 50'000.0, 0.45);  // of .5
}

TEST(AdaptivePolicy, IsDeterministic) {
  const auto run = [] {
    SampledCache cache(EvictionKind::kAllkeysAdaptive, 200, 2'000);
    std::mt19937 random(5);
    std::vector<bool> hits;
    for (int i = 0; i < 20'000; i++) {
      hits.push_back(cache.request(std::min(random() % 2'000, random() % 2'000)));
    }
    return hits;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace larder::storage
