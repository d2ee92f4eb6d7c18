#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "storage/glob.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::FakeClient;
using testing::InProcess;
using Lines = std::vector<std::string>;

Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

// ---------------------------------------------------------------------------------- confirmations

TEST(Subscribe, ConfirmsEachChannel) {
  InProcess server;
  EXPECT_EQ(server.run_all(server.client(), {"SUBSCRIBE", "a", "b", "a"}),
            (Lines{"[\"subscribe\", \"a\", 1]", "[\"subscribe\", \"b\", 2]",
                   "[\"subscribe\", \"a\", 2]"}));
  EXPECT_EQ(server.run_all(server.client(), {"PSUBSCRIBE", "*", "x*"}),
            (Lines{"[\"psubscribe\", \"*\", 3]", "[\"psubscribe\", \"x*\", 4]"}));
  EXPECT_EQ(server.run_all(server.client(), {"SSUBSCRIBE", "a"}),
            (Lines{"[\"ssubscribe\", \"a\", 1]"}));
}

TEST(Subscribe, ConfirmsByPushInResp3) {
  InProcess server;
  server.run({"HELLO", "3"});
  EXPECT_EQ(server.run({"SUBSCRIBE", "a"}), ">[\"subscribe\", \"a\", 1]");
  EXPECT_EQ(server.run({"UNSUBSCRIBE", "a"}), ">[\"unsubscribe\", \"a\", 0]");
  EXPECT_EQ(server.run({"UNSUBSCRIBE"}), ">[\"unsubscribe\", (nil), 0]");
}

TEST(Unsubscribe, ConfirmsWhateverIsNamed) {
  InProcess server;
  EXPECT_EQ(server.run({"UNSUBSCRIBE", "never"}), "[\"unsubscribe\", \"never\", 0]");
  server.run_raw(server.client(), {"SUBSCRIBE", "a", "b"});
  EXPECT_EQ(server.run({"UNSUBSCRIBE", "never"}), "[\"unsubscribe\", \"never\", 2]");
  EXPECT_EQ(server.run({"UNSUBSCRIBE", "a"}), "[\"unsubscribe\", \"a\", 1]");
}

TEST(Unsubscribe, WithoutANameEndsAllOfTheKind) {
  InProcess server;
  server.run_raw(server.client(), {"SUBSCRIBE", "a", "b"});
  server.run_raw(server.client(), {"PSUBSCRIBE", "p*"});
  server.run_raw(server.client(), {"SSUBSCRIBE", "s"});
  const Lines ended = server.run_all(server.client(), {"UNSUBSCRIBE"});
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[1].substr(ended[1].size() - 3), " 1]");  // the pattern is left
  EXPECT_EQ(server.run({"UNSUBSCRIBE"}), "[\"unsubscribe\", (nil), 1]");
  EXPECT_EQ(server.run({"PUNSUBSCRIBE"}), "[\"punsubscribe\", \"p*\", 0]");
  EXPECT_EQ(server.run({"PUNSUBSCRIBE"}), "[\"punsubscribe\", (nil), 0]");
  EXPECT_EQ(server.run({"SUNSUBSCRIBE"}), "[\"sunsubscribe\", \"s\", 0]");
  EXPECT_EQ(server.run({"SUNSUBSCRIBE"}), "[\"sunsubscribe\", (nil), 0]");
}

TEST(Subscribe, HasALimitForOneConnection) {
  InProcess server(1);
  std::vector<std::string> names(core::PubSub::kSubscriptionsMax + 2, "a");
  names[0] = "SUBSCRIBE";
  EXPECT_EQ(server.run(names),
            "(error) ERR one connection cannot have more than 1048576 subscriptions");
  EXPECT_EQ(server.run({"PUBSUB", "CHANNELS"}), "[]");
}

// --------------------------------------------------------------------------------------- messages

TEST(Publish, ReachesSubscribersOfTheChannelAlone) {
  InProcess server;
  const auto one = server.connect();
  const auto two = server.connect();
  server.run(*one, {"SUBSCRIBE", "news"});
  server.run_raw(*two, {"SUBSCRIBE", "news", "other"});
  EXPECT_EQ(server.run({"PUBLISH", "news", "hi"}), "2");
  EXPECT_EQ(server.run({"PUBLISH", "other", ""}), "1");
  EXPECT_EQ(server.run({"PUBLISH", "NEWS", "hi"}), "0");
  EXPECT_EQ(one->pushes(), (Lines{"[\"message\", \"news\", \"hi\"]"}));
  EXPECT_EQ(two->pushes(),
            (Lines{"[\"message\", \"news\", \"hi\"]", "[\"message\", \"other\", \"\"]"}));
}

TEST(Publish, IsAPushForClientsOfResp3) {
  InProcess server;
  const auto old = server.connect();
  const auto modern = server.connect();
  server.run(*modern, {"HELLO", "3"});
  for (FakeClient* client : {old.get(), modern.get()}) {
    server.run(*client, {"SUBSCRIBE", "c"});
    server.run(*client, {"PSUBSCRIBE", "c*"});
  }
  EXPECT_EQ(server.run({"PUBLISH", "c", "m"}), "4");
  EXPECT_EQ(old->pushes(),
            (Lines{"[\"message\", \"c\", \"m\"]", "[\"pmessage\", \"c*\", \"c\", \"m\"]"}));
  EXPECT_EQ(modern->pushes(),
            (Lines{">[\"message\", \"c\", \"m\"]", ">[\"pmessage\", \"c*\", \"c\", \"m\"]"}));
}

TEST(Publish, CountsAClientAsOftenAsItGetsTheMessage) {
  InProcess server;
  const auto client = server.connect();
  server.run_raw(*client, {"SUBSCRIBE", "abc"});
  server.run_raw(*client, {"PSUBSCRIBE", "a*", "*c", "x*"});
  EXPECT_EQ(server.run({"PUBLISH", "abc", "m"}), "3");
  const Lines got = client->pushes();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0], "[\"message\", \"abc\", \"m\"]");  // before those of patterns
}

TEST(Publish, CarriesAnyBytes) {
  InProcess server;
  const auto client = server.connect();
  const std::string bytes("\0\r\n\xff>3\r\n", 8);
  server.run(*client, {"PSUBSCRIBE", "*"});
  for (const std::string& text : {bytes, std::string(100'000, 'x'), std::string()}) {
    EXPECT_EQ(server.run({"PUBLISH", bytes, text}), "1");
    EXPECT_EQ(client->pushes(),
              (Lines{"[\"pmessage\", \"*\", \"" + bytes + "\", \"" + text + "\"]"}));
  }
}

TEST(Publish, ToItselfComesBehindTheReply) {
  InProcess server;
  server.run({"HELLO", "3"});
  server.run({"SUBSCRIBE", "c"});
  EXPECT_EQ(server.run({"PUBLISH", "c", "m"}), "1");
  EXPECT_EQ(server.client().pushes(), (Lines{">[\"message\", \"c\", \"m\"]"}));
}

TEST(Spublish, KnowsShardChannelsAlone) {
  InProcess server;
  const auto plain = server.connect();
  const auto shard = server.connect();
  server.run_raw(*plain, {"SUBSCRIBE", "c"});
  server.run_raw(*plain, {"PSUBSCRIBE", "*"});
  server.run(*shard, {"SSUBSCRIBE", "c"});
  EXPECT_EQ(server.run({"SPUBLISH", "c", "m"}), "1");
  EXPECT_EQ(server.run({"PUBLISH", "c", "n"}), "2");
  EXPECT_EQ(shard->pushes(), (Lines{"[\"smessage\", \"c\", \"m\"]"}));
  EXPECT_EQ(plain->pushes().size(), 2u);
  EXPECT_EQ(server.run({"COMMAND", "GETKEYS", "SPUBLISH", "c", "m"}),
            "(error) ERR The command has no key arguments");
}

// What a client gets is what was published between its SUBSCRIBE and its UNSUBSCRIBE, and PUBLISH
// counts it: compared with a model, over random commands.
TEST(PubSub, DeliversWhatAModelSays) {
  constexpr int kClients = 6;
  constexpr int kSteps = 6000;
  const Lines channels = {"a", "ab", "abc", "b", "bc", ""};
  const Lines patterns = {"*", "a*", "?b*", "[ab]", "abc", "\\*"};
  InProcess server(1);
  std::vector<std::unique_ptr<FakeClient>> clients(kClients);
  std::vector<std::set<std::string>> plain(kClients), globs(kClients);
  std::mt19937 random(4);
  const auto below = [&](size_t n) { return random() % n; };
  for (int step = 0; step < kSteps; step++) {
    const size_t i = below(kClients);
    if (clients[i] == nullptr) clients[i] = server.connect();
    const std::string& channel = channels[below(channels.size())];
    const std::string& pattern = patterns[below(patterns.size())];
    switch (below(8)) {
      case 0:
        server.run(*clients[i], {"SUBSCRIBE", channel});
        plain[i].insert(channel);
        break;
      case 1:
        server.run(*clients[i], {"UNSUBSCRIBE", channel});
        plain[i].erase(channel);
        break;
      case 2:
        server.run(*clients[i], {"PSUBSCRIBE", pattern});
        globs[i].insert(pattern);
        break;
      case 3:
        server.run(*clients[i], {"PUNSUBSCRIBE", pattern});
        globs[i].erase(pattern);
        break;
      case 4:
        if (below(4) != 0) break;
        clients[i].reset();
        plain[i].clear();
        globs[i].clear();
        break;
      default: {
        const std::string message = std::to_string(step);
        const std::string tail = "\"" + channel + "\", \"" + message + "\"]";
        size_t expected = 0;
        const std::string count = server.run({"PUBLISH", channel, message});
        for (int k = 0; k < kClients; k++) {
          Lines wanted;
          if (plain[k].contains(channel)) wanted.push_back("[\"message\", " + tail);
          for (const std::string& glob : globs[k]) {
            if (storage::glob_match(glob, channel)) {
              wanted.push_back("[\"pmessage\", \"" + glob + "\", " + tail);
            }
          }
          expected += wanted.size();
          if (clients[k] != nullptr) {
            ASSERT_EQ(sorted(clients[k]->pushes()), sorted(wanted)) << step;
          }
        }
        ASSERT_EQ(count, std::to_string(expected)) << step;
      }
    }
  }
}

// --------------------------------------------------------------------------- the subscriber's mode

TEST(SubscriberMode, RefusesOtherCommandsInResp2) {
  InProcess server;
  server.run({"SSUBSCRIBE", "a"});
  const std::string refused =
      ": only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
  EXPECT_EQ(server.run({"GET", "k"}), "(error) ERR Can't execute 'get'" + refused);
  EXPECT_EQ(server.run({"CLIENT", "ID"}), "(error) ERR Can't execute 'client|id'" + refused);
  EXPECT_EQ(server.run({"PUBLISH", "a", "m"}), "(error) ERR Can't execute 'publish'" + refused);
  EXPECT_EQ(server.run({"GET"}), "(error) ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(server.run({"PING"}), "[\"pong\", \"\"]");
  EXPECT_EQ(server.run({"PING", "x"}), "[\"pong\", \"x\"]");
  EXPECT_EQ(server.run({"UNSUBSCRIBE"}), "[\"unsubscribe\", (nil), 0]");
  EXPECT_EQ(server.run({"GET", "k"}), "(error) ERR Can't execute 'get'" + refused);
  server.run({"SUNSUBSCRIBE", "a"});
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
}

TEST(SubscriberMode, DoesNotExistInResp3) {
  InProcess server;
  server.run({"HELLO", "3"});
  server.run({"SUBSCRIBE", "a"});
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
  server.run({"HELLO", "2"});
  EXPECT_EQ(server.run({"PING"}), "[\"pong\", \"\"]");
}

TEST(Reset, EndsSubscriptions) {
  InProcess server;
  server.run({"SUBSCRIBE", "a"});
  server.run({"PSUBSCRIBE", "*"});
  server.run({"SSUBSCRIBE", "a"});
  EXPECT_EQ(server.run({"RESET"}), "+RESET");
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
  EXPECT_EQ(server.run({"PUBLISH", "a", "m"}), "0");
  EXPECT_EQ(server.run({"PUBSUB", "NUMPAT"}), "0");
  EXPECT_EQ(server.run({"PUBSUB", "SHARDCHANNELS"}), "[]");
}

// ---------------------------------------------------------------------------------- CLIENT and
// INFO

TEST(ClientReply, DoesNotSilencePushes) {
  InProcess server;
  FakeClient& client = server.client();
  server.run({"HELLO", "3"});
  EXPECT_EQ(server.run({"CLIENT", "REPLY", "OFF"}), "");
  EXPECT_EQ(server.run({"SUBSCRIBE", "a"}), ">[\"subscribe\", \"a\", 1]");
  EXPECT_EQ(server.run({"SUBSCRIBE"}), "");
  EXPECT_EQ(server.run({"PUBLISH", "a", "m"}), "");
  EXPECT_EQ(client.pushes(), (Lines{">[\"message\", \"a\", \"m\"]"}));
  server.run({"CLIENT", "REPLY", "ON"});
  server.run({"CLIENT", "REPLY", "SKIP"});
  EXPECT_EQ(server.run({"UNSUBSCRIBE", "a"}), ">[\"unsubscribe\", \"a\", 0]");
  EXPECT_EQ(server.run({"PING"}), "+PONG");
}

TEST(ClientList, ShowsSubscriptionsAndTheType) {
  InProcess server;
  const auto client = server.connect();
  server.run_raw(*client, {"SUBSCRIBE", "a", "b"});
  server.run_raw(*client, {"PSUBSCRIBE", "a*"});
  server.run_raw(*client, {"SSUBSCRIBE", "a", "b", "c"});
  const std::string list = server.run({"CLIENT", "LIST", "TYPE", "pubsub"});
  EXPECT_NE(list.find(" flags=P db=0 sub=2 psub=1 ssub=3 "), std::string::npos) << list;
  EXPECT_EQ(server.run({"CLIENT", "LIST", "TYPE", "normal"}).find("sub=2"), std::string::npos);
  EXPECT_EQ(server.run({"CLIENT", "KILL", "TYPE", "pubsub"}), "1");
  EXPECT_TRUE(client->closed);
}

TEST(Info, CountsChannelsPatternsAndClients) {
  InProcess server;
  auto one = server.connect();
  const auto two = server.connect();
  server.run_raw(*one, {"SUBSCRIBE", "a", "b"});
  server.run_raw(*two, {"SUBSCRIBE", "a"});
  server.run_raw(*two, {"PSUBSCRIBE", "p*"});
  server.run_raw(*two, {"SSUBSCRIBE", "s"});
  const auto has = [&](const std::string& line) {
    return server.run({"INFO"}).find("\r\n" + line + "\r\n") != std::string::npos;
  };
  EXPECT_TRUE(has("pubsub_channels:2"));
  EXPECT_TRUE(has("pubsub_patterns:1"));
  EXPECT_TRUE(has("pubsubshard_channels:1"));
  EXPECT_TRUE(has("pubsub_clients:2"));
  one.reset();
  EXPECT_TRUE(has("pubsub_channels:1"));
  EXPECT_TRUE(has("pubsub_clients:1"));
}

TEST(ClientPause, HoldsPublishersBackLikeWriters) {
  InProcess server;
  const auto client = server.connect();
  server.run(*client, {"SUBSCRIBE", "a"});
  server.run({"CLIENT", "PAUSE", "1000", "WRITE"});
  EXPECT_EQ(server.run({"PUBLISH", "a", "m"}), "");
  EXPECT_TRUE(client->pushes().empty());
  server.clock().advance_ms(1000);
  EXPECT_EQ(server.run({"PUBLISH", "a", "m"}), "1");
}

// ------------------------------------------------------------------------------------------ PUBSUB

TEST(PubsubCommand, NamesChannels) {
  InProcess server;
  const auto client = server.connect();
  server.run_raw(*client, {"SUBSCRIBE", "news.a", "news.b", "x", ""});
  server.run_raw(*client, {"SSUBSCRIBE", "news.s"});
  const std::string all = server.run({"PUBSUB", "CHANNELS"});
  for (const char* name : {"\"news.a\"", "\"news.b\"", "\"x\"", "\"\""}) {
    EXPECT_NE(all.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(server.run({"PUBSUB", "CHANNELS", "*.a"}), "[\"news.a\"]");
  EXPECT_EQ(server.run({"PUBSUB", "CHANNELS", ""}), "[\"\"]");
  EXPECT_EQ(server.run({"PUBSUB", "SHARDCHANNELS"}), "[\"news.s\"]");
  EXPECT_EQ(
      server.run({"PUBSUB", "CHANNELS", "a", "b"}),
      "(error) ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB "
      "HELP.");
}

TEST(PubsubCommand, CountsSubscribers) {
  InProcess server;
  const auto one = server.connect();
  const auto two = server.connect();
  server.run_raw(*one, {"SUBSCRIBE", "a", "b"});
  server.run_raw(*two, {"SUBSCRIBE", "a"});
  server.run_raw(*two, {"PSUBSCRIBE", "a", "*"});
  server.run_raw(*one, {"PSUBSCRIBE", "*"});
  server.run_raw(*two, {"SSUBSCRIBE", "b"});
  EXPECT_EQ(server.run({"PUBSUB", "NUMSUB", "a", "b", "c"}), "[\"a\", 2, \"b\", 1, \"c\", 0]");
  EXPECT_EQ(server.run({"PUBSUB", "NUMSUB"}), "[]");
  EXPECT_EQ(server.run({"PUBSUB", "NUMPAT"}), "2");
  EXPECT_EQ(server.run({"PUBSUB", "SHARDNUMSUB", "a", "b"}), "[\"a\", 0, \"b\", 1]");
}

// ---------------------------------------------------------------------------------- single clients

core::PushText text(std::string_view bytes) {
  core::PushText text;
  text.body = core::join({bytes});
  return text;
}

TEST(Pushes, ReachOneClientInItsVersionOfTheProtocol) {
  InProcess server;
  const auto old = server.connect();
  const auto modern = server.connect();
  server.run(*modern, {"HELLO", "3"});
  core::Pushes& pushes = server.server().pushes;
  using core::PushAudience;
  for (const auto audience : {PushAudience::kAll, PushAudience::kResp2, PushAudience::kResp3}) {
    for (const FakeClient* client : {old.get(), modern.get()}) {
      const std::string number = std::to_string(static_cast<int>(audience));
      pushes.send(client->worker(), {.text = text(">2\r\n+to\r\n:" + number + "\r\n"),
                                     .client = client->id(),
                                     .audience = audience});
    }
  }
  EXPECT_TRUE(old->pushes().empty());
  pushes.queue(0).hand_out();
  EXPECT_EQ(old->pushes(), (Lines{"[+to, 0]", "[+to, 1]"}));
  EXPECT_EQ(modern->pushes(), (Lines{">[+to, 0]", ">[+to, 2]"}));
}

// What a subscription's beginning leaves in the queue, as it came later, is not forgotten.
TEST(Pushes, BehindThoseHandedOutStillWait) {
  InProcess server;
  const auto client = server.connect();
  core::Pushes& pushes = server.server().pushes;
  core::PushQueue& queue = pushes.queue(0);
  for (const char* number : {"1", "2", "3"}) {
    pushes.send(0,
                {.text = text(">1\r\n:" + std::string(number) + "\r\n"), .client = client->id()});
  }
  queue.hand_out(queue.added() - 1);
  EXPECT_EQ(client->pushes(), (Lines{"[1]", "[2]"}));
  EXPECT_TRUE(queue.waiting());
  queue.hand_out();
  EXPECT_EQ(client->pushes(), (Lines{"[3]"}));
  EXPECT_FALSE(queue.waiting());
}

TEST(Pushes, AreBehindByTheirBytesToo) {
  InProcess server;
  core::Pushes& pushes = server.server().pushes;
  const std::string bytes = ">1\r\n+" + std::string(1'000'000, 'x') + "\r\n";
  for (int i = 0; i < 4; i++) pushes.send(0, {.text = text(bytes), .client = 0});
  EXPECT_FALSE(pushes.behind());
  pushes.send(0, {.text = text(bytes), .client = 0});
  EXPECT_TRUE(pushes.behind());
  pushes.queue(0).hand_out();
  EXPECT_FALSE(pushes.behind());
}

TEST(Pushes, ToAClientThatHasGoneAreDropped) {
  InProcess server;
  auto client = server.connect();
  server.server().pushes.send(0, {.text = text(">1\r\n:1\r\n"), .client = client->id()});
  client.reset();
  server.server().pushes.queue(0).hand_out();
}

// Of a client with many subscriptions, those not ended yet when it goes are counted, but nothing is
// sent to it any more.
TEST(PubSub, SubscriptionsOfAClientThatHasGoneAreEndedInSlices) {
  InProcess server;
  const auto client = server.connect();
  std::vector<std::string> names{"SUBSCRIBE"};
  const size_t count = 2 * core::PubSub::kEndedAtOnce + 1;
  for (size_t i = 0; i < count; i++) names.push_back(std::to_string(i));
  server.run_raw(*client, names);
  core::PubSub& pubsub = server.server().pubsub;
  const auto left = pubsub.client_gone(*client);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(pubsub.clients(), 0u);
  EXPECT_EQ(pubsub.topics(core::TopicKind::kChannel), count - core::PubSub::kEndedAtOnce);
  for (size_t i = 0; i < count; i++) server.run({"PUBLISH", std::to_string(i), "m"});
  EXPECT_TRUE(client->pushes().empty());
  EXPECT_TRUE(pubsub.end_some(*left));
  EXPECT_FALSE(pubsub.end_some(*left));
  EXPECT_FALSE(pubsub.has_subscribers());
}

}  // namespace
}  // namespace larder
