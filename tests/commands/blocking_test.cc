#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/waiting.h"

namespace larder::testing {
namespace {

struct BlockingTest : Waiting {};

TEST_F(BlockingTest, AnswersAtOnceWhereThereIsSomething) {
  run({"RPUSH", "l", "1", "2", "3", "4"});
  EXPECT_EQ(run({"BLPOP", "none", "l", "0"}), R"(["l", "1"])");
  EXPECT_EQ(run({"BRPOP", "l", "0"}), R"(["l", "4"])");
  EXPECT_EQ(run({"BLMOVE", "l", "m", "LEFT", "LEFT", "0"}), R"("2")");
  EXPECT_EQ(run({"BLMPOP", "0", "2", "l", "m", "LEFT", "COUNT", "5"}), R"(["l", ["3"]])");
  EXPECT_EQ(run({"BRPOPLPUSH", "m", "l", "0"}), R"("2")");
}

TEST_F(BlockingTest, ErrorsComeBeforeTheWait) {
  run({"SET", "s", "x"});
  const std::string wrong =
      "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
  EXPECT_EQ(run({"BLPOP", "none", "s", "0"}), wrong);
  EXPECT_EQ(run({"BLMOVE", "s", "t", "LEFT", "LEFT", "0"}), wrong);
  EXPECT_EQ(run({"BLPOP", "l", "-1"}), "(error) ERR timeout is negative");
  EXPECT_EQ(run({"BLPOP", "l", "x"}), "(error) ERR timeout is not a float or out of range");
  EXPECT_EQ(run({"BLPOP", "l", "1e17"}), "(error) ERR timeout is out of range");
  EXPECT_EQ(run({"BLMPOP", "0", "0", "l", "LEFT"}), "(error) ERR numkeys should be greater than 0");
}

TEST_F(BlockingTest, WaitsUntilTheTimeout) {
  const int64_t begun_ms = server.clock().now_ms();
  EXPECT_EQ(run({"BLPOP", "l", "1.5"}), "(nil)");
  EXPECT_EQ(server.clock().now_ms() - begun_ms, 1500);
  EXPECT_EQ(run({"BLPOP", "l", "0.0001"}), "(nil)");
  EXPECT_EQ(server.clock().now_ms() - begun_ms, 1501);
  EXPECT_EQ(server.server().blocking.awaited_keys(), 0u);
}

TEST_F(BlockingTest, TheFirstKeyInTheOrderOfTheCommandWins) {
  Suspended waits = server.start(*a, {"BLPOP", "x", "y", "0"});
  run({"SELECT", "1"});
  run({"RPUSH", "y", "1"});
  run({"RPUSH", "x", "2"});
  EXPECT_EQ(resume(*a, waits), "");
  run({"SWAPDB", "0", "1"});
  EXPECT_EQ(resume(*a, waits), R"(["x", "2"])");
}

TEST_F(BlockingTest, AKeyNamedTwiceIsOneKey) {
  Suspended waits = server.start(*a, {"BLPOP", "x", "x", "0"});
  EXPECT_EQ(server.server().blocking.awaited_keys(), 1u);
  run({"RPUSH", "x", "1"});
  EXPECT_EQ(a->wakes, 1);
  EXPECT_EQ(resume(*a, waits), R"(["x", "1"])");
  EXPECT_EQ(server.server().blocking.awaited_keys(), 0u);
}

TEST_F(BlockingTest, NobodyHearsOfKeysWhenNobodyWaits) {
  EXPECT_EQ(server.server().store.observer(), nullptr);
  {
    const Suspended waits = server.start(*a, {"BLPOP", "x", "0"});
    EXPECT_NE(server.server().store.observer(), nullptr);
  }
  EXPECT_EQ(server.server().store.observer(), nullptr);
}

TEST_F(BlockingTest, WhatAVanishedWaiterTookGoesToTheNext) {
  auto gone = std::make_unique<Suspended>(
      server.start(*a, {"BLMPOP", "0", "1", "l", "LEFT", "COUNT", "2"}));
  Suspended next = server.start(*b, {"BLPOP", "l", "0"});
  run({"RPUSH", "l", "1", "2"});
  EXPECT_EQ(a->wakes, 1);
  EXPECT_EQ(b->wakes, 0);
  gone.reset();
  EXPECT_EQ(b->wakes, 1);
  EXPECT_EQ(resume(*b, next), R"(["l", "1"])");
  EXPECT_EQ(run({"LRANGE", "l", "0", "-1"}), R"(["2"])");
}

TEST_F(BlockingTest, WhatAVanishedWaiterTookGoesBackInItsOrder) {
  auto gone = std::make_unique<Suspended>(
      server.start(*a, {"BLMPOP", "0", "1", "l", "RIGHT", "COUNT", "2"}));
  run({"RPUSH", "l", "1", "2", "3"});
  gone.reset();
  EXPECT_EQ(run({"LRANGE", "l", "0", "-1"}), R"(["1", "2", "3"])");
}

TEST_F(BlockingTest, AServedWaiterHasItsElementThoughItsTimeIsUp) {
  Suspended waits = server.start(*a, {"BLPOP", "l", "1"});
  run({"RPUSH", "l", "x"});
  server.clock().advance_ms(2000);
  EXPECT_EQ(resume(*a, waits), R"(["l", "x"])");
}

TEST_F(BlockingTest, ATargetOfAnotherTypeIsAnErrorForTheWaiterAlone) {
  run({"SET", "s", "x"});
  Suspended waits = server.start(*a, {"BLMOVE", "l", "s", "LEFT", "LEFT", "0"});
  EXPECT_EQ(run({"RPUSH", "l", "1"}), "1");
  EXPECT_EQ(resume(*a, waits),
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value");
  EXPECT_EQ(run({"LLEN", "l"}), "1");
}

TEST_F(BlockingTest, ATransactionIsServedAtItsEnd) {
  Suspended waits = server.start(*a, {"BLPOP", "l", "0"});
  run({"MULTI"});
  run({"RPUSH", "l", "1", "2"});
  run({"LPOP", "l"});
  run({"LLEN", "l"});
  EXPECT_EQ(run({"EXEC"}), R"([2, "1", 1])");
  EXPECT_EQ(resume(*a, waits), R"(["l", "2"])");
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
}

TEST_F(BlockingTest, NobodyWaitsInATransaction) {
  run({"MULTI"});
  run({"BLPOP", "l", "0"});
  run({"BLMOVE", "l", "m", "LEFT", "LEFT", "0"});
  run({"BLMPOP", "0", "1", "l", "LEFT"});
  EXPECT_EQ(run({"EXEC"}), "[(nil), (nil), (nil)]");
  EXPECT_EQ(server.server().blocking.awaited_keys(), 0u);
}

TEST_F(BlockingTest, ServingBreaksAWatchLikeAnyChange) {
  Suspended waits = server.start(*a, {"BLMOVE", "l", "m", "LEFT", "LEFT", "0"});
  run({"WATCH", "m"});
  server.run(*b, {"RPUSH", "l", "1"});
  run({"MULTI"});
  run({"PING"});
  EXPECT_EQ(run({"EXEC"}), "(nil)");
  EXPECT_EQ(resume(*a, waits), R"("1")");
}

TEST_F(BlockingTest, SortedSetsServeTheirOwnWaiters) {
  Suspended list = server.start(*a, {"BLPOP", "k", "0"});
  Suspended set = server.start(*b, {"BZPOPMAX", "k", "0"});
  run({"ZADD", "k", "1", "x", "2", "y"});
  EXPECT_EQ(resume(*b, set), R"(["k", "y", "2"])");
  EXPECT_EQ(resume(*a, list), "");
  run({"DEL", "k"});
  run({"RPUSH", "k", "e"});
  EXPECT_EQ(resume(*a, list), R"(["k", "e"])");
}

TEST_F(BlockingTest, MembersOfAVanishedWaiterGoBackUnlessTheyAreThereAgain) {
  auto gone =
      std::make_unique<Suspended>(server.start(*a, {"BZMPOP", "0", "1", "z", "MIN", "COUNT", "2"}));
  run({"ZADD", "z", "1", "x", "2", "y", "3", "z"});
  run({"ZADD", "z", "7", "x"});
  gone.reset();
  EXPECT_EQ(run({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), R"(["y", "2", "z", "3", "x", "7"])");
}

TEST_F(BlockingTest, AnElementThatHasExpiredServesNobody) {
  run({"RPUSH", "src", "1"});
  run({"PEXPIRE", "src", "10"});
  Suspended waits = server.start(*a, {"BLPOP", "l", "0"});
  server.clock().advance_ms(20);
  run({"RENAME", "src", "l"});
  EXPECT_EQ(a->wakes, 0);
  EXPECT_EQ(resume(*a, waits), "");
}

}  // namespace
}  // namespace larder::testing
