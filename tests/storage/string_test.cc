// The engine's operations on strings, without a server: what they store and what they refuse.
#include "storage/types/string.h"

#include <gtest/gtest.h>

#include <limits>

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'000'000;
constexpr size_t kNoLimit = size_t{1} << 40;

class StringTest : public ::testing::Test {
 protected:
  std::string value() {
    char digits[kIntegerTextMax];
    Entry* entry = db_.find(key_);
    return entry != nullptr ? std::string(entry->string(digits)) : "(none)";
  }
  Entry& entry() { return *db_.find(key_); }

  Store store_{{}};
  Key key_ = store_.key("key");
  LockedKeys locked_ = store_.lock(key_);
  Keyspace db_{locked_, 0, kNow};
};

TEST_F(StringTest, IncrementKeepsExpiryAndStaysAnInteger) {
  db_.put_string(key_, "41", kNow + 500);
  EXPECT_EQ(increment(db_, key_, 1).value(), 42);
  EXPECT_EQ(entry().kind(), ValueKind::kInteger);
  EXPECT_EQ(entry().expire_at_ms(), kNow + 500);
  EXPECT_EQ(value(), "42");
}

TEST_F(StringTest, IncrementOfMissingKeyBeginsAtZero) {
  EXPECT_EQ(increment(db_, key_, -3).value(), -3);
  EXPECT_EQ(value(), "-3");
}

TEST_F(StringTest, IncrementRefusesWhatIsNoIntegerOrWouldOverflow) {
  db_.put_string(key_, "abc", kNoExpiry);
  EXPECT_EQ(increment(db_, key_, 1).status(), Status::kNotInteger);
  db_.put_integer(key_, std::numeric_limits<int64_t>::max(), kNoExpiry);
  EXPECT_EQ(increment(db_, key_, 1).status(), Status::kOverflow);
  EXPECT_EQ(value(), "9223372036854775807");
}

TEST_F(StringTest, IncrementMakesModifiedDigitsAnInteger) {
  db_.put_text(key_, "10", kNow + 500, true);
  EXPECT_EQ(increment(db_, key_, 1).value(), 11);
  EXPECT_EQ(entry().kind(), ValueKind::kInteger);
  EXPECT_EQ(entry().expire_at_ms(), kNow + 500);
}

TEST_F(StringTest, FloatSumIsPlainTextEvenIfItSpellsAnInteger) {
  db_.put_string(key_, "1.5", kNow + 500);
  EXPECT_EQ(increment_float(db_, key_, "1.5").value(), "3");
  EXPECT_EQ(entry().kind(), ValueKind::kText);
  EXPECT_FALSE(entry().modified());
  EXPECT_EQ(entry().expire_at_ms(), kNow + 500);
  EXPECT_EQ(increment_float(db_, key_, "x").status(), Status::kNotFloat);
  EXPECT_EQ(increment_float(db_, key_, "inf").status(), Status::kNanOrInfinity);
  EXPECT_EQ(value(), "3");
}

TEST_F(StringTest, AppendCreatesLikeSetAndThenModifies) {
  EXPECT_EQ(append_string(db_, key_, "12", kNoLimit).value(), 2u);
  EXPECT_EQ(entry().kind(), ValueKind::kInteger);
  EXPECT_EQ(append_string(db_, key_, "3", kNoLimit).value(), 3u);
  EXPECT_EQ(entry().kind(), ValueKind::kText);
  EXPECT_TRUE(entry().modified());
  EXPECT_EQ(value(), "123");
}

TEST_F(StringTest, AppendOfNothingModifiesToo) {
  db_.put_string(key_, "abc", kNoExpiry);
  EXPECT_EQ(append_string(db_, key_, "", kNoLimit).value(), 3u);
  EXPECT_TRUE(entry().modified());
}

TEST_F(StringTest, AppendGrowsThroughEverySizeOfValue) {
  std::string expected;
  for (int i = 0; i < 3000; i++) {
    const char letter = static_cast<char>('a' + i % 26);
    expected += letter;
    ASSERT_EQ(append_string(db_, key_, {&letter, 1}, kNoLimit).value(), expected.size());
  }
  EXPECT_EQ(value(), expected);
}

TEST_F(StringTest, NothingGrowsBeyondTheLimit) {
  db_.put_string(key_, "abcd", kNoExpiry);
  EXPECT_EQ(append_string(db_, key_, "ef", 5).status(), Status::kTooLong);
  EXPECT_EQ(append_string(db_, key_, "e", 5).value(), 5u);
  EXPECT_EQ(set_string_range(db_, key_, 5, "f", 5).status(), Status::kTooLong);
  EXPECT_EQ(set_string_range(db_, key_, std::numeric_limits<uint64_t>::max(), "f", 5).status(),
            Status::kTooLong);
  EXPECT_EQ(set_string_range(db_, key_, 4, "E", 5).value(), 5u);
  EXPECT_EQ(value(), "abcdE");
}

TEST_F(StringTest, SetRangeFillsTheGapWithZeros) {
  EXPECT_EQ(set_string_range(db_, key_, 3, "x", kNoLimit).value(), 4u);
  EXPECT_EQ(value(), std::string("\0\0\0x", 4));
  EXPECT_TRUE(entry().modified());
  EXPECT_EQ(set_string_range(db_, key_, 1, "yz", kNoLimit).value(), 4u);
  EXPECT_EQ(value(), std::string("\0yzx", 4));
}

TEST_F(StringTest, SetRangeOfNothingChangesNothing) {
  EXPECT_EQ(set_string_range(db_, key_, 7, "", kNoLimit).value(), 0u);
  EXPECT_EQ(value(), "(none)");
  db_.put_string(key_, "12", kNoExpiry);
  EXPECT_EQ(set_string_range(db_, key_, 7, "", kNoLimit).value(), 2u);
  EXPECT_EQ(entry().kind(), ValueKind::kInteger);
}

TEST_F(StringTest, WritableStringOfAnIntegerIsItsDigits) {
  db_.put_string(key_, "-12", kNow + 500);
  const std::span<char> bytes = writable_string(db_, key_, 2).value().bytes;
  EXPECT_EQ(std::string(bytes.data(), bytes.size()), "-12");
  bytes[0] = '9';
  EXPECT_EQ(value(), "912");
  EXPECT_EQ(entry().expire_at_ms(), kNow + 500);
}

}  // namespace
}  // namespace larder::storage
