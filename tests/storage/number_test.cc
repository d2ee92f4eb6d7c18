#include "storage/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace larder::storage {
namespace {

TEST(ParseInteger, TakesTheCanonicalSpellingOnly) {
  const std::pair<const char*, int64_t> good[] = {
      {"0", 0},
      {"7", 7},
      {"-1", -1},
      {"1234567890", 1234567890},
      {"9223372036854775807", std::numeric_limits<int64_t>::max()},
      {"-9223372036854775808", std::numeric_limits<int64_t>::min()}};
  for (const auto& [text, wanted] : good) {
    int64_t value = 99;
    EXPECT_TRUE(parse_integer(text, value)) << text;
    EXPECT_EQ(value, wanted);
  }
  for (const std::string_view text :
       {"", "-", "+1", " 1", "1 ", "01", "-01", "-0", "00", "1a", "0x1", "1.0", "1e3", "--1",
        "9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "111111111111111111111"}) {
    int64_t value = 99;
    EXPECT_FALSE(parse_integer(text, value)) << text;
  }
  int64_t value = 0;
  EXPECT_FALSE(parse_integer(std::string_view("1\0", 2), value));
}

TEST(WriteInteger, IsReadBackAsTheSameNumber) {
  for (int shift = 0; shift < 64; shift++) {
    for (const int64_t offset : {-1, 0, 1}) {
      const auto value =
          static_cast<int64_t>((uint64_t{1} << shift) + static_cast<uint64_t>(offset));
      char text[kIntegerTextMax];
      const size_t size = write_integer(value, text);
      int64_t read = 0;
      EXPECT_TRUE(parse_integer({text, size}, read));
      EXPECT_EQ(read, value);
    }
  }
}

TEST(ParseDouble, TakesWhatStrtodTakesWithNothingAround) {
  const std::pair<const char*, double> good[] = {{"1", 1},
                                                 {"-1.5", -1.5},
                                                 {"+2", 2},
                                                 {".5", 0.5},
                                                 {"5.", 5},
                                                 {"1e3", 1000},
                                                 {"0x10", 16},
                                                 {"inf", INFINITY},
                                                 {"-inf", -INFINITY},
                                                 {"Infinity", INFINITY},
                                                 {"0", 0},
                                                 {"1e-300", 1e-300}};
  for (const auto& [text, wanted] : good) {
    double value = 99;
    EXPECT_TRUE(parse_double(text, value)) << text;
    EXPECT_EQ(value, wanted);
  }
  for (const std::string_view text :
       {"", " 1", "1 ", "\t1", "nan", "NaN", "one", "1,5", "1e400", "-1e400", "1e-400", "."}) {
    double value = 99;
    EXPECT_FALSE(parse_double(text, value)) << text;
  }
  double value = 0;
  EXPECT_FALSE(parse_double(std::string_view("1\0", 2), value));
}

TEST(ParseLongDouble, HasALongerRangeAndALimitOnLength) {
  long double value = 0;
  EXPECT_TRUE(parse_long_double("1e400", value));
  EXPECT_FALSE(parse_long_double("1e5000", value));
  EXPECT_FALSE(parse_long_double(std::string(6000, '1'), value));
}

std::string text_of(long double value) {
  char text[kLongDoubleTextMax];
  return {text, write_long_double(value, text)};
}

TEST(WriteLongDouble, DropsZerosThatSayNothing) {
  EXPECT_EQ(text_of(3.0L), "3");
  EXPECT_EQ(text_of(10.5L), "10.5");
  EXPECT_EQ(text_of(100.0L), "100");
  EXPECT_EQ(text_of(0.1L), "0.1");
  EXPECT_EQ(text_of(-2.25L), "-2.25");
  EXPECT_EQ(text_of(-0.0L), "0");
  EXPECT_EQ(text_of(-1e-30L), "0");
  EXPECT_EQ(text_of(1e20L), "100000000000000000000");
}

TEST(WriteLongDouble, HasRoomForTheLargestNumber) {
  EXPECT_EQ(text_of(std::numeric_limits<long double>::max()).size(), 4933u);
}

std::string score_text(double value) {
  char text[kDoubleTextMax];
  return {text, write_double(value, text)};
}

// The layouts were seen from Valkey 9.1, which prints as Redis 7.2 does.
TEST(WriteDouble, IsLaidOutAsRedisDoesIt) {
  EXPECT_EQ(score_text(0), "0");
  EXPECT_EQ(score_text(-0.0), "-0");
  EXPECT_EQ(score_text(3), "3");
  EXPECT_EQ(score_text(-17), "-17");
  EXPECT_EQ(score_text(0.1), "0.1");
  EXPECT_EQ(score_text(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(score_text(1e17), "100000000000000000");
  EXPECT_EQ(score_text(4611686018427387904.0), "4611686018427387904");
  EXPECT_EQ(score_text(5e18), "5e+18");
  EXPECT_EQ(score_text(9223372036854775807.0), "9223372036854776000");
  EXPECT_EQ(score_text(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(score_text(1e-6), "0.000001");
  EXPECT_EQ(score_text(1e-7), "1e-7");
  EXPECT_EQ(score_text(1.5e-6), "1.5e-6");
  EXPECT_EQ(score_text(0.00125), "0.00125");
  EXPECT_EQ(score_text(-1.7976931348623157e308), "-1.7976931348623157e+308");
  EXPECT_EQ(score_text(5e-324), "5e-324");
  EXPECT_EQ(score_text(1234.5), "1234.5");
  EXPECT_EQ(score_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(score_text(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(WriteDouble, ReadsBackAsTheSameNumber) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; i++) {
    const auto value = std::bit_cast<double>(random());
    if (std::isnan(value)) continue;
    const std::string text = score_text(value);
    ASSERT_LT(text.size(), kDoubleTextMax);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
}

TEST(WriteDouble17, KeepsDigitsThatSayNothing) {
  char text[kDoubleTextMax];
  EXPECT_EQ(std::string(text, write_double_17(0.1, text)), "0.10000000000000001");
  EXPECT_EQ(std::string(text, write_double_17(3, text)), "3");
  EXPECT_EQ(std::string(text, write_double_17(-std::numeric_limits<double>::infinity(), text)),
            "-inf");
}

TEST(ParseDoubleLoosely, ReadsWhatStrtodReads) {
  const auto read = [](std::string_view text) {
    double value = -99;
    return parse_double_loosely(text, value) ? score_text(value) : "no";
  };
  EXPECT_EQ(read(" 1.5"), "1.5");
  EXPECT_EQ(read(""), "0");
  EXPECT_EQ(read("1e400"), "inf");
  EXPECT_EQ(read("0x10"), "16");
  EXPECT_EQ(read(std::string_view("2\0x", 3)), "2");
  EXPECT_EQ(read("nan"), "no");
  EXPECT_EQ(read("1 "), "no");
  EXPECT_EQ(read(std::string(6000, '1')), "no");
}

}  // namespace
}  // namespace larder::storage
