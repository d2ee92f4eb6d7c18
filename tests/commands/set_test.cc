#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "protocol/reply_reader.h"
#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;
using testing::lookups;

constexpr const char* kWrongType =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kSyntax = "(error) ERR syntax error";
constexpr const char* kNotPositive = "(error) ERR value is out of range, must be positive";

protocol::Reply reply_to(InProcess& server, const std::vector<std::string>& arguments) {
  protocol::Reply reply;
  protocol::read_reply(server.run_raw(server.client(), arguments), reply);
  return reply;
}

// The elements of a reply, none of which may come twice.
std::set<std::string> members_of(const protocol::Reply& reply) {
  std::set<std::string> members;
  for (const protocol::Reply& element : reply.elements) {
    EXPECT_TRUE(members.insert(element.text).second) << element.text;
  }
  return members;
}

std::set<std::string> members(InProcess& server, const std::string& key) {
  return members_of(reply_to(server, {"SMEMBERS", key}));
}

void add_numbered(InProcess& server, const std::string& key, const std::string& prefix, int count) {
  std::vector<std::string> command = {"SADD", key};
  for (int i = 0; i < count; i++) command.push_back(prefix + std::to_string(i));
  ASSERT_EQ(server.run(command), std::to_string(count));
}

TEST(Sadd, CountsNewMembers) {
  InProcess server;
  EXPECT_EQ(server.run({"SADD", "s", "a", "b", "a"}), "2");
  EXPECT_EQ(server.run({"SADD", "s", "b", "c"}), "1");
  EXPECT_EQ(server.run({"SCARD", "s"}), "3");
  EXPECT_EQ(server.run({"TYPE", "s"}), "+set");
  EXPECT_EQ(members(server, "s"), (std::set<std::string>{"a", "b", "c"}));
}

TEST(Sadd, KeepsTtl) {
  InProcess server;
  server.run({"SADD", "s", "a"});
  server.run({"PEXPIRE", "s", "10"});
  server.run({"SADD", "s", "b"});
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"SCARD", "s"}), "0");
}

TEST(Sets, RefuseKeysOfAnotherType) {
  InProcess server;
  server.run({"SET", "k", "v"});
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"SADD", "k", "a"},
                                             {"SREM", "k", "a"},
                                             {"SISMEMBER", "k", "a"},
                                             {"SMISMEMBER", "k", "a"},
                                             {"SMEMBERS", "k"},
                                             {"SCARD", "k"},
                                             {"SPOP", "k"},
                                             {"SPOP", "k", "0"},
                                             {"SRANDMEMBER", "k"},
                                             {"SRANDMEMBER", "k", "2"},
                                             {"SSCAN", "k", "0"}}) {
    EXPECT_EQ(server.run(command), kWrongType) << command[0];
  }
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
  server.run({"SADD", "s", "a"});
  EXPECT_EQ(server.run({"GET", "s"}), kWrongType);
}

TEST(Sets, MissingKeyIsAnEmptySet) {
  InProcess server;
  EXPECT_EQ(server.run({"SREM", "s", "a"}), "0");
  EXPECT_EQ(server.run({"SISMEMBER", "s", "a"}), "0");
  EXPECT_EQ(server.run({"SMISMEMBER", "s", "a", "b"}), "[0, 0]");
  EXPECT_EQ(server.run({"SMEMBERS", "s"}), "[]");
  EXPECT_EQ(server.run({"SCARD", "s"}), "0");
  EXPECT_EQ(server.run({"SPOP", "s"}), "(nil)");
  EXPECT_EQ(server.run({"SPOP", "s", "3"}), "[]");
  EXPECT_EQ(server.run({"SRANDMEMBER", "s"}), "(nil)");
  EXPECT_EQ(server.run({"SRANDMEMBER", "s", "-3"}), "[]");
  EXPECT_EQ(server.run({"SSCAN", "s", "0"}), "[\"0\", []]");
  EXPECT_EQ(server.run({"EXISTS", "s"}), "0");
}

TEST(Srem, ErasesAnEmptySet) {
  InProcess server;
  for (const char* prefix : {"", "m"}) {
    add_numbered(server, "s", prefix, 600);
    for (int i = 0; i < 599; i++) server.run({"SREM", "s", prefix + std::to_string(i)});
    EXPECT_EQ(server.run({"SREM", "s", prefix + std::string("599"), "none"}), "1");
    EXPECT_EQ(server.run({"EXISTS", "s"}), "0");
  }
}

TEST(Smismember, AnswersForEach) {
  InProcess server;
  server.run({"SADD", "s", "1", "x"});
  EXPECT_EQ(server.run({"SMISMEMBER", "s", "x", "y", "1", "01"}), "[1, 0, 1, 0]");
  EXPECT_EQ(server.run({"SISMEMBER", "s", "1"}), "1");
}

TEST(Sets, LookupsAreCountedWhereRedisCountsThem) {
  InProcess server;
  server.run({"SADD", "s", "a", "b", "c"});
  server.run({"SPOP", "s"});
  server.run({"SREM", "s", "x"});
  EXPECT_EQ(lookups(server), "0 0");
  server.run({"SCARD", "s"});
  server.run({"SMEMBERS", "none"});
  EXPECT_EQ(lookups(server), "1 1");
}

TEST(Smove, MovesAndErasesTheEmptied) {
  InProcess server;
  server.run({"SADD", "from", "a"});
  EXPECT_EQ(server.run({"SMOVE", "from", "to", "b"}), "0");
  EXPECT_EQ(server.run({"SMOVE", "from", "from", "a"}), "1");
  EXPECT_EQ(server.run({"SMOVE", "from", "from", "b"}), "0");
  EXPECT_EQ(server.run({"SMOVE", "from", "to", "a"}), "1");
  EXPECT_EQ(server.run({"EXISTS", "from"}), "0");
  EXPECT_EQ(server.run({"SMEMBERS", "to"}), "[\"a\"]");
  EXPECT_EQ(server.run({"SMOVE", "from", "to", "a"}), "0");
}

TEST(Smove, LooksAtTheSourceFirst) {
  InProcess server;
  server.run({"SET", "text", "v"});
  server.run({"SADD", "s", "a"});
  EXPECT_EQ(server.run({"SMOVE", "none", "text", "a"}), "0");
  EXPECT_EQ(server.run({"SMOVE", "s", "text", "none"}), kWrongType);
  EXPECT_EQ(server.run({"SMOVE", "text", "s", "a"}), kWrongType);
  EXPECT_EQ(server.run({"SCARD", "s"}), "1");
}

TEST(Sets, WatchersHearOfChangesAlone) {
  InProcess server;
  add_numbered(server, "s", "m", 200);
  const auto runs_after = [&](const std::vector<std::string>& command) {
    server.run({"WATCH", "s", "t"});
    server.run(command);
    server.run({"MULTI"});
    server.run({"PING"});
    return server.run({"EXEC"}) == "[+PONG]";
  };
  EXPECT_TRUE(runs_after({"SADD", "s", "m1"}));
  EXPECT_FALSE(runs_after({"SADD", "s", "new"}));
  EXPECT_TRUE(runs_after({"SREM", "s", "none"}));
  EXPECT_FALSE(runs_after({"SREM", "s", "new"}));
  EXPECT_TRUE(runs_after({"SRANDMEMBER", "s", "100"}));
  EXPECT_FALSE(runs_after({"SPOP", "s"}));
  EXPECT_FALSE(runs_after({"SPOP", "s", "190"}));
  EXPECT_TRUE(runs_after({"SPOP", "s", "0"}));
  EXPECT_TRUE(runs_after({"SMOVE", "s", "t", "none"}));
  EXPECT_TRUE(runs_after({"SUNIONSTORE", "t", "none"}));
  EXPECT_FALSE(runs_after({"SUNIONSTORE", "t", "s"}));
  EXPECT_FALSE(runs_after({"SDIFFSTORE", "t", "t", "s"}));
}

// --- Encodings.

TEST(SetEncoding, FollowsTheOptions) {
  InProcess server;
  const auto encoding = [&] { return server.run({"OBJECT", "ENCODING", "s"}); };
  add_numbered(server, "s", "", 512);
  EXPECT_EQ(encoding(), "\"intset\"");
  server.run({"SADD", "s", "512"});
  EXPECT_EQ(encoding(), "\"hashtable\"");
  server.run({"DEL", "s"});
  add_numbered(server, "s", "m", 128);
  EXPECT_EQ(encoding(), "\"listpack\"");
  server.run({"SADD", "s", "m"});
  EXPECT_EQ(encoding(), "\"hashtable\"");
  server.run({"DEL", "s"});
  server.run({"CONFIG", "SET", "set-max-intset-entries", "2", "set-max-listpack-entries", "3",
              "set-max-listpack-value", "4"});
  server.run({"SADD", "s", "1", "2"});
  EXPECT_EQ(encoding(), "\"intset\"");
  server.run({"SADD", "s", "abcd"});
  EXPECT_EQ(encoding(), "\"listpack\"");
  server.run({"SREM", "s", "1"});
  server.run({"SADD", "s", "abcde"});
  EXPECT_EQ(encoding(), "\"hashtable\"");
}

TEST(SetEncoding, HoldsForKeysThatAreCopiedAndRenamed) {
  InProcess server;
  for (const int size : {5, 400, 1000}) {
    for (const char* prefix : {"", "m"}) {
      server.run({"FLUSHALL"});
      add_numbered(server, "s", prefix, size);
      const std::set<std::string> expected = members(server, "s");
      EXPECT_EQ(server.run({"COPY", "s", "t"}), "1");
      EXPECT_EQ(server.run({"RENAME", "s", "u"}), "+OK");
      server.run({"SADD", "t", "more"});
      EXPECT_EQ(members(server, "u"), expected);
      EXPECT_EQ(server.run({"SCARD", "t"}), std::to_string(size + 1));
      EXPECT_EQ(server.run({"SCAN", "0", "TYPE", "set", "COUNT", "100000"}).find("\"u\"") !=
                    std::string::npos,
                true);
      EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
      const std::string report = server.run({"DEBUG", "RECOUNT-MEMORY"});
      EXPECT_NE(report.find(" of these, bytes in no table: 0\n"), std::string::npos) << report;
    }
  }
}

TEST(SetMemory, UsageGrowsWithMembersAndIsGivenBack) {
  InProcess server;
  const auto usage = [&] { return std::stoll(server.run({"MEMORY", "USAGE", "s"})); };
  add_numbered(server, "s", "member:", 100);
  EXPECT_GT(usage(), 100 * 10);
  EXPECT_LT(usage(), 100 * 16);
  server.run({"DEL", "s"});
  add_numbered(server, "s", "member:", 10'000);
  EXPECT_GT(usage(), 10'000 * 20);
  EXPECT_LT(usage(), 10'000 * 40);
  server.run({"SPOP", "s", "9990"});
  EXPECT_LT(usage(), 10'000);
}

// --- SPOP and SRANDMEMBER.

TEST(Spop, TakesDifferentMembersOut) {
  InProcess server;
  for (const char* prefix : {"", "m"}) {
    for (const int size : {3, 100, 500, 3000}) {
      for (const int count : {1, size / 2, size * 9 / 10, size - 1, size, size + 1}) {
        server.run({"DEL", "s"});
        add_numbered(server, "s", prefix, size);
        std::set<std::string> all = members(server, "s");
        const auto popped = members_of(reply_to(server, {"SPOP", "s", std::to_string(count)}));
        ASSERT_EQ(popped.size(), static_cast<size_t>(std::min(count, size)));
        const std::set<std::string> left = members(server, "s");
        ASSERT_EQ(left.size() + popped.size(), all.size());
        for (const auto& member : popped) ASSERT_TRUE(all.erase(member)) << member;
        ASSERT_EQ(left, all);
        ASSERT_EQ(server.run({"EXISTS", "s"}), count >= size ? "0" : "1");
      }
    }
  }
}

TEST(Spop, WithoutCountAnswersOneMember) {
  InProcess server;
  server.run({"SADD", "s", "a", "b"});
  const std::string first = server.run({"SPOP", "s"});
  const std::string second = server.run({"SPOP", "s"});
  EXPECT_EQ(std::minmax(first, second), std::minmax(std::string("\"a\""), std::string("\"b\"")));
  EXPECT_EQ(server.run({"EXISTS", "s"}), "0");
}

TEST(Spop, KeepsTtlOfWhatIsLeft) {
  InProcess server;
  add_numbered(server, "s", "m", 1000);
  server.run({"PEXPIRE", "s", "10"});
  server.run({"SPOP", "s", "990"});
  EXPECT_EQ(server.run({"PTTL", "s"}), "10");
}

TEST(Spop, ChecksItsCount) {
  InProcess server;
  EXPECT_EQ(server.run({"SPOP", "s", "-1"}), kNotPositive);
  EXPECT_EQ(server.run({"SPOP", "s", "x"}), kNotPositive);
  EXPECT_EQ(server.run({"SPOP", "s", "x", "y"}), kSyntax);
  server.run({"SADD", "s", "a"});
  EXPECT_EQ(server.run({"SPOP", "s", "0"}), "[]");
}

TEST(Srandmember, PositiveCountIsWithoutRepetition) {
  InProcess server;
  add_numbered(server, "s", "m", 1000);
  const std::set<std::string> all = members(server, "s");
  for (const int count : {1, 10, 400, 999, 1000, 2000}) {
    const auto drawn = members_of(reply_to(server, {"SRANDMEMBER", "s", std::to_string(count)}));
    EXPECT_EQ(drawn.size(), static_cast<size_t>(std::min(count, 1000)));
    EXPECT_TRUE(std::includes(all.begin(), all.end(), drawn.begin(), drawn.end()));
  }
  EXPECT_EQ(server.run({"SCARD", "s"}), "1000");
}

TEST(Srandmember, NegativeCountIsAnsweredInFull) {
  InProcess server;
  server.run({"SADD", "s", "a", "b"});
  const protocol::Reply reply = reply_to(server, {"SRANDMEMBER", "s", "-100"});
  ASSERT_EQ(reply.elements.size(), 100u);
  for (const auto& element : reply.elements) {
    EXPECT_TRUE(element.text == "a" || element.text == "b");
  }
}

TEST(Srandmember, ChecksItsCount) {
  InProcess server;
  server.run({"SADD", "s", "a"});
  EXPECT_EQ(server.run({"SRANDMEMBER", "s", "x"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"SRANDMEMBER", "s", "x", "y"}), kSyntax);
  EXPECT_EQ(server.run({"SRANDMEMBER", "s", "-9223372036854775808"}),
            "(error) ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807");
  EXPECT_EQ(server.run({"SRANDMEMBER", "s", "-9223372036854775807"}),
            "(error) ERR value is out of range");
  EXPECT_EQ(server.run({"SRANDMEMBER", "s", "0"}), "[]");
}

// --- RESP3, SSCAN.

TEST(Sets, AreSetsInResp3) {
  InProcess server;
  server.run({"HELLO", "3"});
  server.run({"SADD", "s", "a"});
  const auto raw = [&](const std::vector<std::string>& command) {
    return server.run_raw(server.client(), command);
  };
  EXPECT_EQ(raw({"SMEMBERS", "s"}), "~1\r\n$1\r\na\r\n");
  EXPECT_EQ(raw({"SMEMBERS", "none"}), "~0\r\n");
  EXPECT_EQ(raw({"SINTER", "s", "s"}), "~1\r\n$1\r\na\r\n");
  EXPECT_EQ(raw({"SRANDMEMBER", "s", "1"}), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(raw({"SRANDMEMBER", "none"}), "_\r\n");
  EXPECT_EQ(raw({"SPOP", "s", "1"}), "~1\r\n$1\r\na\r\n");
  EXPECT_EQ(raw({"SPOP", "s", "1"}), "~0\r\n");
}

TEST(Sscan, AnIterationFindsEveryMember) {
  InProcess server;
  add_numbered(server, "s", "m", 2000);
  std::set<std::string> found;
  std::string cursor = "0";
  int calls = 0;
  do {
    const protocol::Reply reply = reply_to(server, {"SSCAN", "s", cursor, "COUNT", "50"});
    for (const auto& element : reply.elements[1].elements) found.insert(element.text);
    cursor = reply.elements[0].text;
    calls++;
  } while (cursor != "0");
  EXPECT_EQ(found, members(server, "s"));
  EXPECT_GT(calls, 10);
}

TEST(Sscan, MatchesPatternsAndChecksArguments) {
  InProcess server;
  server.run({"SADD", "s", "ab", "ac", "b", "12"});
  EXPECT_EQ(server.run({"SSCAN", "s", "0", "MATCH", "1*"}), "[\"0\", [\"12\"]]");
  EXPECT_EQ(server.run({"SSCAN", "s", "x"}), "(error) ERR invalid cursor");
  EXPECT_EQ(server.run({"SSCAN", "s", "0", "COUNT", "0"}), kSyntax);
  EXPECT_EQ(server.run({"SSCAN", "s", "0", "NOVALUES"}), kSyntax);
  EXPECT_EQ(server.run({"SSCAN", "none", "0", "NOVALUES"}), "[\"0\", []]");
}

}  // namespace
}  // namespace larder
