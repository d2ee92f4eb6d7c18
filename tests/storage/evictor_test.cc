// That the evictor takes what the policy says, nothing else, and leaves the store whole.
#include "storage/evictor.h"

#include <gtest/gtest.h>

#include <string>

#include "storage/keyspace.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'750'000'000'000;
constexpr uint32_t kSamples = 10;

std::string name(size_t i) {
  return "key:" + std::to_string(i);
}

class EvictorTest : public ::testing::Test {
 protected:
  void use(EvictionKind kind) { store_.eviction().set_kind(kind, keys()); }

  void put(const std::string& bytes, int64_t expire_at_ms = kNoExpiry, size_t database = 0) {
    const Key key = store_.key(bytes);
    const LockedKeys locked = store_.lock(key);
    Keyspace(locked, database, now_ms_).put_string(key, "value", expire_at_ms);
  }
  void read(const std::string& bytes) {
    const Key key = store_.key(bytes);
    const LockedKeys locked = store_.lock(key);
    Keyspace(locked, 0, now_ms_).read(key);
  }
  bool exists(const std::string& bytes, size_t database = 0) {
    const Key key = store_.key(bytes);
    const LockedKeys locked = store_.lock(key);
    return Keyspace(locked, database, now_ms_).find(key, Keyspace::Access::kPeek) != nullptr;
  }
  size_t keys() {
    size_t sum = 0;
    for (const DatabaseSize& size : store_.sizes()) sum += size.keys;
    return sum;
  }
  void expect_whole() {
    for (size_t s = 0; s < Store::kShards; s++) {
      const LockedKeys locked = store_.lock_shard(s);
      for (size_t d = 0; d < store_.databases(); d++) {
        ASSERT_TRUE(store_.table(locked, s, d).recount());
      }
    }
  }
  // Evicts `n` keys; false if it could not.
  bool evict(size_t n) {
    size_t calls_in_vain = 0;
    while (n > 0 && calls_in_vain < 1000) {
      const Evictor::Result result = evictor_.evict(kSamples, now_ms_);
      if (result.outcome == Evictor::Outcome::kNothing) return false;
      if (result.outcome == Evictor::Outcome::kEvicted) {
        EXPECT_GT(result.bytes, 0u);
        n--;
      } else {
        calls_in_vain++;
      }
    }
    return n == 0;
  }

  Store store_{{.databases = 3, .hash_seed = 7, .concurrent = false}};
  Evictor evictor_{store_, 17};
  int64_t now_ms_ = kNow;
};

TEST_F(EvictorTest, TakesEveryKeyUnderEveryPolicyThatMayThenFindsNothing) {
  for (int k = 1; k < kEvictionKinds; k++) {
    const auto kind = static_cast<EvictionKind>(k);
    use(kind);
    for (size_t i = 0; i < 3'000; i++) put(name(i), kNow + 1'000'000, i % 3);
    EXPECT_TRUE(evict(3'000)) << name_of(kind);
    EXPECT_EQ(keys(), 0u) << name_of(kind);
    EXPECT_FALSE(evict(1)) << name_of(kind);
  }
  EXPECT_EQ(store_.counters().evicted, 3'000u * (kEvictionKinds - 1));
  EXPECT_EQ(store_.counters().expired, 0u);
}

TEST_F(EvictorTest, TakesNothingUnderNoeviction) {
  put("k");
  EXPECT_EQ(evictor_.evict(kSamples, now_ms_).outcome, Evictor::Outcome::kNothing);
  EXPECT_TRUE(exists("k"));
}

TEST_F(EvictorTest, FindsTheFewKeysOfANearlyEmptyStore) {
  use(EvictionKind::kAllkeysAdaptive);
  for (size_t i = 0; i < 5; i++) put(name(i));
  EXPECT_TRUE(evict(5));
  EXPECT_EQ(keys(), 0u);
}

TEST_F(EvictorTest, VolatilePoliciesSpareKeysWithoutExpiry) {
  for (const auto kind :
       {EvictionKind::kVolatileLru, EvictionKind::kVolatileLfu, EvictionKind::kVolatileRandom,
        EvictionKind::kVolatileTtl, EvictionKind::kVolatileAdaptive}) {
    use(kind);
    for (size_t i = 0; i < 2'000; i++) put(name(i), i % 50 == 0 ? kNow + 1'000'000 : kNoExpiry);
    EXPECT_TRUE(evict(40)) << name_of(kind);
    EXPECT_FALSE(evict(1)) << name_of(kind);
    for (size_t i = 0; i < 2'000; i++) ASSERT_EQ(exists(name(i)), i % 50 != 0) << name_of(kind);
  }
}

TEST_F(EvictorTest, LruTakesWhatWasNotReadForLongest) {
  use(EvictionKind::kAllkeysLru);
  for (size_t i = 0; i < 4'000; i++) put(name(i));
  now_ms_ += 100'000;
  for (size_t i = 0; i < 4'000; i += 2) read(name(i));
  now_ms_ += 100'000;
  EXPECT_TRUE(evict(1'500));
  size_t lost = 0;
  for (size_t i = 0; i < 4'000; i += 2) lost += !exists(name(i));
  EXPECT_LT(lost, 15u);
  expect_whole();
}

TEST_F(EvictorTest, TtlTakesWhatDiesSoonest) {
  use(EvictionKind::kVolatileTtl);
  for (size_t i = 0; i < 4'000; i++) put(name(i), kNow + (i % 2 == 0 ? 10'000 : 1'000'000));
  EXPECT_TRUE(evict(1'500));
  size_t lost = 0;
  for (size_t i = 1; i < 4'000; i += 2) lost += !exists(name(i));
  EXPECT_LT(lost, 15u);
}

TEST_F(EvictorTest, TakesTheDeadFirstAndCountsThemAsExpired) {
  use(EvictionKind::kAllkeysLru);
  for (size_t i = 0; i < 1'000; i++) put(name(i), i % 2 == 0 ? kNow + 10 : kNoExpiry);
  now_ms_ += 10;
  EXPECT_TRUE(evict(300));
  EXPECT_GT(store_.counters().expired, 290u);
  expect_whole();
}

TEST_F(EvictorTest, LeavesTheStoreWholeWhileKeysComeAndGo) {
  use(EvictionKind::kAllkeysAdaptive);
  for (size_t round = 0; round < 40; round++) {
    for (size_t i = 0; i < 500; i++) put(name(round * 500 + i));
    for (size_t i = 0; i < 2'000; i += 3) read(name(i));
    if (keys() > 5'000) {
      ASSERT_TRUE(evict(keys() - 5'000));
    }
    now_ms_ += 1'000;
  }
  EXPECT_EQ(keys(), 5'000u);
  expect_whole();
}

}  // namespace
}  // namespace larder::storage
