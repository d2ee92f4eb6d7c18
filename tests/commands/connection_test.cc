#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

TEST(Ping, AnswersPongOrItsArgument) {
  InProcess server;
  EXPECT_EQ(server.run({"PING"}), "+PONG");
  EXPECT_EQ(server.run({"ping", "hello"}), "\"hello\"");
  EXPECT_EQ(server.run({"PING", "a", "b"}),
            "(error) ERR wrong number of arguments for 'ping' command");
}

}  // namespace
}  // namespace larder
