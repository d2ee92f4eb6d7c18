// A peer that goes away, in order or with a reset, in whatever state its connection is: nothing of
// it stays, and nobody else notices.
#include <gtest/gtest.h>

#include <csignal>
#include <vector>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

enum class Way { kInOrder, kReset };

struct Circumstances {
  int threads;
  Way way;
};

std::string print(const ::testing::TestParamInfo<Circumstances>& info) {
  return std::to_string(info.param.threads) +
         (info.param.way == Way::kInOrder ? "ThreadsInOrder" : "ThreadsReset");
}

class Disconnect : public ::testing::TestWithParam<Circumstances> {
 protected:
  Disconnect() : server_(GetParam().threads, {}) {}

  void leave(TestClient& client) {
    if (GetParam().way == Way::kInOrder) {
      client.close();
    } else {
      client.reset();
    }
  }

  // Whether only the connection that asks is left, and the server can still end well.
  void expect_nothing_left() {
    EXPECT_TRUE(eventually([&] { return server_.info("connected_clients") == "1"; }));
    EXPECT_EQ(server_.info("blocked_clients"), "0");
    testing::expect_served(server_);
    EXPECT_TRUE(server_.stops(SIGTERM));
  }

  ServerProcess server_;
};

INSTANTIATE_TEST_SUITE_P(Ways, Disconnect,
                         ::testing::Values(Circumstances{1, Way::kInOrder},
                                           Circumstances{1, Way::kReset},
                                           Circumstances{2, Way::kInOrder},
                                           Circumstances{2, Way::kReset}),
                         print);

TEST_P(Disconnect, RightAfterConnecting) {
  for (int i = 0; i < 200; i++) {
    TestClient client = server_.connect();
    leave(client);
  }
  expect_nothing_left();
}

TEST_P(Disconnect, InTheMiddleOfARequest) {
  for (const std::string part :
       {"*", "*3\r\n", "*3\r\n$3\r\nSE", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9\r\n", "GET"}) {
    TestClient client = server_.connect();
    client.send("PING\r\n" + part);
    EXPECT_EQ(client.reply(), "+PONG");
    leave(client);
  }
  expect_nothing_left();
}

TEST_P(Disconnect, InTheMiddleOfALargeValue) {
  TestClient client = server_.connect();
  client.send("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$100000000\r\n" + std::string(1'000'000, 'v'));
  leave(client);
  EXPECT_EQ(server_.connect().call({"GET", "key"}), "(nil)");
  expect_nothing_left();
}

TEST_P(Disconnect, InTheMiddleOfAPipeline) {
  std::string bytes;
  for (int i = 0; i < 20'000; i++) bytes += "SET key value\r\n";
  TestClient client = server_.connect();
  client.send(bytes);
  leave(client);
  expect_nothing_left();
}

TEST_P(Disconnect, InTheMiddleOfAReply) {
  TestClient client = server_.connect();
  EXPECT_EQ(client.call({"SET", "key", std::string(20'000'000, 'v')}), "+OK");
  client.send("GET key\r\nGET key\r\nGET key\r\n");
  EXPECT_TRUE(eventually([&] { return !client.silent(0); }));
  leave(client);
  expect_nothing_left();
}

TEST_P(Disconnect, WhileACommandBlocks) {
  TestClient client = server_.connect();
  client.request({"WAIT", "1", "0"});
  EXPECT_TRUE(eventually([&] { return server_.info("blocked_clients") == "1"; }));
  client.request({"PING"});
  leave(client);
  expect_nothing_left();
}

// More than are closed in one turn of the loop.
TEST_P(Disconnect, ManyAtOnce) {
  std::vector<TestClient> clients;
  for (int i = 0; i < 200; i++) {
    clients.push_back(server_.connect());
    EXPECT_EQ(clients.back().call({"PING"}), "+PONG");
  }
  for (TestClient& client : clients) leave(client);
  expect_nothing_left();
}

TEST_P(Disconnect, WhilePaused) {
  TestClient other = server_.connect();
  EXPECT_EQ(other.call({"CLIENT", "PAUSE", "100000", "WRITE"}), "+OK");
  TestClient client = server_.connect();
  client.request({"SET", "key", "value"});
  leave(client);
  EXPECT_TRUE(eventually([&] { return server_.info("connected_clients") == "2"; }));
  EXPECT_EQ(other.call({"CLIENT", "UNPAUSE"}), "+OK");
  EXPECT_EQ(other.call({"GET", "key"}), "(nil)");
  other.close();
  expect_nothing_left();
}

TEST_P(Disconnect, InMonitorMode) {
  TestClient client = server_.connect();
  EXPECT_EQ(client.call({"MONITOR"}), "+OK");
  TestClient other = server_.connect();
  EXPECT_EQ(other.call({"PING"}), "+PONG");
  leave(client);
  for (int i = 0; i < 100; i++) EXPECT_EQ(other.call({"PING"}), "+PONG");
  other.close();
  expect_nothing_left();
}

TEST_P(Disconnect, WhileALongCommandRuns) {
  testing::populate(server_, 100'000);
  TestClient client = server_.connect();
  client.send("KEYS *\r\nKEYS *\r\nKEYS *\r\n");
  leave(client);
  expect_nothing_left();
}

TEST_P(Disconnect, AfterAProtocolError) {
  TestClient client = server_.connect();
  client.send("*x\r\n" + std::string(100'000, 'x'));
  leave(client);
  expect_nothing_left();
}

}  // namespace
}  // namespace larder
