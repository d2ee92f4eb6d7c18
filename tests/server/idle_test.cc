// Many connections that say nothing.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

// For this process and those that it starts.
bool raise_open_files(rlim_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return true;
  const rlimit raised{wanted, std::max(limit.rlim_max, wanted)};
  return setrlimit(RLIMIT_NOFILE, &raised) == 0;
}

std::vector<TestClient> connect_many(const ServerProcess& server, size_t count) {
  std::vector<TestClient> clients;
  clients.reserve(count);
  for (size_t i = 0; i < count; i++) clients.push_back(server.connect());
  return clients;
}

bool serves(const ServerProcess& server, size_t connections) {
  return eventually(
      [&] { return server.info("connected_clients") == std::to_string(connections + 1); });
}

class Idle : public testing::OnThreads {};
LARDER_ON_THREADS(Idle);

TEST_P(Idle, ThousandConnectionsTakeFourKilobytesEachAtMost) {
  constexpr size_t kConnections = 1000;
  if (!raise_open_files(kConnections + 100)) GTEST_SKIP() << "too few open files are allowed";
  ServerProcess server = start();
  const std::vector<TestClient> first = connect_many(server, 100);
  ASSERT_TRUE(serves(server, 100));
  const size_t before = server.resident_bytes();
  std::vector<TestClient> clients = connect_many(server, kConnections);
  for (TestClient& client : clients) ASSERT_EQ(client.call({"PING"}), "+PONG");
  ASSERT_TRUE(serves(server, kConnections + 100));
  if (!testing::kSanitized) {
    EXPECT_LE(server.resident_bytes() - before, kConnections * 4096);
  }
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Idle, TenThousandConnectionsAreServed) {
  constexpr size_t kConnections = 10'000;
  if (!raise_open_files(kConnections + 500)) GTEST_SKIP() << "too few open files are allowed";
  ServerProcess server = start({"--maxclients", "10100"});
  std::vector<TestClient> clients = connect_many(server, kConnections);
  ASSERT_TRUE(serves(server, kConnections));
  for (size_t i = 0; i < kConnections; i += 97) ASSERT_EQ(clients[i].call({"PING"}), "+PONG");
  for (size_t i = 0; i < kConnections; i += 2) clients[i].close();
  for (size_t i = 1; i < kConnections; i += 98) ASSERT_EQ(clients[i].call({"PING"}), "+PONG");
  EXPECT_TRUE(serves(server, kConnections / 2));
  EXPECT_TRUE(server.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
