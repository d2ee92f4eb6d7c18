// Transactions of several connections on several loops: nobody sees half of one, a watched key that
// changed is noticed always, and whoever goes away in the middle leaves nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <numeric>
#include <random>
#include <thread>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using protocol::Reply;
using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

class Transaction : public testing::OnThreads {};
LARDER_ON_THREADS(Transaction);

constexpr int kAccounts = 8;
constexpr int kAccountStart = 1000;
constexpr int kTransfers = testing::kSanitized ? 300 : 1500;  // of each connection

std::string account(int i) {
  return "account:" + std::to_string(i);
}

struct Transfer {
  explicit Transfer(std::mt19937& random)
      : from(static_cast<int>(random() % kAccounts)),
        to((from + 1 + static_cast<int>(random() % (kAccounts - 1))) % kAccounts),
        amount(static_cast<int>(random() % 50)) {}
  int from;
  int to;
  int amount;
};

// Sends all at once and answers the last reply.
Reply last_reply(TestClient& client, const std::vector<std::vector<std::string>>& commands) {
  std::string bytes;
  for (const auto& command : commands) bytes += testing::encode(command);
  client.send(bytes);
  for (size_t i = 1; i < commands.size(); i++) client.read_reply();
  return client.read_reply();
}

void transfer_by_multi(TestClient client, unsigned seed) {
  std::mt19937 random(seed);
  for (int i = 0; i < kTransfers; i++) {
    const Transfer t(random);
    const Reply reply = last_reply(client, {{"MULTI"},
                                            {"DECRBY", account(t.from), std::to_string(t.amount)},
                                            {"INCRBY", account(t.to), std::to_string(t.amount)},
                                            {"EXEC"}});
    ASSERT_EQ(reply.elements.size(), 2u) << reply.to_string();
  }
}

// What is read under WATCH is put back changed, so that a change in between must not be missed.
void transfer_by_watch(TestClient client, unsigned seed) {
  std::mt19937 random(seed);
  for (int done = 0; done < kTransfers / 4;) {
    const Transfer t(random);
    client.call({"WATCH", account(t.from), account(t.to)});
    const int from = std::stoi(client.call({"GET", account(t.from)}).substr(1));
    const int to = std::stoi(client.call({"GET", account(t.to)}).substr(1));
    const std::string reply =
        last_reply(client, {{"MULTI"},
                            {"SET", account(t.from), std::to_string(from - t.amount)},
                            {"SET", account(t.to), std::to_string(to + t.amount)},
                            {"EXEC"}})
            .to_string();
    if (reply == "(nil)") continue;
    ASSERT_EQ(reply, "[+OK, +OK]");
    done++;
  }
}

// As one command, and as commands of one transaction.
void check_sums(TestClient client, const std::atomic<bool>& stop) {
  std::vector<std::string> mget = {"MGET"};
  std::vector<std::vector<std::string>> gets = {{"MULTI"}};
  for (int i = 0; i < kAccounts; i++) {
    mget.push_back(account(i));
    gets.push_back({"GET", account(i)});
  }
  gets.push_back({"EXEC"});
  const auto sum = [](const Reply& reply) {
    return std::accumulate(
        reply.elements.begin(), reply.elements.end(), 0,
        [](int total, const Reply& value) { return total + std::stoi(value.text); });
  };
  while (!stop) {
    ASSERT_EQ(sum(last_reply(client, {mget})), kAccounts * kAccountStart);
    ASSERT_EQ(sum(last_reply(client, gets)), kAccounts * kAccountStart);
  }
}

TEST_P(Transaction, TransfersKeepTheSumForEveryReader) {
  ServerProcess server = start();
  TestClient client = server.connect();
  for (int i = 0; i < kAccounts; i++) {
    client.call({"SET", account(i), std::to_string(kAccountStart)});
  }
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  std::vector<std::thread> writers;
  for (int i = 0; i < 2; i++) {
    readers.emplace_back([&] { check_sums(server.connect(), stop); });
  }
  for (unsigned i = 0; i < 3; i++) {
    writers.emplace_back([&, i] { transfer_by_multi(server.connect(), i); });
    writers.emplace_back([&, i] { transfer_by_watch(server.connect(), 100 + i); });
  }
  for (std::thread& thread : writers) thread.join();
  stop = true;
  for (std::thread& thread : readers) thread.join();
  EXPECT_TRUE(server.stops(SIGTERM));
}

// The key counts the transactions that went through: the history has each number once.
TEST_P(Transaction, OfThoseThatWatchTheSameOneWins) {
  constexpr int kConnections = 5;
  constexpr int kEach = testing::kSanitized ? 60 : 200;
  ServerProcess server = start();
  std::vector<std::thread> threads;
  for (int c = 0; c < kConnections; c++) {
    threads.emplace_back([&] {
      TestClient client = server.connect();
      for (int done = 0; done < kEach;) {
        client.call({"WATCH", "counter"});
        const std::string seen = client.call({"GET", "counter"});
        const int next = seen == "(nil)" ? 1 : std::stoi(seen.substr(1)) + 1;
        const std::string number = std::to_string(next);
        const Reply reply = last_reply(
            client,
            {{"MULTI"}, {"SET", "counter", number}, {"SETNX", "seen:" + number, "1"}, {"EXEC"}});
        if (reply.elements.empty()) continue;
        ASSERT_EQ(reply.to_string(), "[+OK, 1]");
        done++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"GET", "counter"}), "\"" + std::to_string(kConnections * kEach) + "\"");
  EXPECT_EQ(client.call({"DBSIZE"}), std::to_string(kConnections * kEach + 1));
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Transaction, LargeValuesAreKeptUntilExec) {
  ServerProcess server = start();
  TestClient client = server.connect();
  const std::string large(3'000'000, 'l');
  std::string bytes = testing::encode({"MULTI"});
  for (const char* key : {"a", "b"}) bytes += testing::encode({"SET", key, large});
  bytes += testing::encode({"APPEND", "a", "!"}) + testing::encode({"STRLEN", "a"});
  client.send(bytes + testing::encode({"EXEC"}));
  for (int i = 0; i < 5; i++) client.read_reply();
  EXPECT_EQ(client.reply(), "[+OK, +OK, 3000001, 3000001]");
  EXPECT_EQ(client.call({"GET", "b"}), "\"" + large + "\"");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Transaction, WhoQueuesMoreThanTheInputMayBeIsClosed) {
  ServerProcess server = start({"--client-query-buffer-limit", "1mb"});
  TestClient client = server.connect();
  client.call({"MULTI"});
  const std::string request = testing::encode({"SET", "k", std::string(10'000, 'v')});
  try {
    for (int i = 0; i < 1000; i++) client.send(request);
  } catch (const std::runtime_error&) {
  }
  client.skip_to_end();
  EXPECT_EQ(server.info("client_query_buffer_limit_disconnections"), "1");
  EXPECT_EQ(server.connect().call({"EXISTS", "k"}), "0");
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(Transaction, ThousandDisconnectsAnywhereLeaveNothing) {
  ServerProcess server = start();
  std::mt19937 random(4);
  const std::string script = testing::encode({"WATCH", "a", "b", "c"}) +
                             testing::encode({"MULTI"}) + testing::encode({"INCR", "a"}) +
                             testing::encode({"FLUSHDB"}) +
                             testing::encode({"SET", "b", std::string(500, 'b')}) +
                             testing::encode({"INCR", "a"}) + testing::encode({"EXEC"});
  TestClient writer = server.connect();
  for (int i = 0; i < 1000; i++) {
    TestClient client = server.connect();
    client.send(script.substr(0, random() % (script.size() + 1)));
    writer.call({"INCR", "c"});
    if (random() % 2 == 0) {
      client.reset();
    } else {
      client.close();
    }
  }
  EXPECT_TRUE(eventually([&] { return server.info("connected_clients") == "2"; }));
  const Reply last = last_reply(writer, {{"WATCH", "c"}, {"MULTI"}, {"GET", "c"}, {"EXEC"}});
  EXPECT_EQ(last.elements.size(), 1u) << last.to_string();
  testing::expect_served(server);
  EXPECT_TRUE(server.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
