#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/waiting.h"

namespace larder::testing {
namespace {

struct SortedSetBlockingTest : Waiting {};

TEST_F(SortedSetBlockingTest, AnswersAtOnceWhereThereIsSomething) {
  run({"ZADD", "z", "1", "a", "2.5", "b", "3", "c", "4", "d"});
  EXPECT_EQ(run({"BZPOPMIN", "none", "z", "0"}), R"(["z", "a", "1"])");
  EXPECT_EQ(run({"BZPOPMAX", "z", "0"}), R"(["z", "d", "4"])");
  EXPECT_EQ(run({"BZMPOP", "0", "2", "none", "z", "MAX", "COUNT", "5"}),
            R"(["z", [["c", "3"], ["b", "2.5"]]])");
  EXPECT_EQ(run({"EXISTS", "z"}), "0");
}

TEST_F(SortedSetBlockingTest, ErrorsComeBeforeTheWait) {
  run({"SET", "s", "x"});
  EXPECT_EQ(run({"BZPOPMIN", "none", "s", "0"}),
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value");
  EXPECT_EQ(run({"BZPOPMAX", "z", "-1"}), "(error) ERR timeout is negative");
  EXPECT_EQ(run({"BZPOPMAX", "z", "x"}), "(error) ERR timeout is not a float or out of range");
  EXPECT_EQ(run({"BZMPOP", "x", "0", "z", "MIN"}), "(error) ERR numkeys should be greater than 0");
  EXPECT_EQ(run({"BZMPOP", "x", "1", "z", "MID"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"BZMPOP", "x", "1", "z", "MIN", "COUNT", "0"}),
            "(error) ERR count should be greater than 0");
  EXPECT_EQ(run({"BZMPOP", "x", "1", "z", "MIN"}),
            "(error) ERR timeout is not a float or out of range");
}

TEST_F(SortedSetBlockingTest, WaitsUntilTheTimeout) {
  const int64_t begun_ms = server.clock().now_ms();
  EXPECT_EQ(run({"BZPOPMIN", "z", "1.5"}), "(nil)");
  EXPECT_EQ(server.clock().now_ms() - begun_ms, 1500);
  EXPECT_EQ(run({"BZMPOP", "0.5", "1", "z", "MIN"}), "(nil)");
  EXPECT_EQ(server.clock().now_ms() - begun_ms, 2000);
  EXPECT_EQ(server.server().blocking.awaited_keys(), 0u);
}

TEST_F(SortedSetBlockingTest, IsServedByWhateverMakesASortedSet) {
  run({"ZADD", "src", "7", "x"});
  const std::vector<std::vector<std::string>> makers = {
      {"ZADD", "z", "7", "x"},
      {"ZINCRBY", "z", "7", "x"},
      {"ZUNIONSTORE", "z", "1", "src"},
      {"ZRANGESTORE", "z", "src", "0", "-1"},
      {"COPY", "src", "z"},
      {"RENAME", "src", "z"},
  };
  for (const auto& maker : makers) {
    Suspended waits = server.start(*a, {"BZPOPMIN", "z", "0"});
    run(maker);
    EXPECT_EQ(resume(*a, waits), R"(["z", "x", "7"])") << maker[0];
    EXPECT_EQ(run({"EXISTS", "z"}), "0") << maker[0];
  }
}

TEST_F(SortedSetBlockingTest, AListServesOnlyWhoWantsOne) {
  Suspended waits = server.start(*a, {"BZPOPMAX", "k", "0"});
  Suspended wants_list = server.start(*b, {"BLPOP", "k", "0"});
  run({"RPUSH", "k", "1"});
  EXPECT_EQ(resume(*a, waits), "");
  EXPECT_EQ(resume(*b, wants_list), R"(["k", "1"])");
  run({"ZADD", "k", "1", "low", "2", "high"});
  EXPECT_EQ(resume(*a, waits), R"(["k", "high", "2"])");
}

TEST_F(SortedSetBlockingTest, ServesInTheOrderOfArrival) {
  Suspended first = server.start(*a, {"BZPOPMIN", "z", "0"});
  Suspended second = server.start(*b, {"BZMPOP", "0", "1", "z", "MAX", "COUNT", "9"});
  run({"ZADD", "z", "1", "a", "2", "b", "3", "c"});
  EXPECT_EQ(resume(*a, first), R"(["z", "a", "1"])");
  EXPECT_EQ(resume(*b, second), R"(["z", [["c", "3"], ["b", "2"]]])");
}

TEST_F(SortedSetBlockingTest, WhatAVanishedWaiterTookGoesToTheNext) {
  auto gone =
      std::make_unique<Suspended>(server.start(*a, {"BZMPOP", "0", "1", "z", "MIN", "COUNT", "2"}));
  Suspended next = server.start(*b, {"BZPOPMIN", "z", "0"});
  run({"ZADD", "z", "1", "a", "2", "b"});
  EXPECT_EQ(b->wakes, 0);
  gone.reset();
  EXPECT_EQ(resume(*b, next), R"(["z", "a", "1"])");
  EXPECT_EQ(run({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), R"(["b", "2"])");
}

TEST_F(SortedSetBlockingTest, AMemberThatCameBackKeepsItsNewScore) {
  auto gone =
      std::make_unique<Suspended>(server.start(*a, {"BZMPOP", "0", "1", "z", "MIN", "COUNT", "2"}));
  run({"ZADD", "z", "1", "a", "2", "b"});
  run({"ZADD", "z", "9", "a"});
  gone.reset();
  EXPECT_EQ(run({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), R"(["b", "2", "a", "9"])");
}

TEST_F(SortedSetBlockingTest, NobodyWaitsInATransaction) {
  run({"MULTI"});
  run({"BZPOPMIN", "z", "0"});
  run({"BZMPOP", "0", "1", "z", "MIN"});
  run({"ZADD", "z", "1", "a"});
  run({"BZPOPMAX", "z", "0"});
  EXPECT_EQ(run({"EXEC"}), R"([(nil), (nil), 1, ["z", "a", "1"]])");
}

}  // namespace
}  // namespace larder::testing
