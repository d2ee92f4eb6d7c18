// Client-side caching: who is told that which keys have changed, and when.
#include "server/core/tracking.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/in_process.h"

namespace larder::testing {
namespace {

using Pushes = std::vector<std::string>;

struct TrackingTest : ::testing::Test {
  std::unique_ptr<FakeClient> in_resp3() {
    auto client = server.connect();
    server.run(*client, {"HELLO", "3"});
    return client;
  }
  // A client of RESP3 that tracks.
  std::unique_ptr<FakeClient> tracking(const std::vector<std::string>& options = {}) {
    auto client = in_resp3();
    track(*client, options);
    return client;
  }
  void track(FakeClient& client, const std::vector<std::string>& options = {}) {
    std::vector<std::string> words{"CLIENT", "TRACKING", "ON"};
    words.insert(words.end(), options.begin(), options.end());
    EXPECT_EQ(server.run(client, words), "+OK");
  }
  std::string info(const std::string& field) {
    const std::string text = server.run({"INFO", "everything"});
    const size_t at = text.find(field + ":");
    if (at == std::string::npos) return "none";
    const size_t begin = at + field.size() + 1;
    return text.substr(begin, text.find_first_not_of("0123456789", begin) - begin);
  }
  std::string flags(FakeClient& client) {
    const std::string line = server.run(client, {"CLIENT", "INFO"});
    const size_t at = line.find(" flags=") + 7;
    return line.substr(at, line.find(' ', at) - at);
  }

  InProcess server{2};
};

std::string id_of(const FakeClient& client) {
  return std::to_string(client.id());
}

Pushes invalidated(const std::string& keys) {
  return {">[\"invalidate\", [" + keys + "]]"};
}
const Pushes kEverything{">[\"invalidate\", (nil)]"};
const Pushes kNothing{};

TEST_F(TrackingTest, FirstChangeOfAKeyThatWasReadIsTold) {
  const auto reader = tracking();
  server.run(*reader, {"GET", "k"});
  server.run({"SET", "k", "1"});
  EXPECT_EQ(reader->pushes(), invalidated("\"k\""));
  server.run({"SET", "k", "2"});
  EXPECT_EQ(reader->pushes(), kNothing);
  server.run(*reader, {"GET", "k"});
  server.run({"DEL", "k"});
  EXPECT_EQ(reader->pushes(), invalidated("\"k\""));
}

TEST_F(TrackingTest, WritingIsNotReading) {
  const auto writer = tracking();
  server.run(*writer, {"SET", "k", "1"});
  server.run(*writer, {"INCR", "k"});
  server.run(*writer, {"GETSET", "k", "2"});
  EXPECT_EQ(server.server().tracking.keys(), 0u);
}

TEST_F(TrackingTest, AllKeysOfTheRowCountWhetherTheyAreThereOrNot) {
  const auto reader = tracking();
  server.run({"SET", "a", "1"});
  server.run(*reader, {"MGET", "a", "b", "a"});
  EXPECT_EQ(info("tracking_total_keys"), "2");
  EXPECT_EQ(info("tracking_total_items"), "2");
  server.run({"MSET", "b", "1", "a", "2"});
  EXPECT_EQ(reader->pushes(), (Pushes{">[\"invalidate\", [\"b\"]]", ">[\"invalidate\", [\"a\"]]"}));
  EXPECT_EQ(info("tracking_total_keys"), "0");
}

TEST_F(TrackingTest, CommandThatFailsCountsAsReading) {
  const auto reader = tracking();
  server.run({"LPUSH", "l", "1"});
  server.run(*reader, {"GET", "l"});
  server.run(*reader, {"GETRANGE", "k", "x", "y"});
  EXPECT_EQ(server.server().tracking.keys(), 2u);
}

TEST_F(TrackingTest, DatabasesAreNotToldApart) {
  const auto reader = tracking();
  server.run(*reader, {"GET", "k"});
  server.run({"SELECT", "1"});
  server.run({"SET", "k", "1"});
  EXPECT_EQ(reader->pushes(), invalidated("\"k\""));
}

TEST_F(TrackingTest, OwnChangesAreToldUnlessNoLoop) {
  const auto one = tracking();
  const auto quiet = tracking({"NOLOOP"});
  for (FakeClient* client : {one.get(), quiet.get()}) {
    server.run(*client, {"GET", "k"});
    server.run(*client, {"SET", "k", "1"});
  }
  EXPECT_EQ(one->pushes(), invalidated("\"k\""));
  EXPECT_EQ(quiet->pushes(), kNothing);
  server.run(*quiet, {"GET", "k"});
  server.run({"SET", "k", "2"});
  EXPECT_EQ(quiet->pushes(), invalidated("\"k\""));
}

TEST_F(TrackingTest, NoLoopLeavesNobodyWithAKeyThatExpired) {
  const auto quiet = tracking({"NOLOOP"});
  server.run(*quiet, {"SET", "k", "1", "PX", "10"});
  server.run(*quiet, {"GET", "k"});
  server.clock().advance_ms(11);
  server.run(*quiet, {"EXPIRE", "k", "5"});  // finds it expired: nobody's change
  EXPECT_EQ(quiet->pushes(), invalidated("\"k\""));
}

TEST_F(TrackingTest, WhatAWaitingClientTakesIsItsOwnDoing) {
  const auto quiet = tracking({"BCAST", "NOLOOP"});
  const auto waiter = server.connect();
  const auto waiting = server.start(*waiter, {"BLPOP", "list", "0"});
  server.run(*quiet, {"RPUSH", "list", "a"});
  EXPECT_EQ(quiet->pushes(), invalidated("\"list\""));
}

TEST_F(TrackingTest, ExpiryIsToldAndTheReadThatFoundItIsRemembered) {
  const auto reader = tracking();
  server.run({"SET", "k", "1", "PX", "10"});
  server.run(*reader, {"GET", "k"});
  server.clock().advance_ms(11);
  EXPECT_EQ(server.run(*reader, {"GET", "k"}), "(nil)");
  EXPECT_EQ(reader->pushes(), invalidated("\"k\""));
  server.run({"SET", "k", "2"});
  EXPECT_EQ(reader->pushes(), invalidated("\"k\""));
}

TEST_F(TrackingTest, FirstReadOfAnExpiredKeyTellsNothing) {
  const auto reader = tracking();
  server.run({"SET", "k", "1", "PX", "10"});
  server.clock().advance_ms(11);
  server.run(*reader, {"GET", "k"});
  EXPECT_EQ(reader->pushes(), kNothing);
}

TEST_F(TrackingTest, FlushIsToldOnceToAll) {
  const auto reader = tracking({"NOLOOP"});
  const auto listener = tracking({"BCAST", "PREFIX", "x"});
  server.run(*reader, {"GET", "k"});
  server.run(*reader, {"FLUSHALL"});
  EXPECT_EQ(reader->pushes(), kEverything);
  EXPECT_EQ(listener->pushes(), kEverything);
  EXPECT_EQ(server.server().tracking.keys(), 0u);
  server.run({"FLUSHDB"});
  EXPECT_EQ(reader->pushes(), kEverything);
  server.run({"MULTI"});
  server.run({"FLUSHALL"});
  server.run({"FLUSHALL"});
  server.run({"EXEC"});
  EXPECT_EQ(reader->pushes().size(), 2u);
  server.run({"SWAPDB", "0", "1"});
  EXPECT_EQ(reader->pushes(), kEverything);
}

TEST_F(TrackingTest, ReadsInATransactionAndInAScriptCount) {
  const auto reader = tracking();
  server.run(*reader, {"MULTI"});
  server.run(*reader, {"GET", "a"});
  EXPECT_EQ(server.server().tracking.keys(), 0u);
  server.run(*reader, {"EXEC"});
  EXPECT_EQ(server.server().tracking.keys(), 1u);
  server.run(*reader, {"EVAL_RO", "return redis.call('get', KEYS[1])", "2", "b", "c"});
  EXPECT_EQ(server.server().tracking.keys(), 2u);
  server.run({"MSET", "a", "1", "b", "1", "c", "1"});
  EXPECT_EQ(reader->pushes(), (Pushes{">[\"invalidate\", [\"a\"]]", ">[\"invalidate\", [\"b\"]]"}));
}

TEST_F(TrackingTest, OptinRemembersTheNextCommandOrTransactionOnly) {
  const auto reader = tracking({"OPTIN"});
  const auto keys = [&] { return server.server().tracking.keys(); };
  server.run(*reader, {"GET", "a"});
  EXPECT_EQ(keys(), 0u);
  EXPECT_EQ(server.run(*reader, {"CLIENT", "CACHING", "YES"}), "+OK");
  server.run(*reader, {"CLIENT", "ID"});
  server.run(*reader, {"GET", "a"});
  EXPECT_EQ(keys(), 1u);
  server.run(*reader, {"GET", "b"});
  EXPECT_EQ(keys(), 1u);
  server.run(*reader, {"CLIENT", "CACHING", "YES"});
  server.run(*reader, {"MULTI"});
  server.run(*reader, {"GET", "b"});
  server.run(*reader, {"GET", "c"});
  server.run(*reader, {"EXEC"});
  EXPECT_EQ(keys(), 3u);
  server.run(*reader, {"CLIENT", "CACHING", "YES"});
  server.run(*reader, {"NO-SUCH-COMMAND"});
  server.run(*reader, {"GET", "d"});
  EXPECT_EQ(keys(), 3u);
}

TEST_F(TrackingTest, OptoutForgetsTheNextCommandOnly) {
  const auto reader = tracking({"OPTOUT"});
  server.run(*reader, {"GET", "a"});
  EXPECT_EQ(server.run(*reader, {"CLIENT", "CACHING", "NO"}), "+OK");
  server.run(*reader, {"GET", "b"});
  EXPECT_EQ(server.server().tracking.keys(), 1u);
  server.run(*reader, {"GET", "b"});
  EXPECT_EQ(server.server().tracking.keys(), 2u);
}

TEST_F(TrackingTest, BroadcastTellsOfAllKeysOfACommandAtOncePrefixByPrefix) {
  const auto all = tracking({"BCAST"});
  const auto some = tracking({"BCAST", "PREFIX", "user:", "PREFIX", "a"});
  server.run({"MSET", "user:2", "x", "a", "x", "user:1", "x", "b", "x"});
  EXPECT_EQ(all->pushes(), invalidated("\"a\", \"b\", \"user:1\", \"user:2\""));
  EXPECT_EQ(some->pushes(),
            (Pushes{">[\"invalidate\", [\"a\"]]", ">[\"invalidate\", [\"user:1\", \"user:2\"]]"}));
  server.run({"SET", "b", "y"});
  EXPECT_EQ(all->pushes(), invalidated("\"b\""));
  EXPECT_EQ(some->pushes(), kNothing);
  EXPECT_EQ(info("tracking_total_prefixes"), "3");
}

TEST_F(TrackingTest, BroadcastLeavesOwnChangesOutForNoLoop) {
  const auto quiet = tracking({"BCAST", "NOLOOP"});
  server.run(*quiet, {"SET", "k", "1", "PX", "10"});
  EXPECT_EQ(quiet->pushes(), kNothing);
  server.clock().advance_ms(11);
  server.run(*quiet, {"GET", "k"});  // nobody's change
  EXPECT_EQ(quiet->pushes(), invalidated("\"k\""));
  server.run({"SET", "k", "1"});
  EXPECT_EQ(quiet->pushes(), invalidated("\"k\""));
}

TEST_F(TrackingTest, BroadcastDoesNotRememberReads) {
  const auto listener = tracking({"BCAST", "PREFIX", "x"});
  server.run(*listener, {"GET", "k"});
  EXPECT_EQ(server.server().tracking.keys(), 0u);
}

TEST_F(TrackingTest, ClientOfResp2IsToldThroughAnotherThatSubscribes) {
  const auto listener = server.connect();
  const auto reader = server.connect();
  server.run(*listener, {"SUBSCRIBE", "__redis__:invalidate"});
  listener->pushes();
  track(*reader, {"REDIRECT", id_of(*listener)});
  EXPECT_EQ(server.run(*reader, {"CLIENT", "GETREDIR"}), id_of(*listener));
  server.run(*reader, {"GET", "k"});
  server.run({"SET", "k", "1"});
  EXPECT_EQ(listener->pushes(), Pushes{"[\"message\", \"__redis__:invalidate\", [\"k\"]]"});
  server.run({"FLUSHALL"});
  EXPECT_EQ(listener->pushes(), Pushes{"[\"message\", \"__redis__:invalidate\", (nil)]"});
  EXPECT_EQ(reader->pushes(), kNothing);
}

TEST_F(TrackingTest, RedirectionReachesResp3AndNoOneInResp2WithoutSubscriptions) {
  const auto modern = in_resp3();
  const auto plain = server.connect();
  const auto one = server.connect();
  const auto two = server.connect();
  track(*one, {"REDIRECT", id_of(*modern)});
  track(*two, {"REDIRECT", id_of(*plain)});
  for (FakeClient* client : {one.get(), two.get()}) server.run(*client, {"GET", "k"});
  server.run({"SET", "k", "1"});
  EXPECT_EQ(modern->pushes(), invalidated("\"k\""));
  EXPECT_EQ(plain->pushes(), kNothing);
}

TEST_F(TrackingTest, ClientIsToldThatItsRedirectionIsBroken) {
  auto target = in_resp3();
  const std::string target_id = id_of(*target);
  const auto reader = tracking({"REDIRECT", target_id});
  server.run(*reader, {"GET", "k"});
  EXPECT_EQ(flags(*reader), "t");
  target.reset();
  EXPECT_EQ(flags(*reader), "t");
  server.run({"SET", "k", "1"});
  EXPECT_EQ(reader->pushes(), Pushes{">[\"tracking-redir-broken\", " + target_id + "]"});
  EXPECT_EQ(flags(*reader), "tR");
  EXPECT_NE(server.run(*reader, {"CLIENT", "TRACKINGINFO"}).find("broken_redirect"),
            std::string::npos);
  track(*reader);
  EXPECT_EQ(flags(*reader), "t");
  server.run(*reader, {"GET", "k"});
  server.run({"SET", "k", "2"});
  EXPECT_EQ(reader->pushes(), invalidated("\"k\""));
}

TEST_F(TrackingTest, NobodyIsToldBehindOffResetOrHello2) {
  const auto off = tracking();
  const auto reset = tracking({"BCAST"});
  const auto old = tracking();
  for (FakeClient* client : {off.get(), reset.get(), old.get()}) server.run(*client, {"GET", "k"});
  server.run(*off, {"CLIENT", "TRACKING", "OFF"});
  server.run(*reset, {"RESET"});
  server.run(*old, {"HELLO", "2"});
  EXPECT_EQ(info("tracking_clients"), "1");
  EXPECT_EQ(info("tracking_total_prefixes"), "0");
  server.run({"SET", "k", "1"});
  for (FakeClient* client : {off.get(), reset.get(), old.get()}) {
    EXPECT_EQ(client->pushes(), kNothing);
  }
  EXPECT_EQ(server.run(*reset, {"CLIENT", "GETREDIR"}), "-1");
}

TEST_F(TrackingTest, LastClientLeavesNothingBehind) {
  auto reader = tracking();
  auto listener = tracking({"BCAST", "PREFIX", "a", "PREFIX", "b"});
  server.run(*reader, {"GET", "k"});
  EXPECT_NE(server.server().store.observer(), nullptr);
  reader.reset();
  EXPECT_EQ(server.server().tracking.keys(), 1u);
  listener.reset();
  EXPECT_EQ(server.server().tracking.keys(), 0u);
  EXPECT_EQ(server.server().tracking.prefixes(), 0u);
  EXPECT_EQ(server.server().store.observer(), nullptr);
}

TEST_F(TrackingTest, ReadersThatHaveGoneTakeNoMoreRoom) {
  const auto keeper = tracking();
  for (int i = 0; i < 100; i++) {
    const auto reader = tracking();
    server.run(*reader, {"GET", "k"});
  }
  EXPECT_LE(server.server().tracking.items(), 2u);
}

TEST_F(TrackingTest, TableKeepsToItsLimitAndTellsWhomItForgets) {
  const auto reader = tracking();
  server.run({"CONFIG", "SET", "tracking-table-max-keys", "10"});
  std::set<std::string> told;
  for (int i = 0; i < 100; i++) {
    server.run(*reader, {"GET", "k" + std::to_string(i)});
    EXPECT_LE(server.server().tracking.keys(), 10u);
    for (const std::string& push : reader->pushes()) told.insert(push);
  }
  EXPECT_EQ(told.size(), 90u);
  server.run({"CONFIG", "SET", "tracking-table-max-keys", "0"});
  server.run(*reader, {"MGET", "a", "b", "c", "d"});
  EXPECT_EQ(server.server().tracking.keys(), 14u);
}

TEST_F(TrackingTest, FlagsAndRedirectionAreShown) {
  const auto listener = tracking({"BCAST", "PREFIX", "b", "PREFIX", "a", "NOLOOP"});
  EXPECT_EQ(flags(*listener), "tB");
  EXPECT_NE(server.run(*listener, {"CLIENT", "INFO"}).find(" redir=0 "), std::string::npos);
  EXPECT_NE(server.run({"CLIENT", "INFO"}).find(" redir=-1 "), std::string::npos);
  EXPECT_EQ(server.run(*listener, {"CLIENT", "TRACKINGINFO"}),
            "[\"flags\", [\"on\", \"bcast\", \"noloop\"], \"redirect\", 0, \"prefixes\", "
            "[\"a\", \"b\"]]");
  EXPECT_EQ(server.run({"CLIENT", "TRACKINGINFO"}),
            "[\"flags\", [\"off\"], \"redirect\", -1, \"prefixes\", []]");
}

TEST_F(TrackingTest, OptionsThatDoNotGoTogetherAreRefusedInRedisOrder) {
  const auto run = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"CLIENT", "TRACKING"});
    return server.run(options);
  };
  const std::string switched =
      "before disabling tracking for this client, and then re-enabling it with a different mode.";
  EXPECT_EQ(run({"MAYBE", "REDIRECT", "99"}),
            "(error) ERR The client ID you want redirect to does not exist");
  EXPECT_EQ(run({"MAYBE"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"ON", "PREFIX"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"ON", "REDIRECT", "1", "REDIRECT", "x"}),
            "(error) ERR A client can only redirect to a single other client");
  EXPECT_EQ(run({"ON", "PREFIX", "a", "OPTIN", "OPTOUT"}),
            "(error) ERR PREFIX option requires BCAST mode to be enabled");
  EXPECT_EQ(run({"ON", "BCAST", "OPTIN", "OPTOUT"}),
            "(error) ERR OPTIN and OPTOUT are not compatible with BCAST");
  EXPECT_EQ(run({"ON", "OPTIN", "OPTOUT"}),
            "(error) ERR You can't specify both OPTIN mode and OPTOUT mode");
  EXPECT_EQ(run({"ON", "OPTIN"}), "+OK");
  EXPECT_EQ(run({"ON", "BCAST"}), "(error) ERR You can't switch BCAST mode on/off " + switched);
  EXPECT_EQ(run({"ON", "OPTOUT"}), "(error) ERR You can't switch OPTIN/OPTOUT mode " + switched);
  EXPECT_EQ(server.run({"CLIENT", "CACHING", "MAYBE"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"CLIENT", "CACHING", "NO"}),
            "(error) ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  EXPECT_EQ(run({"OFF"}), "+OK");
  EXPECT_EQ(server.run({"CLIENT", "CACHING", "YES"}),
            "(error) ERR CLIENT CACHING can be called only when the client is in tracking mode "
            "with OPTIN or OPTOUT mode enabled");
}

TEST_F(TrackingTest, PrefixesOfOneClientMustNotOverlap) {
  const std::string must_not = ". Prefixes for a single client must not overlap.";
  const auto run = [&](std::vector<std::string> prefixes) {
    std::vector<std::string> words{"CLIENT", "TRACKING", "ON", "BCAST"};
    for (const std::string& prefix : prefixes) words.insert(words.end(), {"PREFIX", prefix});
    return server.run(words);
  };
  EXPECT_EQ(run({"ab", "a"}),
            "(error) ERR Prefix 'ab' overlaps with another provided prefix 'a'" + must_not);
  EXPECT_EQ(run({"x", "ab", "a"}),
            "(error) ERR Prefix 'ab' overlaps with another provided prefix 'a'" + must_not);
  EXPECT_EQ(run({"a", "b"}), "+OK");
  EXPECT_EQ(run({"c", "abc"}),
            "(error) ERR Prefix 'abc' overlaps with an existing prefix 'a'" + must_not);
  EXPECT_EQ(run({"a"}), "(error) ERR Prefix 'a' overlaps with an existing prefix 'a'" + must_not);
  EXPECT_EQ(run({}), "+OK");
  EXPECT_EQ(server.server().tracking.prefixes(), 3u);
  std::vector<std::string> many;
  for (int i = 0; i < 1025; i++) many.push_back("p" + std::to_string(10000 + i));
  const std::string refused =
      "(error) ERR one connection cannot have more than 1024 prefixes, or prefixes of more than "
      "1 MiB";
  EXPECT_EQ(run(many), refused);
  server.run({"CLIENT", "TRACKING", "OFF"});
  EXPECT_EQ(run({"x" + std::string(600'000, '-')}), "+OK");
  EXPECT_EQ(run({"y" + std::string(600'000, '-')}), refused);
}

// A cache that does as it is told never has anything else than the server.
TEST_F(TrackingTest, ObedientCacheIsNeverStale) {
  const auto reader = tracking();
  std::map<std::string, std::string> cache;
  std::mt19937 random(20240607);
  const auto obey = [&] {
    for (const std::string& push : reader->pushes()) {
      if (push == kEverything[0]) {
        cache.clear();
      } else {
        const size_t begin = push.find("[\"invalidate\", [\"") + 17;
        cache.erase(push.substr(begin, push.find('"', begin) - begin));
      }
    }
  };
  for (int i = 0; i < 4000; i++) {
    const std::string key = "k" + std::to_string(random() % 8);
    const std::string other = "k" + std::to_string(random() % 8);
    FakeClient& writer = random() % 3 == 0 ? *reader : server.client();
    switch (random() % 10) {
      case 0:
        server.run(writer, {"SET", key, std::to_string(i)});
        break;
      case 1:
        server.run(writer, {"SET", key, std::to_string(i), "PX", "5"});
        break;
      case 2:
        server.run(writer, {"RENAME", key, other});
        break;
      case 3:
        server.run(writer, {"COPY", key, other, "REPLACE"});
        break;
      case 4:
        server.run(writer, {"APPEND", key, "x"});
        break;
      case 5:
        server.run(writer, {"DEL", key, other});
        break;
      case 6:
        server.clock().advance_ms(2);
        break;
      case 7:
        if (random() % 20 == 0) server.run(writer, {"FLUSHALL"});
        break;
      default:
        cache[key] = server.run(*reader, {"GET", key});
    }
    obey();
    // Expiry may be told late, when somebody finds it: so look first.
    for (const auto& [name, value] : std::map(cache)) {
      const std::string now = server.run({"GET", name});
      obey();
      if (cache.contains(name)) {
        ASSERT_EQ(value, now) << name << " in step " << i;
      }
    }
  }
}

}  // namespace
}  // namespace larder::testing
