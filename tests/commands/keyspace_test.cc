// Commands on whole databases.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;
using testing::put;

std::string name(size_t i) {
  return "key:" + std::to_string(i);
}

void fill(InProcess& server, size_t keys) {
  for (size_t i = 0; i < keys; i++) put(server, name(i));
}

// The keys in a reply that is an array of strings.
std::multiset<std::string> keys_of(const protocol::Reply& reply) {
  std::multiset<std::string> keys;
  for (const protocol::Reply& element : reply.elements) keys.insert(element.text);
  return keys;
}

protocol::Reply run(InProcess& server, const std::vector<std::string>& command) {
  const std::string bytes = server.run_raw(server.client(), command);
  protocol::Reply reply;
  EXPECT_EQ(protocol::read_reply(bytes, reply), bytes.size());
  return reply;
}

TEST(Keys, AnswersWhatMatches) {
  InProcess server;
  for (const char* key : {"one", "two", "three", "t*"}) put(server, key);
  put(server, "elsewhere", "v", storage::kNoExpiry, 1);
  using Set = std::multiset<std::string>;
  EXPECT_EQ(keys_of(run(server, {"KEYS", "*"})), (Set{"one", "two", "three", "t*"}));
  EXPECT_EQ(keys_of(run(server, {"KEYS", "t*"})), (Set{"two", "three", "t*"}));
  EXPECT_EQ(keys_of(run(server, {"KEYS", "*e"})), (Set{"one", "three"}));
  EXPECT_EQ(keys_of(run(server, {"KEYS", "t[w]?"})), (Set{"two"}));
  EXPECT_EQ(keys_of(run(server, {"KEYS", "t\\*"})), (Set{"t*"}));
  EXPECT_EQ(keys_of(run(server, {"KEYS", "one"})), (Set{"one"}));
  EXPECT_EQ(server.run({"KEYS", "on"}), "[]");
  EXPECT_EQ(server.run({"KEYS", "x*"}), "[]");
}

TEST(Keys, AnswersEachOfManyKeysOnce) {
  InProcess server;
  fill(server, 100'000);
  const auto keys = keys_of(run(server, {"KEYS", "key:*"}));
  EXPECT_EQ(keys.size(), 100'000u);
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 100'000u);
}

TEST(Keys, AnswersNoDeadKey) {
  InProcess server;
  put(server, "k", "v", server.clock().now_ms() + 10);
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"KEYS", "*"}), "[]");
  EXPECT_EQ(server.run({"KEYS", "k"}), "[]");
}

struct Page {
  std::string cursor;
  std::multiset<std::string> keys;
};

Page scan(InProcess& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "SCAN");
  const protocol::Reply reply = run(server, arguments);
  EXPECT_EQ(reply.elements.size(), 2u);
  return {reply.elements[0].text, keys_of(reply.elements[1])};
}

// A whole iteration; `pages` counts the calls.
std::multiset<std::string> scan_all(InProcess& server, const std::vector<std::string>& options,
                                    size_t& pages) {
  std::multiset<std::string> keys;
  std::string cursor = "0";
  pages = 0;
  do {
    std::vector<std::string> arguments = {cursor};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Page page = scan(server, arguments);
    keys.insert(page.keys.begin(), page.keys.end());
    cursor = page.cursor;
    pages++;
  } while (cursor != "0");
  return keys;
}

TEST(Scan, GoesOverAllKeysInPages) {
  InProcess server;
  fill(server, 5'000);
  size_t pages = 0;
  for (const char* count : {"1", "10", "1000"}) {
    const auto keys = scan_all(server, {"COUNT", count}, pages);
    EXPECT_EQ(keys.size(), 5'000u);
    EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 5'000u);
    EXPECT_LE(pages, 5'000 / std::stoul(count) + 2);
  }
  EXPECT_EQ(scan_all(server, {"COUNT", "9223372036854775807"}, pages).size(), 5'000u);
  EXPECT_EQ(pages, 1u);
  EXPECT_EQ(scan_all(server, {"COUNT", "1000000000"}, pages).size(), 5'000u);
  EXPECT_EQ(pages, 1u);
}

TEST(Scan, AnswersFewKeysAtOnce) {
  InProcess server;
  fill(server, 5);
  size_t pages = 0;
  EXPECT_EQ(scan_all(server, {}, pages).size(), 5u);
  EXPECT_EQ(pages, 1u);
  InProcess empty;
  EXPECT_EQ(scan_all(empty, {}, pages).size(), 0u);
  EXPECT_EQ(pages, 1u);
}

TEST(Scan, FiltersByPatternAndType) {
  InProcess server;
  fill(server, 300);
  size_t pages = 0;
  EXPECT_EQ(scan_all(server, {"MATCH", "key:1?"}, pages).size(), 10u);
  EXPECT_EQ(scan_all(server, {"match", "key:7"}, pages).size(), 1u);
  EXPECT_EQ(scan_all(server, {"TYPE", "STRING", "MATCH", "key:1?"}, pages).size(), 10u);
  EXPECT_EQ(scan_all(server, {"TYPE", "hash"}, pages).size(), 0u);
  EXPECT_EQ(scan_all(server, {"TYPE", "nosuch"}, pages).size(), 0u);
}

// A pattern that matches nothing must not make one call look at everything.
TEST(Scan, LooksAtAboutCountKeysAlsoWhenNothingMatches) {
  InProcess server;
  fill(server, 20'000);
  size_t pages = 0;
  EXPECT_EQ(scan_all(server, {"MATCH", "nothing*", "COUNT", "100"}, pages).size(), 0u);
  EXPECT_GE(pages, 20'000u / 200);
}

TEST(Scan, ReadsItsCursorAsRedisDoes) {
  InProcess server;
  put(server, "a");
  for (const char* cursor : {"", "0", "+0", "-0", "00"}) {
    EXPECT_EQ(scan(server, {cursor}).keys.size(), 1u) << cursor;
  }
  for (const char* cursor : {"-1", "18446744073709551615", "9007199254740992"}) {
    const Page page = scan(server, {cursor});
    EXPECT_EQ(page.cursor, "0");
    EXPECT_TRUE(page.keys.empty());
  }
  for (const char* cursor : {" 0", "x", "0x", "5x", "-", "18446744073709551616"}) {
    EXPECT_EQ(server.run({"SCAN", cursor, "COUNT", "0"}), "(error) ERR invalid cursor") << cursor;
  }
}

TEST(Scan, RefusesWrongOptions) {
  InProcess server;
  EXPECT_EQ(server.run({"SCAN", "0", "COUNT", "0"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"SCAN", "0", "COUNT", "-5"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"SCAN", "0", "COUNT", "x"}),
            "(error) ERR value is not an integer or out of range");
  for (const char* option : {"COUNT", "MATCH", "TYPE", "BOGUS"}) {
    EXPECT_EQ(server.run({"SCAN", "0", option}), "(error) ERR syntax error");
  }
}

TEST(Randomkey, AnswersALiveKeyOrNull) {
  InProcess server;
  EXPECT_EQ(server.run({"RANDOMKEY"}), "(nil)");
  put(server, "live");
  for (int i = 0; i < 1'000; i++) {
    put(server, "dying:" + std::to_string(i), "v", server.clock().now_ms() + 10);
  }
  server.clock().advance_ms(10);
  for (int i = 0; i < 20; i++) EXPECT_EQ(server.run({"RANDOMKEY"}), "\"live\"");
}

TEST(Randomkey, IsNullWhenAllKeysAreDead) {
  InProcess server;
  for (int i = 0; i < 1'000; i++) {
    put(server, name(static_cast<size_t>(i)), "v", server.clock().now_ms() + 10);
  }
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"RANDOMKEY"}), "(nil)");
  EXPECT_EQ(server.run({"DBSIZE"}), "0");
}

TEST(Dbsize, CountsTheKeysOfTheDatabase) {
  InProcess server;
  fill(server, 1'000);
  put(server, "elsewhere", "v", storage::kNoExpiry, 1);
  EXPECT_EQ(server.run({"DBSIZE"}), "1000");
  server.client().set_database(1);
  EXPECT_EQ(server.run({"DBSIZE"}), "1");
}

TEST(Flush, EmptiesOneDatabaseOrAll) {
  for (const std::vector<std::string>& mode : {std::vector<std::string>{}, {"SYNC"}, {"async"}}) {
    InProcess server;
    fill(server, 20'000);
    put(server, "elsewhere", "v", storage::kNoExpiry, 1);
    const auto with_mode = [&](std::string command) {
      std::vector<std::string> arguments = {std::move(command)};
      arguments.insert(arguments.end(), mode.begin(), mode.end());
      return server.run(arguments);
    };
    EXPECT_EQ(with_mode("FLUSHDB"), "+OK");
    EXPECT_EQ(server.run({"DBSIZE"}), "0");
    EXPECT_EQ(server.server().store.size(1).keys, 1u);
    fill(server, 10);
    EXPECT_EQ(with_mode("FLUSHALL"), "+OK");
    EXPECT_EQ(server.run({"DBSIZE"}), "0");
    EXPECT_EQ(server.server().store.size(1).keys, 0u);
  }
}

TEST(Flush, RefusesOtherWordsAndDeletesNothing) {
  InProcess server;
  put(server, "k");
  EXPECT_EQ(server.run({"FLUSHALL", "NOW"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"FLUSHDB", "SYNC", "ASYNC"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"DBSIZE"}), "1");
}

TEST(Swapdb, ExchangesTwoDatabases) {
  InProcess server;
  put(server, "a", "zero");
  put(server, "b", "one", storage::kNoExpiry, 1);
  EXPECT_EQ(server.run({"SWAPDB", "0", "1"}), "+OK");
  EXPECT_EQ(server.run({"GET", "b"}), "\"one\"");
  EXPECT_EQ(server.run({"EXISTS", "a"}), "0");
  EXPECT_EQ(server.run({"SWAPDB", "1", "1"}), "+OK");
  server.client().set_database(1);
  EXPECT_EQ(server.run({"GET", "a"}), "\"zero\"");
}

TEST(Swapdb, RefusesWhatIsNoDatabase) {
  InProcess server;
  EXPECT_EQ(server.run({"SWAPDB", "x", "y"}), "(error) ERR invalid first DB index");
  EXPECT_EQ(server.run({"SWAPDB", "3000000000", "0"}), "(error) ERR invalid first DB index");
  EXPECT_EQ(server.run({"SWAPDB", "0", "y"}), "(error) ERR invalid second DB index");
  EXPECT_EQ(server.run({"SWAPDB", "-1", "0"}), "(error) ERR DB index is out of range");
  EXPECT_EQ(server.run({"SWAPDB", "0", "16"}), "(error) ERR DB index is out of range");
}

}  // namespace
}  // namespace larder
