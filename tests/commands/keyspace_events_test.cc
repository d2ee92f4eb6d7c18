#include "server/core/keyspace_events.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/in_process.h"

namespace larder::testing {
namespace {

using Events = std::vector<std::string>;

struct KeyspaceEventsTest : ::testing::Test {
  KeyspaceEventsTest() {
    set_classes("EA");
    server.run(*listener, {"PSUBSCRIBE", "__key*"});
    listener->pushes();
  }

  void set_classes(const std::string& letters) {
    ASSERT_EQ(server.run({"CONFIG", "SET", "notify-keyspace-events", letters}), "+OK");
  }

  // What a command makes the listener hear: "event key", with "key: event" for channels named after
  // keys; of another database than 0, with "@" and its number behind.
  Events told(const std::vector<std::string>& command) {
    server.run(command);
    return heard();
  }
  Events heard() {
    Events events;
    for (const std::string& push : listener->pushes()) events.push_back(short_form(push));
    return events;
  }

  // A push is ["pmessage", "__key*", "__keyevent@0__:set", "k"].
  static std::string short_form(const std::string& push) {
    const size_t at = push.find("\"__key", push.find("\"__key*\"") + 1);
    if (at == std::string::npos) return push;
    const bool of_event = push.compare(at, 12, "\"__keyevent@") == 0;
    const size_t number = push.find('@', at) + 1;
    const size_t name = push.find("__:", number) + 3;
    const size_t name_end = push.find('"', name);
    const size_t message = push.find('"', name_end + 1) + 1;
    const std::string database = push.substr(number, name - 3 - number);
    return push.substr(name, name_end - name) + (of_event ? " " : ": ") +
           push.substr(message, push.find('"', message) - message) +
           (database == "0" ? "" : "@" + database);
  }

  InProcess server{2};
  std::unique_ptr<FakeClient> listener = server.connect();
};

TEST_F(KeyspaceEventsTest, NothingIsToldUnlessBothAChannelAndAClassAreNamed) {
  for (const char* letters : {"", "K", "E", "KE", "A", "g$"}) {
    set_classes(letters);
    EXPECT_EQ(told({"SET", "k", "v"}), Events{}) << letters;
  }
}

TEST_F(KeyspaceEventsTest, ChannelOfTheKeyComesBeforeThatOfTheEvent) {
  set_classes("KEA");
  EXPECT_EQ(told({"SET", "k", "v"}), (Events{"k: set", "set k"}));
  set_classes("KA");
  EXPECT_EQ(told({"SET", "k", "v"}), (Events{"k: set"}));
}

TEST_F(KeyspaceEventsTest, OnlyClassesThatAreNamedAreTold) {
  set_classes("Eg");
  EXPECT_EQ(told({"SET", "k", "v", "EX", "10"}), (Events{"expire k"}));
  set_classes("E$");
  EXPECT_EQ(told({"SET", "k", "v", "EX", "10"}), (Events{"set k"}));
  set_classes("El");
  EXPECT_EQ(told({"SET", "k", "v", "EX", "10"}), Events{});
}

TEST(KeyspaceEventsOption, ReadsBackInRedisOrder) {
  InProcess server{1};
  const auto reads_back = [&](const std::string& letters) {
    const std::string done = server.run({"CONFIG", "SET", "notify-keyspace-events", letters});
    if (done != "+OK") return done;
    return server.run({"CONFIG", "GET", "notify-keyspace-events"});
  };
  const auto shown = [](const std::string& letters) {
    return "[\"notify-keyspace-events\", \"" + letters + "\"]";
  };
  EXPECT_EQ(reads_back("KEA"), shown("AKE"));
  EXPECT_EQ(reads_back("KEAn"), shown("AKE"));
  EXPECT_EQ(reads_back("mEKndtexzhsl$g"), shown("AKEm"));
  EXPECT_EQ(reads_back("EnhzsK"), shown("shznKE"));
  EXPECT_EQ(reads_back(""), shown(""));
  EXPECT_EQ(reads_back("KEq"),
            "(error) ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') "
            "- Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
}

TEST_F(KeyspaceEventsTest, StringsTellWhatChangesThem) {
  EXPECT_EQ(told({"SETEX", "k", "10", "1"}), (Events{"set k", "expire k"}));
  EXPECT_EQ(told({"SET", "k", "1", "KEEPTTL"}), (Events{"set k"}));
  EXPECT_EQ(told({"SET", "k", "1", "NX"}), Events{});
  EXPECT_EQ(told({"INCR", "k"}), (Events{"incrby k"}));
  EXPECT_EQ(told({"DECRBY", "k", "3"}), (Events{"incrby k"}));
  EXPECT_EQ(told({"INCRBYFLOAT", "k", "0.5"}), (Events{"incrbyfloat k"}));
  EXPECT_EQ(told({"INCR", "k"}), Events{});  // is a fraction now
  EXPECT_EQ(told({"APPEND", "k", "x"}), (Events{"append k"}));
  EXPECT_EQ(told({"SETRANGE", "k", "2", "x"}), (Events{"setrange k"}));
  EXPECT_EQ(told({"SETRANGE", "k", "2", ""}), Events{});
  EXPECT_EQ(told({"SETBIT", "b", "3", "1"}), (Events{"setbit b"}));
  EXPECT_EQ(told({"SETBIT", "b", "3", "1"}), Events{});
  EXPECT_EQ(told({"BITFIELD", "b", "SET", "u8", "0", "9"}), (Events{"setbit b"}));
  EXPECT_EQ(told({"BITOP", "NOT", "b", "nothing"}), (Events{"del b"}));
  EXPECT_EQ(told({"PFADD", "p", "x"}), (Events{"pfadd p"}));
  EXPECT_EQ(told({"MSET", "k", "1", "l", "2"}), (Events{"set k", "set l"}));
  EXPECT_EQ(told({"GETSET", "k", "2"}), (Events{"set k"}));
  EXPECT_EQ(told({"GETEX", "k", "EX", "5"}), (Events{"expire k"}));
  EXPECT_EQ(told({"GETEX", "k", "PERSIST"}), (Events{"persist k"}));
  EXPECT_EQ(told({"GETDEL", "k"}), (Events{"del k"}));
  EXPECT_EQ(told({"GETDEL", "k"}), Events{});
}

TEST_F(KeyspaceEventsTest, KeysTellWhereTheyGo) {
  server.run({"SET", "a", "1"});
  heard();
  EXPECT_EQ(told({"RENAME", "a", "b"}), (Events{"rename_from a", "rename_to b"}));
  EXPECT_EQ(told({"RENAME", "b", "b"}), Events{});
  EXPECT_EQ(told({"COPY", "b", "c", "DB", "1"}), (Events{"copy_to c@1"}));
  EXPECT_EQ(told({"MOVE", "b", "1"}), (Events{"move_from b", "move_to b@1"}));
  server.run({"SET", "a", "1"});
  heard();
  EXPECT_EQ(told({"EXPIRE", "a", "10"}), (Events{"expire a"}));
  EXPECT_EQ(told({"EXPIRE", "a", "5", "GT"}), Events{});
  EXPECT_EQ(told({"PERSIST", "a"}), (Events{"persist a"}));
  EXPECT_EQ(told({"EXPIRE", "a", "-1"}), (Events{"del a"}));
  EXPECT_EQ(told({"DEL", "a", "b"}), Events{});
}

TEST_F(KeyspaceEventsTest, CollectionsTellThatTheirLastElementWent) {
  EXPECT_EQ(told({"RPUSH", "l", "a", "b"}), (Events{"rpush l"}));
  EXPECT_EQ(told({"LPOP", "l"}), (Events{"lpop l"}));
  EXPECT_EQ(told({"RPOPLPUSH", "l", "m"}), (Events{"lpush m", "rpop l", "del l"}));
  EXPECT_EQ(told({"LTRIM", "m", "1", "0"}), (Events{"ltrim m", "del m"}));
  EXPECT_EQ(told({"LTRIM", "m", "1", "0"}), Events{});
  EXPECT_EQ(told({"SADD", "s", "a", "b"}), (Events{"sadd s"}));
  EXPECT_EQ(told({"SADD", "s", "a"}), Events{});
  EXPECT_EQ(told({"SPOP", "s"}), (Events{"spop s"}));
  EXPECT_EQ(told({"SPOP", "s", "9"}), (Events{"spop s", "del s"}));
  server.run({"SADD", "s", "a"});
  heard();
  EXPECT_EQ(told({"SMOVE", "s", "t", "a"}), (Events{"srem s", "del s", "sadd t"}));
  EXPECT_EQ(told({"SUNIONSTORE", "u", "t"}), (Events{"sunionstore u"}));
  EXPECT_EQ(told({"SINTERSTORE", "u", "t", "no"}), (Events{"del u"}));
  EXPECT_EQ(told({"ZADD", "z", "1", "a", "2", "b"}), (Events{"zadd z"}));
  EXPECT_EQ(told({"ZADD", "z", "1", "a"}), Events{});
  EXPECT_EQ(told({"ZINCRBY", "z", "1", "a"}), (Events{"zincr z"}));
  EXPECT_EQ(told({"ZPOPMIN", "z"}), (Events{"zpopmin z"}));
  EXPECT_EQ(told({"ZRANGESTORE", "y", "z", "0", "-1"}), (Events{"zrangestore y"}));
  EXPECT_EQ(told({"ZREMRANGEBYRANK", "z", "0", "-1"}), (Events{"zremrangebyrank z", "del z"}));
  EXPECT_EQ(told({"ZREM", "y", "a", "b"}), (Events{"zrem y", "del y"}));
  EXPECT_EQ(told({"HSET", "h", "f", "1"}), (Events{"hset h"}));
  EXPECT_EQ(told({"HINCRBY", "h", "f", "1"}), (Events{"hincrby h"}));
  EXPECT_EQ(told({"HDEL", "h", "f", "g"}), (Events{"hdel h", "del h"}));
}

TEST_F(KeyspaceEventsTest, FieldsTellOfTheirExpiries) {
  server.run({"HSET", "h", "f", "1", "g", "2", "i", "3"});
  heard();
  EXPECT_EQ(told({"HEXPIRE", "h", "10", "FIELDS", "2", "f", "g"}), (Events{"hexpire h"}));
  EXPECT_EQ(told({"HPERSIST", "h", "FIELDS", "1", "g"}), (Events{"hpersist h"}));
  EXPECT_EQ(told({"HPERSIST", "h", "FIELDS", "1", "g"}), Events{});
  server.clock().advance_ms(11'000);
  EXPECT_EQ(told({"HGET", "h", "f"}), (Events{"hexpired h"}));
  EXPECT_EQ(told({"HGETEX", "h", "EX", "10", "FIELDS", "1", "g"}), (Events{"hexpire h"}));
  EXPECT_EQ(told({"HEXPIRE", "h", "0", "FIELDS", "1", "i"}), (Events{"hdel h"}));
  server.clock().advance_ms(11'000);
  EXPECT_EQ(told({"HLEN", "h"}), (Events{"hexpired h", "del h"}));
  EXPECT_EQ(told({"HSETEX", "h", "EX", "10", "FIELDS", "1", "f", "v"}),
            (Events{"hset h", "hexpire h"}));
  EXPECT_EQ(told({"HGETDEL", "h", "FIELDS", "1", "f"}), (Events{"hdel h", "del h"}));
}

TEST_F(KeyspaceEventsTest, ExpiredAndMissedAndNewKeysAreTold) {
  set_classes("Exmn");
  EXPECT_EQ(told({"SET", "k", "v", "PX", "5"}), (Events{"new k"}));
  EXPECT_EQ(told({"SET", "k", "longer than before", "PX", "5"}), Events{});
  server.clock().advance_ms(10);
  EXPECT_EQ(told({"GET", "k"}), (Events{"expired k", "keymiss k"}));
  EXPECT_EQ(told({"TTL", "k"}), (Events{"keymiss k"}));
  EXPECT_EQ(told({"OBJECT", "ENCODING", "k"}), Events{});
  EXPECT_EQ(told({"RPUSH", "k", "a"}), (Events{"new k"}));
  EXPECT_EQ(told({"SET", "l", "v", "PXAT", "1"}), (Events{"expired l"}));
}

TEST_F(KeyspaceEventsTest, QueuedCommandsTellWhenTheyAreRun) {
  server.run({"MULTI"});
  EXPECT_EQ(told({"SET", "k", "v"}), Events{});
  server.run({"DEL", "k"});
  EXPECT_EQ(told({"EXEC"}), (Events{"set k", "del k"}));
}

TEST_F(KeyspaceEventsTest, WhoWasServedTellsBehindWhoPushed) {
  const auto waiter = server.connect();
  auto suspended = server.start(*waiter, {"BLMOVE", "from", "to", "LEFT", "RIGHT", "0"});
  server.resume(*waiter, suspended);
  EXPECT_EQ(told({"RPUSH", "from", "a"}),
            (Events{"rpush from", "rpush to", "lpop from", "del from"}));
  server.resume(*waiter, suspended);
}

TEST_F(KeyspaceEventsTest, PublisherIsMarkedOnlyIfSomebodyListens) {
  server.run({"SET", "k", "v"});
  EXPECT_TRUE(server.client().has(core::Client::kPublished));
  server.client().set(core::Client::kPublished, false);
  server.run(*listener, {"PUNSUBSCRIBE"});
  server.run({"SET", "k", "v"});
  EXPECT_FALSE(server.client().has(core::Client::kPublished));
}

TEST_F(KeyspaceEventsTest, StoreIsNotObservedForNothing) {
  EXPECT_NE(server.server().store.observer(), nullptr);
  set_classes("A");
  EXPECT_EQ(server.server().store.observer(), nullptr);
  set_classes("E$");
  EXPECT_EQ(server.server().store.observer(), nullptr);
}

}  // namespace
}  // namespace larder::testing
