// CLIENT, MONITOR and QUIT between connections, which may be on different threads.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::encode;
using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

class Clients : public testing::OnThreads {
 protected:
  Clients() : server_(start()) {
    for (int i = 0; i < 4; i++) {
      clients_.push_back(server_.connect());
      ids_.push_back(clients_.back().call({"CLIENT", "ID"}));
    }
  }

  bool lists(const std::string& text) {
    return server_.connect().call({"CLIENT", "LIST"}).find(text) != std::string::npos;
  }

  ServerProcess server_;
  std::vector<TestClient> clients_;  // on all threads
  std::vector<std::string> ids_;
};
LARDER_ON_THREADS(Clients);

TEST_P(Clients, AreListedWithWhatTheyDo) {
  for (size_t i = 0; i < clients_.size(); i++) {
    EXPECT_EQ(clients_[i].call({"CLIENT", "SETNAME", "number" + std::to_string(i)}), "+OK");
  }
  EXPECT_EQ(clients_[1].call({"SELECT", "7"}), "+OK");
  const std::string list = clients_[0].call({"CLIENT", "LIST"});
  for (size_t i = 0; i < clients_.size(); i++) {
    const std::string start = "id=" + ids_[i] +
                              " addr=127.0.0.1:" + std::to_string(clients_[i].port()) +
                              " laddr=127.0.0.1:" + std::to_string(server_.port()) + " ";
    EXPECT_NE(list.find(start), std::string::npos) << list;
    EXPECT_NE(list.find(" name=number" + std::to_string(i) + " "), std::string::npos);
  }
  EXPECT_NE(list.find(" name=number1 age=0 idle=0 flags=N db=7 "), std::string::npos) << list;
  EXPECT_NE(list.find(" cmd=select "), std::string::npos);
  EXPECT_TRUE(server_.stops(SIGTERM));
}

TEST_P(Clients, AreKilledById) {
  for (size_t i = 1; i < clients_.size(); i++) {
    EXPECT_EQ(clients_[0].call({"CLIENT", "KILL", "ID", ids_[i]}), "1");
    EXPECT_TRUE(clients_[i].closed());
  }
  EXPECT_EQ(clients_[0].call({"CLIENT", "KILL", "ID", ids_[1]}), "0");
  EXPECT_EQ(clients_[0].call({"PING"}), "+PONG");
}

TEST_P(Clients, AreKilledByAddress) {
  for (size_t i = 1; i < clients_.size(); i++) {
    const std::string address = "127.0.0.1:" + std::to_string(clients_[i].port());
    EXPECT_EQ(clients_[0].call({"CLIENT", "KILL", address}), "+OK");
    EXPECT_TRUE(clients_[i].closed());
    EXPECT_EQ(clients_[0].call({"CLIENT", "KILL", address}), "(error) ERR No such client");
  }
}

TEST_P(Clients, AreKilledAllButTheOneThatAsks) {
  TestClient asks = server_.connect();
  const int64_t killed = std::stoll(asks.call({"CLIENT", "KILL", "TYPE", "normal"}));
  EXPECT_GE(killed, 4);
  for (TestClient& client : clients_) EXPECT_TRUE(client.closed());
  EXPECT_EQ(asks.call({"PING"}), "+PONG");
}

TEST_P(Clients, ThatKillThemselvesGetTheReplyFirst) {
  clients_[0].send(encode({"CLIENT", "KILL", "ID", ids_[0], "SKIPME", "no"}) + encode({"PING"}));
  EXPECT_EQ(clients_[0].reply(), "1");
  EXPECT_TRUE(clients_[0].closed());
}

TEST_P(Clients, AreKilledWhateverTheyWaitFor) {
  clients_[1].request({"WAIT", "1", "0"});
  EXPECT_EQ(clients_[2].call({"MONITOR"}), "+OK");
  EXPECT_TRUE(eventually([&] { return server_.info("blocked_clients") == "1"; }));
  EXPECT_EQ(clients_[0].call({"CLIENT", "PAUSE", "1000000", "WRITE"}), "+OK");
  clients_[3].request({"SET", "key", "value"});
  EXPECT_TRUE(eventually([&] { return server_.info("blocked_clients") == "2"; }));
  for (size_t i = 1; i < clients_.size(); i++) {
    EXPECT_EQ(clients_[0].call({"CLIENT", "KILL", "ID", ids_[i]}), "1");
    clients_[i].skip_to_end();
  }
  EXPECT_TRUE(eventually([&] { return server_.info("blocked_clients") == "0"; }));
  EXPECT_EQ(clients_[0].call({"GET", "key"}), "(nil)");
  EXPECT_TRUE(server_.stops(SIGTERM));
}

TEST_P(Clients, PausedForWritingMayRead) {
  EXPECT_EQ(clients_[0].call({"CLIENT", "PAUSE", "1000000", "WRITE"}), "+OK");
  for (TestClient& client : clients_) {
    EXPECT_EQ(client.call({"GET", "key"}), "(nil)");
    client.send(encode({"INCR", "key"}) + encode({"PING"}));
  }
  for (TestClient& client : clients_) EXPECT_TRUE(client.silent(20));
  EXPECT_EQ(server_.connect().call({"CLIENT", "UNPAUSE"}), "+OK");
  int64_t sum = 0;
  for (TestClient& client : clients_) {
    sum += client.read_reply().integer;
    EXPECT_EQ(client.reply(), "+PONG");
  }
  EXPECT_EQ(sum, 1 + 2 + 3 + 4);
}

TEST_P(Clients, PausedForAllGoOnWhenItsTimeIsUp) {
  EXPECT_EQ(clients_[0].call({"CLIENT", "PAUSE", "100"}), "+OK");
  for (TestClient& client : clients_) client.send(encode({"INCR", "key"}) + encode({"PING"}));
  int64_t sum = 0;
  for (TestClient& client : clients_) {
    sum += client.read_reply().integer;
    EXPECT_EQ(client.reply(), "+PONG");
  }
  EXPECT_EQ(sum, 1 + 2 + 3 + 4);
}

// A pause and its end, over and over, with clients in all states of it.
TEST_P(Clients, SurviveManyPauses) {
  TestClient pauses = server_.connect();
  for (int i = 0; i < 50; i++) {
    EXPECT_EQ(pauses.call({"CLIENT", "PAUSE", "1000000", "WRITE"}), "+OK");
    for (TestClient& client : clients_) client.request({"INCR", "key"});
    EXPECT_EQ(pauses.call({"CLIENT", "UNPAUSE"}), "+OK");
    for (TestClient& client : clients_) client.read_reply();
  }
  EXPECT_EQ(pauses.call({"GET", "key"}), "\"200\"");
  EXPECT_TRUE(server_.stops(SIGTERM));
}

TEST_P(Clients, AreUnblocked) {
  for (size_t i = 1; i < clients_.size(); i++) {
    clients_[i].send(encode({"WAIT", "1", "0"}) + encode({"PING"}));
  }
  EXPECT_TRUE(eventually([&] { return server_.info("blocked_clients") == "3"; }));
  for (size_t i = 1; i < clients_.size(); i++) {
    const bool with_error = i == 2;
    EXPECT_EQ(clients_[0].call({"CLIENT", "UNBLOCK", ids_[i], with_error ? "ERROR" : "TIMEOUT"}),
              "1");
    EXPECT_EQ(clients_[i].reply(),
              with_error ? "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK" : "0");
    EXPECT_EQ(clients_[i].reply(), "+PONG");
  }
  EXPECT_EQ(clients_[0].call({"CLIENT", "UNBLOCK", ids_[1]}), "0");
}

TEST_P(Clients, WaitUntilTheirTimeIsUp) {
  TestClient& client = clients_[0];
  EXPECT_EQ(client.call({"WAIT", "0", "0"}), "0");
  client.send(encode({"WAIT", "1", "50"}) + encode({"WAIT", "2", "1"}) + encode({"PING"}));
  testing::expect_served(server_);
  EXPECT_EQ(client.reply(), "0");
  EXPECT_EQ(client.reply(), "0");
  EXPECT_EQ(client.reply(), "+PONG");
}

TEST_P(Clients, MayDoWithoutReplies) {
  TestClient& client = clients_[0];
  client.send(
      encode({"CLIENT", "REPLY", "SKIP"}) + encode({"PING", "skipped"}) + encode({"PING", "one"}) +
      encode({"CLIENT", "REPLY", "OFF"}) + encode({"PING", "off"}) + encode({"NOSUCH"}) +
      encode({"WAIT", "1", "1"}) + encode({"KEYS", "*"}) + encode({"CLIENT", "REPLY", "ON"}) +
      encode({"CLIENT", "REPLY", "SKIP"}) + encode({"KEYS", "*"}) + encode({"PING", "two"}));
  EXPECT_EQ(client.reply(), "\"one\"");
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_EQ(client.reply(), "\"two\"");
}

TEST_P(Clients, ShowTheirFlags) {
  EXPECT_EQ(clients_[1].call({"CLIENT", "NO-TOUCH", "ON"}), "+OK");
  EXPECT_EQ(clients_[2].call({"CLIENT", "NO-EVICT", "ON"}), "+OK");
  EXPECT_TRUE(lists(" flags=T "));
  EXPECT_TRUE(lists(" flags=e "));
  EXPECT_EQ(clients_[1].call({"CLIENT", "NO-TOUCH", "OFF"}), "+OK");
  EXPECT_FALSE(lists(" flags=T "));
}

TEST_P(Clients, ThatQuitGetTheirReplyAndNoMore) {
  clients_[0].send(encode({"PING"}) + encode({"QUIT"}) + encode({"SET", "key", "value"}));
  EXPECT_EQ(clients_[0].reply(), "+PONG");
  EXPECT_EQ(clients_[0].reply(), "+OK");
  EXPECT_TRUE(clients_[0].closed());
  EXPECT_EQ(clients_[1].call({"GET", "key"}), "(nil)");
}

TEST_P(Clients, SeeEachOthersCommandsInMonitorMode) {
  EXPECT_EQ(clients_[0].call({"MONITOR"}), "+OK");
  EXPECT_EQ(clients_[1].call({"MONITOR"}), "+OK");
  for (size_t i = 2; i < clients_.size(); i++) {
    EXPECT_EQ(clients_[i].call({"SELECT", "3"}), "+OK");
    EXPECT_EQ(clients_[i].call({"SET", "key", "a \"b\"\n\x01"}), "+OK");
    const std::string from = " 127.0.0.1:" + std::to_string(clients_[i].port()) + "] ";
    for (size_t monitor = 0; monitor < 2; monitor++) {
      std::string line = clients_[monitor].read_line();
      EXPECT_NE(line.find("[3" + from + "\"SELECT\" \"3\""), std::string::npos) << line;
      line = clients_[monitor].read_line();
      EXPECT_EQ(line[0], '+');
      EXPECT_NE(line.find("[3" + from + R"("SET" "key" "a \"b\"\n\x01")"), std::string::npos)
          << line;
    }
  }
  EXPECT_EQ(clients_[0].call({"QUIT"}), "+OK");
  clients_[1].close();
  EXPECT_EQ(clients_[2].call({"PING"}), "+PONG");
  EXPECT_TRUE(server_.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
