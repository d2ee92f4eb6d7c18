// Limits on connections, descriptors, input, output and idleness: who passes one is turned away,
// the others are served.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

class Limits : public testing::OnThreads {};
LARDER_ON_THREADS(Limits);

constexpr size_t kMegabyte = 1024 * 1024;

// Sends until the server, which is about to close the connection, takes no more.
void send_until_closed(TestClient& client, const std::string& bytes) {
  try {
    client.send(bytes);
  } catch (const std::runtime_error&) {
  }
  client.skip_to_end();
}

// Connections closed before may still be counted for a moment.
TestClient connect_when_there_is_room(const ServerProcess& server) {
  while (true) {
    TestClient client = server.connect();
    if (client.call({"PING"}) == "+PONG") return client;
  }
}

TEST_P(Limits, OneClientTooManyIsTurnedAway) {
  ServerProcess server = start({"--maxclients", "3"});
  TestClient first = connect_when_there_is_room(server);
  TestClient second = connect_when_there_is_room(server);
  TestClient third = connect_when_there_is_room(server);
  TestClient fourth = server.connect();
  EXPECT_EQ(fourth.reply(), "(error) ERR max number of clients reached");
  EXPECT_TRUE(fourth.closed());
  EXPECT_EQ(first.call({"CONFIG", "SET", "maxclients", "4"}), "+OK");
  TestClient fifth = server.connect();
  EXPECT_EQ(fifth.call({"PING"}), "+PONG");
  second.close();
  connect_when_there_is_room(server);
  EXPECT_NE(server.info("rejected_connections"), "0");
  EXPECT_TRUE(server.stops(SIGTERM));
}

// As Linux' /proc/<id>/status says: how many descriptors the process can have before the table must
// grow, which keeps the thread that makes it grow waiting.
size_t descriptor_table_size(const ServerProcess& server) {
  std::ifstream status("/proc/" + std::to_string(server.process().id()) + "/status");
  for (std::string name; status >> name;) {
    size_t size = 0;
    if (name == "FDSize:" && status >> size) return size;
  }
  return 0;
}

TEST_P(Limits, DescriptorsOfAllClientsAreReservedAtOnce) {
  ServerProcess server = start({"--maxclients", "3000"});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"PING"}), "+PONG");
  EXPECT_GE(descriptor_table_size(server), 3000u);
  EXPECT_EQ(client.call({"CONFIG", "SET", "maxclients", "6000"}), "+OK");
  EXPECT_GE(descriptor_table_size(server), 6000u);
  EXPECT_TRUE(server.stops(SIGTERM));
}

size_t highest_descriptor(const ServerProcess& server) {
  size_t highest = 0;
  const std::string folder = "/proc/" + std::to_string(server.process().id()) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    highest = std::max<size_t>(highest, std::stoul(entry.path().filename()));
  }
  return highest;
}

// Connects until a connection is closed without a word.
std::vector<TestClient> take_all_descriptors(const ServerProcess& server) {
  std::vector<TestClient> clients;
  while (true) {
    TestClient client = server.connect();
    try {
      if (client.call({"PING"}) == "+PONG") clients.push_back(std::move(client));
    } catch (const std::runtime_error&) {
      return clients;
    }
  }
}

TEST_P(Limits, ServerOutOfDescriptorsGoesOnAndRecovers) {
  ServerProcess server = start();
  const rlimit limit{highest_descriptor(server) + 5, highest_descriptor(server) + 5};
  ASSERT_EQ(prlimit(server.process().id(), RLIMIT_NOFILE, &limit, nullptr), 0);
  std::vector<TestClient> clients = take_all_descriptors(server);
  ASSERT_GE(clients.size(), 2u);
  for (TestClient& client : clients) EXPECT_EQ(client.call({"PING"}), "+PONG");
  EXPECT_NE(server.process().errors().find("Too many open files"), std::string::npos);
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server.info("connected_clients") == "1"; }));
  EXPECT_NE(server.info("rejected_connections"), "0");
  EXPECT_TRUE(server.stops(SIGTERM));
}

// Not even the spare descriptor is of use: its number is above the limit.
TEST_P(Limits, ServerThatCannotAcceptDoesNotSpin) {
  ServerProcess server = start();
  TestClient served = server.connect();
  EXPECT_EQ(served.call({"PING"}), "+PONG");
  const rlimit limit{4, 1'000};
  ASSERT_EQ(prlimit(server.process().id(), RLIMIT_NOFILE, &limit, nullptr), 0);
  TestClient waiting = server.connect();
  waiting.request({"PING"});
  const int64_t before_ms = server.processor_ms();
  constexpr int kWatchedMs = 300;
  EXPECT_TRUE(waiting.silent(kWatchedMs));
  EXPECT_LT(server.processor_ms() - before_ms, kWatchedMs / 2);
  EXPECT_EQ(served.call({"PING"}), "+PONG");
  const rlimit enough{1'000, 1'000};
  ASSERT_EQ(prlimit(server.process().id(), RLIMIT_NOFILE, &enough, nullptr), 0);
  EXPECT_EQ(waiting.reply(), "+PONG");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST(Limits, LowLimitOnOpenFilesLowersMaxclients) {
  ServerProcess server({"--threads", "2"}, 100);
  EXPECT_NE(server.process().errors().find("The system allows 100 open files"), std::string::npos);
  const int fitting = std::stoi(server.info("maxclients"));
  ASSERT_LT(fitting, 100);
  std::vector<TestClient> clients;
  for (int i = 0; i < fitting; i++) clients.push_back(connect_when_there_is_room(server));
  EXPECT_EQ(server.connect().reply(), "(error) ERR max number of clients reached");
  EXPECT_EQ(clients.front().call({"PING"}), "+PONG");
}

TEST_P(Limits, IncompleteRequestOverTheQueryBufferLimitIsClosed) {
  ServerProcess server = start({"--client-query-buffer-limit", "1mb"});
  TestClient client = server.connect();
  send_until_closed(client, "*2\r\n$3\r\nGET\r\n$5000000\r\n" + std::string(3 * kMegabyte, 'x'));
  EXPECT_EQ(server.info("client_query_buffer_limit_disconnections"), "1");
  testing::expect_served(server);
}

// Many small requests are not one large one, however much of them waits.
TEST_P(Limits, PipelineMayBeLargerThanTheQueryBufferLimit) {
  constexpr int kCommands = 300'000;
  ServerProcess server = start({"--client-query-buffer-limit", "1mb"});
  TestClient client = server.connect();
  std::string bytes = "CLIENT REPLY OFF\r\n";
  for (int i = 0; i < kCommands; i++) bytes += "INCR counter\r\n";
  client.send(bytes + "CLIENT REPLY ON\r\nGET counter\r\n");
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.reply(), "\"" + std::to_string(kCommands) + "\"");
}

// What the server has no time for stays with the peer.
TEST_P(Limits, PipelineFasterThanTheServerCostsLittle) {
  constexpr size_t kMegabytes = 8;
  ServerProcess server = start();
  TestClient client = server.connect();
  std::string bytes;
  while (bytes.size() < kMegabyte) bytes += "PING\r\n";
  client.send("CLIENT REPLY OFF\r\n");
  testing::expect_served(server);
  const size_t before = server.resident_bytes();
  for (size_t i = 0; i < kMegabytes; i++) {
    client.send(bytes);
    testing::expect_served(server);
    // (A sanitizer keeps what was freed.)
    if (!testing::kSanitized) {
      EXPECT_LT(server.resident_bytes(), before + kMegabytes * kMegabyte / 2);
    }
  }
}

TEST_P(Limits, PeerThatNeverReadsCostsLittle) {
  constexpr int kRequests = 200;
  ServerProcess server = start();
  TestClient client = server.connect();
  const std::string value(kMegabyte, 'v');
  EXPECT_EQ(client.call({"SET", "key", value}), "+OK");
  testing::expect_served(server);
  const size_t before = server.resident_bytes();
  std::string bytes;
  for (int i = 0; i < kRequests; i++) bytes += "GET key\r\n";
  client.send(bytes);
  for (int i = 0; i < 10; i++) testing::expect_served(server);
  EXPECT_LT(server.resident_bytes(), before + 24 * kMegabyte);
  int right = 0;
  for (int i = 0; i < kRequests; i++) right += client.read_reply().text == value;
  EXPECT_EQ(right, kRequests);
}

TEST_P(Limits, UnreadRepliesOverTheHardLimitCloseTheConnection) {
  ServerProcess server = start({"--client-output-buffer-limit", "normal 512kb 0 0"});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"SET", "key", std::string(100'000, 'v')}), "+OK");
  std::string bytes;
  for (int i = 0; i < 500; i++) bytes += "GET key\r\n";
  client.send(bytes);
  EXPECT_TRUE(
      eventually([&] { return server.info("client_output_buffer_limit_disconnections") == "1"; }));
  testing::expect_served(server);
  EXPECT_LT(client.skip_to_end(), 500u * 100'000);
}

TEST_P(Limits, UnreadRepliesOverTheSoftLimitForItsTimeCloseTheConnection) {
  ServerProcess server = start({"--client-output-buffer-limit", "normal", "0", "100kb", "1"});
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"SET", "key", std::string(20 * kMegabyte, 'v')}), "+OK");
  client.request({"GET", "key"});
  EXPECT_TRUE(
      eventually([&] { return server.info("client_output_buffer_limit_disconnections") == "1"; }));
  EXPECT_LT(client.skip_to_end(), 20 * kMegabyte);
  testing::expect_served(server);
}

// A monitor is sent what it did not ask for: its limit is the one of subscribers.
TEST_P(Limits, MonitorThatDoesNotReadIsClosed) {
  ServerProcess server = start({"--client-output-buffer-limit", "pubsub 1mb 0 0"});
  TestClient monitor = server.connect();
  EXPECT_EQ(monitor.call({"MONITOR"}), "+OK");
  TestClient busy = server.connect();
  const std::string value(100'000, 'v');
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 20; i++) EXPECT_EQ(busy.call({"SET", "key", value}), "+OK");
    return server.info("client_output_buffer_limit_disconnections") == "1";
  }));
  testing::expect_served(server);
}

TEST_P(Limits, IdleClientIsClosedABlockedOneIsNot) {
  ServerProcess server = start({"--timeout", "1"});
  TestClient blocked = server.connect();
  blocked.request({"WAIT", "1", "0"});
  TestClient monitor = server.connect();
  EXPECT_EQ(monitor.call({"MONITOR"}), "+OK");
  TestClient idle = server.connect();
  EXPECT_TRUE(idle.closed());
  TestClient later = server.connect();  // closed when the blocked one has waited twice the time
  EXPECT_TRUE(later.closed());
  EXPECT_TRUE(blocked.silent(0));
  TestClient other = server.connect();
  EXPECT_EQ(other.call({"CONFIG", "SET", "timeout", "0"}), "+OK");
  EXPECT_EQ(other.call({"CLIENT", "LIST"}).find("cmd=wait") != std::string::npos, true);
  EXPECT_TRUE(server.stops(SIGTERM));
}

// What arrives slowly is not idle.
TEST_P(Limits, SlowSenderIsNotIdle) {
  ServerProcess server = start({"--timeout", "1"});
  TestClient slow = server.connect();
  slow.send("*1\r\n$4\r\n");
  TestClient idle = server.connect();
  const std::string rest = "PING\r\n";
  size_t sent = 0;
  while (idle.silent(400) && sent < 4) slow.send(rest.substr(sent++, 1));
  EXPECT_TRUE(idle.closed());
  slow.send(rest.substr(sent));
  EXPECT_EQ(slow.reply(), "+PONG");
}

}  // namespace
}  // namespace larder
