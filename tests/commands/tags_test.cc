// Tags of keys, and deleting by tag.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/in_process.h"

namespace larder::testing {
namespace {

class Tags : public ::testing::Test {
 protected:
  std::string run(const std::vector<std::string>& command) { return server.run(command); }
  // The tags of a key, in order.
  std::set<std::string> tags(const std::string& key) { return words(run({"TAGS", key})); }
  // What stands between quotes in a reply.
  static std::set<std::string> words(const std::string& reply) {
    std::set<std::string> found;
    for (size_t at = reply.find('"'); at != std::string::npos; at = reply.find('"', at)) {
      const size_t end = reply.find('"', at + 1);
      found.insert(reply.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    return found;
  }

  InProcess server{2};
};

using Words = std::set<std::string>;

TEST_F(Tags, SetGivesThemAndTakesThemAwayLikeTheExpiry) {
  EXPECT_EQ(run({"SET", "k", "v", "TAGS", "2", "a", "b"}), "+OK");
  EXPECT_EQ(tags("k"), (Words{"a", "b"}));
  EXPECT_EQ(run({"SET", "k", "w", "keeptags", "EX", "10"}), "+OK");
  EXPECT_EQ(tags("k"), (Words{"a", "b"}));
  EXPECT_EQ(run({"SET", "k", "w", "XX", "TAGS", "1", "c", "GET"}), "\"w\"");
  EXPECT_EQ(tags("k"), (Words{"c"}));
  EXPECT_EQ(run({"SET", "k", "w", "NX", "TAGS", "1", "d"}), "(nil)");
  EXPECT_EQ(tags("k"), (Words{"c"}));
  EXPECT_EQ(run({"SET", "k", "w"}), "+OK");
  EXPECT_EQ(run({"TAGS", "k"}), "[]");
  EXPECT_EQ(run({"TAGS", "none"}), "(nil)");
  EXPECT_EQ(run({"SET", "none", "v", "KEEPTAGS"}), "+OK");
  EXPECT_EQ(run({"TAGS", "none"}), "[]");
}

TEST_F(Tags, SetRefusesWhatIsWrongAndChangesNothing) {
  run({"SET", "k", "v", "TAGS", "1", "a"});
  const auto refused = [&](const std::vector<std::string>& options) {
    std::vector<std::string> command{"SET", "k", "w"};
    command.insert(command.end(), options.begin(), options.end());
    return run(command);
  };
  EXPECT_EQ(refused({"TAGS", "0"}), "(error) ERR numtags should be greater than 0");
  EXPECT_EQ(refused({"TAGS", "x", "a"}), "(error) ERR numtags should be greater than 0");
  EXPECT_EQ(refused({"TAGS", "2", "a"}),
            "(error) ERR Number of tags can't be greater than number of args");
  EXPECT_EQ(refused({"TAGS", "1", "a", "b"}), "(error) ERR syntax error");
  EXPECT_EQ(refused({"TAGS"}), "(error) ERR syntax error");
  EXPECT_EQ(refused({"TAGS", "1", "a", "KEEPTAGS"}), "(error) ERR syntax error");
  EXPECT_EQ(refused({"TAGS", "1", std::string(1025, 'x')}),
            "(error) ERR a tag cannot be longer than 1024 bytes");
  std::vector<std::string> many{"TAGS", "256"};
  for (int i = 0; i < 256; i++) many.push_back(std::to_string(i));
  EXPECT_EQ(refused(many), "(error) ERR a key cannot have more than 255 tags");
  EXPECT_EQ(run({"GET", "k"}), "\"v\"");
  EXPECT_EQ(tags("k"), (Words{"a"}));
}

TEST_F(Tags, AreAddedToAndTakenFromKeysOfAnyType) {
  run({"SET", "s", "v"});
  run({"SET", "i", "12"});
  run({"SET", "b", std::string(5000, 'x')});
  run({"RPUSH", "l", "a"});
  run({"HSET", "h", "f", "v"});
  run({"SADD", "m", "a", "b"});
  run({"ZADD", "z", "1", "a"});
  for (const char* key : {"s", "i", "b", "l", "h", "m", "z"}) {
    EXPECT_EQ(run({"TAGADD", key, "t", "u", "t"}), "2") << key;
    EXPECT_EQ(run({"TAGADD", key, "t", "x"}), "1") << key;
    EXPECT_EQ(run({"TAGREM", key, "u", "none", "u"}), "1") << key;
    EXPECT_EQ(tags(key), (Words{"t", "x"})) << key;
  }
  EXPECT_EQ(run({"TAGADD", "none", "t"}), "0");
  EXPECT_EQ(run({"TAGREM", "none", "t"}), "0");
  EXPECT_EQ(run({"GET", "b"}).size(), 5002u);
  EXPECT_EQ(run({"GET", "i"}), "\"12\"");
  EXPECT_EQ(run({"TAGCARD", "t"}), "7");
  EXPECT_EQ(run({"TAGDEL", "t"}), "7");
  EXPECT_EQ(run({"DBSIZE"}), "0");
}

TEST_F(Tags, AKeyHasAtMost255) {
  run({"SET", "k", "v"});
  std::vector<std::string> command{"TAGADD", "k"};
  for (int i = 0; i < 256; i++) command.push_back(std::to_string(i));
  EXPECT_EQ(run(command), "(error) ERR a key cannot have more than 255 tags");
  EXPECT_EQ(run({"TAGS", "k"}), "[]");
  command.pop_back();
  EXPECT_EQ(run(command), "255");
  EXPECT_EQ(run({"TAGADD", "k", "0"}), "0");
  EXPECT_EQ(run({"APPEND", "k", "w"}), "2");
  EXPECT_EQ(tags("k").size(), 255u);
}

TEST_F(Tags, SurviveWhatChangesAValueOrRenamesAKey) {
  run({"SET", "k", "5", "TAGS", "1", "t"});
  const std::vector<std::vector<std::string>> changes{{"INCR", "k"},
                                                      {"INCRBY", "k", "5000000000"},
                                                      {"INCRBYFLOAT", "k", "0.5"},
                                                      {"APPEND", "k", "x"},
                                                      {"SETRANGE", "k", "3", "abc"},
                                                      {"SETBIT", "k", "90000", "1"},
                                                      {"EXPIRE", "k", "100"},
                                                      {"PERSIST", "k"},
                                                      {"GETEX", "k", "EX", "50"}};
  for (const auto& change : changes) {
    run(change);
    EXPECT_EQ(tags("k"), (Words{"t"})) << change[0];
  }
  run({"RENAME", "k", "r"});
  EXPECT_EQ(tags("r"), (Words{"t"}));
  run({"COPY", "r", "c"});
  EXPECT_EQ(run({"TAGCARD", "t"}), "2");
  run({"MOVE", "c", "1"});
  EXPECT_EQ(run({"TAGCARD", "t"}), "1");
  run({"SELECT", "1"});
  EXPECT_EQ(tags("c"), (Words{"t"}));
  EXPECT_EQ(run({"TAGDEL", "t"}), "1");
  run({"SELECT", "0"});
  EXPECT_EQ(run({"TAGCARD", "t"}), "1");
  run({"HSET", "h", "f", "v"});
  run({"TAGADD", "h", "t"});
  for (int i = 0; i < 600; i++) run({"HSET", "h", "field" + std::to_string(i), "v"});
  EXPECT_EQ(tags("h"), (Words{"t"}));
  run({"PFADD", "p", "a"});
  run({"TAGADD", "p", "t"});
  run({"PFADD", "p", "b"});
  EXPECT_EQ(tags("p"), (Words{"t"}));
}

TEST_F(Tags, GoWithTheirEntry) {
  const auto gone_after = [&](const std::vector<std::vector<std::string>>& commands) {
    run({"SET", "k", "v", "TAGS", "1", "t"});
    for (const auto& command : commands) run(command);
    return run({"TAGCARD", "t"}) == "0" && run({"TAGNAMES", "0"}) == "[\"0\", []]";
  };
  EXPECT_TRUE(gone_after({{"DEL", "k"}}));
  EXPECT_TRUE(gone_after({{"UNLINK", "k"}}));
  EXPECT_TRUE(gone_after({{"GETDEL", "k"}}));
  EXPECT_TRUE(gone_after({{"SET", "k", "v"}}));
  EXPECT_TRUE(gone_after({{"GETSET", "k", "v"}}));
  EXPECT_TRUE(gone_after({{"SETEX", "k", "10", "v"}}));
  EXPECT_TRUE(gone_after({{"MSET", "k", "v"}}));
  EXPECT_TRUE(gone_after({{"DEL", "o"}, {"SET", "o", "v"}, {"RENAME", "o", "k"}}));
  EXPECT_TRUE(gone_after({{"DEL", "k"}, {"SADD", "s", "a"}, {"SUNIONSTORE", "k", "s"}}));
  EXPECT_TRUE(gone_after({{"BITOP", "NOT", "k", "k"}}));
  EXPECT_TRUE(gone_after({{"EXPIREAT", "k", "1"}}));
  EXPECT_TRUE(gone_after({{"FLUSHDB"}}));
  EXPECT_TRUE(gone_after({{"FLUSHALL", "ASYNC"}}));
  run({"SET", "k", "v", "PX", "10", "TAGS", "1", "t"});
  EXPECT_EQ(run({"TAGCARD", "t"}), "1");
  server.clock().advance_ms(10);
  EXPECT_TRUE(run({"TAGCARD", "t"}) == "0" && run({"TAGNAMES", "0"}) == "[\"0\", []]");
  EXPECT_EQ(run({"TAGDEL", "t"}), "0");
}

TEST_F(Tags, BelongToADatabase) {
  run({"SET", "k", "v", "TAGS", "1", "t"});
  run({"SWAPDB", "0", "1"});
  EXPECT_EQ(run({"TAGCARD", "t"}), "0");
  EXPECT_EQ(run({"TAGDEL", "t"}), "0");
  run({"SELECT", "1"});
  EXPECT_EQ(run({"TAGDEL", "t"}), "1");
}

TEST_F(Tags, DeletedKeysAreSeenByNobody) {
  for (int i = 0; i < 100; i++) {
    run({"SET", "k" + std::to_string(i), "v", "TAGS", "2", "t", i < 50 ? "low" : "high"});
  }
  EXPECT_EQ(run({"TAGDEL", "low", "none"}), "50");
  EXPECT_EQ(run({"DBSIZE"}), "50");
  EXPECT_NE(run({"INFO", "keyspace"}).find("db0:keys=50,expires=0"), std::string::npos);
  EXPECT_EQ(words(run({"KEYS", "*"})).size(), 50u);
  EXPECT_EQ(words(run({"SCAN", "0", "COUNT", "1000"})).size(), 51u);  // with the cursor
  EXPECT_EQ(run({"GET", "k0"}), "(nil)");
  EXPECT_EQ(run({"EXISTS", "k1"}), "0");
  EXPECT_EQ(run({"MEMORY", "USAGE", "k2"}), "(nil)");
  EXPECT_EQ(run({"DUMP", "k3"}), "(nil)");
  EXPECT_EQ(run({"TTL", "k4"}), "-2");
  EXPECT_EQ(run({"SET", "k5", "v", "XX"}), "(nil)");
  EXPECT_EQ(run({"SET", "k5", "v", "NX", "TAGS", "1", "low"}), "+OK");
  EXPECT_EQ(run({"RENAMENX", "k60", "k6"}), "1");
  EXPECT_EQ(run({"TAGCARD", "t", "low", "high"}), "[50, 1, 50]");
  for (int i = 0; i < 20; i++) EXPECT_NE(run({"RANDOMKEY"}), "(nil)");
  EXPECT_EQ(run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST_F(Tags, DeleteAnyOrAll) {
  run({"SET", "a", "v", "TAGS", "1", "a"});
  run({"SET", "ab", "v", "TAGS", "2", "a", "b"});
  run({"SET", "abc", "v", "TAGS", "3", "a", "b", "c"});
  EXPECT_EQ(run({"TAGDELEX", "2", "b", "c", "ALL"}), "1");
  EXPECT_EQ(run({"TAGDELEX", "2", "b", "none", "all"}), "0");
  EXPECT_EQ(run({"TAGDELEX", "2", "b", "none", "ANY"}), "1");
  EXPECT_EQ(run({"TAGDELEX", "1", "a"}), "1");
  EXPECT_EQ(run({"TAGDELEX", "0", "a"}), "(error) ERR numtags should be greater than 0");
  EXPECT_EQ(run({"TAGDELEX", "1", "a", "b"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"TAGDELEX", "1", "a", "ALL", "ANY"}), "(error) ERR syntax error");
  EXPECT_NE(run({"INFO", "cache"}).find("invalidations_by_tag:3\r"), std::string::npos);
}

TEST_F(Tags, AreScanned) {
  for (int i = 0; i < 500; i++) {
    run({"SET", "k" + std::to_string(i), "v", "TAGS", "2", "t", "tag:" + std::to_string(i % 70)});
  }
  Words keys;
  std::string cursor = "0";
  do {
    const std::string reply = run({"TAGSCAN", "t", cursor, "COUNT", "7"});
    cursor = reply.substr(2, reply.find('"', 2) - 2);
    for (const std::string& key : words(reply.substr(reply.find(", ")))) {
      EXPECT_TRUE(keys.insert(key).second) << key;
    }
  } while (cursor != "0");
  EXPECT_EQ(keys.size(), 500u);
  Words names;
  do {
    const std::string reply = run({"TAGNAMES", cursor, "COUNT", "9", "MATCH", "tag:*"});
    cursor = reply.substr(2, reply.find('"', 2) - 2);
    for (const std::string& name : words(reply.substr(reply.find(", ")))) {
      EXPECT_TRUE(names.insert(name).second) << name;
    }
  } while (cursor != "0");
  EXPECT_EQ(names.size(), 70u);
  EXPECT_EQ(run({"TAGSCAN", "none", "0"}), "[\"0\", []]");
  EXPECT_EQ(run({"TAGSCAN", "t", "18446744073709551615"}), "[\"0\", []]");
  EXPECT_EQ(run({"TAGNAMES", "18446744073709551615"}), "[\"0\", []]");
  EXPECT_EQ(run({"TAGSCAN", "t", "x"}), "(error) ERR invalid cursor");
  EXPECT_EQ(run({"TAGSCAN", "t", "0", "COUNT", "0"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"TAGSCAN", "t", "0", "MATCH", "*"}), "(error) ERR syntax error");
}

TEST_F(Tags, InfoTellsOfKeysAndOfTheTagsPast) {
  run({"SET", "k", "v", "TAGS", "1", "t"});
  run({"SET", "l", std::string(5000, 'x'), "PX", "50", "TAGS", "1", "t"});
  run({"GET", "k"});
  run({"GET", "k"});
  const auto info = [&] { return run({"TAGINFO", "t"}); };
  const int bytes =
      std::stoi(run({"MEMORY", "USAGE", "k"})) + std::stoi(run({"MEMORY", "USAGE", "l"}));
  EXPECT_TRUE(info().starts_with("[\"keys\", 2, \"bytes\", " + std::to_string(bytes) + ", \"hits"))
      << info();
  EXPECT_TRUE(
      info().ends_with("\"hits\", 2, \"misses\", 0, \"invalidations\", 0, "
                       "\"last_invalidated_ms_ago\", -1]"))
      << info();
  server.clock().advance_ms(50);
  run({"GET", "l"});
  run({"TAGDEL", "t"});
  server.clock().advance_ms(7);
  EXPECT_TRUE(info().starts_with("[\"keys\", 0, \"bytes\", 0, \"hits\", 2, ")) << info();
  EXPECT_TRUE(info().ends_with("\"invalidations\", 1, \"last_invalidated_ms_ago\", 7]")) << info();
  const auto resp3 = server.connect();
  server.run(*resp3, {"HELLO", "3"});
  run({"SET", "k", "v", "TAGS", "1", "t"});
  EXPECT_TRUE(server.run_raw(*resp3, {"TAGINFO", "t"}).starts_with("%6\r\n"));
  EXPECT_EQ(server.run_raw(*resp3, {"TAGS", "k"}), "~1\r\n$1\r\nt\r\n");
  EXPECT_EQ(server.run_raw(*resp3, {"TAGS", "none"}), "_\r\n");
}

TEST_F(Tags, AllOfASingleTagIsTheWholeTag) {
  run({"SET", "k", "v", "TAGS", "1", "t"});
  run({"GET", "k"});
  EXPECT_EQ(run({"TAGDELEX", "2", "t", "t", "ALL"}), "1");
  EXPECT_EQ(run({"TAGINFO", "t"}),
            R"(["keys", 0, "bytes", 0, "hits", 1, "misses", 0, "invalidations", 1, )"
            R"("last_invalidated_ms_ago", 0])");
}

TEST_F(Tags, TransactionsAndScriptsDeleteByTagAtOnce) {
  run({"SET", "k", "v", "TAGS", "1", "t"});
  run({"MULTI"});
  run({"TAGDEL", "t"});
  run({"GET", "k"});
  run({"SET", "k", "w", "TAGS", "1", "t"});
  run({"TAGCARD", "t"});
  EXPECT_EQ(run({"EXEC"}), "[1, (nil), +OK, 1]");
  EXPECT_EQ(run({"EVAL",
                 "redis.call('SET', KEYS[1], 'x', 'TAGS', 2, 't', 'u') "
                 "local n = redis.call('TAGDEL', 'u') "
                 "return {n, redis.call('GET', KEYS[1]), redis.call('TAGCARD', 't', 'u')}",
                 "1", "k"}),
            "[1, (nil), [0, 0]]");
}

TEST_F(Tags, DeletionBreaksWatchesAndIsToldOfEachKey) {
  const auto watcher = server.connect();
  run({"SET", "k", "v", "TAGS", "1", "t"});
  server.run(*watcher, {"WATCH", "k"});
  run({"TAGDEL", "t"});
  server.run(*watcher, {"MULTI"});
  EXPECT_EQ(server.run(*watcher, {"EXEC"}), "(nil)");
  // That the dead entry is removed is no further change.
  run({"SET", "k", "v", "TAGS", "1", "t"});
  run({"TAGDEL", "t"});
  server.run(*watcher, {"WATCH", "k"});
  run({"GET", "k"});
  server.run(*watcher, {"MULTI"});
  EXPECT_EQ(server.run(*watcher, {"EXEC"}), "[]");

  const auto tracker = server.connect();
  server.run(*tracker, {"HELLO", "3"});
  server.run(*tracker, {"CLIENT", "TRACKING", "ON"});
  run({"SET", "k", "v", "TAGS", "1", "t"});
  server.run(*tracker, {"GET", "k"});
  run({"TAGDEL", "t"});
  const auto pushes = tracker->pushes();
  ASSERT_EQ(pushes.size(), 1u);
  EXPECT_NE(pushes[0].find("\"k\""), std::string::npos);

  const auto listener = server.connect();
  run({"CONFIG", "SET", "notify-keyspace-events", "Eg"});
  server.run(*listener, {"PSUBSCRIBE", "*"});
  run({"SET", "k", "v", "TAGS", "2", "t", "u"});
  listener->pushes();
  run({"TAGDEL", "t", "u"});
  run({"SET", "k", "v", "TAGS", "2", "t", "u"});
  run({"TAGDELEX", "2", "t", "u", "ALL"});
  const auto events = listener->pushes();
  ASSERT_EQ(events.size(), 2u);
  for (const std::string& event : events) {
    EXPECT_NE(event.find("__keyevent@0__:tagdel\", \"k\""), std::string::npos) << event;
  }
}

}  // namespace
}  // namespace larder::testing
