#include "storage/types/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

namespace larder::storage::hyperloglog {
namespace {

constexpr size_t kSparseMax = 3000;

std::string sketch_of(int first, int count, size_t sparse_max = kSparseMax) {
  std::string sketch = create();
  for (int i = first; i < first + count; i++) {
    EXPECT_NE(raise(sketch, observe(std::to_string(i)), sparse_max), Change::kDamaged);
  }
  return sketch;
}

uint64_t estimate(std::string_view sketch) {
  Registers registers;
  EXPECT_TRUE(registers.add(sketch));
  return registers.estimate();
}

TEST(HyperLogLog, EmptyOneIsASingleRun) {
  EXPECT_EQ(create(), std::string("HYLL\1\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18));
  EXPECT_EQ(estimate(create()), 0u);
}

TEST(HyperLogLog, EstimatesWithinThreeStandardErrors) {
  for (const int count : {1, 10, 100, 1000, 10'000, 100'000}) {
    const std::string sketch = sketch_of(0, count);
    EXPECT_NEAR(static_cast<double>(estimate(sketch)), count, std::max(1.0, count * 0.0243));
    EXPECT_EQ(is_dense(sketch), count > 2000);
  }
}

TEST(HyperLogLog, RepetitionsChangeNothing) {
  std::string sketch = sketch_of(0, 500);
  const std::string before = sketch;
  for (int i = 0; i < 500; i++) {
    EXPECT_EQ(raise(sketch, observe(std::to_string(i)), kSparseMax), Change::kNone);
  }
  EXPECT_EQ(sketch, before);
}

TEST(HyperLogLog, SparseAndDenseHaveTheSameRegisters) {
  for (const int count : {0, 1, 50, 400, 1500}) {
    std::string sparse = sketch_of(7, count, 1 << 20);
    const std::string dense = sketch_of(7, count, 0);
    ASSERT_FALSE(is_dense(sparse));
    EXPECT_EQ(estimate(sparse), estimate(dense));
    ASSERT_TRUE(make_dense(sparse));
    if (count > 0) {
      EXPECT_EQ(sparse.substr(kHeadBytes), dense.substr(kHeadBytes));
    }
  }
}

TEST(HyperLogLog, UnionCountsWhatIsInBothOnce) {
  Registers both;
  ASSERT_TRUE(both.add(sketch_of(0, 3000)));
  ASSERT_TRUE(both.add(sketch_of(2000, 800)));
  EXPECT_EQ(both.estimate(), estimate(sketch_of(0, 3000)));
  std::string merged = create();
  both.raise(merged, kSparseMax);
  EXPECT_EQ(estimate(merged), both.estimate());
}

TEST(HyperLogLog, KeepsItsEstimateUntilItChanges) {
  std::string sketch = sketch_of(0, 10);
  EXPECT_FALSE(kept_estimate(sketch));
  keep_estimate(sketch, 10);
  EXPECT_EQ(kept_estimate(sketch), 10u);
  raise(sketch, observe("another"), kSparseMax);
  EXPECT_FALSE(kept_estimate(sketch));
}

TEST(HyperLogLog, HeadAndLengthAreChecked) {
  EXPECT_TRUE(is_sketch(create()));
  EXPECT_TRUE(is_sketch(sketch_of(0, 5, 0)));
  EXPECT_FALSE(is_sketch(""));
  EXPECT_FALSE(is_sketch("HYLL"));
  std::string wrong = create();
  wrong[4] = 2;
  EXPECT_FALSE(is_sketch(wrong));
  wrong[4] = 0;
  EXPECT_FALSE(is_sketch(wrong)) << "dense and too short";
  wrong = create();
  wrong[0] = 'h';
  EXPECT_FALSE(is_sketch(wrong));
}

TEST(HyperLogLog, RunsThatAreTooShortOrTooLongAreDamage) {
  const std::string head = create().substr(0, kHeadBytes);
  for (const std::string& runs : {std::string(), std::string("\x7f\xfe", 2), std::string("\x7f", 1),
                                  std::string("\x7f\xff\x00", 3), std::string(4097, '\x83')}) {
    const std::string damaged = head + runs;
    EXPECT_FALSE(Registers().add(damaged));
    std::string changed = damaged;
    EXPECT_FALSE(make_dense(changed));
    EXPECT_EQ(changed, damaged);
  }
}

// Whatever the bytes behind the head are, nothing beyond them is touched (the sanitizers tell).
TEST(HyperLogLog, RandomDamageDoesNoHarm) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; round++) {
    std::string sketch = create().substr(0, kHeadBytes);
    for (size_t left = random() % 200; left > 0; left--) sketch += static_cast<char>(random());
    for (int i = 0; i < 5; i++) {
      if (raise(sketch, observe(std::to_string(random())), kSparseMax) == Change::kDamaged) break;
    }
    Registers registers;
    if (registers.add(sketch)) {
      EXPECT_TRUE(make_dense(sketch));
    }
  }
}

}  // namespace
}  // namespace larder::storage::hyperloglog
