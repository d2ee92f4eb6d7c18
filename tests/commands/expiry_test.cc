// EXPIRE and its relatives, TTL and its relatives, PERSIST.
#include <gtest/gtest.h>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;
using testing::put;

std::string text(int64_t value) {
  return std::to_string(value);
}

TEST(Expire, EndsAKeyAtItsTime) {
  InProcess server;
  put(server, "k");
  EXPECT_EQ(server.run({"EXPIRE", "k", "10"}), "1");
  server.clock().advance_ms(9'999);
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
  server.clock().advance_ms(1);
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
  EXPECT_EQ(server.run({"EXPIRE", "k", "10"}), "0");
}

TEST(Expire, OverwriteClearsTtl) {
  InProcess server;
  put(server, "k");
  server.run({"EXPIRE", "k", "10"});
  put(server, "k", "w");
  EXPECT_EQ(server.run({"TTL", "k"}), "-1");
}

TEST(Expire, TakesEachUnitAndOrigin) {
  InProcess server;
  put(server, "k");
  const int64_t now_ms = server.clock().now_ms();
  EXPECT_EQ(server.run({"EXPIRE", "k", "7"}), "1");
  EXPECT_EQ(server.run({"PTTL", "k"}), "7000");
  EXPECT_EQ(server.run({"PEXPIRE", "k", "7"}), "1");
  EXPECT_EQ(server.run({"PTTL", "k"}), "7");
  EXPECT_EQ(server.run({"EXPIREAT", "k", text(now_ms / 1000 + 7)}), "1");
  EXPECT_EQ(server.run({"PEXPIRETIME", "k"}), text(now_ms / 1000 * 1000 + 7000));
  EXPECT_EQ(server.run({"PEXPIREAT", "k", text(now_ms + 7)}), "1");
  EXPECT_EQ(server.run({"PTTL", "k"}), "7");
}

TEST(Expire, ATimeThatIsOverDeletes) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"EXPIRE", "k", "0"},
                                                  {"EXPIRE", "k", "-1"},
                                                  {"PEXPIRE", "k", "-1"},
                                                  {"EXPIREAT", "k", "0"},
                                                  {"EXPIREAT", "k", "-1"},
                                                  {"PEXPIREAT", "k", "-1"},
                                                  {"PEXPIREAT", "k", "1"},
                                                  {"PEXPIRE", "k", "-9223372036854775808"},
                                                  {"EXPIREAT", "k", "1", "LT"}}) {
    InProcess server;
    put(server, "k");
    EXPECT_EQ(server.run(command), "1");
    EXPECT_EQ(server.run({"EXISTS", "k"}), "0") << command[0] << ' ' << command[2];
  }
}

TEST(Expire, RefusesATimeThatOverflows) {
  InProcess server;
  put(server, "k");
  for (const char* time :
       {"9223372036854775807", "-9223372036854775808", "9223372036854776", "9223372036854775"}) {
    EXPECT_EQ(server.run({"EXPIRE", "k", time}),
              "(error) ERR invalid expire time in 'expire' command");
  }
  EXPECT_EQ(server.run({"PEXPIRE", "k", "9223372036854775807"}),
            "(error) ERR invalid expire time in 'pexpire' command");
  EXPECT_EQ(server.run({"EXPIREAT", "k", "9223372036854776"}),
            "(error) ERR invalid expire time in 'expireat' command");
  EXPECT_EQ(server.run({"TTL", "k"}), "-1");
}

TEST(Expire, TakesTimesUpToTheLastMillisecond) {
  InProcess server;
  put(server, "k");
  EXPECT_EQ(server.run({"PEXPIREAT", "k", "9223372036854775807"}), "1");
  EXPECT_EQ(server.run({"PEXPIRETIME", "k"}), "9223372036854775807");
  EXPECT_EQ(server.run({"EXPIRETIME", "k"}), "9223372036854776");
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
}

TEST(Expire, OptionsAreCheckedBeforeTheTime) {
  InProcess server;
  EXPECT_EQ(server.run({"EXPIRE", "k", "x", "foo"}), "(error) ERR Unsupported option foo");
  EXPECT_EQ(server.run({"EXPIRE", "k", "x", "nx", "XX"}),
            "(error) ERR NX and XX, GT or LT options at the same time are not compatible");
  EXPECT_EQ(server.run({"EXPIRE", "k", "x", "NX", "GT", "LT"}),
            "(error) ERR NX and XX, GT or LT options at the same time are not compatible");
  EXPECT_EQ(server.run({"EXPIRE", "k", "x", "GT", "LT"}),
            "(error) ERR GT and LT options at the same time are not compatible");
  EXPECT_EQ(server.run({"EXPIRE", "k", "x"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"EXPIRE", "k", "1.5"}),
            "(error) ERR value is not an integer or out of range");
}

// With a TTL of 10 s, without one, and without the key: what EXPIRE with an option and a TTL of
// `seconds` answers.
struct Conditional {
  const char* option;
  const char* seconds;
  const char* with;
  const char* without;
};

TEST(Expire, ChangesOnlyWhatItsConditionAllows) {
  const Conditional cases[] = {
      {"NX", "20", "0", "1"}, {"XX", "20", "1", "0"}, {"GT", "20", "1", "0"},
      {"GT", "10", "0", "0"}, {"GT", "5", "0", "0"},  {"LT", "20", "0", "1"},
      {"LT", "10", "0", "1"}, {"lt", "5", "1", "1"},
  };
  for (const Conditional& c : cases) {
    InProcess server;
    put(server, "with", "v", server.clock().now_ms() + 10'000);
    put(server, "without");
    EXPECT_EQ(server.run({"EXPIRE", "with", c.seconds, c.option}), c.with);
    EXPECT_EQ(server.run({"EXPIRE", "without", c.seconds, c.option}), c.without);
    EXPECT_EQ(server.run({"EXPIRE", "none", c.seconds, c.option}), "0");
    EXPECT_EQ(server.run({"TTL", "with"}), c.with[0] == '1' ? c.seconds : "10");
    EXPECT_EQ(server.run({"TTL", "without"}), c.without[0] == '1' ? c.seconds : "-1");
  }
  InProcess server;
  put(server, "k", "v", server.clock().now_ms() + 10'000);
  EXPECT_EQ(server.run({"EXPIRE", "k", "5", "XX", "LT"}), "1");
  EXPECT_EQ(server.run({"EXPIRE", "k", "5", "XX", "GT", "XX"}), "0");
}

TEST(Ttl, RoundsToTheNearestSecond) {
  InProcess server;
  put(server, "k", "v", server.clock().now_ms() + 1'500);
  EXPECT_EQ(server.run({"TTL", "k"}), "2");
  server.clock().advance_ms(1);
  EXPECT_EQ(server.run({"TTL", "k"}), "1");
  server.clock().advance_ms(1'498);
  EXPECT_EQ(server.run({"PTTL", "k"}), "1");
  EXPECT_EQ(server.run({"TTL", "k"}), "0");
}

TEST(Ttl, TellsNoExpiryFromNoKey) {
  InProcess server;
  put(server, "k");
  for (const char* command : {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}) {
    EXPECT_EQ(server.run({command, "k"}), "-1");
    EXPECT_EQ(server.run({command, "none"}), "-2");
  }
}

TEST(Persist, TakesTheExpiryAwayOnce) {
  InProcess server;
  put(server, "k", "v", server.clock().now_ms() + 10);
  EXPECT_EQ(server.run({"PERSIST", "k"}), "1");
  EXPECT_EQ(server.run({"PERSIST", "k"}), "0");
  EXPECT_EQ(server.run({"PERSIST", "none"}), "0");
  server.clock().advance_ms(100);
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
}

}  // namespace
}  // namespace larder
