// Values that are read straight into their blobs and sent from them: whatever the cuts, the order,
// and what happens to the key meanwhile.
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <random>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::encode;
using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

class LargeValues : public testing::OnThreads {};
LARDER_ON_THREADS(LargeValues);

constexpr size_t kKilobyte = 1024;
constexpr size_t kMegabyte = 1024 * kKilobyte;

// So long that no socket holds it: the server is left with most of it until the client reads.
constexpr size_t kLongerThanSockets = 16 * kMegabyte;

// Bytes without a pattern that a shift or a cut would leave as it was.
std::string text_of(size_t bytes, uint32_t seed) {
  std::string text(bytes, ' ');
  uint32_t state = seed * 2654435761u + 1;
  for (char& c : text) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>('A' + (state >> 24) % 58);
  }
  return text;
}

// A field of the line of CLIENT LIST whose connection has that name.
std::string listed(TestClient& asking, const std::string& name, const std::string& field) {
  asking.request({"CLIENT", "LIST"});
  const std::string list = asking.read_reply().text;
  const size_t line = list.find(" name=" + name + " ");
  if (line == std::string::npos) return "";
  const size_t at = list.find(" " + field + "=", line) + field.size() + 2;
  return list.substr(at, list.find_first_of(" \n", at) - at);
}

TEST_P(LargeValues, ArriveWhole) {
  ServerProcess server = start();
  TestClient client = server.connect();
  for (const size_t bytes :
       {32 * kKilobyte - 1, 32 * kKilobyte, 64 * kKilobyte, kMegabyte, 9 * kMegabyte + 7}) {
    const std::string value = text_of(bytes, 1);
    EXPECT_EQ(client.call({"SET", "key", value}), "+OK") << bytes;
    EXPECT_EQ(client.call({"STRLEN", "key"}), std::to_string(bytes));
    client.request({"GET", "key"});
    EXPECT_TRUE(client.read_reply().text == value) << bytes;
  }
}

TEST_P(LargeValues, AreReadWhereverTheyAreCut) {
  ServerProcess server = start();
  TestClient other = server.connect();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"CLIENT", "SETNAME", "cut"}), "+OK");
  const std::string value = text_of(50'000, 2);
  const std::string request = encode({"SET", "key", value});
  std::vector<size_t> cuts;
  for (size_t cut = 1; cut < request.size();) {
    cuts.push_back(cut);
    const bool at_an_edge = cut < 50 || cut > request.size() - 10;
    cut += at_an_edge ? 1 : std::min<size_t>(977, request.size() - 10 - cut + 1);
  }
  for (const size_t cut : cuts) {
    client.send(std::string_view(request).substr(0, cut));
    ASSERT_TRUE(eventually([&] { return listed(other, "cut", "qbuf") == std::to_string(cut); }));
    client.send(std::string_view(request).substr(cut));
    client.send(encode({"GETSET", "key", "small"}));
    ASSERT_EQ(client.reply(), "+OK") << cut;
    ASSERT_TRUE(client.read_reply().text == value) << cut;
  }
}

// A model of what the server holds, and random commands for both.
class Model {
 public:
  explicit Model(uint32_t seed) : random_(seed) {}

  // A command and the text of its reply.
  std::pair<std::vector<std::string>, std::string> next() {
    const std::string key = "key" + std::to_string(below(3));
    const bool known = values_.count(key) > 0;
    switch (below(9)) {
      case 0:
        return {{"SETEX", key, "1000", values_[key] = value()}, "OK"};
      case 1:
        if (known) return {{"SET", key, value(), "NX"}, ""};
        return {{"SETNX", key, values_[key] = value()}, ":1"};
      case 2: {
        const std::string old = values_[key];
        return {{"SET", key, values_[key] = value(), "GET"}, old};
      }
      case 3: {
        const std::string first = value();
        const std::string second = value();
        values_["key0"] = first;
        values_["key1"] = second;
        return {{"MSET", "key0", first, "key1", second}, "OK"};
      }
      case 4: {
        if (values_[key].size() > kAppendedMax) return {{"ECHO", key}, key};
        const std::string more = value();
        values_[key] += more;
        return {{"APPEND", key, more}, ":" + std::to_string(values_[key].size())};
      }
      case 5: {
        const size_t from = below(50'000);
        const std::string all = known ? values_[key] : "";
        return {{"GETRANGE", key, std::to_string(from), "-1"},
                from < all.size() ? all.substr(from) : ""};
      }
      case 6: {
        const std::string old = known ? values_[key] : "";
        values_.erase(key);
        return {{"GETDEL", key}, old};
      }
      case 7: {
        const std::string word = value();
        return {{"ECHO", word}, word};
      }
      default:
        return {{"GET", key}, known ? values_[key] : ""};
    }
  }

  size_t below(size_t limit) { return random_() % limit; }
  std::string value() {
    const size_t bytes = below(3) == 0 ? below(100) : below(120'000);
    return text_of(bytes, static_cast<uint32_t>(random_()));
  }

 private:
  static constexpr size_t kAppendedMax = 200'000;

  std::mt19937 random_;
  std::map<std::string, std::string> values_;
};

std::string text_of(const protocol::Reply& reply) {
  return reply.type == protocol::Reply::Type::kInteger ? ":" + std::to_string(reply.integer)
                                                       : reply.text;
}

TEST_P(LargeValues, KeepTheirOrderBetweenSmallOnes) {
  constexpr size_t kReplyBytesMax = 800 * kKilobyte;  // more would have to be read meanwhile
  ServerProcess server = start();
  TestClient client = server.connect();
  Model model(3);
  for (int round = 0; round < 60; round++) {
    std::string pipeline;
    std::vector<std::string> expected;
    for (size_t bytes = 0, i = 0; i < 8 && bytes < kReplyBytesMax / 2; i++) {
      const auto [command, reply] = model.next();
      pipeline += encode(command);
      expected.push_back(reply);
      bytes += reply.size();
    }
    for (size_t at = 0; at < pipeline.size();) {
      const size_t piece = model.below(3) == 0 ? model.below(50) + 1 : model.below(200'000) + 1;
      client.send(std::string_view(pipeline).substr(at, piece));
      at += piece;
    }
    for (const std::string& reply : expected) {
      ASSERT_TRUE(text_of(client.read_reply()) == reply) << "round " << round;
    }
  }
  EXPECT_TRUE(server.stops(SIGTERM));
}

// More pieces than one call of the system takes.
TEST_P(LargeValues, ManyAreSentInOneReply) {
  constexpr size_t kValues = 1500;
  ServerProcess server = start();
  TestClient client = server.connect();
  const std::string value = text_of(32 * kKilobyte, 4);
  EXPECT_EQ(client.call({"SET", "key", value}), "+OK");
  std::vector<std::string> command(kValues + 1, "key");
  command[0] = "MGET";
  client.request(command);
  ASSERT_EQ(client.read_line(), "*" + std::to_string(kValues));
  size_t right = 0;
  for (size_t i = 0; i < kValues; i++) {
    ASSERT_EQ(client.read_line(), "$" + std::to_string(value.size()));
    right += client.read_line() == value;
  }
  EXPECT_EQ(right, kValues);
  EXPECT_EQ(client.call({"PING"}), "+PONG");
}

// What is done to a key while a client that asked for its value does not read it.
struct Change {
  std::vector<std::string> command;
  std::string reply;
  std::string after;  // the last five bytes of the value then
};

// Changes near the end, which has not been sent yet when they are made.
TEST_P(LargeValues, AreSentAsTheyWereWhenTheKeyChanges) {
  const std::string length = std::to_string(kLongerThanSockets + 1);
  const std::vector<Change> changes = {
      {{"SET", "key", "small"}, "+OK", "small"},
      {{"APPEND", "key", "behind"}, std::to_string(kLongerThanSockets + 7), "ehind"},
      {{"SETRANGE", "key", std::to_string(kLongerThanSockets - 3), "xyz"}, length, "AxyzB"},
      {{"SETBIT", "key", std::to_string(kLongerThanSockets * 8 - 1), "0"}, "1", "AAA@B"},
      {{"DEL", "key"}, "1", ""},
      {{"FLUSHALL"}, "+OK", ""},
      {{"EXPIRE", "key", "-1"}, "1", ""},
  };
  ServerProcess server = start();
  TestClient other = server.connect();
  const std::string value(kLongerThanSockets, 'A');
  for (const Change& change : changes) {
    other.call({"SET", "key", value});
    // A string that was appended to is one that may be changed where it is.
    ASSERT_EQ(other.call({"APPEND", "key", "B"}), std::to_string(value.size() + 1));
    TestClient reader = server.connect();
    reader.request({"GET", "key"});
    ASSERT_TRUE(eventually([&] { return !reader.silent(0); }));
    EXPECT_EQ(other.call(change.command), change.reply) << change.command[0];
    EXPECT_EQ(other.call({"GETRANGE", "key", "-5", "-1"}), "\"" + change.after + "\"")
        << change.command[0];
    const std::string text = reader.read_reply().text;
    EXPECT_EQ(text.size(), value.size() + 1) << change.command[0];
    EXPECT_EQ(text.find_first_not_of('A'), value.size()) << change.command[0];
  }
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(LargeValues, AreNotStoredWhenTheCommandFails) {
  ServerProcess server = start();
  TestClient client = server.connect();
  const std::string value = text_of(200'000, 5);
  EXPECT_EQ(client.call({"SET", "key", value, "XX"}), "(nil)");
  EXPECT_EQ(client.call({"SET", "key", value, "WRONG"}), "(error) ERR syntax error");
  EXPECT_EQ(client.call({"SETEX", "key", "-1", value}),
            "(error) ERR invalid expire time in 'setex' command");
  EXPECT_EQ(client.call({"SETX", "key", value}).substr(0, 27), "(error) ERR unknown command");
  EXPECT_EQ(client.call({"SET", value}), "(error) ERR wrong number of arguments for 'set' command");
  EXPECT_EQ(client.call({"EXISTS", "key"}), "0");
  EXPECT_EQ(client.call({"SET", "key", value, "NX", "GET"}), "(nil)");
  EXPECT_EQ(client.call({"STRLEN", "key"}), "200000");
}

TEST_P(LargeValues, MayBeKeys) {
  ServerProcess server = start();
  TestClient client = server.connect();
  const std::string key = text_of(100'000, 6);
  EXPECT_EQ(client.call({"SET", key, key}), "+OK");
  client.request({"GET", key});
  EXPECT_TRUE(client.read_reply().text == key);
}

TEST_P(LargeValues, WaitForTheEndOfAPause) {
  ServerProcess server = start();
  TestClient other = server.connect();
  EXPECT_EQ(other.call({"CLIENT", "PAUSE", "100000", "WRITE"}), "+OK");
  TestClient client = server.connect();
  const std::string value = text_of(300'000, 7);
  client.request({"MSET", "key", value, "other", value});
  client.request({"GET", "key"});
  client.request({"SET", "third", value});
  client.request({"GET", "third"});
  EXPECT_TRUE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  EXPECT_EQ(other.call({"GET", "key"}), "(nil)");
  EXPECT_EQ(other.call({"CLIENT", "UNPAUSE"}), "+OK");
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_TRUE(client.read_reply().text == value);
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_TRUE(client.read_reply().text == value);
}

TEST_P(LargeValues, AreNotSentToWhoWantsNoReply) {
  ServerProcess server = start();
  TestClient client = server.connect();
  const std::string value = text_of(100'000, 8);
  EXPECT_EQ(client.call({"SET", "key", value}), "+OK");
  client.send("GET key\r\nCLIENT REPLY SKIP\r\nGET key\r\nPING\r\n");
  client.send("CLIENT REPLY OFF\r\nGET key\r\nMGET key key\r\nCLIENT REPLY ON\r\nGET key\r\n");
  EXPECT_TRUE(client.read_reply().text == value);
  EXPECT_EQ(client.reply(), "+PONG");
  EXPECT_EQ(client.reply(), "+OK");
  EXPECT_TRUE(client.read_reply().text == value);
}

TEST_P(LargeValues, AreShownToMonitors) {
  ServerProcess server = start();
  TestClient monitor = server.connect();
  EXPECT_EQ(monitor.call({"MONITOR"}), "+OK");
  TestClient client = server.connect();
  const std::string value(100'000, 'm');
  EXPECT_EQ(client.call({"SET", "key", value}), "+OK");
  const std::string line = monitor.read_line();
  EXPECT_NE(line.find("\"SET\" \"key\" \"" + value + "\""), std::string::npos);
}

TEST_P(LargeValues, ThatArePromisedCostNothing) {
  constexpr int kPeers = 40;
  ServerProcess server = start();
  testing::expect_served(server);
  const size_t resident_before = server.resident_bytes();
  const size_t used_before = std::stoull(server.info("used_memory"));
  std::vector<TestClient> peers;
  for (int i = 0; i < kPeers; i++) {
    peers.push_back(server.connect());
    // Half of them say no more than how much will come, the others send a little of it.
    peers.back().send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n");
    if (i % 2 == 0) peers.back().send(std::string(10'000, 'x'));
  }
  testing::expect_served(server);
  const size_t allowed = kPeers * 200 * kKilobyte + 2 * kMegabyte;
  EXPECT_LT(std::stoull(server.info("used_memory")), used_before + allowed);
  if (!testing::kSanitized) {
    EXPECT_LT(server.resident_bytes(), resident_before + allowed);
  }
}

// Memory is asked for as the bytes come, 32 times as much at most, and given back with the peer.
TEST_P(LargeValues, ThatArePromisedAndBegunCostInProportion) {
  constexpr size_t kSent = 300'000;
  ServerProcess server = start();
  TestClient other = server.connect();
  const size_t before = std::stoull(server.info("used_memory"));
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"CLIENT", "SETNAME", "promise"}), "+OK");
  client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n" + std::string(kSent, 'x'));
  EXPECT_TRUE(
      eventually([&] { return std::stoull(listed(other, "promise", "tot-mem")) > kMegabyte; }));
  EXPECT_LT(std::stoull(server.info("used_memory")), before + 33 * kSent + kMegabyte);
  client.close();
  EXPECT_TRUE(
      eventually([&] { return std::stoull(server.info("used_memory")) < before + kMegabyte; }));
}

// The bytes of a reply that nobody reads count as the connection's, whoever else has them.
TEST_P(LargeValues, ThatAreNotReadAreCounted) {
  ServerProcess server = start();
  TestClient other = server.connect();
  EXPECT_EQ(other.call({"SET", "key", std::string(kLongerThanSockets, 'v')}), "+OK");
  TestClient reader = server.connect();
  EXPECT_EQ(reader.call({"CLIENT", "SETNAME", "reader"}), "+OK");
  reader.request({"GET", "key"});
  EXPECT_TRUE(eventually([&] {
    return std::stoull(listed(other, "reader", "omem")) > kMegabyte &&
           std::stoull(listed(other, "reader", "tot-mem")) > kMegabyte;
  }));
  EXPECT_EQ(reader.read_reply().text.size(), kLongerThanSockets);
  EXPECT_TRUE(eventually([&] { return listed(other, "reader", "omem") == "0"; }));
}

TEST_P(LargeValues, ReaderThatLeavesGivesThemUp) {
  ServerProcess server = start();
  TestClient other = server.connect();
  const size_t before = std::stoull(server.info("used_memory"));
  EXPECT_EQ(other.call({"SET", "key", std::string(kLongerThanSockets, 'v')}), "+OK");
  TestClient reader = server.connect();
  reader.request({"GET", "key"});
  ASSERT_TRUE(eventually([&] { return !reader.silent(0); }));
  EXPECT_EQ(other.call({"DEL", "key"}), "1");
  EXPECT_GT(std::stoull(server.info("used_memory")), before + kLongerThanSockets / 2);
  reader.reset();
  EXPECT_TRUE(
      eventually([&] { return std::stoull(server.info("used_memory")) < before + 4 * kMegabyte; }));
}

// What the server waits for in one piece is still seen to come.
TEST_P(LargeValues, SlowSenderIsNotIdle) {
  ServerProcess server = start({"--timeout", "1"});
  TestClient slow = server.connect();
  const std::string value = text_of(kMegabyte, 9);
  const std::string request = encode({"SET", "key", value});
  const std::string_view bytes = request;
  slow.send(bytes.substr(0, 200'000));
  TestClient idle = server.connect();
  size_t sent = 200'000;
  while (idle.silent(400) && sent < 300'000) {
    slow.send(bytes.substr(sent, 1000));
    sent += 1000;
  }
  EXPECT_TRUE(idle.closed());
  slow.send(bytes.substr(sent));
  EXPECT_EQ(slow.reply(), "+OK");
}

TEST_P(LargeValues, SenderThatStopsIsIdle) {
  ServerProcess server = start({"--timeout", "1"});
  TestClient client = server.connect();
  client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n" + std::string(200'000, 'x'));
  EXPECT_TRUE(client.closed());
}

// What has arrived of it and was not read yet is no reason to stay.
TEST_P(LargeValues, ServerStopsBesideAnUnfinishedOne) {
  ServerProcess server = start();
  TestClient other = server.connect();
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"CLIENT", "SETNAME", "unfinished"}), "+OK");
  client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n" + std::string(700'000, 'x'));
  EXPECT_TRUE(
      eventually([&] { return std::stoull(listed(other, "unfinished", "qbuf")) > 100'000; }));
  EXPECT_TRUE(server.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
