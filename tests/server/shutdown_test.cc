// How a server ends: it accepts nobody else, answers what it has received, sends what is due, and
// waits for nobody who does not read.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::encode;
using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

class Shutdown : public testing::OnThreads {};
LARDER_ON_THREADS(Shutdown);

TEST_P(Shutdown, SignalsEndTheServerWell) {
  for (const int signal : {SIGTERM, SIGINT}) {
    ServerProcess server = start();
    TestClient idle = server.connect();
    TestClient half = server.connect();
    EXPECT_EQ(idle.call({"PING"}), "+PONG");
    half.send("PING\r\n*2\r\n$3\r\nGE");
    EXPECT_EQ(half.reply(), "+PONG");
    EXPECT_TRUE(server.stops(signal));
    EXPECT_TRUE(idle.closed());
    EXPECT_TRUE(half.closed());
    EXPECT_NE(server.process().errors().find("Stopped"), std::string::npos);
  }
}

TEST_P(Shutdown, CommandEndsTheServerWithoutAReply) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"SHUTDOWN"}, {"SHUTDOWN", "NOSAVE", "NOW"}}) {
    ServerProcess server = start();
    TestClient client = server.connect();
    TestClient other = server.connect();
    EXPECT_EQ(other.call({"PING"}), "+PONG");
    client.request(words);
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(other.closed());
    EXPECT_TRUE(server.ends());
  }
}

// The process is stopped while they are sent, so that it finds all in its sockets beside the
// signal.
TEST_P(Shutdown, RequestsInTheSocketsAreAnswered) {
  constexpr int kRequests = 3000;
  ServerProcess server = start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 4; i++) {
    clients.push_back(server.connect());
    EXPECT_EQ(clients.back().call({"PING"}), "+PONG");
  }
  server.process().signal(SIGSTOP);
  std::string bytes;
  for (int i = 0; i < kRequests; i++) bytes += encode({"INCR", "counter"});
  for (TestClient& client : clients) client.send(bytes);
  server.process().signal(SIGTERM);
  server.process().signal(SIGCONT);
  int64_t highest = 0;
  for (TestClient& client : clients) {
    for (int i = 0; i < kRequests; i++) highest = std::max(highest, client.read_reply().integer);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(highest, kRequests * 4);
  EXPECT_TRUE(server.ends());
}

TEST_P(Shutdown, RepliesThatAreDueAreSent) {
  constexpr int kReplies = 20;
  const std::string value(1'000'000, 'v');
  ServerProcess server = start();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"SET", "key", value}), "+OK");
  std::string bytes;
  for (int i = 0; i < kReplies; i++) bytes += "GET key\r\n";
  client.send(bytes);
  EXPECT_TRUE(eventually([&] { return !client.silent(0); }));
  server.process().signal(SIGTERM);
  int right = 0;
  for (int i = 0; i < kReplies; i++) right += client.read_reply().text == value;
  EXPECT_EQ(right, kReplies);
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(server.ends());
}

TEST_P(Shutdown, WaitingCommandsAreAnswered) {
  ServerProcess server = start();
  TestClient blocked = server.connect();
  blocked.send(encode({"WAIT", "1", "0"}) + encode({"PING"}));
  EXPECT_TRUE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  EXPECT_EQ(server.connect().call({"CLIENT", "PAUSE", "1000000", "WRITE"}), "+OK");
  TestClient paused = server.connect();
  paused.send(encode({"PING"}) + encode({"SET", "key", "value"}) + encode({"GET", "key"}));
  EXPECT_EQ(paused.reply(), "+PONG");
  server.process().signal(SIGTERM);
  EXPECT_EQ(blocked.reply(), "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK");
  EXPECT_EQ(blocked.reply(), "+PONG");
  EXPECT_TRUE(blocked.closed());
  EXPECT_EQ(paused.reply(), "+OK");
  EXPECT_EQ(paused.reply(), "\"value\"");
  EXPECT_TRUE(paused.closed());
  EXPECT_TRUE(server.ends());
}

TEST_P(Shutdown, LongCommandIsFinished) {
  constexpr int kKeys = 100'000;
  ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"PING"}), "+PONG");
  server.process().signal(SIGSTOP);
  client.send("KEYS *\r\nPING\r\n");
  server.process().signal(SIGTERM);
  server.process().signal(SIGCONT);
  EXPECT_EQ(client.read_reply().elements.size(), static_cast<size_t>(kKeys));
  EXPECT_EQ(client.reply(), "+PONG");
  EXPECT_TRUE(server.ends());
}

// It waits some seconds for this client, and meanwhile accepts nobody.
TEST_P(Shutdown, WhoDoesNotReadIsNotWaitedForForEver) {
  ServerProcess server = start();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"SET", "key", std::string(30'000'000, 'v')}), "+OK");
  client.request({"GET", "key"});
  EXPECT_TRUE(eventually([&] { return !client.silent(0); }));
  server.process().signal(SIGTERM);
  EXPECT_TRUE(eventually([&] {
    try {
      server.connect();
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  }));
  EXPECT_TRUE(server.process().running());
  EXPECT_TRUE(server.ends());
  EXPECT_LT(client.skip_to_end(), 30'000'000u);
}

TEST_P(Shutdown, EndlessPipelineDoesNotKeepTheServer) {
  ServerProcess server = start();
  TestClient client = server.connect();
  std::string bytes;
  for (int i = 0; i < 10'000; i++) bytes += "PING\r\n";
  client.send(bytes);
  try {
    for (int round = 0;; round++) {  // one more is always on its way
      client.send(bytes);
      if (round == 3) server.process().signal(SIGTERM);
      for (int i = 0; i < 10'000; i++) client.reply();
    }
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(server.ends());
}

TEST_P(Shutdown, WithManyConnectionsIsQuickAndComplete) {
  ServerProcess server = start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 500; i++) clients.push_back(server.connect());
  for (TestClient& client : clients) client.request({"PING"});
  for (TestClient& client : clients) EXPECT_EQ(client.reply(), "+PONG");
  EXPECT_TRUE(server.stops(SIGTERM));
  for (TestClient& client : clients) EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace larder
