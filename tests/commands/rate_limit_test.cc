#include "storage/types/rate_limit.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

std::string throttle(InProcess& server, const std::string& words) {
  std::vector<std::string> command;
  std::istringstream in("THROTTLE " + words);
  for (std::string word; in >> word;) command.push_back(word);
  return server.run(command);
}

// The steps of redis-cell's own test, it_rate_limits(): limit 5, one token a second.
TEST(ClThrottle, AnswersAsRedisCell) {
  InProcess server;
  const auto ask = [&](const char* quantity) {
    return server.run({"CL.THROTTLE", "foo", "4", "60", "60", quantity});
  };
  EXPECT_EQ(ask("6"), "[1, 5, 5, -1, 0]");
  EXPECT_EQ(ask("1"), "[0, 5, 4, -1, 1]");
  EXPECT_EQ(ask("1"), "[0, 5, 3, -1, 2]");
  EXPECT_EQ(ask("1"), "[0, 5, 2, -1, 3]");
  EXPECT_EQ(ask("1"), "[0, 5, 1, -1, 4]");
  EXPECT_EQ(ask("1"), "[0, 5, 0, -1, 5]");
  EXPECT_EQ(ask("1"), "[1, 5, 0, 1, 5]");
  server.clock().advance_ms(3000);
  EXPECT_EQ(ask("1"), "[0, 5, 2, -1, 3]");
  server.clock().advance_ms(100);
  EXPECT_EQ(ask("1"), "[0, 5, 1, -1, 4]");
  server.clock().advance_ms(900);
  EXPECT_EQ(ask("1"), "[0, 5, 1, -1, 4]");
  server.clock().advance_ms(4000);
  EXPECT_EQ(ask("1"), "[0, 5, 4, -1, 1]");
  server.clock().advance_ms(1500);
  EXPECT_EQ(ask("1"), "[0, 5, 4, -1, 1]");
  EXPECT_EQ(ask("0"), "[0, 5, 4, -1, 1]");
  EXPECT_EQ(ask("2"), "[0, 5, 2, -1, 3]");
  EXPECT_EQ(ask("5"), "[1, 5, 2, 3, 3]");
}

TEST(ClThrottle, KeepsTheArrivalTimeUntilTheBucketIsFull) {
  InProcess server;
  EXPECT_EQ(server.run({"CL.THROTTLE", "k", "15", "30", "60"}), "[0, 16, 15, -1, 2]");
  EXPECT_EQ(server.run({"TYPE", "k"}), "+string");
  const int64_t arrival_ns = (server.clock().now_ms() + 2000) * 1'000'000;
  EXPECT_EQ(server.run({"GET", "k"}), "\"" + std::to_string(arrival_ns) + "\"");
  EXPECT_EQ(server.run({"CL.THROTTLE", "peek", "15", "30", "60", "0"}), "[0, 16, 16, -1, 0]");
  EXPECT_EQ(server.run({"EXISTS", "peek"}), "0");
  server.clock().advance_ms(60'000 + storage::kRateGrainMs);
  EXPECT_EQ(server.run({"EXISTS", "k"}), "0");
}

TEST(ClThrottle, RefusesWrongArgumentsAndValues) {
  InProcess server;
  const auto ask = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"CL.THROTTLE", "k"});
    return server.run(words);
  };
  EXPECT_EQ(ask({"-1", "1", "1"}),
            "(error) ERR max_burst must be an integer between 0 and 1000000000");
  EXPECT_EQ(ask({"0", "0", "1"}), "(error) ERR count must be an integer between 1 and 1000000000");
  EXPECT_EQ(ask({"0", "1", "x"}), "(error) ERR period must be an integer between 1 and 31622400");
  EXPECT_EQ(ask({"0", "1", "1", "-1"}),
            "(error) ERR quantity must be an integer between 0 and 1000000000");
  EXPECT_EQ(ask({"0", "1", "1", "1", "1"}), "(error) ERR syntax error");
  EXPECT_EQ(ask({"1000000000", "1", "31622400"}),
            "(error) ERR max_burst is too large for the rate: it must come back within 146 years");
  EXPECT_EQ(server.run({"EXISTS", "k"}), "0");
  server.run({"SET", "k", "text"});
  EXPECT_EQ(ask({"0", "1", "1"}), "(error) ERR value is not an integer or out of range");
  // A bucket that was emptied long in the future is taken for one that was emptied now.
  server.run({"SET", "k", "9223372036854775807"});
  EXPECT_EQ(ask({"0", "1", "1"}), "[1, 1, 0, 1, 1]");
  server.clock().advance_ms(1000);
  EXPECT_EQ(ask({"0", "1", "1"}), "[0, 1, 0, -1, 1]");
}

TEST(Throttle, GcraLetsABurstThroughAndThenTheRate) {
  InProcess server;
  EXPECT_EQ(throttle(server, "k 1 10 1000 BURST 2"), "[0, 2, 1, -1, 100, 0]");
  EXPECT_EQ(throttle(server, "k 1 10 1000 BURST 2"), "[0, 2, 0, -1, 200, 0]");
  EXPECT_EQ(throttle(server, "k 1 10 1000 BURST 2"), "[1, 2, 0, 100, 200, 0]");
  server.clock().advance_ms(99);
  EXPECT_EQ(throttle(server, "k 1 10 1000 BURST 2"), "[1, 2, 0, 1, 101, 0]");
  server.clock().advance_ms(1);
  EXPECT_EQ(throttle(server, "k 1 10 1000 BURST 2"), "[0, 2, 0, -1, 200, 0]");
  EXPECT_EQ(throttle(server, "k 1 10 1000 BURST 2 COST 3"), "[1, 2, 0, -1, 200, 0]");
}

TEST(Throttle, PeekingWithASmallerBurstGivesNothingBack) {
  InProcess server;
  EXPECT_EQ(throttle(server, "k 1 1 10000 BURST 10 COST 10"), "[0, 10, 0, -1, 100000, 0]");
  EXPECT_EQ(throttle(server, "k 1 1 10000 BURST 5 PEEK"), "[1, 5, 0, 10000, 50000, 0]");
  EXPECT_EQ(throttle(server, "k 1 1 10000 BURST 10 PEEK"), "[1, 10, 0, 10000, 100000, 0]");
}

TEST(Throttle, CountsInWindows) {
  InProcess server;
  EXPECT_EQ(throttle(server, "k 1 2 1000 ALGO FIXED"), "[0, 2, 1, -1, 1000, 0]");
  server.clock().advance_ms(600);
  EXPECT_EQ(throttle(server, "k 1 2 1000 algo fixed"), "[0, 2, 0, -1, 400, 0]");
  EXPECT_EQ(throttle(server, "k 1 2 1000 ALGO FIXED"), "[1, 2, 0, 400, 400, 0]");
  server.clock().advance_ms(400);
  EXPECT_EQ(throttle(server, "k 1 2 1000 ALGO FIXED"), "[0, 2, 1, -1, 1000, 0]");
}

TEST(Throttle, WeighsTheWindowBefore) {
  InProcess server;
  EXPECT_EQ(throttle(server, "k 1 10 1000 ALGO SLIDING COST 10"), "[0, 10, 0, -1, 2000, 0]");
  EXPECT_EQ(throttle(server, "k 1 10 1000 ALGO SLIDING"), "[1, 10, 0, 1100, 2000, 0]");
  server.clock().advance_ms(1500);
  EXPECT_EQ(throttle(server, "k 1 10 1000 ALGO SLIDING PEEK"), "[0, 10, 5, -1, 500, 0]");
  EXPECT_EQ(throttle(server, "k 1 10 1000 ALGO SLIDING COST 6"), "[1, 10, 5, 100, 500, 0]");
}

TEST(Throttle, LogsEachToken) {
  InProcess server;
  EXPECT_EQ(throttle(server, "k 1 3 1000 ALGO LOG COST 2"), "[0, 3, 1, -1, 1000, 0]");
  server.clock().advance_ms(500);
  EXPECT_EQ(throttle(server, "k 1 3 1000 ALGO LOG"), "[0, 3, 0, -1, 1000, 0]");
  EXPECT_EQ(throttle(server, "k 1 3 1000 ALGO LOG"), "[1, 3, 0, 500, 1000, 0]");
  EXPECT_EQ(throttle(server, "k 1 3 1000 ALGO LOG COST 3"), "[1, 3, 0, 1000, 1000, 0]");
  EXPECT_EQ(server.run({"STRLEN", "k"}), "19");
  server.clock().advance_ms(500);
  EXPECT_EQ(throttle(server, "k 1 3 1000 ALGO LOG"), "[0, 3, 1, -1, 1000, 0]");
  EXPECT_EQ(server.run({"STRLEN", "k"}), "13");
}

TEST(Throttle, SeveralLimitsAreChargedTogether) {
  InProcess server;
  const std::string limits = "k 2 2 1000 3 60000 ALGO FIXED";
  EXPECT_EQ(throttle(server, limits), "[0, 2, 1, -1, 1000, 0]");
  EXPECT_EQ(throttle(server, limits), "[0, 2, 0, -1, 1000, 0]");
  EXPECT_EQ(throttle(server, limits), "[1, 2, 0, 1000, 1000, 0]");
  server.clock().advance_ms(1000);
  EXPECT_EQ(throttle(server, limits), "[0, 3, 0, -1, 59000, 1]");
  EXPECT_EQ(throttle(server, limits), "[1, 3, 0, 59000, 59000, 1]");
  EXPECT_EQ(throttle(server, limits + " COST 3"), "[1, 2, 1, -1, 1000, 0]");
}

TEST(Throttle, ScalesAndPeeksAndIsResetByDel) {
  InProcess server;
  EXPECT_EQ(throttle(server, "k 1 10 1000 SCALE 50 PEEK"), "[0, 5, 5, -1, 0, 0]");
  EXPECT_EQ(server.run({"EXISTS", "k"}), "0");
  EXPECT_EQ(throttle(server, "k 1 10 1000 SCALE 50 COST 5"), "[0, 5, 0, -1, 1000, 0]");
  EXPECT_EQ(throttle(server, "k 1 10 1000 PEEK"), "[1, 10, 0, 100, 1000, 0]");
  EXPECT_EQ(throttle(server, "k 1 10 1000 SCALE 1 PEEK COST 2"), "[1, 1, 0, -1, 1000, 0]");
  server.run({"DEL", "k"});
  EXPECT_EQ(throttle(server, "k 1 10 1000"), "[0, 10, 9, -1, 100, 0]");
}

TEST(Throttle, ExpiresByItselfInASmallEntry) {
  InProcess server;
  const auto bytes = [&](const std::string& options) {
    throttle(server, "12345678 1 10 1000 " + options);
    const std::string before = server.run({"STRLEN", "12345678"});
    EXPECT_EQ(server.run({"TYPE", "12345678"}), "+string");
    server.clock().advance_ms(60'000 + storage::kRateGrainMs);
    EXPECT_EQ(server.run({"EXISTS", "12345678"}), "0");
    return std::stoi(before);
  };
  constexpr int kEntryHead = 2 + 5 + 1;  // flags and lengths, expiry, length of the value
  EXPECT_LE(kEntryHead + bytes("ALGO GCRA"), 32);
  EXPECT_LE(kEntryHead + bytes("ALGO FIXED"), 32);
  EXPECT_LE(kEntryHead + bytes("ALGO SLIDING"), 32);
}

TEST(Throttle, WrongArgumentsChangeNothing) {
  InProcess server;
  const std::pair<const char*, const char*> wrong[] = {
      {"k 0 1 1", "numlimits must be an integer between 1 and 16"},
      {"k 17 1 1", "numlimits must be an integer between 1 and 16"},
      {"k 2 1 1", "syntax error"},
      {"k 1 0 1", "limit must be an integer between 1 and 1000000000"},
      {"k 1 1000000001 1", "limit must be an integer between 1 and 1000000000"},
      {"k 1 1 0", "period-ms must be an integer between 1 and 31622400000"},
      {"k 1 1 31622400001", "period-ms must be an integer between 1 and 31622400000"},
      {"k 1 1 1 ALGO X", "ALGO must be GCRA, FIXED, SLIDING or LOG"},
      {"k 1 1 1 BURST 0", "BURST must be an integer between 1 and 1000000000"},
      {"k 1 1 1 BURST 2 ALGO LOG", "BURST needs ALGO GCRA"},
      {"k 1 1 31622400000 BURST 1000000000",
       "BURST is too large for the limit: it must come back within 100 years"},
      {"k 1 1 31622400000 BURST 583344220",
       "BURST is too large for the limit: it must come back within 100 years"},
      {"k 1 1 31622400000 BURST 101",
       "BURST is too large for the limit: it must come back within 100 years"},
      {"k 1 1 1 COST 0", "COST must be an integer between 1 and 1000000000"},
      {"k 1 1 1 SCALE 10001", "SCALE must be an integer between 1 and 10000"},
      {"k 1 10001 1 ALGO LOG", "limit must be at most 10000 with ALGO LOG, under SCALE too"},
      {"k 1 9999 1 ALGO LOG SCALE 200",
       "limit must be at most 10000 with ALGO LOG, under SCALE too"},
      {"k 1 1 1 NOW", "syntax error"},
      {"k 1 1 1 COST", "syntax error"},
  };
  for (const auto& [words, error] : wrong) {
    EXPECT_EQ(throttle(server, words), std::string("(error) ERR ") + error) << words;
  }
  EXPECT_EQ(server.run({"EXISTS", "k"}), "0");
}

TEST(Throttle, LeavesOtherValuesAlone) {
  InProcess server;
  for (const char* value : {"", "12", "text", "\x01 and twenty letters", "\x05"}) {
    server.run({"SET", "k", value});
    EXPECT_EQ(throttle(server, "k 1 1 1"), "(error) ERR value is not the state of a rate limit");
    EXPECT_EQ(server.run({"STRLEN", "k"}), std::to_string(std::string(value).size()));
  }
  server.run({"RPUSH", "list", "a"});
  EXPECT_EQ(throttle(server, "list 1 1 1"),
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value");
}

TEST(Throttle, IsAWriteOnlyWhenItCharges) {
  InProcess server;
  server.run({"CONFIG", "SET", "notify-keyspace-events", "KEA"});
  auto listener = server.connect();
  server.run(*listener, {"PSUBSCRIBE", "__keyevent@*"});
  auto watcher = server.connect();
  server.run(*watcher, {"WATCH", "k"});
  throttle(server, "k 1 1 1000 PEEK");
  server.run(*watcher, {"MULTI"});
  EXPECT_EQ(server.run(*watcher, {"EXEC"}), "[]");
  server.run(*watcher, {"WATCH", "k"});
  throttle(server, "k 1 1 1000");
  server.run(*watcher, {"MULTI"});
  EXPECT_EQ(server.run(*watcher, {"EXEC"}), "(nil)");
  server.run(*watcher, {"WATCH", "k"});
  EXPECT_EQ(throttle(server, "k 1 1 1000"), "[1, 1, 0, 1000, 1000, 0]");
  server.run(*watcher, {"MULTI"});
  EXPECT_EQ(server.run(*watcher, {"EXEC"}), "[]");
  const std::vector<std::string> told = listener->pushes();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("throttle"), std::string::npos);
}

TEST(Throttle, DecisionsAreCounted) {
  InProcess server;
  throttle(server, "k 1 1 1000");
  throttle(server, "k 1 1 1000");
  throttle(server, "k 1 1 1000");
  throttle(server, "k 1 1 1000 PEEK");
  server.run({"CL.THROTTLE", "cell", "0", "1", "1"});
  server.run({"CL.THROTTLE", "cell", "0", "1", "1", "0"});
  const std::string info = server.run({"INFO", "cache"});
  EXPECT_NE(info.find("ratelimit_allowed:2"), std::string::npos) << info;
  EXPECT_NE(info.find("ratelimit_limited:2"), std::string::npos) << info;
  server.run({"CONFIG", "RESETSTAT"});
  EXPECT_NE(server.run({"INFO", "cache"}).find("ratelimit_allowed:0"), std::string::npos);
}

TEST(Throttle, RunsInTransactionsAndScripts) {
  InProcess server;
  EXPECT_EQ(server.run({"EVAL", "return redis.call('THROTTLE', KEYS[1], 1, 2, 1000)", "1", "k"}),
            "[0, 2, 1, -1, 500, 0]");
  server.run({"MULTI"});
  throttle(server, "k 1 2 1000");
  throttle(server, "k 1 2 1000");
  EXPECT_EQ(server.run({"EXEC"}), "[[0, 2, 0, -1, 1000, 0], [1, 2, 0, 500, 1000, 0]]");
}

}  // namespace
}  // namespace larder
