#include <gtest/gtest.h>

#include "server/core/output.h"
#include "server/core/version.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using core::Continuation;
using core::Dispatcher;
using testing::InProcess;

TEST(Time, AnswersSecondsAndMicroseconds) {
  InProcess server;
  server.clock().set_ms(1'700'000'001'234);
  EXPECT_EQ(server.run({"TIME"}), "[\"1700000001\", \"234000\"]");
}

TEST(Lastsave, IsTheStart) {
  InProcess server;
  server.server().identity.started_ms = 1'700'000'005'999;
  server.clock().advance_ms(60'000);
  EXPECT_EQ(server.run({"LASTSAVE"}), "1700000005");
}

TEST(Role, IsAMasterWithoutReplicas) {
  InProcess server;
  EXPECT_EQ(server.run({"ROLE"}), "[\"master\", 0, []]");
}

TEST(Wait, ForNoReplicasAnswersAtOnce) {
  InProcess server;
  const int64_t start_ms = server.clock().now_ms();
  EXPECT_EQ(server.run({"WAIT", "0", "1000"}), "0");
  EXPECT_EQ(server.run({"WAIT", "-1", "0"}), "0");
  EXPECT_EQ(server.clock().now_ms(), start_ms);
}

TEST(Wait, ForReplicasTakesItsTimeout) {
  InProcess server;
  const int64_t start_ms = server.clock().now_ms();
  EXPECT_EQ(server.run({"WAIT", "1", "250"}), "0");
  EXPECT_EQ(server.clock().now_ms(), start_ms + 250);
}

TEST(Wait, ChecksItsNumbersInOrder) {
  InProcess server;
  EXPECT_EQ(server.run({"WAIT", "x", "-1"}), "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"WAIT", "0", "x"}),
            "(error) ERR timeout is not an integer or out of range");
  EXPECT_EQ(server.run({"WAIT", "0", "-1"}), "(error) ERR timeout is negative");
}

// Runs WAIT until it waits, unblocks it and answers the reply.
std::string unblocked_wait(const std::string& timeout, bool with_error) {
  InProcess server;
  Dispatcher dispatcher(server.server(), 0);
  core::Output out;
  const std::vector<std::string_view> arguments = {"WAIT", "1", timeout};
  dispatcher.start_timing();
  const int64_t now_ms = server.clock().now_ms();
  EXPECT_EQ(dispatcher.run(server.client(), arguments, out, now_ms),
            Dispatcher::Outcome::kContinues);
  Dispatcher::Suspended suspended = dispatcher.take_suspended();
  EXPECT_EQ(suspended.continuation->wake_at_ms(), Continuation::kNever);
  EXPECT_EQ(dispatcher.resume(server.client(), suspended, out, now_ms),
            Continuation::Progress::kWaiting);
  EXPECT_TRUE(suspended.continuation->unblock(with_error));
  EXPECT_EQ(dispatcher.resume(server.client(), suspended, out, now_ms),
            Continuation::Progress::kDone);
  return std::string(out.text());
}

TEST(Wait, WithoutTimeoutEndsByUnblocking) {
  EXPECT_EQ(unblocked_wait("0", false), ":0\r\n");
  EXPECT_EQ(unblocked_wait("0", true), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  EXPECT_EQ(unblocked_wait("9223372036854775807", false), ":0\r\n");
}

TEST(Shutdown, EndsTheServerWithoutAReply) {
  for (const std::vector<std::string>& options : {std::vector<std::string>{"SHUTDOWN"},
                                                  {"SHUTDOWN", "nosave", "NOW"},
                                                  {"SHUTDOWN", "SAVE", "FORCE"},
                                                  {"SHUTDOWN", "FORCE", "FORCE"}}) {
    InProcess server;
    EXPECT_EQ(server.run_raw(server.client(), options), "");
    EXPECT_EQ(server.shutdowns, 1);
  }
}

TEST(Shutdown, RefusesToSaveWhatItCannot) {
  InProcess server;
  EXPECT_EQ(server.run({"SHUTDOWN", "SAVE"}).substr(0, 37),
            "(error) ERR Errors trying to SHUTDOWN");
  EXPECT_EQ(server.shutdowns, 0);
}

TEST(Shutdown, RefusesWhatContradictsItself) {
  InProcess server;
  const std::string wrong = "(error) ERR syntax error";
  EXPECT_EQ(server.run({"SHUTDOWN", "SAVE", "NOSAVE"}), wrong);
  EXPECT_EQ(server.run({"SHUTDOWN", "ABORT", "NOW"}), wrong);
  EXPECT_EQ(server.run({"SHUTDOWN", "LATER"}), wrong);
  EXPECT_EQ(server.run({"SHUTDOWN", "ABORT"}), "(error) ERR No shutdown in progress.");
  EXPECT_EQ(server.shutdowns, 0);
}

TEST(Lolwut, EndsWithTheVersion) {
  InProcess server;
  const std::string version = std::string("Larder ver. ") + core::kLarderVersion + "\n";
  protocol::Reply reply;
  protocol::read_reply(server.run_raw(server.client(), {"LOLWUT"}), reply);
  EXPECT_NE(reply.text.find(".--."), std::string::npos);
  EXPECT_TRUE(reply.text.ends_with(version));
  protocol::read_reply(server.run_raw(server.client(), {"LOLWUT", "VERSION", "5"}), reply);
  EXPECT_EQ(reply.text, version);
  EXPECT_EQ(server.run({"LOLWUT", "VERSION", "x"}),
            "(error) ERR value is not an integer or out of range");
}

TEST(Lolwut, IsVerbatimTextInResp3) {
  InProcess server;
  server.client().set_resp(protocol::RespVersion::k3);
  EXPECT_EQ(server.run_raw(server.client(), {"LOLWUT", "VERSION", "9"}).substr(0, 1), "=");
}

TEST(Acl, KnowsOneUser) {
  InProcess server;
  EXPECT_EQ(server.run({"ACL", "WHOAMI"}), "\"default\"");
  EXPECT_EQ(server.run({"ACL", "USERS"}), "[\"default\"]");
  EXPECT_EQ(server.run({"ACL", "NOSUCH"}),
            "(error) ERR unknown subcommand 'NOSUCH'. Try ACL HELP.");
}

TEST(Acl, ListsCategoriesAndTheirCommands) {
  InProcess server;
  const std::string categories = server.run({"ACL", "CAT"});
  EXPECT_EQ(categories.substr(0, 20), "[\"keyspace\", \"read\",");
  const std::string strings = server.run({"ACL", "CAT", "STRING"});
  EXPECT_NE(strings.find("\"get\""), std::string::npos);
  EXPECT_EQ(strings.find("\"time\""), std::string::npos);
  EXPECT_EQ(server.run({"ACL", "CAT", "nosuch"}), "(error) ERR Unknown category 'nosuch'");
  EXPECT_EQ(server.run({"ACL", "CAT", "a", "b"}),
            "(error) ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.");
}

}  // namespace
}  // namespace larder
