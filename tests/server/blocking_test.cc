// Clients that wait for elements of lists, beside others, on the same thread and on another.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

class Blocking : public testing::OnThreads {
 protected:
  Blocking() : server_(start()), pusher_(server_.connect()) {}

  // A client that waits, behind all that waited before.
  TestClient& waits(const std::vector<std::string>& command) {
    clients_.push_back(std::make_unique<TestClient>(server_.connect()));
    TestClient& client = *clients_.back();
    ids_.push_back(client.call({"CLIENT", "ID"}));
    client.request(command);
    waiting_++;
    EXPECT_TRUE(blocked(waiting_));
    return client;
  }
  bool blocked(int clients) {
    return eventually([&] { return server_.info("blocked_clients") == std::to_string(clients); });
  }

  ServerProcess server_;
  TestClient pusher_;
  std::vector<std::unique_ptr<TestClient>> clients_;
  std::vector<std::string> ids_;
  int waiting_ = 0;
};
LARDER_ON_THREADS(Blocking);

TEST_P(Blocking, ServesInTheOrderOfArrival) {
  std::vector<TestClient*> clients;
  for (int i = 0; i < 5; i++) clients.push_back(&waits({"BLPOP", "l", "0"}));
  EXPECT_EQ(pusher_.call({"RPUSH", "l", "a", "b", "c"}), "3");
  EXPECT_EQ(pusher_.call({"LLEN", "l"}), "0");
  EXPECT_EQ(pusher_.call({"RPUSH", "l", "d", "e", "f"}), "3");
  const std::string elements = "abcde";
  for (size_t i = 0; i < clients.size(); i++) {
    EXPECT_EQ(clients[i]->reply(), std::string("[\"l\", \"") + elements[i] + "\"]");
  }
  EXPECT_EQ(pusher_.call({"LRANGE", "l", "0", "-1"}), R"(["f"])");
  EXPECT_TRUE(server_.stops(SIGTERM));
}

// Also if nothing is read from it any more, since it has sent more than a megabyte.
TEST_P(Blocking, AWaitingClientThatGoesAwayIsNoticedBehindAnyInput) {
  TestClient& client = waits({"BLPOP", "l", "0"});
  std::string pings;
  for (int i = 0; i < 76'000; i++) pings += "*1\r\n$4\r\nPING\r\n";
  client.send(pings);
  EXPECT_TRUE(eventually([&] {
    const std::string line = pusher_.call({"CLIENT", "LIST", "ID", ids_.back()});
    const size_t at = line.find("qbuf=");
    return at != std::string::npos && std::stoll(line.substr(at + 5)) > 1024 * 1024;
  }));
  clients_.pop_back();
  EXPECT_TRUE(blocked(0));
  EXPECT_EQ(pusher_.call({"RPUSH", "l", "a"}), "1");
  EXPECT_EQ(pusher_.call({"LLEN", "l"}), "1");
}

TEST_P(Blocking, AnElementGoesDownAChainOfMoves) {
  TestClient& last = waits({"BRPOP", "c", "0"});
  TestClient& second = waits({"BLMOVE", "b", "c", "LEFT", "RIGHT", "0"});
  TestClient& first = waits({"BRPOPLPUSH", "a", "b", "0"});
  EXPECT_EQ(pusher_.call({"LPUSH", "a", "x"}), "1");
  EXPECT_EQ(pusher_.call({"EXISTS", "a", "b", "c"}), "0");
  EXPECT_EQ(first.reply(), R"("x")");
  EXPECT_EQ(second.reply(), R"("x")");
  EXPECT_EQ(last.reply(), R"(["c", "x"])");
}

TEST_P(Blocking, EveryWayInWhichAListComesServes) {
  const std::vector<std::vector<std::string>> ways = {
      {"RENAME", "src", "l"}, {"COPY", "src", "l"}, {"LMOVE", "src", "l", "LEFT", "LEFT"}};
  for (const auto& way : ways) {
    pusher_.call({"DEL", "src"});
    pusher_.call({"RPUSH", "src", "x"});
    TestClient& client = waits({"BLPOP", "other", "l", "0"});
    pusher_.call(way);
    EXPECT_EQ(client.reply(), R"(["l", "x"])") << way[0];
    waiting_--;
  }
  TestClient other = server_.connect();
  other.call({"SELECT", "1"});
  other.call({"RPUSH", "l", "y"});
  TestClient& client = waits({"BLPOP", "l", "0"});
  pusher_.call({"SWAPDB", "0", "1"});
  EXPECT_EQ(client.reply(), R"(["l", "y"])");
}

TEST_P(Blocking, AKeyOfAnotherTypeServesNobody) {
  TestClient& client = waits({"BLPOP", "l", "0"});
  EXPECT_EQ(pusher_.call({"SET", "l", "x"}), "+OK");
  EXPECT_TRUE(blocked(1));
  pusher_.call({"DEL", "l"});
  pusher_.call({"RPUSH", "l", "y"});
  EXPECT_EQ(client.reply(), R"(["l", "y"])");
}

TEST_P(Blocking, TimeIsUpAndClientsAreUnblocked) {
  TestClient client = server_.connect();
  EXPECT_EQ(client.call({"BLPOP", "l", "0.01"}), "(nil)");
  EXPECT_EQ(client.call({"BLMOVE", "l", "m", "LEFT", "LEFT", "0.01"}), "(nil)");
  EXPECT_EQ(client.call({"BLMPOP", "0.01", "1", "l", "LEFT"}), "(nil)");
  TestClient& one = waits({"BLPOP", "l", "0"});
  TestClient& two = waits({"BLPOP", "l", "1000"});
  EXPECT_EQ(pusher_.call({"CLIENT", "UNBLOCK", ids_[0]}), "1");
  EXPECT_EQ(pusher_.call({"CLIENT", "UNBLOCK", ids_[1], "ERROR"}), "1");
  EXPECT_EQ(one.reply(), "(nil)");
  EXPECT_EQ(two.reply(), "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK");
  EXPECT_EQ(pusher_.call({"RPUSH", "l", "x"}), "1");
  EXPECT_EQ(pusher_.call({"LLEN", "l"}), "1");
}

TEST_P(Blocking, WhoHasGoneGetsNothing) {
  TestClient& first = waits({"BLPOP", "l", "0"});
  TestClient& second = waits({"BLPOP", "l", "0"});
  waits({"BLPOP", "l", "0"});
  TestClient& last = waits({"BLPOP", "l", "0"});
  first.close();
  second.reset();
  EXPECT_EQ(pusher_.call({"CLIENT", "KILL", "ID", ids_[2]}), "1");
  EXPECT_TRUE(clients_[2]->closed());
  EXPECT_TRUE(blocked(1));
  EXPECT_EQ(pusher_.call({"RPUSH", "l", "x"}), "1");
  EXPECT_EQ(last.reply(), R"(["l", "x"])");
}

TEST_P(Blocking, FlushesAndPausesDoNotEndAWait) {
  TestClient& client = waits({"BLPOP", "l", "0"});
  EXPECT_EQ(pusher_.call({"FLUSHALL"}), "+OK");
  EXPECT_EQ(pusher_.call({"CLIENT", "PAUSE", "100000", "WRITE"}), "+OK");
  EXPECT_EQ(pusher_.call({"CLIENT", "UNPAUSE"}), "+OK");
  EXPECT_EQ(pusher_.call({"RPUSH", "l", "x"}), "1");
  EXPECT_EQ(client.reply(), R"(["l", "x"])");
}

TEST_P(Blocking, WhatWasSentBehindWaitsToo) {
  TestClient& client = waits({"BLPOP", "l", "0"});
  client.request({"RPUSH", "answer", "1"});
  client.request({"PING"});
  EXPECT_EQ(pusher_.call({"EXISTS", "answer"}), "0");
  pusher_.call({"RPUSH", "l", "x"});
  EXPECT_EQ(client.reply(), R"(["l", "x"])");
  EXPECT_EQ(client.reply(), "1");
  EXPECT_EQ(client.reply(), "+PONG");
}

TEST_P(Blocking, RepliesAreInTheWaitersProtocol) {
  TestClient& two = waits({"BLMPOP", "0", "1", "l", "LEFT", "COUNT", "2"});
  EXPECT_EQ(pusher_.call({"HELLO", "3"}).empty(), false);
  pusher_.call({"RPUSH", "l", "a", "b", "c"});
  EXPECT_EQ(two.reply(), R"(["l", ["a", "b"]])");
}

TEST_P(Blocking, TheServerStopsAllTheSame) {
  TestClient& client = waits({"BLPOP", "l", "0"});
  server_.process().signal(SIGTERM);
  EXPECT_EQ(client.reply(), "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(server_.ends());
}

TEST_P(Blocking, InfoAndClientListCount) {
  waits({"BLPOP", "l", "m", "0"});
  waits({"BLPOP", "l", "0"});
  EXPECT_EQ(server_.info("total_blocking_keys"), "2");
  const std::string list = pusher_.call({"CLIENT", "LIST", "ID", ids_[0]});
  EXPECT_NE(list.find(" flags=b "), std::string::npos) << list;
  EXPECT_NE(list.find(" cmd=blpop "), std::string::npos) << list;
  EXPECT_EQ(server_.info("cmdstat_blpop"), "");
  pusher_.call({"RPUSH", "l", "a", "b"});
  EXPECT_TRUE(blocked(0));
  EXPECT_EQ(server_.info("total_blocking_keys"), "0");
  EXPECT_EQ(server_.info("cmdstat_blpop").rfind("calls=2,", 0), 0u);
}

// Elements go from many pushers by way of clients that wait, some of which go away meanwhile, to
// clients that count what they get.
class BlockingStress : public testing::OnThreads {
 protected:
  static constexpr int kPushers = 3;
  static constexpr int kMovers = 5;
  static constexpr int kElements = 400;  // of each pusher

  BlockingStress() : server_(start()) {}

  void push(int pusher) {
    TestClient client = server_.connect();
    for (int i = 0; i < kElements; i++) {
      client.call({"RPUSH", "queue", std::to_string(pusher) + ":" + std::to_string(i)});
    }
  }

  // To wait costs nothing that one who leaves could take along: the element is in a list at any
  // time.
  void move(unsigned seed) {
    std::mt19937 random(seed);
    while (!done_) {
      TestClient client = server_.connect();
      for (bool stay = true; stay && !done_;) {
        client.request({"BLMOVE", "queue", "moved", "LEFT", "RIGHT", "0.05"});
        stay = random() % 8 != 0;
        if (stay) client.read_reply();
      }
      if (random() % 2 == 0) client.reset();
    }
  }

  void collect() {
    TestClient client = server_.connect();
    while (!done_) {
      const std::string reply = client.call({"BLMPOP", "0.05", "1", "moved", "LEFT"});
      if (reply == "(nil)") continue;
      const std::lock_guard lock(mutex_);
      got_[reply]++;
      if (++count_ == kPushers * kElements) done_ = true;
    }
  }

  ServerProcess server_;
  std::atomic<bool> done_{false};
  std::mutex mutex_;
  std::map<std::string, int> got_;  // guarded by mutex_
  int count_ = 0;                   // guarded by mutex_
};
LARDER_ON_THREADS(BlockingStress);

TEST_P(BlockingStress, DeliversEachElementOnce) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kMovers; i++) threads.emplace_back([this, i] { move(i); });
  for (int i = 0; i < 2; i++) threads.emplace_back([this] { collect(); });
  for (int i = 0; i < kPushers; i++) threads.emplace_back([this, i] { push(i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got_.size(), static_cast<size_t>(kPushers * kElements));
  EXPECT_EQ(server_.connect().call({"EXISTS", "queue", "moved"}), "0");
  EXPECT_TRUE(server_.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
