#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr const char* kSyntax = "(error) ERR syntax error";
constexpr const char* kNotInteger = "(error) ERR value is not an integer or out of range";
constexpr const char* kBitOffset = "(error) ERR bit offset is not an integer or out of range";

TEST(Setbit, AnswersTheOldBitAndGrowsTheString) {
  InProcess server;
  EXPECT_EQ(server.run({"SETBIT", "k", "7", "1"}), "0");
  EXPECT_EQ(server.run({"SETBIT", "k", "7", "0"}), "1");
  EXPECT_EQ(server.run({"SETBIT", "k", "16", "1"}), "0");
  EXPECT_EQ(server.run({"GET", "k"}), std::string("\"\0\0\x80\"", 5));
  EXPECT_EQ(server.run({"GETBIT", "k", "16"}), "1");
  EXPECT_EQ(server.run({"GETBIT", "k", "15"}), "0");
  EXPECT_EQ(server.run({"GETBIT", "k", "1000"}), "0");
  EXPECT_EQ(server.run({"GETBIT", "none", "0"}), "0");
}

TEST(Setbit, ChangesTheDigitsOfAnInteger) {
  InProcess server;
  server.run({"SET", "k", "0", "PX", "10"});
  EXPECT_EQ(server.run({"GETBIT", "k", "2"}), "1");
  EXPECT_EQ(server.run({"SETBIT", "k", "7", "1"}), "0");
  EXPECT_EQ(server.run({"GET", "k"}), "\"1\"");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GETBIT", "k", "2"}), "0");
}

TEST(Setbit, RefusesOffsetsBeyondTheLongestString) {
  InProcess server;
  server.server().config.values.bulk_bytes_max = 4;
  EXPECT_EQ(server.run({"SETBIT", "k", "31", "1"}), "0");
  EXPECT_EQ(server.run({"SETBIT", "k", "32", "1"}), kBitOffset);
  EXPECT_EQ(server.run({"GETBIT", "k", "32"}), kBitOffset);
  EXPECT_EQ(server.run({"SETBIT", "k", "-1", "2"}), kBitOffset);
  EXPECT_EQ(server.run({"SETBIT", "k", "x", "1"}), kBitOffset);
  EXPECT_EQ(server.run({"SETBIT", "k", "#1", "1"}), kBitOffset);
  EXPECT_EQ(server.run({"SETBIT", "k", "1", "2"}),
            "(error) ERR bit is not an integer or out of range");
  EXPECT_EQ(server.run({"STRLEN", "k"}), "4");
}

TEST(Bitcount, CountsInBytesOrBits) {
  InProcess server;
  server.run({"SET", "k", "foobar"});
  EXPECT_EQ(server.run({"BITCOUNT", "k"}), "26");
  EXPECT_EQ(server.run({"BITCOUNT", "k", "0", "0"}), "4");
  EXPECT_EQ(server.run({"BITCOUNT", "k", "1", "1", "byte"}), "6");
  EXPECT_EQ(server.run({"BITCOUNT", "k", "5", "30", "BIT"}), "17");
  EXPECT_EQ(server.run({"BITCOUNT", "k", "-2", "-1"}), "7");
  EXPECT_EQ(server.run({"BITCOUNT", "k", "-60", "-61", "BIT"}), "0");
  EXPECT_EQ(server.run({"BITCOUNT", "none"}), "0");
  server.run({"SET", "k", ""});
  EXPECT_EQ(server.run({"BITCOUNT", "k", "0", "-1", "BIT"}), "0");
}

TEST(Bitcount, ChecksItsRangeOnlyForALiveKey) {
  InProcess server;
  EXPECT_EQ(server.run({"BITCOUNT", "none", "1"}), "0");
  EXPECT_EQ(server.run({"BITCOUNT", "none", "0", "x", "word"}), "0");
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"BITCOUNT", "k", "1"}), kSyntax);
  EXPECT_EQ(server.run({"BITCOUNT", "k", "0", "x"}), kNotInteger);
  EXPECT_EQ(server.run({"BITCOUNT", "k", "0", "1", "word"}), kSyntax);
  EXPECT_EQ(server.run({"BITCOUNT", "k", "-1", "-2", "word"}), "0");
  EXPECT_EQ(server.run({"BITCOUNT", "k", "x", "1", "BIT", "BIT"}), kSyntax);
}

TEST(Bitpos, FindsOnesAndZeros) {
  InProcess server;
  server.run({"SET", "k", std::string("\xff\xf0\x00", 3)});
  EXPECT_EQ(server.run({"BITPOS", "k", "0"}), "12");
  EXPECT_EQ(server.run({"BITPOS", "k", "1", "2"}), "-1");
  EXPECT_EQ(server.run({"BITPOS", "k", "0", "2", "-1"}), "16");
  EXPECT_EQ(server.run({"BITPOS", "k", "1", "9", "12", "BIT"}), "9");
  EXPECT_EQ(server.run({"BITPOS", "k", "0", "9", "11", "bit"}), "-1");
  EXPECT_EQ(server.run({"BITPOS", "k", "1", "-90", "-91"}), "0");
  EXPECT_EQ(server.run({"BITPOS", "none", "1"}), "-1");
  EXPECT_EQ(server.run({"BITPOS", "none", "0", "5", "6"}), "0");
}

TEST(Bitpos, ZerosFollowTheStringUnlessAnEndIsGiven) {
  InProcess server;
  server.run({"SET", "k", "\xff\xff\xff"});
  EXPECT_EQ(server.run({"BITPOS", "k", "0"}), "24");
  EXPECT_EQ(server.run({"BITPOS", "k", "0", "1"}), "24");
  EXPECT_EQ(server.run({"BITPOS", "k", "0", "0", "-1"}), "-1");
  EXPECT_EQ(server.run({"BITPOS", "k", "0", "3"}), "-1");
  server.run({"SET", "k", ""});
  EXPECT_EQ(server.run({"BITPOS", "k", "0"}), "-1");
}

TEST(Bitpos, ChecksTheBitFirstAndTheRangeOnlyForALiveKey) {
  InProcess server;
  EXPECT_EQ(server.run({"BITPOS", "none", "x"}), kNotInteger);
  EXPECT_EQ(server.run({"BITPOS", "none", "2", "x"}),
            "(error) ERR The bit argument must be 1 or 0.");
  EXPECT_EQ(server.run({"BITPOS", "none", "1", "x", "0", "word"}), "-1");
  EXPECT_EQ(server.run({"BITPOS", "none", "0", "x"}), "0");
}

TEST(Bitpos, ComplainsAboutTheUnitBeforeTheEnd) {
  InProcess server;
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"BITPOS", "k", "1", "x", "0", "word"}), kNotInteger);
  EXPECT_EQ(server.run({"BITPOS", "k", "1", "0", "x", "word"}), kSyntax);
  EXPECT_EQ(server.run({"BITPOS", "k", "1", "0", "x", "BIT"}), kNotInteger);
  EXPECT_EQ(server.run({"BITPOS", "k", "1", "x", "0", "BIT", "BIT"}), kSyntax);
}

TEST(Bitop, StoresTheCombination) {
  InProcess server;
  server.run({"MSET", "a", "foobar", "b", "abc"});
  EXPECT_EQ(server.run({"BITOP", "and", "d", "a", "b"}), "6");
  EXPECT_EQ(server.run({"GET", "d"}), std::string("\"`bc\0\0\0\"", 8));
  EXPECT_EQ(server.run({"BITOP", "OR", "d", "a", "b", "none"}), "6");
  EXPECT_EQ(server.run({"GET", "d"}), "\"goobar\"");
  EXPECT_EQ(server.run({"BITOP", "XOR", "a", "a", "a"}), "6");
  EXPECT_EQ(server.run({"GET", "a"}), std::string("\"\0\0\0\0\0\0\"", 8));
  EXPECT_EQ(server.run({"BITOP", "NOT", "d", "b"}), "3");
  EXPECT_EQ(server.run({"GET", "d"}), "\"\x9e\x9d\x9c\"");
}

TEST(Bitop, ReadsIntegersAsTheirDigits) {
  InProcess server;
  server.run({"MSET", "a", "12", "b", "34", "c", "56"});
  EXPECT_EQ(server.run({"BITOP", "OR", "d", "a", "b", "c"}), "2");
  EXPECT_EQ(server.run({"GET", "d"}), "\"76\"");
}

TEST(Bitop, DeletesTheTargetWhenThereIsNothingAndClearsItsTtlElse) {
  InProcess server;
  server.run({"SET", "d", "x"});
  EXPECT_EQ(server.run({"BITOP", "AND", "d", "none", "nil"}), "0");
  EXPECT_EQ(server.run({"GET", "d"}), "(nil)");
  server.run({"SET", "d", "x", "PX", "10"});
  EXPECT_EQ(server.run({"BITOP", "OR", "d", "d"}), "1");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GET", "d"}), "\"x\"");
}

TEST(Bitop, RefusesOtherOperations) {
  InProcess server;
  EXPECT_EQ(server.run({"BITOP", "NAND", "d", "a", "b"}), kSyntax);
  EXPECT_EQ(server.run({"BITOP", "NOT", "d", "a", "b"}),
            "(error) ERR BITOP NOT must be called with a single source key.");
}

TEST(Bitfield, ReadsSetsAndIncrements) {
  InProcess server;
  EXPECT_EQ(server.run({"BITFIELD", "k", "INCRBY", "i5", "100", "1", "GET", "u4", "0"}), "[1, 0]");
  EXPECT_EQ(server.run({"BITFIELD", "k", "set", "i8", "#0", "-1", "get", "u8", "#0"}), "[0, 255]");
  EXPECT_EQ(server.run({"BITFIELD", "k", "SET", "u8", "#0", "7", "SET", "u8", "#0", "9"}),
            "[255, 7]");
  EXPECT_EQ(server.run({"BITFIELD_RO", "k", "GET", "u8", "0", "GET", "i64", "4000"}), "[9, 0]");
  EXPECT_EQ(server.run({"BITFIELD", "none", "GET", "i64", "0"}), "[0]");
  EXPECT_EQ(server.run({"GET", "none"}), "(nil)");
  EXPECT_EQ(server.run({"BITFIELD", "none"}), "[]");
}

TEST(Bitfield, OverflowRuleHoldsForWhatFollowsIt) {
  InProcess server;
  server.run({"BITFIELD", "k", "SET", "u2", "0", "3", "SET", "i8", "8", "127"});
  EXPECT_EQ(server.run({"BITFIELD", "k",    "OVERFLOW", "SAT",  "INCRBY", "u2", "0",   "1",
                        "OVERFLOW", "fail", "INCRBY",   "u2",   "0",      "1",  "SET", "u2",
                        "0",        "4",    "OVERFLOW", "WRAP", "INCRBY", "u2", "0",   "2"}),
            "[3, (nil), (nil), 1]");
  EXPECT_EQ(server.run({"BITFIELD", "k", "INCRBY", "i8", "8", "1"}), "[-128]");
  EXPECT_EQ(server.run({"BITFIELD", "k", "OVERFLOW", "SAT", "INCRBY", "i8", "8", "-1"}), "[-128]");
}

TEST(Bitfield, GrowsTheStringEvenIfNothingIsWritten) {
  InProcess server;
  EXPECT_EQ(server.run({"BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u8", "12", "256"}), "[(nil)]");
  EXPECT_EQ(server.run({"STRLEN", "k"}), "3");
}

TEST(Bitfield, RefusesWrongOperationsBeforeDoingAny) {
  InProcess server;
  const std::string wrong_type =
      "(error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not "
      "supported but i64 is.";
  for (const char* type : {"u64", "i65", "u0", "i0", "8", "", "x8", "i", "u-1", "i08", "I8"}) {
    EXPECT_EQ(server.run({"BITFIELD", "k", "SET", "u8", "0", "1", "GET", type, "0"}), wrong_type);
  }
  EXPECT_EQ(server.run({"BITFIELD", "k", "GET", "u8"}), kSyntax);
  EXPECT_EQ(server.run({"BITFIELD", "k", "SET", "u8", "0"}), kSyntax);
  EXPECT_EQ(server.run({"BITFIELD", "k", "OVERFLOW"}), kSyntax);
  EXPECT_EQ(server.run({"BITFIELD", "k", "OVERFLOW", "NONE"}),
            "(error) ERR Invalid OVERFLOW type specified");
  EXPECT_EQ(server.run({"BITFIELD", "k", "GET", "u8", "#"}), kBitOffset);
  EXPECT_EQ(server.run({"BITFIELD", "k", "GET", "u8", "-1"}), kBitOffset);
  EXPECT_EQ(server.run({"BITFIELD", "k", "GET", "u8", "#4611686018427387904"}), kBitOffset);
  EXPECT_EQ(server.run({"BITFIELD", "k", "SET", "u8", "0", "x"}), kNotInteger);
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
}

TEST(BitfieldRo, OnlyReads) {
  InProcess server;
  EXPECT_EQ(server.run({"BITFIELD_RO", "k", "SET", "u8", "0", "1"}),
            "(error) ERR BITFIELD_RO only supports the GET subcommand");
  EXPECT_EQ(server.run({"BITFIELD_RO", "k", "SET", "u8", "0", "1", "BOGUS"}), kSyntax);
  EXPECT_EQ(server.run({"BITFIELD_RO", "k", "OVERFLOW", "SAT", "GET", "u8", "0"}), "[0]");
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
}

}  // namespace
}  // namespace larder
