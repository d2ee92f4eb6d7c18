#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

void set_keys(InProcess& server, const std::string& prefix, int keys) {
  for (int i = 0; i < keys; i++) server.run({"SET", prefix + std::to_string(i), "v"});
}

TEST(Delmatch, DeletesWhatMatches) {
  InProcess server;
  set_keys(server, "user:", 3000);
  set_keys(server, "page:", 2000);
  EXPECT_EQ(server.run({"DELMATCH", "user:*"}), "3000");
  EXPECT_EQ(server.run({"DBSIZE"}), "2000");
  EXPECT_EQ(server.run({"DELMATCH", "*:?"}), "10");
  EXPECT_EQ(server.run({"DELMATCH", "[a-p]*99"}), "20");
  EXPECT_EQ(server.run({"DELMATCH", "user:*"}), "0");
  EXPECT_EQ(server.run({"DELMATCH", "*"}), "1970");
  EXPECT_EQ(server.run({"DBSIZE"}), "0");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST(Delmatch, OfOneTypeOrUpToALimit) {
  InProcess server;
  set_keys(server, "k:", 100);
  for (int i = 0; i < 50; i++) server.run({"RPUSH", "k:list" + std::to_string(i), "a"});
  EXPECT_EQ(server.run({"DELMATCH", "k:*", "TYPE", "list", "LIMIT", "20"}), "20");
  EXPECT_EQ(server.run({"delmatch", "k:*", "type", "LIST"}), "30");
  EXPECT_EQ(server.run({"DELMATCH", "k:*", "LIMIT", "99"}), "99");
  EXPECT_EQ(server.run({"DBSIZE"}), "1");
}

TEST(Delmatch, APatternWithoutSpecialCharactersIsAKey) {
  InProcess server;
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"DELMATCH", "k", "TYPE", "hash"}), "0");
  EXPECT_EQ(server.run({"DELMATCH", "k"}), "1");
  EXPECT_EQ(server.run({"DELMATCH", "k"}), "0");
  server.run({"SET", "a*b", "v"});
  server.run({"SET", "axb", "v"});
  EXPECT_EQ(server.run({"DELMATCH", "a\\*b"}), "1");
  EXPECT_EQ(server.run({"EXISTS", "axb"}), "1");
}

TEST(Delmatch, StaysInItsDatabaseAndCountsNoDeadKeys) {
  InProcess server;
  server.run({"SET", "a1", "v"});
  server.run({"SET", "a2", "v", "PX", "5"});
  server.run({"SELECT", "1"});
  server.run({"SET", "a3", "v"});
  server.run({"SELECT", "0"});
  server.clock().advance_ms(5);
  EXPECT_EQ(server.run({"DELMATCH", "a*"}), "1");
  server.run({"SELECT", "1"});
  EXPECT_EQ(server.run({"EXISTS", "a3"}), "1");
}

TEST(Delmatch, AHostilePatternIsOnlySlow) {
  InProcess server;
  server.run({"SET", std::string(2000, 'a'), "v"});
  std::string pattern;
  for (int i = 0; i < 500; i++) pattern += "*a";
  EXPECT_EQ(server.run({"DELMATCH", pattern + "*b"}), "0");
  EXPECT_EQ(server.run({"DELMATCH", pattern + "*"}), "1");
}

TEST(Delmatch, TellsWatchersTrackersAndListeners) {
  InProcess server;
  server.run({"CONFIG", "SET", "notify-keyspace-events", "KEA"});
  server.run({"SET", "a1", "v"});
  server.run({"SET", "a2", "v"});
  auto watcher = server.connect();
  server.run(*watcher, {"WATCH", "a2"});
  auto tracker = server.connect();
  server.run(*tracker, {"HELLO", "3"});
  server.run(*tracker, {"CLIENT", "TRACKING", "ON"});
  server.run(*tracker, {"GET", "a1"});
  auto listener = server.connect();
  server.run(*listener, {"SUBSCRIBE", "__keyevent@0__:del"});
  EXPECT_EQ(server.run({"DELMATCH", "a*"}), "2");
  server.run(*watcher, {"MULTI"});
  EXPECT_EQ(server.run(*watcher, {"EXEC"}), "(nil)");
  EXPECT_EQ(listener->pushes().size(), 2u);
  EXPECT_EQ(tracker->pushes().size(), 1u);
}

TEST(Delmatch, RunsInTransactionsAndScripts) {
  InProcess server;
  set_keys(server, "a", 500);
  EXPECT_EQ(server.run({"EVAL", "return redis.call('DELMATCH', 'a1*')", "0"}), "111");
  server.run({"MULTI"});
  server.run({"DELMATCH", "a2*"});
  server.run({"RM", "0", "COUNT", "1000"});
  EXPECT_EQ(server.run({"EXEC"}), "[111, [\"0\", 278]]");
  EXPECT_EQ(server.run({"DBSIZE"}), "0");
}

TEST(Delmatch, GoesOnBehindTheCommand) {
  InProcess server;
  set_keys(server, "a", 500);
  EXPECT_EQ(server.run({"DELMATCH", "a*", "ASYNC", "LIMIT", "400"}), "+OK");
  EXPECT_EQ(server.run({"DBSIZE"}), "500");
  ASSERT_EQ(server.jobs.size(), 1u);
  while (server.jobs[0]->step(server.clock().now_ms())) {
  }
  EXPECT_EQ(server.run({"DBSIZE"}), "100");
  const std::string info = server.run({"INFO", "cache"});
  EXPECT_NE(info.find("invalidations_by_pattern:400"), std::string::npos) << info;
  for (size_t i = 1; i < core::BackgroundJob::kPerLoopMax; i++) {
    EXPECT_EQ(server.run({"DELMATCH", "b", "ASYNC"}), "+OK");
  }
  EXPECT_EQ(server.run({"DELMATCH", "b", "ASYNC"}),
            "(error) ERR too many deletions are under way already: wait for one of them to end");
}

TEST(Delmatch, WrongArgumentsDeleteNothing) {
  InProcess server;
  server.run({"SET", "a", "v"});
  EXPECT_EQ(server.run({"DELMATCH", "*", "TYPE", "stream"}),
            "(error) ERR TYPE must be string, list, set, zset or hash");
  EXPECT_EQ(server.run({"DELMATCH", "*", "LIMIT", "0"}),
            "(error) ERR LIMIT must be a positive integer");
  EXPECT_EQ(server.run({"DELMATCH", "*", "SYNC"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"DELMATCH", std::string(1025, '*')}),
            "(error) ERR pattern is longer than 1024 bytes");
  EXPECT_EQ(server.run({"RM", "x"}), "(error) ERR invalid cursor");
  EXPECT_EQ(server.run({"RM", "0", "COUNT", "0"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"RM", "0", "TYPE", "x"}),
            "(error) ERR TYPE must be string, list, set, zset or hash");
  EXPECT_EQ(server.run({"EXISTS", "a"}), "1");
}

TEST(Rm, DeletesAWholeDatabaseStepByStep) {
  InProcess server;
  set_keys(server, "user:", 3000);
  set_keys(server, "page:", 1000);
  std::string cursor = "0";
  int64_t deleted = 0;
  int calls = 0;
  do {
    const std::string reply = server.run({"RM", cursor, "MATCH", "user:*", "COUNT", "50"});
    const size_t end = reply.find('"', 2);
    cursor = reply.substr(2, end - 2);
    const int64_t now = std::stoll(reply.substr(end + 3));
    EXPECT_LE(now, 50 + 20);  // whole buckets are looked at
    deleted += now;
    calls++;
  } while (cursor != "0");
  EXPECT_EQ(deleted, 3000);
  EXPECT_GT(calls, 40);
  EXPECT_EQ(server.run({"DBSIZE"}), "1000");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

}  // namespace
}  // namespace larder
