#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/core/output.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::FakeClient;
using testing::InProcess;
using Lines = std::vector<std::string>;

constexpr const char* kAborted =
    "(error) EXECABORT Transaction discarded because of previous errors.";

struct Multi : ::testing::Test {
  std::string run(const std::vector<std::string>& arguments) { return server.run(arguments); }
  std::string other(const std::vector<std::string>& arguments) {
    return server.run(*second, arguments);
  }
  void queue(const std::vector<std::vector<std::string>>& commands) {
    ASSERT_EQ(run({"MULTI"}), "+OK");
    for (const auto& command : commands) ASSERT_EQ(run(command), "+QUEUED");
  }
  // EXEC behind MULTI and PING: whether a watched key has changed.
  bool broken() {
    queue({{"PING"}});
    const std::string reply = run({"EXEC"});
    EXPECT_TRUE(reply == "[+PONG]" || reply == "(nil)") << reply;
    return reply == "(nil)";
  }

  InProcess server;
  std::unique_ptr<FakeClient> second = server.connect();
};

using Watch = Multi;

// ------------------------------------------------------------------------------------- queueing

TEST_F(Multi, QueuedCommandsRunAtExec) {
  queue({{"SET", "k", "1"}, {"INCR", "k"}, {"GET", "k"}});
  EXPECT_EQ(other({"GET", "k"}), "(nil)");
  EXPECT_EQ(run({"EXEC"}), "[+OK, 2, \"2\"]");
  EXPECT_EQ(run({"GET", "k"}), "\"2\"");
}

TEST_F(Multi, ArgumentsAreKeptWhateverBecomesOfThoseThatWereSent) {
  const std::string large(100'000, 'v');
  queue({{"SET", "k", large}, {"APPEND", "k", "w"}, {"SET", "", ""}, {"GET", ""}});
  EXPECT_EQ(run({"EXEC"}), "[+OK, 100001, +OK, \"\"]");
  EXPECT_EQ(run({"GET", "k"}), "\"" + large + "w\"");
}

TEST_F(Multi, ThousandsOfCommandsCanBeQueued) {
  run({"MULTI"});
  for (int i = 0; i < 5000; i++) run({"INCR", "k" + std::to_string(i % 2000)});
  EXPECT_TRUE(run({"EXEC"}).ends_with(", 3, 3]"));
  EXPECT_EQ(run({"DBSIZE"}), "2000");
}

TEST_F(Multi, ErrorsWhileQueueingMakeExecFail) {
  const std::vector<std::vector<std::string>> wrong = {
      {"NOSUCH"}, {"SET", "k"}, {"CONFIG", "NOSUCH"}, {"SHUTDOWN"}, {"GET"}};
  for (const auto& command : wrong) {
    run({"MULTI"});
    EXPECT_TRUE(run(command).starts_with("(error) ERR ")) << command[0];
    EXPECT_EQ(run({"SET", "k", "1"}), "+QUEUED");
    EXPECT_EQ(run({"EXEC"}), kAborted);
    EXPECT_EQ(run({"GET", "k"}), "(nil)");
  }
}

TEST_F(Multi, ErrorsOfCommandsStandAmongTheReplies) {
  queue({{"SET", "k", "x"}, {"INCR", "k"}, {"GET", "k"}});
  EXPECT_EQ(run({"EXEC"}), "[+OK, (error) ERR value is not an integer or out of range, \"x\"]");
}

TEST_F(Multi, WhatIsNotBehindMultiIsAnError) {
  EXPECT_EQ(run({"EXEC"}), "(error) ERR EXEC without MULTI");
  EXPECT_EQ(run({"DISCARD"}), "(error) ERR DISCARD without MULTI");
  run({"MULTI"});
  EXPECT_EQ(run({"EXEC"}), "[]");
  EXPECT_EQ(run({"EXEC"}), "(error) ERR EXEC without MULTI");
}

TEST_F(Multi, NestedAndWatchAreErrorsThatDoNotAbort) {
  run({"MULTI"});
  EXPECT_EQ(run({"MULTI"}), "(error) ERR MULTI calls can not be nested");
  EXPECT_EQ(run({"WATCH", "k"}), "(error) ERR WATCH inside MULTI is not allowed");
  EXPECT_EQ(run({"PING"}), "+QUEUED");
  EXPECT_EQ(run({"EXEC"}), "[+PONG]");
}

TEST_F(Multi, DiscardForgetsCommandsAndWatches) {
  run({"WATCH", "k"});
  run({"SET", "k", "1"});
  queue({{"SET", "k", "2"}});
  EXPECT_EQ(run({"DISCARD"}), "+OK");
  EXPECT_EQ(run({"GET", "k"}), "\"1\"");
  EXPECT_FALSE(broken());
}

TEST_F(Multi, ResetAndQuitAreNotQueued) {
  run({"WATCH", "k"});
  queue({{"SET", "k", "1"}});
  EXPECT_EQ(run({"RESET"}), "+RESET");
  EXPECT_EQ(run({"EXEC"}), "(error) ERR EXEC without MULTI");
  EXPECT_EQ(server.server().store.observer(), nullptr);
  queue({{"PING"}});
  EXPECT_EQ(run({"QUIT"}), "+OK");
  EXPECT_TRUE(server.client().has(core::Client::kCloseAfterReply));
}

TEST_F(Multi, ExecWithWrongArityDiscards) {
  queue({{"SET", "k", "1"}});
  EXPECT_EQ(run({"EXEC", "now"}),
            "(error) EXECABORT Transaction discarded because of: wrong number of arguments for "
            "'exec' command");
  EXPECT_EQ(run({"EXEC"}), "(error) ERR EXEC without MULTI");
  run({"WATCH", "k"});
  other({"MONITOR"});
  queue({{"SET", "k", "1"}});
  run({"EXEC", "now"});
  ASSERT_EQ(server.monitored.size(), 2u);
  EXPECT_TRUE(server.monitored[1].ends_with("\"EXEC\" \"now\"\r\n"));
  EXPECT_EQ(server.server().store.observer(), nullptr);
}

TEST_F(Multi, MemoryIsAskedForWhenCommandsAreQueuedAndAtExec) {
  constexpr const char* kOom = "command not allowed when used memory > 'maxmemory'.";
  run({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  queue({{"SET", "k", "1"}});
  other({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(run({"EXEC"}),
            std::string("(error) EXECABORT Transaction discarded because of: OOM ") + kOom);
  run({"MULTI"});
  EXPECT_EQ(run({"PING"}), std::string("(error) OOM ") + kOom);
  EXPECT_EQ(run({"DISCARD"}), "+OK");
  other({"CONFIG", "SET", "maxmemory", "0"});
  queue({{"GET", "k"}});
  other({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(run({"EXEC"}), "[(nil)]");  // it needs none
  other({"CONFIG", "SET", "maxmemory", "0"});
}

TEST_F(Multi, WhatIsQueuedIsToldOfTheClient) {
  queue({{"SET", "key", "value"}, {"PING"}});
  const std::string list = other({"CLIENT", "LIST"});
  EXPECT_NE(list.find(" flags=x "), std::string::npos) << list;
  EXPECT_NE(list.find(" multi=2 "), std::string::npos) << list;
  EXPECT_NE(list.find(" multi-mem=15 "), std::string::npos) << list;
  run({"DISCARD"});
  EXPECT_EQ(other({"CLIENT", "LIST"}).find(" flags=x "), std::string::npos);
  EXPECT_EQ(server.client().kept_bytes(), 0u);
}

TEST_F(Multi, PasswordIsAskedForWhileQueueingAndAtExec) {
  queue({{"GET", "k"}});
  other({"CONFIG", "SET", "requirepass", "secret"});
  server.client().set(core::Client::kAuthenticated, false);
  EXPECT_EQ(run({"GET", "k"}), "(error) NOAUTH Authentication required.");
  EXPECT_EQ(run({"EXEC"}),
            "(error) EXECABORT Transaction discarded because of: NOAUTH Authentication required.");
}

TEST_F(Multi, ClientPauseHoldsWhatWritesAtExec) {
  core::Dispatcher dispatcher(server.server(), 0);
  const auto outcome = [&](const std::vector<std::string_view>& arguments) {
    core::Output out;
    return dispatcher.run(server.client(), arguments, out, server.clock().now_ms());
  };
  using Outcome = core::Dispatcher::Outcome;
  queue({{"GET", "k"}});
  other({"CLIENT", "PAUSE", "1000", "WRITE"});
  EXPECT_EQ(outcome({"EXEC"}), Outcome::kDone);
  other({"CLIENT", "UNPAUSE"});
  queue({{"SET", "k", "1"}});
  other({"CLIENT", "PAUSE", "1000", "WRITE"});
  EXPECT_EQ(outcome({"EXEC"}), Outcome::kHeld);
  EXPECT_EQ(other({"GET", "k"}), "(nil)");
  server.clock().advance_ms(1001);
  EXPECT_EQ(outcome({"EXEC"}), Outcome::kDone);
  EXPECT_EQ(other({"GET", "k"}), "\"1\"");
}

// ------------------------------------------------------------------------- commands inside EXEC

TEST_F(Multi, SelectWithinATransactionChoosesTheDatabaseOfWhatFollows) {
  queue({{"SET", "k", "0"}, {"SELECT", "1"}, {"SET", "k", "1"}, {"DBSIZE"}});
  EXPECT_EQ(run({"EXEC"}), "[+OK, +OK, +OK, 1]");
  EXPECT_EQ(run({"GET", "k"}), "\"1\"");
  EXPECT_EQ(other({"GET", "k"}), "\"0\"");
}

TEST_F(Multi, HelloWithinATransactionChoosesTheVersionOfWhatFollows) {
  run({"MULTI"});
  run({"GET", "k"});
  run({"HELLO", "3"});
  run({"GET", "k"});
  const std::string bytes = server.run_raw(server.client(), {"EXEC"});
  EXPECT_TRUE(bytes.starts_with("*3\r\n$-1\r\n%7\r\n")) << bytes;
  EXPECT_TRUE(bytes.ends_with("_\r\n")) << bytes;
}

TEST_F(Multi, CommandsOnTheWholeKeySpaceSeeWhatTheTransactionDid) {
  queue({{"SET", "a", "1"},
         {"KEYS", "*"},
         {"SWAPDB", "0", "1"},
         {"DBSIZE"},
         {"SWAPDB", "0", "1"},
         {"RANDOMKEY"},
         {"SCAN", "0"},
         {"FLUSHALL"},
         {"DBSIZE"}});
  EXPECT_EQ(run({"EXEC"}), "[+OK, [\"a\"], +OK, 0, +OK, \"a\", [\"0\", [\"a\"]], +OK, 0]");
}

TEST_F(Multi, WhatWouldWaitIsToldThatItsTimeIsUp) {
  queue({{"WAIT", "1", "0"}, {"PING"}});
  EXPECT_EQ(run({"EXEC"}), "[0, +PONG]");
}

TEST_F(Multi, MonitorSeesCommandsWhenTheyRun) {
  other({"MONITOR"});
  queue({{"SET", "k", "v"}});
  EXPECT_EQ(server.monitored.size(), 1u);  // MULTI
  run({"EXEC"});
  ASSERT_EQ(server.monitored.size(), 3u);
  EXPECT_TRUE(server.monitored[1].ends_with("\"SET\" \"k\" \"v\"\r\n"));
  EXPECT_TRUE(server.monitored[2].ends_with("\"EXEC\"\r\n"));
  queue({{"MONITOR"}});
  EXPECT_TRUE(run({"EXEC"}).starts_with("[(error) ERR MONITOR isn't allowed"));
}

TEST_F(Multi, CommandsAreCountedWhenTheyRun) {
  run({"CONFIG", "RESETSTAT"});
  queue({{"INCR", "k"}, {"INCR", "k"}});
  EXPECT_EQ(run({"INFO", "commandstats"}), "+QUEUED");
  const std::string reply = run({"EXEC"});
  EXPECT_NE(reply.find("cmdstat_incr:calls=2,"), std::string::npos) << reply;
}

TEST_F(Multi, RepliesThatNobodyWantsAreLeftOutOfExec) {
  queue({{"CLIENT", "REPLY", "OFF"}, {"PING"}, {"CLIENT", "REPLY", "ON"}, {"ECHO", "x"}});
  EXPECT_EQ(server.run_raw(server.client(), {"EXEC"}), "*4\r\n+OK\r\n$1\r\nx\r\n");
  EXPECT_EQ(run({"PING"}), "+PONG");
}

// ----------------------------------------------------------------------------------------- WATCH

TEST_F(Watch, ExecDoesNothingIfAKeyChanged) {
  run({"WATCH", "a", "b"});
  other({"SET", "b", "1"});
  queue({{"SET", "a", "1"}});
  EXPECT_EQ(run({"EXEC"}), "(nil)");
  EXPECT_EQ(run({"GET", "a"}), "(nil)");
  EXPECT_FALSE(broken());  // EXEC ends all watches
}

TEST_F(Watch, EveryKindOfChangeCounts) {
  const std::vector<std::vector<std::string>> changes = {
      {"SET", "k", "1"},         {"DEL", "k"},
      {"UNLINK", "k"},           {"EXPIRE", "k", "100"},
      {"PEXPIRE", "k", "-1"},    {"APPEND", "k", "x"},
      {"GETDEL", "k"},           {"RENAME", "k", "l"},
      {"RENAME", "l", "k"},      {"COPY", "l", "k", "REPLACE"},
      {"MOVE", "k", "1"},        {"FLUSHDB"},
      {"FLUSHALL", "ASYNC"},     {"SWAPDB", "0", "3"},
      {"SETBIT", "k", "0", "1"}, {"GETEX", "k", "EX", "100"}};
  for (const auto& change : changes) {
    run({"FLUSHALL"});
    run({"MSET", "k", "1", "l", "2"});
    run({"WATCH", "k"});
    other(change);
    EXPECT_TRUE(broken()) << change[0];
  }
}

TEST_F(Watch, WhatChangesNothingDoesNotCount) {
  const std::vector<std::vector<std::string>> attempts = {{"SETNX", "k", "2"},
                                                          {"SET", "k", "2", "NX"},
                                                          {"GET", "k"},
                                                          {"DEL", "m"},
                                                          {"SET", "m", "2", "XX"},
                                                          {"TOUCH", "k"},
                                                          {"PERSIST", "k"},
                                                          {"INCRBY", "k", "x"},
                                                          {"SETRANGE", "k", "0", ""},
                                                          {"SETBIT", "k", "1", "0"},
                                                          {"BITFIELD", "k", "SET", "u8", "0", "49"},
                                                          {"GETEX", "k"},
                                                          {"SWAPDB", "4", "5"},
                                                          {"RENAMENX", "l", "k"},
                                                          {"COPY", "l", "k"},
                                                          {"EXPIRE", "k", "100", "XX"}};
  for (const auto& attempt : attempts) {
    run({"MSET", "k", "1", "l", "2"});
    run({"WATCH", "k", "m"});
    other(attempt);
    EXPECT_FALSE(broken()) << attempt[0];
  }
}

TEST_F(Watch, OneSOwnChangesCountAsWell) {
  run({"WATCH", "k"});
  run({"SET", "k", "1"});
  EXPECT_TRUE(broken());
  run({"WATCH", "k"});
  queue({{"SET", "k", "2"}});
  EXPECT_EQ(run({"EXEC"}), "[+OK]");
}

TEST_F(Watch, OtherKeysAndDatabasesDoNotCount) {
  run({"WATCH", "k"});
  for (int i = 0; i < 3000; i++) other({"SET", "k" + std::to_string(i), "v"});
  other({"SELECT", "1"});
  other({"SET", "k", "1"});
  other({"FLUSHDB"});
  EXPECT_FALSE(broken());
}

TEST_F(Watch, AKeyIsWatchedInItsDatabase) {
  run({"WATCH", "k"});
  run({"SELECT", "1"});
  other({"SET", "k", "1"});
  EXPECT_TRUE(broken());
}

TEST_F(Watch, UnwatchForgets) {
  run({"WATCH", "k"});
  other({"SET", "k", "1"});
  EXPECT_EQ(run({"UNWATCH"}), "+OK");
  EXPECT_FALSE(broken());
}

TEST_F(Watch, UnwatchWithinATransactionComesTooLate) {
  run({"WATCH", "k"});
  other({"SET", "k", "1"});
  queue({{"UNWATCH"}});
  EXPECT_EQ(run({"EXEC"}), "(nil)");
}

TEST_F(Watch, ExpiryCountsEvenIfNobodyHasSeenIt) {
  run({"SET", "k", "v", "PX", "10"});
  run({"WATCH", "k"});
  server.clock().advance_ms(10);
  EXPECT_TRUE(broken());
}

TEST_F(Watch, ExpiryCountsWhereItWasSeen) {
  run({"SET", "k", "v", "PX", "10"});
  run({"WATCH", "k"});
  server.clock().advance_ms(10);
  other({"GET", "k"});
  EXPECT_TRUE(broken());
}

TEST_F(Watch, AKeyThatHadExpiredIsOneThatIsNotThere) {
  run({"SET", "k", "v", "PX", "10"});
  server.clock().advance_ms(10);
  run({"WATCH", "k"});
  other({"GET", "k"});
  other({"DEL", "k"});
  EXPECT_FALSE(broken());
  run({"WATCH", "k"});
  other({"SET", "k", "new"});
  EXPECT_TRUE(broken());
}

TEST_F(Watch, FlushingAndSwappingCountOnlyForKeysThatAreOrWere) {
  run({"WATCH", "k"});
  other({"FLUSHALL"});
  other({"SWAPDB", "0", "1"});
  EXPECT_FALSE(broken());
  other({"SELECT", "1"});
  other({"SET", "k", "1"});
  run({"WATCH", "k"});
  other({"SWAPDB", "0", "1"});
  EXPECT_TRUE(broken());
  other({"HSET", "hash", "f", "v"});
  other({"HPEXPIRE", "hash", "10", "FIELDS", "1", "f"});
  server.clock().advance_ms(11);
  run({"WATCH", "hash"});
  other({"SWAPDB", "0", "1"});
  EXPECT_FALSE(broken());
}

TEST_F(Watch, EvictionCounts) {
  run({"CONFIG", "SET", "maxmemory-policy", "allkeys-random"});
  run({"SET", "k", "v"});
  run({"WATCH", "k"});
  run({"CONFIG", "SET", "maxmemory", "1"});
  for (int i = 0; i < 100 && other({"EXISTS", "k"}) == "1"; i++) other({"SET", "l", "v"});
  run({"CONFIG", "SET", "maxmemory", "0"});
  ASSERT_EQ(other({"EXISTS", "k"}), "0");
  EXPECT_TRUE(broken());
}

TEST_F(Watch, ManyClientsMayWatchAKeyAndGoAtAnyTime) {
  std::vector<std::unique_ptr<FakeClient>> clients;
  for (int i = 0; i < 20; i++) clients.push_back(server.connect());
  for (auto& client : clients) server.run(*client, {"WATCH", "k", "k", "l"});
  for (size_t i = 0; i < clients.size(); i += 3) clients[i].reset();
  other({"SET", "k", "1"});
  for (auto& client : clients) {
    if (client == nullptr) continue;
    EXPECT_TRUE(client->watch_broken());
    server.run(*client, {"MULTI"});
    EXPECT_EQ(server.run(*client, {"EXEC"}), "(nil)");
  }
  EXPECT_EQ(server.server().store.observer(), nullptr);
}

TEST_F(Watch, NobodyIsToldOfChangesOnceNobodyWatches) {
  EXPECT_EQ(server.server().store.observer(), nullptr);
  run({"WATCH", "a", "b"});
  EXPECT_NE(server.server().store.observer(), nullptr);
  EXPECT_GT(server.client().watched_bytes(), 0u);
  queue({});
  run({"EXEC"});
  EXPECT_EQ(server.server().store.observer(), nullptr);
  EXPECT_EQ(server.client().watched_bytes(), 0u);
}

}  // namespace
}  // namespace larder
