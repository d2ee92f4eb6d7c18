// A peer that goes away, in order or with a reset, in whatever state its connection is: nothing of
// it stays, and nobody else notices.
#include <gtest/gtest.h>

#include <csignal>
#include <random>
#include <string>
#include <utility>
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

// What brings a connection into one of the states that it can be left in.
std::string into_some_state(std::mt19937& random, const std::string& other_id) {
  static const std::vector<std::string> kStates = {
      "BLPOP list other 0\r\n",
      "BLMOVE list other LEFT RIGHT 0\r\n",
      "BZPOPMIN sorted 0\r\n",
      "BLPOP list 0.01\r\nGET key\r\n",
      "WATCH key list\r\nMULTI\r\nSET key 1\r\nRPUSH list 1\r\n",
      "WATCH key\r\nGET key\r\n",
      "MULTI\r\nINCR counter\r\nEVAL 'for i=1,300000 do end' 0\r\nEXEC\r\n",
      "EVAL 'for i=1,1000000 do end return redis.call(\"INCR\",KEYS[1])' 1 counter\r\n",
      "EVAL 'for i=1,1000000 do redis.call(\"GET\",\"k\"..(i%9)) end' 0\r\n",
      "SUBSCRIBE a b\r\nPSUBSCRIBE *\r\n",
      "HELLO 3\r\nSUBSCRIBE a\r\nGET key\r\n",
      "HELLO 3\r\nCLIENT TRACKING ON\r\nGET key\r\nGET counter\r\nMGET list key\r\n",
      "HELLO 3\r\nCLIENT TRACKING ON BCAST PREFIX k NOLOOP\r\nSET key 2\r\n",
      "CLIENT TRACKING ON OPTIN\r\nCLIENT CACHING YES\r\nGET key\r\n",
      "MONITOR\r\n",
      "DEBUG SLEEP 0\r\nKEYS *\r\nSCAN 0\r\nGET",
  };
  const size_t state = random() % (kStates.size() + 1);
  if (state < kStates.size()) return kStates[state];
  return "CLIENT TRACKING ON REDIRECT " + other_id + "\r\nGET key\r\n";
}

TEST_P(Disconnect, AThousandInAnyState) {
  constexpr int kConnections = 1000;
  std::mt19937 random(5);
  TestClient writer = server_.connect();
  writer.call({"CONFIG", "SET", "busy-reply-threshold", "1"});
  std::vector<TestClient> clients;
  std::string id = "1";
  for (int i = 0; i < kConnections; i++) {
    clients.push_back(server_.connect());
    if (i % 20 == 0) id = clients.back().call({"CLIENT", "ID"});
    clients.back().send(into_some_state(random, id));
    if (i % 5 == 0) {
      writer.send(
          "SET key 3\r\nRPUSH list a b\r\nZADD sorted 1 m\r\nPUBLISH a news\r\nDEL list\r\n");
      for (int reply = 0; reply < 5; reply++) writer.read_reply();
    }
    if (clients.size() > 30) {
      std::swap(clients[random() % clients.size()], clients.back());
      leave(clients.back());
      clients.pop_back();
    }
  }
  for (TestClient& client : clients) leave(client);
  clients.clear();
  writer.close();
  EXPECT_TRUE(eventually([&] { return server_.info("connected_clients") == "1"; }));
  for (const char* field : {"tracking_clients", "tracking_total_items", "tracking_total_prefixes",
                            "pubsub_clients", "pubsub_channels", "pubsub_patterns"}) {
    EXPECT_TRUE(eventually([&] { return server_.info(field) == "0"; })) << field;
  }
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
