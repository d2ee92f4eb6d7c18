// Scripts that do not end, with one loop and with two: the others are answered, and can end them.
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

constexpr const char* kBusy =
    "(error) BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN "
    "NOSAVE.";
constexpr const char* kForEver = "while true do end";

class Scripts : public testing::OnThreads {
 protected:
  ServerProcess start() const { return OnThreads::start({"--busy-reply-threshold", "20"}); }
};

// Sends a script that does not end, and waits until all loops know.
TestClient run_for_ever(const ServerProcess& server, const std::vector<std::string>& command) {
  TestClient runner = server.connect();
  runner.request(command);
  for (int i = 0; i < 4; i++) {
    TestClient other = server.connect();
    EXPECT_TRUE(eventually([&] { return other.call({"PING"}).starts_with("(error) BUSY"); }));
  }
  return runner;
}

TEST_P(Scripts, OthersAreToldBusyUntilItIsKilled) {
  ServerProcess server = start();
  TestClient before = server.connect();
  before.call({"SET", "k", "v"});
  TestClient runner = run_for_ever(server, {"EVAL", kForEver, "1", "k"});
  EXPECT_EQ(before.call({"GET", "k"}), kBusy);
  EXPECT_EQ(before.call({"EVAL", "return 1", "0"}), kBusy);
  EXPECT_EQ(before.call({"FUNCTION", "KILL"}), kBusy);
  EXPECT_EQ(server.connect().call({"SCRIPT", "KILL"}), "+OK");
  EXPECT_TRUE(runner.reply().starts_with("(error) ERR Script killed by user with SCRIPT KILL."));
  EXPECT_TRUE(eventually([&] { return before.call({"GET", "k"}) == "\"v\""; }));
  EXPECT_EQ(runner.call({"EVAL", "return 1", "0"}), "1");
  EXPECT_EQ(before.call({"SCRIPT", "KILL"}), "(error) NOTBUSY No scripts in execution right now.");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Scripts, ProtectedCallsDoNotSurviveTheKill) {
  ServerProcess server = start();
  TestClient runner =
      run_for_ever(server, {"EVAL",
                            "while true do pcall(function() while true do end end) "
                            "coroutine.resume(coroutine.create(function() while true do end end)) "
                            "end",
                            "0"});
  EXPECT_EQ(server.connect().call({"SCRIPT", "KILL"}), "+OK");
  EXPECT_TRUE(runner.reply().starts_with("(error) ERR Script killed"));
  testing::expect_served(server);
}

// Neither where the handler gets an error of the script's own, nor where it would get the kill.
TEST_P(Scripts, HandlersOfErrorsDoNotSurviveTheKill) {
  const std::string loop = "function() while true do end end";
  for (const std::string& script : {"return xpcall(" + loop + ", " + loop + ")",
                                    "return xpcall(function() error('x') end, " + loop + ")"}) {
    ServerProcess server = start();
    TestClient runner = run_for_ever(server, {"EVAL", script, "0"});
    EXPECT_EQ(server.connect().call({"SCRIPT", "KILL"}), "+OK");
    EXPECT_TRUE(runner.reply().starts_with("(error) ERR Script killed"));
    EXPECT_TRUE(server.stops(SIGTERM));
  }
}

TEST_P(Scripts, APatternThatTakesForEverCanBeKilled) {
  ServerProcess server = start();
  TestClient runner = run_for_ever(
      server, {"EVAL", "return string.find(('a'):rep(10000), '.-.-.-.-.-.-.-.-b')", "0"});
  EXPECT_EQ(server.connect().call({"SCRIPT", "KILL"}), "+OK");
  EXPECT_TRUE(runner.reply().starts_with("(error) ERR Script killed"));
}

TEST_P(Scripts, WhatHasWrittenIsNotKilledButEndsWithTheServer) {
  ServerProcess server = start();
  TestClient runner =
      run_for_ever(server, {"EVAL", "redis.call('SET', KEYS[1], 1) while true do end", "1", "k"});
  TestClient other = server.connect();
  EXPECT_TRUE(other.call({"SCRIPT", "KILL"}).starts_with("(error) UNKILLABLE"));
  EXPECT_EQ(other.call({"SHUTDOWN"}), kBusy);
  other.request({"SHUTDOWN", "NOSAVE"});
  EXPECT_TRUE(server.ends());
}

TEST_P(Scripts, OneWhoseClientLeavesGoesOn) {
  ServerProcess server = start();
  { TestClient runner = run_for_ever(server, {"EVAL", kForEver, "0"}); }
  TestClient other = server.connect();
  EXPECT_EQ(other.call({"GET", "k"}), kBusy);
  EXPECT_EQ(other.call({"SCRIPT", "KILL"}), "+OK");
  EXPECT_TRUE(eventually([&] { return other.call({"GET", "k"}) == "(nil)"; }));
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Scripts, InsideTransactionsTheyCanBeKilledToo) {
  ServerProcess server = start();
  TestClient runner = server.connect();
  runner.call({"MULTI"});
  runner.call({"EVAL", kForEver, "0"});
  runner.call({"SET", "k", std::string(100'000, 'x')});
  runner.call({"STRLEN", "k"});
  runner.request({"EXEC"});
  TestClient other = server.connect();
  EXPECT_TRUE(eventually([&] { return other.call({"SCRIPT", "KILL"}) == "+OK"; }));
  const std::string reply = runner.reply();
  EXPECT_TRUE(reply.starts_with("[(error) ERR Script killed by user")) << reply;
  EXPECT_TRUE(reply.ends_with(", +OK, 100000]")) << reply;
  EXPECT_EQ(runner.call({"STRLEN", "k"}), "100000");
}

TEST_P(Scripts, FunctionsAreKilledByTheirOwnCommand) {
  ServerProcess server = start();
  TestClient other = server.connect();
  other.call({"FUNCTION", "LOAD",
              "#!lua name=l\nredis.register_function('f', function() while true do end end)"});
  TestClient runner = run_for_ever(server, {"FCALL", "f", "1", "k"});
  EXPECT_TRUE(other.call({"SCRIPT", "KILL"}).starts_with("(error) BUSY"));
  EXPECT_TRUE(other.call({"FUNCTION", "STATS"})
                  .starts_with("[\"running_script\", [\"name\", \"f\", \"command\", [\"FCALL\", "
                               "\"f\", \"1\", \"k\"], \"duration_ms\", "));
  EXPECT_EQ(other.call({"FUNCTION", "KILL"}), "+OK");
  EXPECT_TRUE(runner.reply().starts_with("(error) ERR Script killed by user with FUNCTION KILL."));
}

// Every loop has compiled it and runs it; the text touches a key that it did not declare, by a way
// that the look at it does not see: a parameter that is not written down.
TEST_P(Scripts, AKeyThatWasNotDeclaredIsNoticed) {
  ServerProcess server = start();
  const std::string script =
      "local self, t = KEYS[1], {} function t:set() return redis.call('SET', self, 'x') end "
      "return t.set('other')";
  TestClient client = server.connect();
  const std::string first = client.call({"EVAL", script, "1", "key"});
  if (GetParam() == 1) {
    EXPECT_EQ(first, "+OK");
  } else {
    EXPECT_TRUE(first.starts_with("(error) ERR Script attempted to access a key")) << first;
  }
  EXPECT_EQ(client.call({"EVAL", script, "1", "key"}), "+OK");
  EXPECT_EQ(client.call({"GET", "other"}), "\"x\"");
}

// Such a script runs under all keys at once, and does not fail when it has written half.
TEST_P(Scripts, AListOfKeysThatWasChangedIsSeen) {
  ServerProcess server = start();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"EVAL",
                         "redis.call('SET', KEYS[1], 'half') table.insert(KEYS, 'other') "
                         "return redis.call('GET', KEYS[2])",
                         "1", "key"}),
            "(nil)");
}

// One kind locks its keys only, the other all: both count in the same two keys.
TEST_P(Scripts, AreAtomicToEachOther) {
  ServerProcess server = OnThreads::start({});
  const std::string declared =
      "local n = redis.call('GET', KEYS[1]) or 0 redis.call('SET', KEYS[2], n + 1) "
      "redis.call('SET', KEYS[1], n + 1) return redis.call('GET', KEYS[2])";
  const std::string computed =
      "local a, b = KEYS[1] .. ':a', KEYS[1] .. ':b' local n = redis.call('GET', a) or 0 "
      "redis.call('SET', b, n + 1) redis.call('SET', a, n + 1) return redis.call('GET', b)";
  constexpr int kRounds = 300;
  std::vector<TestClient> clients;
  for (int i = 0; i < 4; i++) clients.push_back(server.connect());
  for (int round = 0; round < kRounds; round++) {
    for (size_t i = 0; i < clients.size(); i++) {
      clients[i].request(i % 2 == 0 ? std::vector<std::string>{"EVAL", declared, "2", "n:a", "n:b"}
                                    : std::vector<std::string>{"EVAL", computed, "1", "n"});
    }
  }
  for (TestClient& client : clients) {
    for (int round = 0; round < kRounds; round++) {
      const std::string reply = client.reply();
      EXPECT_TRUE(reply.starts_with("\"")) << reply;
    }
  }
  const std::string total = "\"" + std::to_string(kRounds * clients.size()) + "\"";
  EXPECT_EQ(clients[0].call({"GET", "n:a"}), total);
  EXPECT_EQ(clients[0].call({"GET", "n:b"}), total);
}

// What waits for a key that a script wrote gets it when the script has ended.
TEST_P(Scripts, WakeClientsThatWait) {
  ServerProcess server = OnThreads::start({});
  TestClient waiting = server.connect();
  waiting.request({"BLPOP", "list", "0"});
  ASSERT_TRUE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  TestClient other = server.connect();
  EXPECT_EQ(other.call({"EVAL", "return redis.call('RPUSH', KEYS[1], 'a', 'b')", "1", "list"}),
            "2");
  EXPECT_EQ(waiting.reply(), "[\"list\", \"a\"]");
  EXPECT_EQ(other.call({"LLEN", "list"}), "1");
}

// Its time is over while nothing can be answered: it is answered later, and is not idle until then.
TEST_P(Scripts, ClientsThatWaitAreNotClosedWhileAScriptRuns) {
  ServerProcess server = OnThreads::start({"--busy-reply-threshold", "20", "--timeout", "1"});
  TestClient waiting = server.connect();
  waiting.request({"BLPOP", "list", "0.3"});
  ASSERT_TRUE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  TestClient runner = run_for_ever(server, {"EVAL", kForEver, "0"});
  for (int i = 0; i < 2; i++) {  // two that are idle for a second each, one after the other
    TestClient idle = server.connect();
    idle.call({"PING"});
    EXPECT_TRUE(eventually([&] { return idle.closed(); }));
  }
  EXPECT_EQ(server.connect().call({"SCRIPT", "KILL"}), "+OK");
  EXPECT_EQ(waiting.reply(), "(nil)");
}

LARDER_ON_THREADS(Scripts);

}  // namespace
}  // namespace larder
