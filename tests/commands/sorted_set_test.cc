#include <gtest/gtest.h>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;
using Words = std::vector<std::string>;

constexpr const char* kWrongType =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kSyntax = "(error) ERR syntax error";

// Members m0, m1 ... with the scores 0, 1 ...
void fill(InProcess& server, const std::string& key, int members) {
  Words command = {"ZADD", key};
  for (int i = 0; i < members; i++) {
    command.push_back(std::to_string(i));
    command.push_back("m" + std::to_string(i));
  }
  server.run(command);
}

std::string all(InProcess& server, const std::string& key) {
  return server.run({"ZRANGE", key, "0", "-1", "WITHSCORES"});
}

std::string encoding(InProcess& server, const std::string& key) {
  return server.run({"OBJECT", "ENCODING", key});
}

TEST(Zadd, CountsNewMembersAndWithChAlsoChangedOnes) {
  InProcess server;
  EXPECT_EQ(server.run({"ZADD", "z", "1", "a", "2", "b", "3", "a"}), "2");
  EXPECT_EQ(all(server, "z"), R"(["b", "2", "a", "3"])");
  EXPECT_EQ(server.run({"ZADD", "z", "4", "a", "2", "b", "5", "c"}), "1");
  EXPECT_EQ(server.run({"ZADD", "z", "CH", "6", "a", "2", "b", "7", "d"}), "2");
}

TEST(Zadd, ConditionsDecideWhatIsChanged) {
  InProcess server;
  EXPECT_EQ(server.run({"ZADD", "z", "XX", "1", "a"}), "0");
  EXPECT_EQ(server.run({"EXISTS", "z"}), "0");
  EXPECT_EQ(server.run({"ZADD", "z", "GT", "1", "a"}), "1") << "GT adds what is missing";
  EXPECT_EQ(server.run({"ZADD", "z", "NX", "CH", "9", "a"}), "0");
  EXPECT_EQ(server.run({"ZADD", "z", "GT", "CH", "0", "a"}), "0");
  EXPECT_EQ(server.run({"ZADD", "z", "XX", "LT", "CH", "0", "a"}), "1");
  EXPECT_EQ(server.run({"ZADD", "z", "xx", "nx", "0", "a"}),
            "(error) ERR XX and NX options at the same time are not compatible");
  EXPECT_EQ(server.run({"ZADD", "z", "GT", "LT", "0", "a"}),
            "(error) ERR GT, LT, and/or NX options at the same time are not compatible");
}

TEST(Zadd, IncrAnswersTheScoreOrNullWhereAConditionKeptIt) {
  InProcess server;
  EXPECT_EQ(server.run({"ZADD", "z", "INCR", "1.5", "a"}), "\"1.5\"");
  EXPECT_EQ(server.run({"ZINCRBY", "z", "2", "a"}), "\"3.5\"");
  EXPECT_EQ(server.run({"ZADD", "z", "NX", "INCR", "2", "a"}), "(nil)");
  EXPECT_EQ(server.run({"ZADD", "z", "LT", "INCR", "2", "a"}), "(nil)");
  EXPECT_EQ(server.run({"ZADD", "z", "INCR", "2", "a", "3", "b"}),
            "(error) ERR INCR option supports a single increment-element pair");
  server.run({"ZADD", "z", "inf", "a"});
  EXPECT_EQ(server.run({"ZINCRBY", "z", "-inf", "a"}),
            "(error) ERR resulting score is not a number (NaN)");
  EXPECT_EQ(server.run({"ZSCORE", "z", "a"}), "\"inf\"");
}

TEST(Zadd, OneWrongScoreChangesNothing) {
  InProcess server;
  EXPECT_EQ(server.run({"ZADD", "z", "1", "a", "x", "b"}),
            "(error) ERR value is not a valid float");
  EXPECT_EQ(server.run({"ZADD", "z", "nan", "a"}), "(error) ERR value is not a valid float");
  EXPECT_EQ(server.run({"ZADD", "z", "1", "a", "2"}), kSyntax);
  EXPECT_EQ(server.run({"EXISTS", "z"}), "0");
}

TEST(Zadd, KeepsTheKeysExpiry) {
  InProcess server;
  fill(server, "z", 2);
  server.run({"PEXPIRE", "z", "1000"});
  fill(server, "z", 300);
  EXPECT_EQ(server.run({"PTTL", "z"}), "1000");
  server.clock().advance_ms(1000);
  EXPECT_EQ(server.run({"ZCARD", "z"}), "0");
}

TEST(SortedSetCommands, RefuseOtherTypes) {
  InProcess server;
  testing::put(server, "s");
  for (const Words& command : {Words{"ZADD", "s", "1", "a"},
                               {"ZINCRBY", "s", "1", "a"},
                               {"ZREM", "s", "a"},
                               {"ZSCORE", "s", "a"},
                               {"ZMSCORE", "s", "a"},
                               {"ZCARD", "s"},
                               {"ZCOUNT", "s", "1", "2"},
                               {"ZLEXCOUNT", "s", "-", "+"},
                               {"ZRANK", "s", "a"},
                               {"ZREVRANK", "s", "a"},
                               {"ZRANGE", "s", "0", "1"},
                               {"ZRANGESTORE", "d", "s", "0", "1"},
                               {"ZREMRANGEBYRANK", "s", "0", "1"},
                               {"ZPOPMIN", "s"},
                               {"ZPOPMAX", "s", "0"},
                               {"ZMPOP", "2", "none", "s", "MIN"},
                               {"ZRANDMEMBER", "s"},
                               {"ZSCAN", "s", "0"},
                               {"ZUNION", "2", "none", "s", "BOGUS"},
                               {"ZDIFFSTORE", "d", "1", "s"},
                               {"ZINTERCARD", "2", "none", "s"}}) {
    EXPECT_EQ(server.run(command), kWrongType) << command[0];
  }
  EXPECT_EQ(server.run({"EXISTS", "d"}), "0");
}

TEST(SortedSetCommands, OfNoKeyAreEmpty) {
  InProcess server;
  EXPECT_EQ(server.run({"ZSCORE", "z", "a"}), "(nil)");
  EXPECT_EQ(server.run({"ZMSCORE", "z", "a", "b"}), "[(nil), (nil)]");
  EXPECT_EQ(server.run({"ZRANK", "z", "a"}), "(nil)");
  EXPECT_EQ(server.run({"ZRANGE", "z", "0", "-1"}), "[]");
  EXPECT_EQ(server.run({"ZPOPMIN", "z"}), "[]");
  EXPECT_EQ(server.run({"ZMPOP", "1", "z", "MAX"}), "(nil)");
  EXPECT_EQ(server.run({"ZRANDMEMBER", "z"}), "(nil)");
  EXPECT_EQ(server.run({"ZRANDMEMBER", "z", "-5"}), "[]");
  EXPECT_EQ(server.run({"ZSCAN", "z", "0"}), R"(["0", []])");
  EXPECT_EQ(server.run({"ZREMRANGEBYSCORE", "z", "-inf", "+inf"}), "0");
}

TEST(Zrank, CountsFromEitherEndAndAnswersTheScoreToo) {
  InProcess server;
  for (const int members : {5, 300}) {
    fill(server, "z", members);
    EXPECT_EQ(server.run({"ZRANK", "z", "m3"}), "3");
    EXPECT_EQ(server.run({"ZREVRANK", "z", "m3"}), std::to_string(members - 4));
    EXPECT_EQ(server.run({"ZRANK", "z", "m4", "withscore"}), R"([4, "4"])");
  }
  EXPECT_EQ(server.run({"ZRANK", "z", "m4", "scores"}), kSyntax);
  EXPECT_EQ(server.run({"ZRANK", "z", "m4", "withscore", "x"}),
            "(error) ERR wrong number of arguments for 'zrank' command");
}

TEST(Zrange, ByRankScoreAndMember) {
  InProcess server;
  fill(server, "z", 6);
  EXPECT_EQ(server.run({"ZRANGE", "z", "-2", "-1"}), R"(["m4", "m5"])");
  EXPECT_EQ(server.run({"ZRANGE", "z", "0", "1", "REV", "WITHSCORES"}),
            R"(["m5", "5", "m4", "4"])");
  EXPECT_EQ(server.run({"ZRANGE", "z", "(1", "3", "BYSCORE"}), R"(["m2", "m3"])");
  EXPECT_EQ(server.run({"ZRANGE", "z", "+inf", "-inf", "BYSCORE", "REV", "LIMIT", "1", "2"}),
            R"(["m4", "m3"])");
  EXPECT_EQ(server.run({"ZRANGE", "z", "4", "9", "LIMIT", "1", "-1"}), R"(["m4", "m5"])")
      << "as in Redis, which takes it for no LIMIT at all";
  server.run({"ZADD", "l", "0", "a", "0", "b", "0", "c"});
  EXPECT_EQ(server.run({"ZRANGE", "l", "[b", "+", "BYLEX"}), R"(["b", "c"])");
  EXPECT_EQ(server.run({"ZRANGE", "l", "(c", "-", "BYLEX", "REV"}), R"(["b", "a"])");
}

TEST(Zrange, OldNamesAnswerTheSame) {
  InProcess server;
  fill(server, "z", 6);
  EXPECT_EQ(server.run({"ZREVRANGE", "z", "1", "2"}), R"(["m4", "m3"])");
  EXPECT_EQ(server.run({"ZRANGEBYSCORE", "z", "4", "inf", "WITHSCORES"}),
            R"(["m4", "4", "m5", "5"])");
  EXPECT_EQ(server.run({"ZREVRANGEBYSCORE", "z", "1", "-inf"}), R"(["m1", "m0"])");
  EXPECT_EQ(server.run({"ZRANGEBYSCORE", "z", "0", "9", "LIMIT", "4", "-1"}), R"(["m4", "m5"])");
  EXPECT_EQ(server.run({"ZRANGEBYSCORE", "z", "0", "9", "LIMIT", "-1", "5"}), "[]");
  server.run({"ZADD", "l", "0", "a", "0", "b", "0", "c"});
  EXPECT_EQ(server.run({"ZRANGEBYLEX", "l", "-", "(c"}), R"(["a", "b"])");
  EXPECT_EQ(server.run({"ZREVRANGEBYLEX", "l", "+", "[b"}), R"(["c", "b"])");
  EXPECT_EQ(server.run({"ZLEXCOUNT", "l", "[b", "+"}), "2");
  EXPECT_EQ(server.run({"ZCOUNT", "z", "(0", "(5"}), "4");
}

TEST(Zrange, RefusesWhatDoesNotFitTogether) {
  InProcess server;
  EXPECT_EQ(server.run({"ZRANGE", "z", "0", "1", "LIMIT", "0", "1"}),
            "(error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE "
            "or BYLEX");
  EXPECT_EQ(server.run({"ZRANGE", "z", "-", "+", "BYLEX", "WITHSCORES"}),
            "(error) ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  EXPECT_EQ(server.run({"ZRANGE", "z", "a", "b"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"ZRANGE", "z", "1", "x", "BYSCORE"}),
            "(error) ERR min or max is not a float");
  EXPECT_EQ(server.run({"ZRANGE", "z", "a", "+", "BYLEX"}),
            "(error) ERR min or max not valid string range item");
  EXPECT_EQ(server.run({"ZREVRANGE", "z", "0", "1", "REV"}), kSyntax);
  EXPECT_EQ(server.run({"ZRANGESTORE", "d", "z", "0", "1", "WITHSCORES"}), kSyntax);
}

TEST(Zrangestore, ReplacesTheDestinationEvenIfItIsTheSource) {
  InProcess server;
  fill(server, "z", 300);
  testing::put(server, "d");
  EXPECT_EQ(server.run({"ZRANGESTORE", "d", "z", "0", "1"}), "2");
  EXPECT_EQ(all(server, "d"), R"(["m0", "0", "m1", "1"])");
  EXPECT_EQ(encoding(server, "d"), "\"listpack\"");
  EXPECT_EQ(server.run({"ZRANGESTORE", "z", "z", "297", "+inf", "BYSCORE", "LIMIT", "1", "1"}),
            "1");
  EXPECT_EQ(all(server, "z"), R"(["m298", "298"])");
  EXPECT_EQ(server.run({"ZRANGESTORE", "z", "none", "0", "-1"}), "0");
  EXPECT_EQ(server.run({"EXISTS", "z"}), "0");
}

TEST(Zrem, LastMemberTakesTheKeyWithIt) {
  InProcess server;
  for (const int members : {3, 300}) {
    fill(server, "z", members);
    EXPECT_EQ(server.run({"ZREM", "z", "m0", "m1", "m0", "none"}), "2");
    EXPECT_EQ(server.run({"ZREMRANGEBYRANK", "z", "0", "-1"}), std::to_string(members - 2));
    EXPECT_EQ(server.run({"EXISTS", "z"}), "0");
  }
}

TEST(Zremrange, TakesOutARange) {
  InProcess server;
  for (const int members : {100, 1000}) {
    fill(server, "z", members);
    EXPECT_EQ(server.run({"ZREMRANGEBYSCORE", "z", "(10", "20"}), "10");
    EXPECT_EQ(server.run({"ZREMRANGEBYRANK", "z", "-5", "-1"}), "5");
    EXPECT_EQ(server.run({"ZRANGE", "z", "9", "12"}), R"(["m9", "m10", "m21", "m22"])");
    EXPECT_EQ(server.run({"ZCARD", "z"}), std::to_string(members - 15));
    server.run({"DEL", "z"});
  }
  server.run({"ZADD", "l", "0", "a", "0", "b", "0", "c"});
  EXPECT_EQ(server.run({"ZREMRANGEBYLEX", "l", "[b", "(c"}), "1");
}

TEST(Zpop, TakesFromTheEnds) {
  InProcess server;
  fill(server, "z", 5);
  EXPECT_EQ(server.run({"ZPOPMIN", "z"}), R"(["m0", "0"])");
  EXPECT_EQ(server.run({"ZPOPMAX", "z", "2"}), R"(["m4", "4", "m3", "3"])");
  EXPECT_EQ(server.run({"ZPOPMAX", "z", "0"}), "[]");
  EXPECT_EQ(server.run({"ZPOPMIN", "z", "-1"}),
            "(error) ERR value is out of range, must be positive");
  EXPECT_EQ(server.run({"ZPOPMIN", "z", "99"}), R"(["m1", "1", "m2", "2"])");
  EXPECT_EQ(server.run({"EXISTS", "z"}), "0");
}

TEST(Zmpop, TakesFromTheFirstThatHasMembers) {
  InProcess server;
  fill(server, "b", 2);
  fill(server, "c", 2);
  EXPECT_EQ(server.run({"ZMPOP", "3", "a", "b", "c", "MAX", "COUNT", "9"}),
            R"(["b", [["m1", "1"], ["m0", "0"]]])");
  EXPECT_EQ(server.run({"ZMPOP", "3", "a", "b", "c", "MIN"}), R"(["c", [["m0", "0"]]])");
  EXPECT_EQ(server.run({"ZMPOP", "0", "a", "MIN"}), "(error) ERR numkeys should be greater than 0");
  EXPECT_EQ(server.run({"ZMPOP", "1", "a", "MIN", "COUNT", "0"}),
            "(error) ERR count should be greater than 0");
  EXPECT_EQ(server.run({"ZMPOP", "2", "a", "MIN"}), kSyntax);
}

TEST(Resp3, ScoresAreDoublesInPairs) {
  InProcess server;
  server.run({"HELLO", "3"});
  server.run({"ZADD", "z", "1.5", "a", "2", "b", "-inf", "c"});
  const auto raw = [&](const Words& command) { return server.run_raw(server.client(), command); };
  EXPECT_EQ(raw({"ZSCORE", "z", "a"}), ",1.5\r\n");
  EXPECT_EQ(raw({"ZRANK", "z", "b", "WITHSCORE"}), "*2\r\n:2\r\n,2\r\n");
  EXPECT_EQ(raw({"ZRANGE", "z", "0", "1", "WITHSCORES"}),
            "*2\r\n*2\r\n$1\r\nc\r\n,-inf\r\n*2\r\n$1\r\na\r\n,1.5\r\n");
  EXPECT_EQ(raw({"ZUNION", "1", "z", "WITHSCORES"}).substr(0, 8), "*3\r\n*2\r\n");
  EXPECT_EQ(raw({"ZSCAN", "z", "0", "MATCH", "a"}),
            "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$3\r\n1.5\r\n");
  EXPECT_EQ(raw({"ZPOPMIN", "z"}), "*2\r\n$1\r\nc\r\n,-inf\r\n") << "not nested without a count";
  EXPECT_EQ(raw({"ZPOPMAX", "z", "1"}), "*1\r\n*2\r\n$1\r\nb\r\n,2\r\n");
  EXPECT_EQ(raw({"ZADD", "z", "NX", "INCR", "1", "a"}), "_\r\n");
}

TEST(SortedSetEncoding, FollowsTheOptionsAsTheyAre) {
  InProcess server;
  fill(server, "z", 128);
  EXPECT_EQ(encoding(server, "z"), "\"listpack\"");
  server.run({"ZADD", "z", "1", "one more"});
  EXPECT_EQ(encoding(server, "z"), "\"skiplist\"");
  server.run({"ZADD", "long", "1", std::string(64, 'x')});
  EXPECT_EQ(encoding(server, "long"), "\"listpack\"");
  server.run({"ZADD", "long", "1", std::string(65, 'x')});
  EXPECT_EQ(encoding(server, "long"), "\"skiplist\"");
  server.run({"CONFIG", "SET", "zset-max-ziplist-entries", "2"});
  fill(server, "few", 3);
  EXPECT_EQ(encoding(server, "few"), "\"skiplist\"");
  server.run({"CONFIG", "SET", "zset-max-listpack-entries", "200"});
  EXPECT_EQ(server.run({"ZUNIONSTORE", "u", "1", "z"}), "129");
  EXPECT_EQ(encoding(server, "u"), "\"listpack\"");
}

TEST(SortedSetMemory, IsCountedToTheByte) {
  InProcess server;
  for (const int members : {10, 5000}) {
    const std::string key = std::to_string(members);
    fill(server, key, members);
    EXPECT_GT(std::stoi(server.run({"MEMORY", "USAGE", key})), members * 4);
    server.run({"COPY", key, "copy of " + key});
    server.run({"RENAME", key, "moved " + key});
    EXPECT_EQ(all(server, "copy of " + key), all(server, "moved " + key));
    server.run({"ZREM", "copy of " + key, "m1"});
    EXPECT_EQ(server.run({"ZCARD", "moved " + key}), key);
  }
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT-MEMORY"}).find("error"), std::string::npos)
      << server.run({"DEBUG", "RECOUNT-MEMORY"});
  EXPECT_EQ(server.run({"SCAN", "0", "COUNT", "1000", "TYPE", "string"}), R"(["0", []])");
  EXPECT_EQ(server.run({"TYPE", "moved 10"}), "+zset");
}

}  // namespace
}  // namespace larder
