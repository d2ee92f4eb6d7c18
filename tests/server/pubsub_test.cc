// Publish/subscribe over sockets: what reaches whom, in which order, on one loop and on two, and
// what becomes of those who do not read or go away.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "tests/server/fixture.h"

namespace larder {
namespace {

using testing::eventually;
using testing::ServerProcess;
using testing::TestClient;

class PubSub : public testing::OnThreads {};
LARDER_ON_THREADS(PubSub);

std::string message(const std::string& channel, const std::string& text) {
  return "[\"message\", \"" + channel + "\", \"" + text + "\"]";
}

TestClient subscriber(const ServerProcess& server, const std::string& channel) {
  TestClient client = server.connect();
  EXPECT_EQ(client.call({"SUBSCRIBE", channel}), "[\"subscribe\", \"" + channel + "\", 1]");
  return client;
}

std::vector<TestClient> subscribers(const ServerProcess& server, size_t count,
                                    const std::string& channel) {
  std::vector<TestClient> clients;
  for (size_t i = 0; i < count; i++) clients.push_back(subscriber(server, channel));
  return clients;
}

// PUBLISH of each text, all in one write.
std::string publications(const std::string& channel, const std::vector<std::string>& texts) {
  std::string bytes;
  for (const std::string& text : texts) bytes += testing::encode({"PUBLISH", channel, text});
  return bytes;
}

std::vector<std::string> numbered(const std::string& prefix, int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; i++) texts.push_back(prefix + std::to_string(i));
  return texts;
}

// ------------------------------------------------------------------------------------------ order

TEST_P(PubSub, OwnMessagesStandBetweenTheReplies) {
  ServerProcess server = start();
  TestClient client = server.connect();
  client.send(
      "HELLO 3\r\nSUBSCRIBE c\r\nPUBLISH c 1\r\nGET k\r\nPUBLISH c 2\r\nUNSUBSCRIBE c\r\n"
      "PUBLISH c 3\r\nPING\r\n");
  client.reply();
  for (const char* expected :
       {">[\"subscribe\", \"c\", 1]", "1", ">[\"message\", \"c\", \"1\"]", "(nil)", "1",
        ">[\"message\", \"c\", \"2\"]", ">[\"unsubscribe\", \"c\", 0]", "0", "+PONG"}) {
    EXPECT_EQ(client.reply(), expected);
  }
}

TEST_P(PubSub, EveryoneSeesTwoPublishersInTheSameOrder) {
  constexpr int kMessages = 500;
  ServerProcess server = start();
  std::vector<TestClient> readers = subscribers(server, 4, "c");
  TestClient one = server.connect();
  TestClient two = server.connect();
  std::thread first([&] { one.send(publications("c", numbered("a", kMessages))); });
  two.send(publications("c", numbered("b", kMessages)));
  first.join();
  for (TestClient* publisher : {&one, &two}) {
    for (int i = 0; i < kMessages; i++) ASSERT_EQ(publisher->reply(), "4");
  }
  std::vector<std::string> seen_by_first;
  for (TestClient& reader : readers) {
    std::map<char, int> next;
    std::vector<std::string> seen;
    for (int i = 0; i < 2 * kMessages; i++) {
      const std::string text = reader.read_reply().elements.at(2).text;
      ASSERT_EQ(text.substr(1), std::to_string(next[text[0]]++));
      seen.push_back(text);
    }
    if (seen_by_first.empty()) seen_by_first = seen;
    EXPECT_EQ(seen, seen_by_first);
  }
}

// A message that was answered before a subscription began does not reach it, wherever both live.
TEST_P(PubSub, MessagesFromBeforeASubscriptionDoNotReachIt) {
  ServerProcess server = start();
  TestClient publisher = server.connect();
  TestClient always = subscriber(server, "c");
  for (int i = 0; i < 50; i++) {
    const std::string number = std::to_string(i);
    TestClient late = server.connect();
    EXPECT_EQ(publisher.call({"PUBLISH", "c", "before"}), "1");
    late.request({"SUBSCRIBE", "c"});
    EXPECT_EQ(late.reply(), "[\"subscribe\", \"c\", 1]");
    EXPECT_EQ(publisher.call({"PUBLISH", "c", number}), "2");
    EXPECT_EQ(late.reply(), message("c", number));
    late.request({"UNSUBSCRIBE", "c"});
    EXPECT_EQ(late.reply(), "[\"unsubscribe\", \"c\", 0]");
    EXPECT_EQ(always.reply(), message("c", "before"));
    EXPECT_EQ(always.reply(), message("c", number));
  }
}

// With subscribers that come and go at any moment, what PUBLISH counts is what arrives.
TEST_P(PubSub, CountsExactlyThoseWhoGetTheMessage) {
  constexpr int kClients = 4;
  constexpr int kRounds = 300;
  ServerProcess server = start();
  std::atomic<int> running{kClients};
  std::atomic<int64_t> received{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; i++) {
    threads.emplace_back([&] {
      TestClient client = server.connect();
      for (int round = 0; round < kRounds; round++) {
        client.send("SUBSCRIBE c\r\nUNSUBSCRIBE c\r\nPING\r\n");
        for (std::string reply; reply != "+PONG";) {
          reply = client.reply();
          if (reply == message("c", "m")) received++;
        }
      }
      running--;
    });
  }
  int64_t counted = 0;
  TestClient publisher = server.connect();
  while (running > 0) {
    publisher.send(publications("c", std::vector<std::string>(20, "m")));
    for (int i = 0; i < 20; i++) counted += publisher.read_reply().integer;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(received, counted);
  EXPECT_EQ(server.info("pubsub_channels"), "0");
}

// A reply longer than what is sent at once, to a client that does not read yet: the message waits
// for its end.
TEST_P(PubSub, MessagesDoNotComeIntoTheMiddleOfALongReply) {
  constexpr int kKeys = 100'000;
  ServerProcess server = start();
  testing::populate(server, kKeys);
  TestClient client = server.connect();
  client.call({"HELLO", "3"});
  client.call({"SUBSCRIBE", "c"});
  client.send("KEYS *\r\nPING\r\n");
  TestClient publisher = server.connect();
  for (int i = 0; i < 200; i++) {
    ASSERT_EQ(publisher.call({"PUBLISH", "c", std::to_string(i)}), "1");
  }
  size_t keys = 0;
  bool ponged = false;
  for (int messages = 0; messages < 200 || keys == 0 || !ponged;) {
    const protocol::Reply reply = client.read_reply();
    if (reply.type == protocol::Reply::Type::kPush) {
      ASSERT_EQ(reply.elements.at(2).text, std::to_string(messages++));
    } else if (reply.type == protocol::Reply::Type::kArray) {
      keys = reply.elements.size();
    } else {
      ASSERT_EQ(reply.to_string(), "+PONG");
      ponged = true;
    }
  }
  EXPECT_EQ(keys, static_cast<size_t>(kKeys));
}

TEST_P(PubSub, MessagesReachAClientThatWaitsInACommand) {
  ServerProcess server = start();
  TestClient client = server.connect();
  client.call({"HELLO", "3"});
  const std::string id = client.call({"CLIENT", "ID"});
  client.call({"SUBSCRIBE", "c"});
  client.request({"WAIT", "1", "0"});
  EXPECT_TRUE(eventually([&] { return server.info("blocked_clients") == "1"; }));
  TestClient publisher = server.connect();
  EXPECT_EQ(publisher.call({"PUBLISH", "c", "m"}), "1");
  EXPECT_EQ(client.reply(), ">" + message("c", "m"));
  EXPECT_EQ(publisher.call({"CLIENT", "UNBLOCK", id}), "1");
  EXPECT_EQ(client.reply(), "0");
}

// -------------------------------------------------------------------------------- many and much

// More than one turn can send: the rest follows, and publishers that are faster wait.
TEST_P(PubSub, ManySubscribersGetEveryMessage) {
  constexpr int kMessages = 300;
  ServerProcess server = start();
  std::vector<TestClient> readers = subscribers(server, 300, "c");
  TestClient publisher = server.connect();
  const std::string padding(200, 'x');
  std::vector<std::string> texts;
  for (int i = 0; i < kMessages; i++) texts.push_back(padding + std::to_string(i));
  publisher.send(publications("c", texts));
  for (int i = 0; i < kMessages; i++) ASSERT_EQ(publisher.reply(), "300");
  for (TestClient& reader : readers) {
    for (const std::string& text : texts) ASSERT_EQ(reader.reply(), message("c", text));
  }
}

TEST_P(PubSub, LongMessagesArriveWhole) {
  ServerProcess server = start();
  std::vector<TestClient> readers = subscribers(server, 5, "c");
  TestClient modern = server.connect();
  modern.call({"HELLO", "3"});
  modern.call({"PSUBSCRIBE", "*"});
  TestClient publisher = server.connect();
  for (const size_t size : {4000u, 4096u, 5000u, 70'000u, 3'000'000u}) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    EXPECT_EQ(publisher.call({"PUBLISH", "c", text}), "6");
    for (TestClient& reader : readers) EXPECT_EQ(reader.reply(), message("c", text));
    EXPECT_EQ(modern.reply(), ">[\"pmessage\", \"*\", \"c\", \"" + text + "\"]");
  }
}

// ---------------------------------------------------------------------------- those who do not
// read

TEST_P(PubSub, SubscriberThatDoesNotReadIsCutAndNobodyElse) {
  ServerProcess server = start({"--client-output-buffer-limit", "pubsub 1mb 0 0"});
  TestClient slow = subscriber(server, "c");
  TestClient reader = subscriber(server, "c");
  TestClient publisher = server.connect();
  const std::string text(100'000, 'm');
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 20; i++) {
      publisher.call({"PUBLISH", "c", text});
      EXPECT_EQ(reader.reply(), message("c", text));
    }
    return server.info("client_output_buffer_limit_disconnections") == "1";
  }));
  EXPECT_TRUE(eventually([&] {
    return publisher.call({"PUBSUB", "NUMSUB", "c"}) == "[\"c\", 1]";
  }));
  EXPECT_EQ(publisher.call({"PUBLISH", "c", "last"}), "1");
  EXPECT_EQ(reader.reply(), message("c", "last"));
}

// One that waits for the end of its own long reply keeps no publisher waiting, and is cut as well.
TEST_P(PubSub, SubscriberInTheMiddleOfAReplyIsCut) {
  ServerProcess server = start({"--client-output-buffer-limit", "pubsub 20mb 0 0"});
  testing::populate(server, 300'000);
  TestClient slow = server.connect();
  slow.call({"HELLO", "3"});
  slow.call({"SUBSCRIBE", "c"});
  slow.request({"KEYS", "*"});
  TestClient publisher = server.connect();
  const std::string text(100'000, 'm');
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 20; i++) publisher.call({"PUBLISH", "c", text});
    return server.info("client_output_buffer_limit_disconnections") == "1";
  }));
  EXPECT_TRUE(eventually([&] { return server.info("pubsub_channels") == "0"; }));
}

// One loop, as the subscriber's own would see to it otherwise.
TEST(PubSubOnOneLoop, MessagesDoNotPileUpBehindAScriptOrTransaction) {
  const std::string text(1'000'000, 'm');
  const std::string cut = "client_output_buffer_limit_disconnections:1";
  ServerProcess server({"--threads", "1", "--client-output-buffer-limit", "pubsub 2mb 0 0"});
  TestClient publisher = server.connect();
  {
    const TestClient slow = subscriber(server, "c");
    const std::string script =
        "for i = 1, 10 do redis.call('PUBLISH', 'c', ARGV[1]) end "
        "return redis.call('INFO', 'stats')";
    EXPECT_NE(publisher.call({"EVAL", script, "0", text}).find(cut), std::string::npos);
  }
  publisher.call({"CONFIG", "RESETSTAT"});
  const TestClient slow = subscriber(server, "c");
  publisher.call({"MULTI"});
  for (int i = 0; i < 10; i++) publisher.call({"PUBLISH", "c", text});
  publisher.call({"INFO", "stats"});
  EXPECT_NE(publisher.call({"EXEC"}).find(cut), std::string::npos);
}

TEST_P(PubSub, MessageAboveTheLimitCutsItsReceivers) {
  ServerProcess server = start({"--client-output-buffer-limit", "pubsub 1mb 0 0"});
  TestClient reader = subscriber(server, "c");
  TestClient other = subscriber(server, "d");
  TestClient publisher = server.connect();
  EXPECT_EQ(publisher.call({"PUBLISH", "c", std::string(2'000'000, 'm')}), "1");
  EXPECT_LT(reader.skip_to_end(), 2'000'000u);
  EXPECT_EQ(publisher.call({"PUBLISH", "d", "m"}), "1");
  EXPECT_EQ(other.reply(), message("d", "m"));
}

TEST_P(PubSub, SubscriberIsNeverIdle) {
  ServerProcess server = start({"--timeout", "1"});
  TestClient reader = subscriber(server, "c");
  TestClient idle = server.connect();
  EXPECT_TRUE(idle.closed());
  TestClient later = server.connect();
  EXPECT_TRUE(later.closed());
  TestClient publisher = server.connect();
  EXPECT_EQ(publisher.call({"PUBLISH", "c", "m"}), "1");
  EXPECT_EQ(reader.reply(), message("c", "m"));
}

// ------------------------------------------------------------------------------ those who go away

TEST_P(PubSub, KilledByType) {
  ServerProcess server = start();
  std::vector<TestClient> readers = subscribers(server, 4, "c");
  TestClient other = server.connect();
  EXPECT_EQ(other.call({"CLIENT", "KILL", "TYPE", "pubsub"}), "4");
  for (TestClient& reader : readers) EXPECT_TRUE(reader.closed());
  EXPECT_TRUE(eventually([&] { return server.info("pubsub_clients") == "0"; }));
  EXPECT_EQ(other.call({"PUBLISH", "c", "m"}), "0");
}

TEST_P(PubSub, QuitAndResetEndSubscriptions) {
  ServerProcess server = start();
  TestClient leaving = subscriber(server, "c");
  TestClient staying = subscriber(server, "c");
  EXPECT_EQ(leaving.call({"QUIT"}), "+OK");
  EXPECT_TRUE(leaving.closed());
  EXPECT_EQ(staying.call({"RESET"}), "+RESET");
  EXPECT_EQ(staying.call({"PUBLISH", "c", "m"}), "0");
  EXPECT_EQ(staying.call({"PING"}), "+PONG");
}

TEST_P(PubSub, ClientWithManySubscriptionsLeavesNone) {
  ServerProcess server = start();
  TestClient client = server.connect();
  std::vector<std::string> names{"SUBSCRIBE"};
  for (int i = 0; i < 5000; i++) names.push_back("c" + std::to_string(i));
  client.request(names);
  for (size_t i = 1; i < names.size(); i++) client.read_reply();
  EXPECT_EQ(server.info("pubsub_channels"), "5000");
  client.reset();
  EXPECT_TRUE(eventually([&] { return server.info("pubsub_channels") == "0"; }));
}

// Any client goes at any moment, in order or not, with messages for it on their way.
TEST_P(PubSub, RandomDisconnectsLeaveNothing) {
  constexpr int kSteps = 1500;
  ServerProcess server = start();
  std::mt19937 random(11);
  std::vector<TestClient> clients;
  TestClient publisher = server.connect();
  const std::string long_text(50'000, 'm');
  for (int step = 0; step < kSteps; step++) {
    const uint32_t roll = random() % 10;
    if (clients.size() < 3 || roll < 4) {
      clients.push_back(server.connect());
      clients.back().send(random() % 2 == 0 ? "HELLO 3\r\n" : "");
      clients.back().send("SUBSCRIBE a b c\r\nPSUBSCRIBE * ?\r\nSSUBSCRIBE s\r\n");
      if (random() % 4 == 0) clients.back().send("UNSUBSCRIBE a\r\nKEYS *\r\nPUBLISH b x\r\n");
    } else if (roll < 7) {
      TestClient& leaving = clients[random() % clients.size()];
      std::swap(leaving, clients.back());
      random() % 2 == 0 ? clients.back().reset() : clients.back().close();
      clients.pop_back();
    } else {
      const std::string name(1, static_cast<char>('a' + random() % 3));
      publisher.send(publications(name, {"m", random() % 5 == 0 ? long_text : "n"}));
      publisher.read_reply();
      publisher.read_reply();
    }
  }
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server.info("connected_clients") == "2"; }));
  EXPECT_TRUE(eventually([&] { return server.info("pubsub_channels") == "0"; }));
  for (const char* field : {"pubsub_patterns", "pubsubshard_channels", "pubsub_clients"}) {
    EXPECT_EQ(server.info(field), "0") << field;
  }
  testing::expect_served(server);
  EXPECT_TRUE(server.stops(SIGTERM));
}

TEST_P(PubSub, ServerStopsWithSubscribers) {
  ServerProcess server = start();
  std::vector<TestClient> readers = subscribers(server, 10, "c");
  TestClient publisher = server.connect();
  publisher.send(publications("c", numbered("", 100)));
  EXPECT_TRUE(server.stops(SIGTERM));
}

}  // namespace
}  // namespace larder
