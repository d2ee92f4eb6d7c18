#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr const char* kSyntax = "(error) ERR syntax error";
constexpr const char* kNotInteger = "(error) ERR value is not an integer or out of range";
constexpr const char* kTooLong =
    "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";

TEST(Incr, CountsFromZeroAndKeepsTtl) {
  InProcess server;
  EXPECT_EQ(server.run({"INCR", "k"}), "1");
  EXPECT_EQ(server.run({"INCRBY", "k", "10"}), "11");
  EXPECT_EQ(server.run({"DECR", "k"}), "10");
  EXPECT_EQ(server.run({"DECRBY", "k", "-5"}), "15");
  EXPECT_EQ(server.run({"GET", "k"}), "\"15\"");
  server.run({"SET", "k", "1", "PX", "10"});
  EXPECT_EQ(server.run({"INCR", "k"}), "2");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"INCR", "k"}), "1");
}

TEST(Incr, RefusesTextAndOverflow) {
  InProcess server;
  for (const char* text : {"abc", "1.5", " 1", "01", "", "9223372036854775808"}) {
    server.run({"SET", "k", text});
    EXPECT_EQ(server.run({"INCR", "k"}), kNotInteger) << text;
  }
  server.run({"SET", "k", "9223372036854775807"});
  EXPECT_EQ(server.run({"INCR", "k"}), "(error) ERR increment or decrement would overflow");
  EXPECT_EQ(server.run({"DECRBY", "k", "-1"}), "(error) ERR increment or decrement would overflow");
  EXPECT_EQ(server.run({"DECRBY", "k", "-9223372036854775808"}),
            "(error) ERR decrement would overflow");
  EXPECT_EQ(server.run({"INCRBY", "k", "1.0"}), kNotInteger);
  EXPECT_EQ(server.run({"GET", "k"}), "\"9223372036854775807\"");
}

TEST(Incrbyfloat, AddsDecimalFractions) {
  InProcess server;
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "10.50"}), "\"10.5\"");
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "0.1"}), "\"10.6\"");
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "-5"}), "\"5.6\"");
  server.run({"SET", "k", "5.0e3"});
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "2.0e2"}), "\"5200\"");
  EXPECT_EQ(server.run({"INCR", "k"}), "5201");
}

TEST(Incrbyfloat, KeepsTtlAndRefusesWhatIsNoNumber) {
  InProcess server;
  server.run({"SET", "k", "1", "PX", "10"});
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "x"}), "(error) ERR value is not a valid float");
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "nan"}), "(error) ERR value is not a valid float");
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "inf"}),
            "(error) ERR increment would produce NaN or Infinity");
  EXPECT_EQ(server.run({"INCRBYFLOAT", "k", "1"}), "\"2\"");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
}

TEST(Append, LengthensAndKeepsTtl) {
  InProcess server;
  EXPECT_EQ(server.run({"APPEND", "k", "Hello"}), "5");
  EXPECT_EQ(server.run({"APPEND", "k", " World"}), "11");
  EXPECT_EQ(server.run({"GET", "k"}), "\"Hello World\"");
  server.run({"SET", "k", "12", "PX", "10"});
  EXPECT_EQ(server.run({"APPEND", "k", "3"}), "3");
  EXPECT_EQ(server.run({"INCR", "k"}), "124");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"STRLEN", "k"}), "0");
}

TEST(Append, StopsAtTheLimitForStrings) {
  InProcess server;
  server.server().config.values.bulk_bytes_max = 8;
  EXPECT_EQ(server.run({"APPEND", "k", "12345678"}), "8");
  EXPECT_EQ(server.run({"APPEND", "k", "9"}), kTooLong);
  EXPECT_EQ(server.run({"SETRANGE", "k", "8", "9"}), kTooLong);
  EXPECT_EQ(server.run({"SETRANGE", "none", "7", "90"}), kTooLong);
  EXPECT_EQ(server.run({"SETRANGE", "none", "9223372036854775807", "x"}), kTooLong);
  EXPECT_EQ(server.run({"SETRANGE", "k", "7", "9"}), "8");
  EXPECT_EQ(server.run({"MGET", "k", "none"}), "[\"12345679\", (nil)]");
}

TEST(Strlen, CountsBytesOfEveryKindOfValue) {
  InProcess server;
  EXPECT_EQ(server.run({"STRLEN", "k"}), "0");
  server.run({"SET", "k", "-12"});
  EXPECT_EQ(server.run({"STRLEN", "k"}), "3");
  server.run({"SET", "k", std::string(5000, 'x')});
  EXPECT_EQ(server.run({"STRLEN", "k"}), "5000");
}

TEST(Getrange, CutsBothEndsIncluded) {
  InProcess server;
  server.run({"SET", "k", "Hello World"});
  EXPECT_EQ(server.run({"GETRANGE", "k", "0", "4"}), "\"Hello\"");
  EXPECT_EQ(server.run({"SUBSTR", "k", "-5", "-1"}), "\"World\"");
  EXPECT_EQ(server.run({"GETRANGE", "k", "0", "1000"}), "\"Hello World\"");
  EXPECT_EQ(server.run({"GETRANGE", "k", "5", "4"}), "\"\"");
  EXPECT_EQ(server.run({"GETRANGE", "k", "-1", "-5"}), "\"\"");
  EXPECT_EQ(server.run({"GETRANGE", "k", "-90", "-91"}), "\"\"");
  EXPECT_EQ(server.run({"GETRANGE", "k", "0", "-91"}), "\"H\"");
  EXPECT_EQ(server.run({"GETRANGE", "none", "0", "-1"}), "\"\"");
  EXPECT_EQ(server.run({"GETRANGE", "none", "0", "x"}), kNotInteger);
  server.run({"SET", "k", "12345"});
  EXPECT_EQ(server.run({"GETRANGE", "k", "1", "2"}), "\"23\"");
}

TEST(Setrange, OverwritesAndFillsGaps) {
  InProcess server;
  server.run({"SET", "k", "Hello World", "PX", "10"});
  EXPECT_EQ(server.run({"SETRANGE", "k", "6", "Redis"}), "11");
  EXPECT_EQ(server.run({"GET", "k"}), "\"Hello Redis\"");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"SETRANGE", "k", "3", "x"}), "4");
  EXPECT_EQ(server.run({"GET", "k"}), std::string("\"\0\0\0x\"", 6));
}

TEST(Setrange, RefusesNegativeOffsetsBeforeAnythingElse) {
  InProcess server;
  EXPECT_EQ(server.run({"SETRANGE", "k", "-1", ""}), "(error) ERR offset is out of range");
  EXPECT_EQ(server.run({"SETRANGE", "k", "x", ""}), kNotInteger);
  EXPECT_EQ(server.run({"SETRANGE", "k", "5", ""}), "0");
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
}

TEST(Lcs, AnswersTextLengthOrMatches) {
  InProcess server;
  server.run({"MSET", "a", "ohmytext", "b", "mynewtext"});
  EXPECT_EQ(server.run({"LCS", "a", "b"}), "\"mytext\"");
  EXPECT_EQ(server.run({"LCS", "a", "b", "len"}), "6");
  EXPECT_EQ(server.run({"LCS", "a", "b", "IDX"}),
            "[\"matches\", [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], \"len\", 6]");
  EXPECT_EQ(server.run({"LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"}),
            "[\"matches\", [[[4, 7], [5, 8], 4]], \"len\", 6]");
  EXPECT_EQ(server.run({"LCS", "a", "b", "IDX", "MINMATCHLEN", "-3", "WITHMATCHLEN"}),
            "[\"matches\", [[[4, 7], [5, 8], 4], [[2, 3], [0, 1], 2]], \"len\", 6]");
  EXPECT_EQ(server.run({"LCS", "a", "none"}), "\"\"");
  EXPECT_EQ(server.run({"LCS", "none", "none", "LEN"}), "0");
  EXPECT_EQ(server.run({"LCS", "a", "none", "IDX"}), "[\"matches\", [], \"len\", 0]");
}

TEST(Lcs, RefusesContradictionsAndTooMuchMemory) {
  InProcess server;
  EXPECT_EQ(server.run({"LCS", "a", "b", "LEN", "IDX"}),
            "(error) ERR If you want both the length and indexes, please just use IDX.");
  EXPECT_EQ(server.run({"LCS", "a", "b", "LEN", "IDX", "BOGUS"}), kSyntax);
  EXPECT_EQ(server.run({"LCS", "a", "b", "MINMATCHLEN"}), kSyntax);
  EXPECT_EQ(server.run({"LCS", "a", "b", "MINMATCHLEN", "x", "BOGUS"}), kNotInteger);
  server.run({"MSET", "a", "123456789", "b", "123456789"});
  server.server().config.values.bulk_bytes_max = 400;
  EXPECT_EQ(server.run({"LCS", "a", "b", "LEN"}), "9");
  server.run({"APPEND", "b", "0"});
  EXPECT_EQ(server.run({"LCS", "a", "b", "LEN"}),
            "(error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
}

}  // namespace
}  // namespace larder
