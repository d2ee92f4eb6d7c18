#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

void add(InProcess& server, const std::string& name, int64_t duration_us) {
  const std::vector<std::string_view> arguments{name, "x"};
  server.server().slowlog.add(arguments, 1234, duration_us, "10.0.0.1:5", "me", 128);
}

TEST(Slowlog, AnswersTheNewestFirst) {
  InProcess server;
  EXPECT_EQ(server.run({"SLOWLOG", "GET"}), "[]");
  add(server, "first", 11);
  add(server, "second", 22);
  EXPECT_EQ(server.run({"SLOWLOG", "GET"}),
            "[[1, 1234, 22, [\"second\", \"x\"], \"10.0.0.1:5\", \"me\"], "
            "[0, 1234, 11, [\"first\", \"x\"], \"10.0.0.1:5\", \"me\"]]");
  EXPECT_EQ(server.run({"SLOWLOG", "GET", "1"}),
            "[[1, 1234, 22, [\"second\", \"x\"], \"10.0.0.1:5\", \"me\"]]");
  EXPECT_EQ(server.run({"SLOWLOG", "GET", "0"}), "[]");
}

TEST(Slowlog, GetAnswersTenUnlessAsked) {
  InProcess server;
  for (int i = 0; i < 12; i++) add(server, "c", i);
  const auto answered = [&](const std::vector<std::string>& request) {
    protocol::Reply reply;
    protocol::read_reply(server.run_raw(server.client(), request), reply);
    return reply.elements.size();
  };
  EXPECT_EQ(answered({"SLOWLOG", "GET"}), 10u);
  EXPECT_EQ(answered({"SLOWLOG", "GET", "-1"}), 12u);
  EXPECT_EQ(server.run({"SLOWLOG", "LEN"}), "12");
}

TEST(Slowlog, RefusesBadCounts) {
  InProcess server;
  const std::string bad = "(error) ERR count should be greater than or equal to -1";
  EXPECT_EQ(server.run({"SLOWLOG", "GET", "-2"}), bad);
  EXPECT_EQ(server.run({"SLOWLOG", "GET", "x"}), bad);
  EXPECT_EQ(server.run({"SLOWLOG", "get", "1", "2"}),
            "(error) ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG "
            "HELP.");
}

TEST(Slowlog, ResetKeepsCountingIds) {
  InProcess server;
  add(server, "first", 11);
  EXPECT_EQ(server.run({"SLOWLOG", "RESET"}), "+OK");
  EXPECT_EQ(server.run({"SLOWLOG", "LEN"}), "0");
  add(server, "second", 22);
  EXPECT_EQ(server.run({"SLOWLOG", "GET"}),
            "[[1, 1234, 22, [\"second\", \"x\"], \"10.0.0.1:5\", \"me\"]]");
}

TEST(Slowlog, TakesCommandsAboveTheThreshold) {
  InProcess server;
  server.run({"CONFIG", "SET", "slowlog-log-slower-than", "-1"});
  server.run({"PING"});
  EXPECT_EQ(server.server().slowlog.size(), 0u);
  server.run({"CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "2"});
  server.run({"PING"});
  server.run({"ECHO", std::string(130, 'e')});
  const auto entries = server.server().slowlog.newest(-1);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].arguments,
            (std::vector<std::string>{"ECHO", std::string(128, 'e') + "... (2 more bytes)"}));
  EXPECT_EQ(entries[0].at_s, 1'700'000'000);
  EXPECT_EQ(entries[0].peer, "127.0.0.1:50000");
  EXPECT_EQ(entries[1].arguments, (std::vector<std::string>{"PING"}));
}

}  // namespace
}  // namespace larder
