#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr const char* kSyntax = "(error) ERR syntax error";

TEST(Increx, CountsFromZero) {
  InProcess server;
  EXPECT_EQ(server.run({"INCREX", "k"}), "[1, 1]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "5"}), "[6, 5]");
  EXPECT_EQ(server.run({"INCREX", "k", "byint", "-10"}), "[-4, -10]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "0"}), "[-4, 0]");
  EXPECT_EQ(server.run({"OBJECT", "ENCODING", "k"}), "\"int\"");
}

TEST(Increx, ChangesNothingBeyondABound) {
  InProcess server;
  server.run({"SET", "k", "10"});
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "6", "UBOUND", "15", "EX", "9"}), "[10, 0]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "-6", "LBOUND", "5"}), "[10, 0]");
  EXPECT_EQ(server.run({"GET", "k"}), "\"10\"");
  EXPECT_EQ(server.run({"PTTL", "k"}), "-1");
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "5", "UBOUND", "15"}), "[15, 5]");
  EXPECT_EQ(server.run({"INCREX", "new", "BYINT", "5", "LBOUND", "10"}), "[0, 0]");
  EXPECT_EQ(server.run({"EXISTS", "new"}), "0");
}

TEST(Increx, SaturatesAtABoundOrTheRangeOfIntegers) {
  InProcess server;
  server.run({"SET", "k", "10"});
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "6", "UBOUND", "15", "SATURATE"}), "[15, 5]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "-100", "LBOUND", "0", "SATURATE"}), "[0, -15]");
  server.run({"SET", "k", "9223372036854775800"});
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "9"}), "[9223372036854775800, 0]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "9", "SATURATE"}), "[9223372036854775807, 7]");
  EXPECT_EQ(server.run({"INCREX", "k", "SATURATE", "UBOUND", "-9223372036854775808"}),
            "(error) ERR applied increment would overflow");
  EXPECT_EQ(server.run({"GET", "k"}), "\"9223372036854775807\"");
}

TEST(Increx, OnlyTheResultMustLieWithinTheBounds) {
  InProcess server;
  server.run({"SET", "k", "50"});
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "5", "UBOUND", "30"}), "[50, 0]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "-25", "UBOUND", "30"}), "[25, -25]");
  server.run({"SET", "k", "50"});
  EXPECT_EQ(server.run({"INCREX", "k", "BYINT", "5", "UBOUND", "30", "SATURATE"}), "[30, -20]");
}

TEST(Increx, CountsInFractions) {
  InProcess server;
  server.run({"SET", "k", "1.5"});
  EXPECT_EQ(server.run({"INCREX", "k", "BYFLOAT", "0.25"}), "[\"1.75\", \"0.25\"]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYFLOAT", "100", "UBOUND", "42.5"}), "[\"1.75\", \"0\"]");
  EXPECT_EQ(server.run({"INCREX", "k", "BYFLOAT", "100", "UBOUND", "42.5", "SATURATE"}),
            "[\"42.5\", \"40.75\"]");
  auto newer = server.connect();
  server.run(*newer, {"HELLO", "3"});
  EXPECT_EQ(server.run_raw(*newer, {"INCREX", "k", "BYFLOAT", "0.5"}), "*2\r\n,43\r\n,0.5\r\n");
  EXPECT_EQ(server.run({"INCREX", "k", "BYFLOAT", "inf"}),
            "(error) ERR BYFLOAT increment cannot be Infinity");
  server.run({"SET", "k", "inf"});
  EXPECT_EQ(server.run({"INCREX", "k", "BYFLOAT", "1"}), "(error) ERR value cannot be Infinity");
}

TEST(Increx, SetsKeepsAndTakesAwayTheExpiry) {
  InProcess server;
  EXPECT_EQ(server.run({"INCREX", "k", "EX", "10", "ENX"}), "[1, 1]");
  EXPECT_EQ(server.run({"PTTL", "k"}), "10000");
  server.clock().advance_ms(4000);
  EXPECT_EQ(server.run({"INCREX", "k", "ENX", "PX", "10000"}), "[2, 1]");
  EXPECT_EQ(server.run({"PTTL", "k"}), "6000");
  EXPECT_EQ(server.run({"INCREX", "k"}), "[3, 1]");
  EXPECT_EQ(server.run({"PTTL", "k"}), "6000");
  EXPECT_EQ(server.run({"INCREX", "k", "PX", "100"}), "[4, 1]");
  EXPECT_EQ(server.run({"PTTL", "k"}), "100");
  EXPECT_EQ(server.run({"INCREX", "k", "PERSIST"}), "[5, 1]");
  EXPECT_EQ(server.run({"PTTL", "k"}), "-1");
  EXPECT_EQ(server.run({"INCREX", "k", "EXAT", "1"}), "[6, 1]");
  EXPECT_EQ(server.run({"EXISTS", "k"}), "0");
}

TEST(Increx, WrongArgumentsChangeNothing) {
  InProcess server;
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{"BYINT", "1", "BYINT", "1"}, kSyntax},
      {{"BYINT", "1", "BYFLOAT", "1"}, kSyntax},
      {{"BYINT"}, kSyntax},
      {{"SATURATE", "SATURATE"}, kSyntax},
      {{"EX", "10", "EX", "10"}, kSyntax},
      {{"EX", "10", "PERSIST"}, kSyntax},
      {{"PERSIST", "ENX"}, kSyntax},
      {{"ENX", "PERSIST"}, kSyntax},
      {{"FOO"}, kSyntax},
      {{"ENX"}, "(error) ERR ENX flag requires an expiration"},
      {{"EX", "0"}, "(error) ERR invalid expire time in 'increx' command"},
      {{"BYINT", "1.5"}, "(error) ERR Increment is not an integer or out of range"},
      {{"BYFLOAT", "x"}, "(error) ERR Increment is not a valid float"},
      {{"LBOUND", "x"}, "(error) ERR LBOUND is not an integer or out of range"},
      {{"UBOUND", "1.5"}, "(error) ERR UBOUND is not an integer or out of range"},
      {{"BYFLOAT", "1", "UBOUND", "x"}, "(error) ERR UBOUND is not a valid float"},
      {{"LBOUND", "2", "UBOUND", "1"}, "(error) ERR LBOUND can't be greater than UBOUND"},
  };
  for (const auto& [options, error] : wrong) {
    std::vector<std::string> command{"INCREX", "k"};
    command.insert(command.end(), options.begin(), options.end());
    EXPECT_EQ(server.run(command), error) << options[0];
  }
  EXPECT_EQ(server.run({"EXISTS", "k"}), "0");
  server.run({"RPUSH", "list", "a"});
  EXPECT_EQ(server.run({"INCREX", "list"}),
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value");
  server.run({"SET", "k", "text"});
  EXPECT_EQ(server.run({"INCREX", "k"}), "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"INCREX", "k", "BYFLOAT", "1"}), "(error) ERR value is not a valid float");
}

}  // namespace
}  // namespace larder
