// STATS, and the section "cache" of INFO.
#include <gtest/gtest.h>

#include "storage/evictor.h"
#include "storage/expiry.h"
#include "storage/prefix_walk.h"
#include "storage/tag_reaper.h"
#include "tests/support/in_process.h"
#include "tests/support/info_reader.h"

namespace larder {
namespace {

using testing::InProcess;

// What a prefix's map says of one name, "" if there is none.
std::string of_prefix(InProcess& server, const std::string& prefix, const std::string& name) {
  const auto client = server.connect();
  const std::string reply = server.run(*client, {"STATS", "PREFIX"});
  const size_t at = reply.find('"' + prefix + "\", [");
  if (at == std::string::npos) return "";
  const std::string wanted = '"' + name + "\", ";
  const size_t value = reply.find(wanted, at) + wanted.size();
  return reply.substr(value, reply.find_first_of(",]", value) - value);
}

std::string keys(InProcess& server, const std::string& prefix) {
  return of_prefix(server, prefix, "keys");
}

void walk(InProcess& server) {
  storage::PrefixWalker walker(server.server().store);
  while (walker.step()) {
  }
}

TEST(StatsPrefix, IsAMapOfMaps) {
  InProcess server;
  EXPECT_EQ(server.run({"STATS", "PREFIX"}), "[]");
  server.run({"SET", "user:1", "v"});
  EXPECT_EQ(server.run({"STATS", "PREFIX"}),
            "[\"user\", [\"keys\", 1, \"bytes\", 27, \"hits\", 0, \"misses\", 0, \"hit_ratio\", "
            "\"0\", \"sets\", 1, \"deletes\", 0, \"expired\", 0, \"evicted\", 0, "
            "\"invalidated\", 0]]");
  server.run({"HELLO", "3"});
  EXPECT_TRUE(server.run_raw(server.client(), {"STATS", "PREFIX"})
                  .starts_with("%1\r\n$4\r\nuser\r\n%10\r\n$4\r\nkeys\r\n:1\r\n"));
}

TEST(StatsPrefix, OnlyKeysWithASeparatorBelongToAPrefix) {
  InProcess server;
  server.run({"MSET", "plain", "v", ":empty", "v", "a:b:c", "v"});
  server.run({"SET", std::string(65, 'x') + ":", "v"});
  EXPECT_EQ(keys(server, ""), "1");
  EXPECT_EQ(keys(server, "a"), "1");
  EXPECT_EQ(keys(server, "plain"), "");
  EXPECT_EQ(server.run({"DBSIZE"}), "4");
}

TEST(StatsPrefix, CountsWhatIsReadAndStored) {
  InProcess server;
  server.run({"SET", "a:1", "v"});
  server.run({"INCR", "a:n"});
  server.run({"INCR", "a:n"});
  server.run({"HSET", "a:h", "f", "v"});
  server.run({"HSET", "a:h", "g", "v"});  // changes a value, stores none
  server.run({"APPEND", "a:1", "w"});
  EXPECT_EQ(of_prefix(server, "a", "sets"), "4");
  server.run({"MGET", "a:1", "a:2", "a:n", "a:3"});
  server.run({"EXISTS", "a:1"});
  server.run({"GET", "a:1"});
  EXPECT_EQ(of_prefix(server, "a", "hits"), "4");
  EXPECT_EQ(of_prefix(server, "a", "misses"), "2");
  EXPECT_EQ(of_prefix(server, "a", "hit_ratio"), "\"0.6666666666666666\"");
}

TEST(StatsPrefix, TellsInWhichWayKeysWent) {
  InProcess server;
  for (int i = 0; i < 10; i++) server.run({"SET", "a:" + std::to_string(i), "v", "PX", "5"});
  server.run({"DEL", "a:0", "a:1"});
  server.run({"RENAME", "a:2", "b:2"});
  EXPECT_EQ(of_prefix(server, "a", "deletes"), "3");
  EXPECT_EQ(of_prefix(server, "b", "sets"), "1");
  EXPECT_EQ(server.run({"DELMATCH", "a:[34]"}), "2");
  server.run({"TAGADD", "a:5", "t"});
  EXPECT_EQ(server.run({"TAGDEL", "t"}), "1");
  EXPECT_EQ(of_prefix(server, "a", "invalidated"), "2");
  storage::TagReaper reaper(server.server().store, 0, 1);
  while (reaper.step()) {
  }
  EXPECT_EQ(of_prefix(server, "a", "invalidated"), "3");
  EXPECT_EQ(keys(server, "a"), "4");
  server.clock().advance_ms(5);
  EXPECT_EQ(server.run({"EXISTS", "a:6"}), "0");
  storage::ExpirySweeper sweeper(server.server().store, 0, 1);
  while (sweeper.step(server.clock().now_ms()).more) {
  }
  EXPECT_EQ(of_prefix(server, "a", "expired"), "4");
  EXPECT_EQ(keys(server, "a"), "0");
  EXPECT_EQ(of_prefix(server, "a", "bytes"), "0");
}

TEST(StatsPrefix, CountsEvictedKeys) {
  InProcess server;
  server.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-random"});
  for (int i = 0; i < 50; i++) server.run({"SET", "a:" + std::to_string(i), "v"});
  storage::Evictor evictor(server.server().store, 0);
  for (int i = 0; i < 20; i++) evictor.evict(5, server.clock().now_ms());
  EXPECT_EQ(std::stoi(keys(server, "a")) + std::stoi(of_prefix(server, "a", "evicted")), 50);
  EXPECT_NE(of_prefix(server, "a", "evicted"), "0");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST(StatsPrefix, FlushedAndSwappedDatabases) {
  InProcess server;
  server.run({"MSET", "a:1", "v", "b:1", "v"});
  server.run({"SELECT", "1"});
  server.run({"MSET", "a:1", "v", "c:1", "v"});
  EXPECT_EQ(keys(server, "a"), "2");
  server.run({"SWAPDB", "0", "1"});
  server.run({"FLUSHDB"});
  EXPECT_EQ(keys(server, "a"), "1");
  EXPECT_EQ(keys(server, "b"), "0");
  EXPECT_EQ(keys(server, "c"), "1");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
  server.run({"FLUSHALL"});
  EXPECT_EQ(keys(server, "c"), "0");
}

TEST(StatsPrefix, TheSeparatorIsOneByteOrNone) {
  InProcess server;
  server.run({"MSET", "a:1", "v", "b/1", "v"});
  EXPECT_EQ(server.run({"CONFIG", "SET", "stats-prefix-separator", "::"}),
            "(error) ERR CONFIG SET failed (possibly related to argument "
            "'stats-prefix-separator') - argument must be one byte or empty");
  EXPECT_EQ(keys(server, "a"), "1");
  EXPECT_EQ(server.run({"CONFIG", "SET", "stats-prefix-separator", "/"}), "+OK");
  walk(server);
  EXPECT_EQ(keys(server, "a"), "");
  EXPECT_EQ(keys(server, "b"), "1");
  EXPECT_EQ(server.run({"CONFIG", "SET", "stats-prefix-separator", ""}), "+OK");
  server.run({"SET", "b/2", "v"});
  EXPECT_EQ(server.run({"STATS", "PREFIX"}), "[]");
  EXPECT_EQ(server.run({"CONFIG", "SET", "stats-prefix-separator", ":"}), "+OK");
  walk(server);
  EXPECT_EQ(keys(server, "a"), "1");
  EXPECT_EQ(keys(server, "b"), "");
}

TEST(StatsPrefix, AreAtMostSoMany) {
  InProcess server;
  EXPECT_EQ(server.run({"CONFIG", "SET", "stats-prefixes-max", "2"}), "+OK");
  server.run({"MSET", "a:1", "v", "b:1", "v", "c:1", "v"});
  EXPECT_EQ(keys(server, "b"), "1");
  EXPECT_EQ(keys(server, "c"), "");
  for (const char* none : {"0", "1025"}) {
    EXPECT_EQ(server.run({"CONFIG", "SET", "stats-prefixes-max", none}),
              "(error) ERR CONFIG SET failed (possibly related to argument 'stats-prefixes-max') - "
              "argument must be between 1 and 1024 inclusive");
  }
  for (int i = 0; i < 200; i++) server.run({"GET", "c:1"});
  core::CacheStatistics& cache = server.server().cache_statistics;
  cache.each_second(server.clock().now_ms());
  walk(server);
  EXPECT_EQ(keys(server, "c"), "1");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST(StatsPrefix, ARaisedMaximumIsForThoseThatWereRefused) {
  InProcess server;
  server.run({"CONFIG", "SET", "stats-prefixes-max", "1"});
  server.run({"MSET", "a:1", "v", "b:1", "v", "b:2", "v"});
  EXPECT_EQ(keys(server, "b"), "");
  server.run({"CONFIG", "SET", "stats-prefixes-max", "2"});
  walk(server);
  EXPECT_EQ(keys(server, "a"), "1");
  EXPECT_EQ(keys(server, "b"), "2");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST(StatsPrefix, ALoweredMaximumLeavesTheBusiest) {
  InProcess server;
  server.run({"MSET", "busy:1", "v", "a:1", "v", "b:1", "v"});
  for (int i = 0; i < 10; i++) server.run({"GET", "busy:1"});
  server.run({"CONFIG", "SET", "stats-prefixes-max", "1"});
  EXPECT_EQ(keys(server, "busy"), "1");
  EXPECT_EQ(keys(server, "a"), "");
}

TEST(StatsPrefix, ThoseThatAreReadOnceTakeNobodysRow) {
  InProcess server;
  core::CacheStatistics& cache = server.server().cache_statistics;
  server.run({"CONFIG", "SET", "stats-prefixes-max", "1"});
  server.run({"MSET", "a:1", "v", "refused:1", "v"});
  for (int turn = 0; turn < 3; turn++) {
    for (int i = 0; i < 50; i++) server.run({"GET", "a:1"});
    for (int i = 0; i < 20'000; i++) {
      server.run({"GET", "once" + std::to_string(turn) + std::to_string(i) + ":1"});
    }
    server.clock().advance_ms(storage::PrefixStats::kTurnMs);
    cache.each_second(server.clock().now_ms());
    walk(server);
    EXPECT_EQ(of_prefix(server, "a", "hits"), std::to_string(50 * (turn + 1)));
  }
}

TEST(StatsPrefix, ARowWithoutKeysThatNobodyUsesIsFree) {
  InProcess server;
  core::CacheStatistics& cache = server.server().cache_statistics;
  const auto turn = [&] {
    server.clock().advance_ms(storage::PrefixStats::kTurnMs);
    cache.each_second(server.clock().now_ms());
    walk(server);
  };
  server.run({"CONFIG", "SET", "stats-prefixes-max", "1"});
  server.run({"SET", "old:1", "v"});
  server.run({"FLUSHALL"});
  server.run({"SET", "new:1", "v"});
  for (int i = 0; i < 10; i++) {
    turn();
    for (int j = 0; j < 64; j++) server.run({"GET", "new:1"});
  }
  EXPECT_EQ(keys(server, "new"), "1");
  EXPECT_EQ(keys(server, "old"), "");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST(StatsPrefix, OneThatIsOnlyMissedIsLearntWhenItIsAskedForOften) {
  InProcess server;
  core::CacheStatistics& cache = server.server().cache_statistics;
  for (int i = 0; i < 200; i++) server.run({"GET", "gone:1"});
  server.clock().advance_ms(storage::PrefixStats::kTurnMs);
  cache.each_second(server.clock().now_ms());
  EXPECT_EQ(keys(server, "gone"), "0");
  server.run({"GET", "gone:1"});
  EXPECT_EQ(of_prefix(server, "gone", "misses"), "1");
}

TEST(Stats, TellOfTheWholeCache) {
  InProcess server;
  server.run({"MSET", "a", "v", "b", "v"});
  server.run({"MGET", "a", "c"});
  server.run({"DEL", "b"});
  server.run({"DELMATCH", "a"});
  const std::string reply = server.run({"STATS"});
  EXPECT_TRUE(reply.starts_with("[\"keys\", 0, \"bytes\", ")) << reply;
  const size_t hits = reply.find("\"hits\"");
  EXPECT_EQ(reply.substr(hits),
            "\"hits\", 1, \"misses\", 1, \"hit_ratio\", \"0.5\", \"sets\", 2, \"deletes\", 1, "
            "\"expired\", 0, \"evicted\", 0, \"invalidated\", 1, \"hit_ratio_1m\", \"0.5\", "
            "\"hit_ratio_5m\", \"0.5\", \"hit_ratio_60m\", \"0.5\", \"evictions_per_sec\", \"0\", "
            "\"expirations_per_sec\", \"0\"]");
}

TEST(Stats, WrongArguments) {
  InProcess server;
  EXPECT_EQ(server.run({"STATS", "ALL"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"STATS", "PREFIX", "a"}), "(error) ERR syntax error");
  server.run({"SET", "a:1", "v"});
  EXPECT_EQ(server.run({"STATS", "RESET", "a"}), "(error) ERR syntax error");
  EXPECT_EQ(of_prefix(server, "a", "sets"), "1");
}

TEST(Stats, ResetCountsAnewButForKeysAndBytes) {
  InProcess server;
  for (const auto& reset : {std::vector<std::string>{"STATS", "RESET"},
                            std::vector<std::string>{"CONFIG", "RESETSTAT"}}) {
    server.run({"SET", "a:1", "v"});
    server.run({"GET", "a:1"});
    server.run({"DELMATCH", "none"});
    EXPECT_EQ(server.run(reset), "+OK");
    EXPECT_EQ(keys(server, "a"), "1");
    EXPECT_EQ(of_prefix(server, "a", "sets"), "0");
    EXPECT_EQ(of_prefix(server, "a", "hits"), "0");
    EXPECT_NE(
        server.run({"STATS"}).find("\"hits\", 0, \"misses\", 0, \"hit_ratio\", \"0\", \"sets\", 0"),
        std::string::npos);
    EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
  }
}

TEST(Stats, WorkInTransactionsAndScripts) {
  InProcess server;
  server.run({"SET", "a:1", "v"});
  server.run({"MULTI"});
  server.run({"STATS", "RESET"});
  server.run({"STATS", "PREFIX"});
  server.run({"CONFIG", "SET", "stats-prefixes-max", "5"});
  EXPECT_TRUE(server.run({"EXEC"}).starts_with("[+OK, [\"a\", [\"keys\", 1"));
  EXPECT_EQ(server.run({"EVAL", "return redis.call('STATS', 'PREFIX')[1]", "0"}), "\"a\"");
}

// --- INFO cache.

TEST(InfoCache, HitRatiosAreOfTheLastMinutes) {
  InProcess server;
  core::CacheStatistics& cache = server.server().cache_statistics;
  const auto pass = [&](int seconds, const std::string& key, int reads_a_second) {
    for (int s = 0; s < seconds; s++) {
      for (int i = 0; i < reads_a_second; i++) server.run({"GET", key});
      server.clock().advance_ms(1000);
      cache.each_second(server.clock().now_ms());
    }
  };
  const auto ratio = [&](const std::string& name) {
    return testing::field_of(testing::info(server, {"cache"}), "hit_ratio_" + name);
  };
  EXPECT_EQ(ratio("1m"), "0.0000");
  server.run({"SET", "there", "v"});
  cache.each_second(server.clock().now_ms());
  pass(3600, "there", 1);
  EXPECT_EQ(ratio("60m"), "1.0000");
  pass(150, "missing", 1);
  EXPECT_EQ(ratio("1m"), "0.0000");
  EXPECT_EQ(ratio("5m"), "0.5000");
  EXPECT_EQ(ratio("60m"), "0.9583");
  pass(60, "there", 1);
  EXPECT_EQ(ratio("1m"), "1.0000");
  server.run({"STATS", "RESET"});
  server.run({"GET", "missing"});
  EXPECT_EQ(ratio("60m"), "0.0000");
}

TEST(InfoCache, WhatCameBeforeTheFirstSampleCounts) {
  InProcess server;
  server.run({"SET", "there", "v"});
  server.run({"GET", "missing"});
  server.run({"STATS", "RESET"});
  for (int i = 0; i < 3; i++) server.run({"GET", "there"});
  server.clock().advance_ms(1000);
  server.server().cache_statistics.each_second(server.clock().now_ms());
  server.run({"GET", "missing"});
  EXPECT_EQ(testing::field_of(testing::info(server, {"cache"}), "hit_ratio_1m"), "0.7500");
}

TEST(InfoCache, EvictionsAndExpirationsASecond) {
  InProcess server;
  core::CacheStatistics& cache = server.server().cache_statistics;
  cache.each_second(server.clock().now_ms());
  for (int i = 0; i < 20; i++) server.run({"SET", std::to_string(i), "v", "PX", "10"});
  server.clock().advance_ms(5000);
  server.run({"KEYS", "*"});
  for (int i = 0; i < 20; i++) server.run({"GET", std::to_string(i)});
  EXPECT_EQ(testing::info_number(server, "expirations_per_sec"), 4);
  EXPECT_EQ(testing::info_number(server, "evictions_per_sec"), 0);
  cache.each_second(server.clock().now_ms());
  server.clock().advance_ms(5000);
  EXPECT_EQ(testing::info_number(server, "expirations_per_sec"), 0);
}

TEST(InfoCache, AClockThatIsSetBackBeginsAnew) {
  InProcess server;
  core::CacheStatistics& cache = server.server().cache_statistics;
  cache.each_second(server.clock().now_ms());
  server.run({"GET", "missing"});
  cache.each_second(server.clock().now_ms() - 100'000);
  EXPECT_EQ(cache.since(60'000, server.clock().now_ms() - 100'000).misses, 0u);
}

}  // namespace
}  // namespace larder
