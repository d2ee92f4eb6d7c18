// ZUNION and its like, and what draws or walks members in no order.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;
using Words = std::vector<std::string>;

class SortedSetAlgebra : public ::testing::Test {
 protected:
  SortedSetAlgebra() {
    server.run({"ZADD", "x", "1", "a", "2", "b", "3", "c"});
    server.run({"ZADD", "y", "10", "b", "20", "c", "30", "d"});
    server.run({"SADD", "s", "c", "d"});
  }
  InProcess server;
};

TEST_F(SortedSetAlgebra, UnitesWithWeights) {
  EXPECT_EQ(server.run({"ZUNION", "2", "x", "y", "WITHSCORES"}),
            R"(["a", "1", "b", "12", "c", "23", "d", "30"])");
  EXPECT_EQ(server.run({"ZUNION", "2", "x", "y", "WEIGHTS", "-1", "0.5", "WITHSCORES"}),
            R"(["a", "-1", "b", "3", "c", "7", "d", "15"])");
  EXPECT_EQ(server.run({"ZUNION", "2", "x", "y", "AGGREGATE", "max", "WITHSCORES"}),
            R"(["a", "1", "b", "10", "c", "20", "d", "30"])");
}

TEST_F(SortedSetAlgebra, MembersOfSetsHaveTheScoreOne) {
  EXPECT_EQ(server.run({"ZINTER", "2", "s", "y", "WITHSCORES"}), R"(["c", "21", "d", "31"])");
  EXPECT_EQ(server.run({"ZINTER", "3", "s", "y", "x", "AGGREGATE", "MIN", "WITHSCORES"}),
            R"(["c", "1"])");
  EXPECT_EQ(server.run({"ZDIFF", "2", "x", "s", "WITHSCORES"}), R"(["a", "1", "b", "2"])");
  EXPECT_EQ(server.run({"ZUNIONSTORE", "d", "1", "s", "WEIGHTS", "5"}), "2");
  EXPECT_EQ(server.run({"ZRANGE", "d", "0", "-1", "WITHSCORES"}), R"(["c", "5", "d", "5"])");
}

TEST_F(SortedSetAlgebra, InfinitiesOfBothSignsAreZero) {
  server.run({"ZADD", "i", "inf", "a"});
  server.run({"ZADD", "j", "-inf", "a"});
  EXPECT_EQ(server.run({"ZINTER", "2", "i", "j", "WITHSCORES"}), R"(["a", "0"])");
  EXPECT_EQ(server.run({"ZUNION", "1", "i", "WEIGHTS", "0", "WITHSCORES"}), R"(["a", "0"])");
}

TEST_F(SortedSetAlgebra, StoresOverASourceAndErasesForNothing) {
  EXPECT_EQ(server.run({"ZINTERSTORE", "x", "2", "x", "y"}), "2");
  EXPECT_EQ(server.run({"ZRANGE", "x", "0", "-1", "WITHSCORES"}), R"(["b", "12", "c", "23"])");
  EXPECT_EQ(server.run({"ZDIFFSTORE", "x", "1", "none"}), "0");
  EXPECT_EQ(server.run({"EXISTS", "x"}), "0");
}

TEST_F(SortedSetAlgebra, CountsUpToALimit) {
  EXPECT_EQ(server.run({"ZINTERCARD", "2", "x", "y"}), "2");
  EXPECT_EQ(server.run({"ZINTERCARD", "2", "x", "y", "LIMIT", "1"}), "1");
  EXPECT_EQ(server.run({"ZINTERCARD", "2", "x", "y", "LIMIT", "0"}), "2");
  EXPECT_EQ(server.run({"ZINTERCARD", "2", "x", "y", "LIMIT", "-1"}),
            "(error) ERR LIMIT can't be negative");
}

TEST_F(SortedSetAlgebra, RefusesWrongCountsAndOptions) {
  EXPECT_EQ(server.run({"ZUNION", "0", "x"}),
            "(error) ERR at least 1 input key is needed for 'zunion' command");
  EXPECT_EQ(server.run({"ZUNIONSTORE", "d", "2", "x"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"ZUNION", "2", "x", "y", "WEIGHTS", "1"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"ZUNION", "1", "x", "WEIGHTS", "z"}),
            "(error) ERR weight value is not a float");
  EXPECT_EQ(server.run({"ZDIFF", "1", "x", "WEIGHTS", "1"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"ZINTERSTORE", "d", "1", "x", "WITHSCORES"}), "(error) ERR syntax error");
}

TEST_F(SortedSetAlgebra, OfLargeSetsIsThatOfSmallOnes) {
  Words left = {"ZADD", "left"};
  Words right = {"ZADD", "right"};
  for (int i = 0; i < 1000; i++) {
    Words& one = i % 3 == 0 ? left : right;
    for (Words* words : {&one, i % 2 == 0 ? &left : &one}) {
      words->push_back(std::to_string(i));
      words->push_back("m" + std::to_string(i));
    }
  }
  server.run(left);
  server.run(right);
  EXPECT_EQ(server.run({"ZUNIONSTORE", "u", "2", "left", "right"}), "1000");
  EXPECT_EQ(server.run({"ZINTERSTORE", "i", "2", "left", "right"}), "333");
  EXPECT_EQ(server.run({"ZDIFFSTORE", "d", "2", "left", "right"}), "334");
  EXPECT_EQ(server.run({"ZINTERCARD", "2", "left", "right", "LIMIT", "300"}), "300");
  EXPECT_EQ(server.run({"ZSCORE", "i", "m2"}), "\"4\"");
  EXPECT_EQ(server.run({"ZRANGE", "d", "1", "1", "WITHSCORES"}), R"(["m3", "3"])");
}

// --- ZRANDMEMBER and ZSCAN.

// The elements of a reply like ["a", "b"].
std::multiset<std::string> elements(const std::string& reply) {
  std::multiset<std::string> found;
  size_t at = 0;
  while ((at = reply.find('"', at)) != std::string::npos) {
    const size_t end = reply.find('"', at + 1);
    found.insert(reply.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return found;
}

void fill(InProcess& server, int members) {
  Words command = {"ZADD", "z"};
  for (int i = 0; i < members; i++) {
    command.push_back("1");
    command.push_back("m" + std::to_string(i));
  }
  server.run({"DEL", "z"});
  server.run(command);
}

TEST(Zrandmember, DrawsDifferentMembersOrAnyOfThem) {
  InProcess server;
  for (const int members : {20, 1000}) {
    fill(server, members);
    for (const int count : {1, 7, 19, 20, 600, 2000}) {
      const auto drawn = elements(server.run({"ZRANDMEMBER", "z", std::to_string(count)}));
      EXPECT_EQ(drawn.size(), static_cast<size_t>(std::min(count, members)));
      EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), drawn.size());
      const auto any = elements(server.run({"ZRANDMEMBER", "z", std::to_string(-count)}));
      EXPECT_EQ(any.size(), static_cast<size_t>(count));
      for (const std::string& member : any) EXPECT_NE(server.run({"ZRANK", "z", member}), "(nil)");
    }
  }
  const auto all = elements(server.run({"ZRANDMEMBER", "z", "-9000"}));
  EXPECT_GT(std::set<std::string>(all.begin(), all.end()).size(), 900u) << "it may be any of them";
}

TEST(Zrandmember, RefusesWhatNoReplyCanHold) {
  InProcess server;
  fill(server, 3);
  EXPECT_EQ(server.run({"ZRANDMEMBER", "z", "-9223372036854775807"}),
            "(error) ERR value is out of range");
  EXPECT_EQ(server.run({"ZRANDMEMBER", "z", "4611686018427387904", "WITHSCORES"}),
            "(error) ERR value is out of range");
  EXPECT_EQ(server.run({"ZRANDMEMBER", "z", "1", "SCORES"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"ZRANDMEMBER", "z", "3", "WITHSCORES"}),
            R"(["m0", "1", "m1", "1", "m2", "1"])");
}

TEST(Zscan, FindsEveryMemberOnceWithItsScore) {
  InProcess server;
  fill(server, 1000);
  server.run({"ZADD", "z", "0.1", "m7"});
  std::multiset<std::string> found;
  std::string cursor = "0";
  int calls = 0;
  do {
    const std::string page = server.run({"ZSCAN", "z", cursor, "COUNT", "50", "MATCH", "m*"});
    const size_t end = page.find('"', 2);
    cursor = page.substr(2, end - 2);
    for (const std::string& element : elements(page.substr(end + 1))) {
      if (element.starts_with('m')) found.insert(element);
    }
    calls++;
  } while (cursor != "0");
  EXPECT_EQ(found.size(), 1000u);
  EXPECT_EQ(std::set<std::string>(found.begin(), found.end()).size(), 1000u);
  EXPECT_GT(calls, 5);
  EXPECT_NE(server.run({"ZSCAN", "z", "0", "MATCH", "m7", "COUNT", "100000"})
                .find(R"(["m7", "0.10000000000000001"])"),
            std::string::npos)
      << "as Redis spells the scores of large sets here";
}

}  // namespace
}  // namespace larder
