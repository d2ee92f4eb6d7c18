// Work that takes long, and peers that never stop asking: the others have their turn meanwhile. One
// thread, so that they share it.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

// A connection that pipelines without end, from construction to destruction.
class Flood {
 public:
  explicit Flood(const ServerProcess& server)
      : client_(server.connect()), thread_([this] { run(); }) {}
  ~Flood() {
    stop_ = true;
    thread_.join();
  }
  int rounds() const { return rounds_; }

 private:
  void run() {
    constexpr int kRequests = 2000;
    std::string bytes;
    for (int i = 0; i < kRequests; i++) bytes += "SET flood value\r\n";
    client_.send(bytes);
    while (!stop_) {  // one round is always on its way
      client_.send(bytes);
      for (int i = 0; i < kRequests; i++) client_.reply();
      rounds_++;
    }
  }

  TestClient client_;
  std::atomic<bool> stop_{false};
  std::atomic<int> rounds_{0};
  std::thread thread_;
};

TEST(Fairness, EndlessPipelinesLeaveOthersTheirTurn) {
  ServerProcess server(1, {});
  TestClient other = server.connect();
  const Flood first(server);
  const Flood second(server);
  ASSERT_TRUE(eventually([&] { return first.rounds() > 2 && second.rounds() > 2; }));
  for (int i = 0; i < 100; i++) EXPECT_EQ(other.call({"PING"}), "+PONG");
  const int rounds = first.rounds();
  EXPECT_TRUE(eventually([&] { return first.rounds() > rounds; }));
}

// libuv takes 1,024 events at once and polls again, in the same turn, when there were so many: a
// connection may then have bytes for the second time before its first ones have been looked at.
TEST(Fairness, BytesThatArriveWhileAThousandOthersAreReadAreAnswered) {
  constexpr size_t kConnections = 1030;
  constexpr int kMore = 200;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::max<rlim_t>(files.rlim_cur, kConnections + 100);
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) GTEST_SKIP() << "too few files may be open";
  ServerProcess server(1, {});
  std::vector<TestClient> clients;
  for (size_t i = 0; i < kConnections; i++) clients.push_back(server.connect());
  for (int round = 0; round < 10; round++) {
    server.process().signal(SIGSTOP);
    for (TestClient& client : clients) client.request({"PING"});
    server.process().signal(SIGCONT);
    for (int i = 0; i < kMore; i++) {
      clients[0].request({"PING"});
      clients[1].request({"PING"});
    }
    for (TestClient& client : clients) ASSERT_EQ(client.reply(), "+PONG");
    for (int i = 0; i < kMore; i++) {
      ASSERT_EQ(clients[0].reply(), "+PONG");
      ASSERT_EQ(clients[1].reply(), "+PONG");
    }
  }
  EXPECT_TRUE(server.stops(SIGTERM));
}

// How many of another client's commands are answered before `client` has its reply.
int served_before_reply(const ServerProcess& server, const TestClient& client) {
  TestClient other = server.connect();
  int served = 0;
  while (client.silent(0) && other.call({"PING"}) == "+PONG") served++;
  return served;
}

TEST(Fairness, KeysOfManyKeysLeavesOthersTheirTurn) {
  constexpr int kKeys = 300'000;
  ServerProcess server(1, {});
  testing::populate(server, kKeys);
  TestClient client = server.connect();
  client.request({"KEYS", "*"});
  EXPECT_GE(served_before_reply(server, client), 3);
  EXPECT_EQ(client.read_reply().elements.size(), static_cast<size_t>(kKeys));
}

TEST(Fairness, FlushOfManyKeysLeavesOthersTheirTurn) {
  ServerProcess server(1, {});
  testing::populate(server, 300'000);
  TestClient client = server.connect();
  client.request({"FLUSHALL", "SYNC"});
  EXPECT_GE(served_before_reply(server, client), 3);
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.call({"DBSIZE"}), "0");
}

TEST(Fairness, FlushInTheBackgroundGivesTheMemoryBack) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer keeps freed memory";
  for (const int threads : {1, 2}) {
    ServerProcess server(threads, {});
    const int64_t empty = std::stoll(server.info("used_memory"));
    testing::populate(server, 200'000);
    ASSERT_TRUE(
        eventually([&] { return std::stoll(server.info("used_memory")) > empty + 5'000'000; }));
    TestClient client = server.connect();
    EXPECT_EQ(client.call({"FLUSHALL", "ASYNC"}), "+OK");
    EXPECT_EQ(client.call({"DBSIZE"}), "0");
    EXPECT_TRUE(
        eventually([&] { return std::stoll(server.info("used_memory")) < empty + 2'000'000; }));
    EXPECT_TRUE(server.stops(SIGTERM));
  }
}

class Expiry : public testing::OnThreads {};
LARDER_ON_THREADS(Expiry);

TEST_P(Expiry, RemovesKeysThatNobodyReads) {
  constexpr int kKeys = 20'000;
  ServerProcess server = start();
  EXPECT_EQ(server.connect().call({"SET", "lasting", "value"}), "+OK");
  testing::populate(server, kKeys, "PX 50");
  TestClient client = server.connect();
  EXPECT_TRUE(eventually([&] { return client.call({"DBSIZE"}) == "1"; }));
  EXPECT_EQ(server.info("expired_keys"), std::to_string(kKeys));
  EXPECT_EQ(client.call({"GET", "lasting"}), "\"value\"");
}

TEST(Expiry, RemovesKeysWhileAllAreBusy) {
  ServerProcess server(1, {});
  testing::populate(server, 20'000, "PX 50");
  std::vector<std::unique_ptr<Flood>> floods;
  for (int i = 0; i < 12; i++) floods.push_back(std::make_unique<Flood>(server));
  TestClient client = server.connect();
  EXPECT_TRUE(eventually([&] { return client.call({"DBSIZE"}) == "1"; }));  // the floods' key
}

}  // namespace
}  // namespace larder
