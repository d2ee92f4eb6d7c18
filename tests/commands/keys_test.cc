// Commands on keys whatever they hold.
#include <gtest/gtest.h>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;
using testing::lookups;
using testing::put;

constexpr char kSameObject[] = "(error) ERR source and destination objects are the same";
constexpr char kBadDatabase[] = "(error) ERR DB index is out of range";

TEST(Del, CountsWhatItDeleted) {
  InProcess server;
  put(server, "a");
  put(server, "b");
  EXPECT_EQ(server.run({"DEL", "a", "none", "a", "b"}), "2");
  EXPECT_EQ(server.run({"DBSIZE"}), "0");
  put(server, "a");
  EXPECT_EQ(server.run({"UNLINK", "a"}), "1");
  EXPECT_EQ(server.run({"DEL"}), "(error) ERR wrong number of arguments for 'del' command");
}

TEST(Del, DoesNotCountAKeyThatIsDead) {
  InProcess server;
  put(server, "k", "v", server.clock().now_ms() + 10);
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"DEL", "k"}), "0");
}

TEST(Exists, CountsAKeyAsOftenAsItIsNamed) {
  InProcess server;
  put(server, "a");
  EXPECT_EQ(server.run({"EXISTS", "a", "b", "a"}), "2");
  EXPECT_EQ(server.run({"TOUCH", "a", "b"}), "1");
}

TEST(Type, NamesTheValueOrNone) {
  InProcess server;
  put(server, "a");
  EXPECT_EQ(server.run({"TYPE", "a"}), "+string");
  EXPECT_EQ(server.run({"TYPE", "b"}), "+none");
}

// As keyspace_hits and keyspace_misses of redis-server 7.0 count them.
TEST(Lookups, AreCountedByReadersOnly) {
  const std::pair<std::vector<std::string>, std::string> expected[] = {
      {{"EXISTS", "a", "b", "a"}, "2 1"},
      {{"TOUCH", "a", "b"}, "1 1"},
      {{"TYPE", "a"}, "1 0"},
      {{"TYPE", "b"}, "0 1"},
      {{"TTL", "a"}, "1 0"},
      {{"PEXPIRETIME", "b"}, "0 1"},
      {{"OBJECT", "ENCODING", "a"}, "1 0"},
      {{"OBJECT", "REFCOUNT", "b"}, "0 1"},
      {{"OBJECT", "FREQ", "a"}, "1 0"},
      {{"COPY", "a", "c"}, "1 0"},
      {{"COPY", "b", "c"}, "0 1"},
      {{"EXPIRE", "a", "100"}, "0 0"},
      {{"PERSIST", "a"}, "0 0"},
      {{"PERSIST", "b"}, "0 0"},
      {{"RENAME", "a", "c"}, "0 0"},
      {{"RENAMENX", "b", "c"}, "0 0"},
      {{"MOVE", "a", "1"}, "0 0"},
      {{"DEL", "a", "b"}, "0 0"},
      {{"UNLINK", "a", "b"}, "0 0"},
      {{"KEYS", "*"}, "0 0"},
      {{"KEYS", "a"}, "0 0"},
      {{"SCAN", "0"}, "0 0"},
      {{"RANDOMKEY"}, "0 0"},
      {{"DBSIZE"}, "0 0"}};
  for (const auto& [command, counts] : expected) {
    InProcess server;
    put(server, "a");
    server.run(command);
    EXPECT_EQ(lookups(server), counts) << command[0];
  }
}

TEST(Rename, ReplacesTheTargetAndTakesTheExpiryAlong) {
  InProcess server;
  put(server, "a", "1", server.clock().now_ms() + 5'000);
  put(server, "b", "2");
  EXPECT_EQ(server.run({"RENAME", "a", "b"}), "+OK");
  EXPECT_EQ(server.run({"EXISTS", "a"}), "0");
  EXPECT_EQ(server.run({"GET", "b"}), "\"1\"");
  EXPECT_EQ(server.run({"PTTL", "b"}), "5000");
}

TEST(Rename, OfAMissingKeyIsAnErrorEvenToItself) {
  InProcess server;
  EXPECT_EQ(server.run({"RENAME", "a", "b"}), "(error) ERR no such key");
  EXPECT_EQ(server.run({"RENAME", "a", "a"}), "(error) ERR no such key");
  EXPECT_EQ(server.run({"RENAMENX", "a", "a"}), "(error) ERR no such key");
  put(server, "a");
  EXPECT_EQ(server.run({"RENAME", "a", "a"}), "+OK");
  EXPECT_EQ(server.run({"GET", "a"}), "\"v\"");
}

TEST(Renamenx, RefusesATargetThatLives) {
  InProcess server;
  put(server, "a", "1");
  put(server, "b", "2", server.clock().now_ms() + 10);
  EXPECT_EQ(server.run({"RENAMENX", "a", "b"}), "0");
  EXPECT_EQ(server.run({"RENAMENX", "a", "a"}), "0");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"RENAMENX", "a", "b"}), "1");
  EXPECT_EQ(server.run({"GET", "b"}), "\"1\"");
}

TEST(Copy, NeedsReplaceToOverwrite) {
  InProcess server;
  put(server, "a", "1", server.clock().now_ms() + 5'000);
  put(server, "b", "2");
  EXPECT_EQ(server.run({"COPY", "a", "b"}), "0");
  EXPECT_EQ(server.run({"GET", "b"}), "\"2\"");
  EXPECT_EQ(server.run({"COPY", "a", "b", "replace"}), "1");
  EXPECT_EQ(server.run({"GET", "b"}), "\"1\"");
  EXPECT_EQ(server.run({"PTTL", "b"}), "5000");
  EXPECT_EQ(server.run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(server.run({"COPY", "none", "b", "REPLACE"}), "0");
  EXPECT_EQ(server.run({"GET", "b"}), "\"1\"");
}

TEST(Copy, ReachesAnotherDatabase) {
  InProcess server;
  put(server, "a", "1");
  EXPECT_EQ(server.run({"COPY", "a", "a", "DB", "3"}), "1");
  EXPECT_EQ(server.run({"COPY", "a", "a", "DB", "3"}), "0");
  server.client().set_database(3);
  EXPECT_EQ(server.run({"GET", "a"}), "\"1\"");
}

TEST(Copy, ChecksItsArgumentsInRedisOrder) {
  InProcess server;
  EXPECT_EQ(server.run({"COPY", "a", "b", "DB"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"COPY", "a", "b", "x"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"COPY", "a", "b", "DB", "16", "x"}), kBadDatabase);
  EXPECT_EQ(server.run({"COPY", "a", "b", "DB", "-1"}), kBadDatabase);
  EXPECT_EQ(server.run({"COPY", "a", "b", "DB", "x"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"COPY", "a", "b", "DB", "3000000000"}),
            "(error) ERR value is out of range, value must between -2147483648 and 2147483647");
  EXPECT_EQ(server.run({"COPY", "a", "a"}), kSameObject);
  EXPECT_EQ(server.run({"COPY", "a", "a", "DB", "0"}), kSameObject);
}

TEST(Move, TakesAKeyToAnotherDatabaseUnlessItIsThere) {
  InProcess server;
  put(server, "a", "here", server.clock().now_ms() + 5'000);
  EXPECT_EQ(server.run({"MOVE", "a", "1"}), "1");
  EXPECT_EQ(server.run({"EXISTS", "a"}), "0");
  put(server, "a", "again");
  EXPECT_EQ(server.run({"MOVE", "a", "1"}), "0");
  EXPECT_EQ(server.run({"MOVE", "none", "1"}), "0");
  server.client().set_database(1);
  EXPECT_EQ(server.run({"GET", "a"}), "\"here\"");
  EXPECT_EQ(server.run({"PTTL", "a"}), "5000");
}

TEST(Move, RefusesTheSameAndNoDatabase) {
  InProcess server;
  EXPECT_EQ(server.run({"MOVE", "a", "0"}), kSameObject);
  EXPECT_EQ(server.run({"MOVE", "a", "16"}), kBadDatabase);
  EXPECT_EQ(server.run({"MOVE", "a", "-1"}), kBadDatabase);
  EXPECT_EQ(server.run({"MOVE", "a", "x"}), "(error) ERR value is not an integer or out of range");
}

TEST(Object, TellsTheEncodingAsRedisNamesIt) {
  InProcess server;
  put(server, "int", "12");
  put(server, "long int", "12345678901234567890");
  put(server, "embstr", std::string(44, 'x'));
  put(server, "raw", std::string(45, 'x'));
  put(server, "blob", std::string(5000, 'x'));
  const std::pair<const char*, const char*> expected[] = {{"int", "\"int\""},
                                                          {"long int", "\"embstr\""},
                                                          {"embstr", "\"embstr\""},
                                                          {"raw", "\"raw\""},
                                                          {"blob", "\"raw\""}};
  for (const auto& [key, encoding] : expected) {
    EXPECT_EQ(server.run({"OBJECT", "ENCODING", key}), encoding) << key;
  }
  EXPECT_EQ(server.run({"OBJECT", "ENCODING", "none"}), "(nil)");
}

TEST(Object, AnswersNullForAMissingKey) {
  InProcess server;
  put(server, "a");
  EXPECT_EQ(server.run({"OBJECT", "REFCOUNT", "a"}), "1");
  EXPECT_EQ(server.run({"OBJECT", "REFCOUNT", "none"}), "(nil)");
  EXPECT_EQ(server.run({"OBJECT", "FREQ", "none"}), "(nil)");
  EXPECT_TRUE(server.run({"OBJECT", "FREQ", "a"})
                  .starts_with("(error) ERR An LFU maxmemory policy is not selected"));
  EXPECT_EQ(server.run({"OBJECT", "ENCODING"}),
            "(error) ERR wrong number of arguments for 'object|encoding' command");
}

}  // namespace
}  // namespace larder
