#include "storage/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
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

}  // namespace
}  // namespace larder::storage
