#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr const char* kSyntax = "(error) ERR syntax error";
constexpr const char* kNotInteger = "(error) ERR value is not an integer or out of range";

// Whether the key is there, without counting a hit.
bool exists(InProcess& server, std::string_view key) {
  storage::Store& store = server.server().store;
  const storage::Key hashed = store.key(key);
  const storage::LockedKeys locked = store.lock(hashed);
  return storage::Keyspace(locked, 0, server.clock().now_ms()).find(hashed) != nullptr;
}

TEST(Set, StoresAndReplaces) {
  InProcess server;
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
  EXPECT_EQ(server.run({"SET", "k", "v"}), "+OK");
  EXPECT_EQ(server.run({"get", "k"}), "\"v\"");
  EXPECT_EQ(server.run({"SET", "k", "007"}), "+OK");
  EXPECT_EQ(server.run({"GET", "k"}), "\"007\"");
  EXPECT_EQ(server.run({"SET", "k", ""}), "+OK");
  EXPECT_EQ(server.run({"GET", "k"}), "\"\"");
}

TEST(Set, ExpiresInEveryUnit) {
  for (const auto& [option, number] : std::vector<std::pair<std::string, int64_t>>{
           {"EX", 2}, {"pX", 2000}, {"ExAt", 1'700'000'002}, {"PXAT", 1'700'000'002'000}}) {
    InProcess server;
    EXPECT_EQ(server.run({"SET", "k", "v", option, std::to_string(number)}), "+OK");
    server.clock().advance_ms(1999);
    EXPECT_EQ(server.run({"GET", "k"}), "\"v\"") << option;
    server.clock().advance_ms(1);
    EXPECT_EQ(server.run({"GET", "k"}), "(nil)") << option;
  }
}

TEST(Set, OverwriteClearsTtlUnlessKept) {
  InProcess server;
  server.run({"SET", "cleared", "v", "PX", "100"});
  server.run({"SET", "cleared", "w"});
  server.run({"SET", "kept", "v", "PX", "100"});
  EXPECT_EQ(server.run({"SET", "kept", "w", "KEEPTTL"}), "+OK");
  EXPECT_EQ(server.run({"SET", "new", "w", "KEEPTTL"}), "+OK");
  server.clock().advance_ms(100);
  EXPECT_EQ(server.run({"MGET", "cleared", "kept", "new"}), "[\"w\", (nil), \"w\"]");
}

TEST(Set, TimeInThePastDeletes) {
  InProcess server;
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"SET", "k", "w", "EXAT", "1"}), "+OK");
  EXPECT_FALSE(exists(server, "k"));
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"SET", "k", "w", "GET", "PXAT", "1"}), "\"v\"");
  EXPECT_FALSE(exists(server, "k"));
}

TEST(Set, ConditionsLookAtTheKeyFirst) {
  InProcess server;
  EXPECT_EQ(server.run({"SET", "k", "v", "XX"}), "(nil)");
  EXPECT_FALSE(exists(server, "k"));
  EXPECT_EQ(server.run({"SET", "k", "v", "NX"}), "+OK");
  EXPECT_EQ(server.run({"SET", "k", "w", "nx"}), "(nil)");
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
  EXPECT_EQ(server.run({"SET", "k", "w", "xx"}), "+OK");
  EXPECT_EQ(server.run({"GET", "k"}), "\"w\"");
}

TEST(Set, DeadKeyIsAbsent) {
  InProcess server;
  server.run({"SET", "k", "v", "PX", "10"});
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"SET", "k", "w", "XX"}), "(nil)");
  EXPECT_EQ(server.run({"SET", "k", "w", "NX", "GET"}), "(nil)");
  EXPECT_EQ(server.run({"GET", "k"}), "\"w\"");
}

TEST(Set, GetAnswersTheOldValueWhetherOrNotItSets) {
  InProcess server;
  EXPECT_EQ(server.run({"SET", "k", "1", "XX", "GET"}), "(nil)");
  EXPECT_FALSE(exists(server, "k"));
  EXPECT_EQ(server.run({"SET", "k", "1", "GET"}), "(nil)");
  EXPECT_EQ(server.run({"SET", "k", "2", "GET", "NX"}), "\"1\"");
  EXPECT_EQ(server.run({"SET", "k", "3", "GET", "GET"}), "\"1\"");
  EXPECT_EQ(server.run({"GET", "k"}), "\"3\"");
}

TEST(Set, ContradictingOptionsAreSyntaxErrors) {
  InProcess server;
  const std::vector<std::vector<std::string>> wrong = {{"NX", "XX"},
                                                       {"XX", "NX"},
                                                       {"EX", "1", "PX", "1"},
                                                       {"EX", "1", "KEEPTTL"},
                                                       {"KEEPTTL", "EX", "1"},
                                                       {"PXAT", "1", "EXAT", "1"},
                                                       {"EX"},
                                                       {"GET", "EX"},
                                                       {"BOGUS"},
                                                       {"PERSIST"},
                                                       {"EX", "abc", "BOGUS"},
                                                       {"NX", "EX", "10", "XX"}};
  for (const auto& options : wrong) {
    std::vector<std::string> command{"SET", "k", "v"};
    command.insert(command.end(), options.begin(), options.end());
    EXPECT_EQ(server.run(command), kSyntax) << options[0];
  }
  EXPECT_FALSE(exists(server, "k"));
}

TEST(Set, SameOptionTwiceCountsTheLast) {
  InProcess server;
  EXPECT_EQ(server.run({"SET", "k", "v", "NX", "NX", "PX", "abc", "PX", "10"}), "+OK");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
}

TEST(Set, ExpiryMustBeAPositiveIntegerInRange) {
  InProcess server;
  const std::string invalid = "(error) ERR invalid expire time in 'set' command";
  EXPECT_EQ(server.run({"SET", "k", "v", "EX", "abc"}), kNotInteger);
  EXPECT_EQ(server.run({"SET", "k", "v", "EX", "1.5", "GET"}), kNotInteger);
  for (const char* number : {"0", "-1", "9223372036854775807", "9223372036854775"}) {
    EXPECT_EQ(server.run({"SET", "k", "v", "EX", number}), invalid) << number;
  }
  EXPECT_EQ(server.run({"SET", "k", "v", "PX", "9223372036854775807"}), invalid);
  EXPECT_EQ(server.run({"SET", "k", "v", "EXAT", "9223372036854776"}), invalid);
  EXPECT_FALSE(exists(server, "k"));
  EXPECT_EQ(server.run({"SET", "k", "v", "PXAT", "9223372036854775807"}), "+OK");
  EXPECT_TRUE(exists(server, "k"));
}

TEST(Set, OnlyReadingCountsAHitOrAMiss) {
  InProcess server;
  server.run({"SET", "k", "v"});
  server.run({"SET", "k", "v", "XX"});
  EXPECT_EQ(server.server().store.counters().hits, 0u);
  server.run({"SET", "k", "v", "GET"});
  server.run({"GETSET", "none", "v"});
  EXPECT_EQ(server.server().store.counters().hits, 1u);
  EXPECT_EQ(server.server().store.counters().misses, 1u);
}

TEST(Setnx, SetsOnlyOnce) {
  InProcess server;
  EXPECT_EQ(server.run({"SETNX", "k", "v"}), "1");
  EXPECT_EQ(server.run({"SETNX", "k", "w"}), "0");
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
}

TEST(Setex, StoresWithExpiry) {
  InProcess server;
  EXPECT_EQ(server.run({"SETEX", "s", "1", "v"}), "+OK");
  EXPECT_EQ(server.run({"PSETEX", "ms", "1001", "v"}), "+OK");
  server.clock().advance_ms(1000);
  EXPECT_EQ(server.run({"MGET", "s", "ms"}), "[(nil), \"v\"]");
  server.clock().advance_ms(1);
  EXPECT_EQ(server.run({"GET", "ms"}), "(nil)");
}

TEST(Setex, ComplainsByItsOwnName) {
  InProcess server;
  EXPECT_EQ(server.run({"SETEX", "k", "0", "v"}),
            "(error) ERR invalid expire time in 'setex' command");
  EXPECT_EQ(server.run({"PSETEX", "k", "-5", "v"}),
            "(error) ERR invalid expire time in 'psetex' command");
  EXPECT_EQ(server.run({"SETEX", "k", "x", "v"}), kNotInteger);
}

TEST(Getset, SwapsAndClearsTtl) {
  InProcess server;
  EXPECT_EQ(server.run({"GETSET", "k", "1"}), "(nil)");
  server.run({"SET", "k", "2", "PX", "10"});
  EXPECT_EQ(server.run({"GETSET", "k", "3"}), "\"2\"");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GET", "k"}), "\"3\"");
}

TEST(Getdel, AnswersAndDeletes) {
  InProcess server;
  server.run({"SET", "k", "5"});
  EXPECT_EQ(server.run({"GETDEL", "k"}), "\"5\"");
  EXPECT_EQ(server.run({"GETDEL", "k"}), "(nil)");
  EXPECT_FALSE(exists(server, "k"));
}

TEST(Getex, WithoutOptionsLeavesTheTtl) {
  InProcess server;
  server.run({"SET", "k", "v", "PX", "10"});
  EXPECT_EQ(server.run({"GETEX", "k"}), "\"v\"");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GETEX", "k"}), "(nil)");
}

TEST(Getex, SetsAndTakesAwayTheTtl) {
  InProcess server;
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"GETEX", "k", "px", "10"}), "\"v\"");
  EXPECT_EQ(server.run({"GETEX", "k", "PERSIST"}), "\"v\"");
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GETEX", "k", "EX", "1"}), "\"v\"");
  server.clock().advance_ms(1000);
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
}

TEST(Getex, TimeInThePastDeletes) {
  InProcess server;
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"GETEX", "k", "PXAT", "1"}), "\"v\"");
  EXPECT_FALSE(exists(server, "k"));
}

TEST(Getex, LooksAtTheNumberOnlyForALiveKey) {
  InProcess server;
  EXPECT_EQ(server.run({"GETEX", "none", "EX", "abc"}), "(nil)");
  EXPECT_EQ(server.run({"GETEX", "none", "EX", "1", "PERSIST"}), kSyntax);
  EXPECT_EQ(server.run({"GETEX", "none", "NX"}), kSyntax);
  EXPECT_EQ(server.run({"GETEX", "none", "KEEPTTL"}), kSyntax);
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"GETEX", "k", "EX", "abc"}), kNotInteger);
  EXPECT_EQ(server.run({"GETEX", "k", "EX", "0"}),
            "(error) ERR invalid expire time in 'getex' command");
}

TEST(Mset, StoresAllPairsAndTheLastOfEqualKeysWins) {
  InProcess server;
  EXPECT_EQ(server.run({"MSET", "a", "1", "b", "2", "a", "3"}), "+OK");
  EXPECT_EQ(server.run({"MGET", "b", "a", "none", "a"}), "[\"2\", \"3\", (nil), \"3\"]");
  EXPECT_EQ(server.run({"MSET", "a", "1", "b"}),
            "(error) ERR wrong number of arguments for 'mset' command");
  EXPECT_EQ(server.run({"MSETNX", "a", "1", "b"}),
            "(error) ERR wrong number of arguments for 'msetnx' command");
}

TEST(Mset, ClearsTtl) {
  InProcess server;
  server.run({"SET", "a", "1", "PX", "10"});
  server.run({"MSET", "a", "2", "b", "3"});
  server.clock().advance_ms(10);
  EXPECT_EQ(server.run({"GET", "a"}), "\"2\"");
}

TEST(Msetnx, SetsAllOrNothing) {
  InProcess server;
  server.run({"SET", "b", "old"});
  EXPECT_EQ(server.run({"MSETNX", "a", "1", "b", "2"}), "0");
  EXPECT_EQ(server.run({"MGET", "a", "b"}), "[(nil), \"old\"]");
  EXPECT_EQ(server.run({"MSETNX", "a", "1", "a", "2"}), "1");
  EXPECT_EQ(server.run({"GET", "a"}), "\"2\"");
}

TEST(Mget, AnswersManyKeysInOrder) {
  InProcess server;
  std::vector<std::string> command{"MGET"};
  std::string expected = "[";
  for (int i = 0; i < 50; i++) {
    const std::string name = "key" + std::to_string(i);
    if (i % 3 != 0) server.run({"SET", name, name});
    command.push_back(name);
    if (i > 0) expected += ", ";
    expected += i % 3 != 0 ? "\"" + name + "\"" : "(nil)";
  }
  EXPECT_EQ(server.run(command), expected + "]");
  EXPECT_EQ(server.server().store.counters().hits, 33u);
  EXPECT_EQ(server.server().store.counters().misses, 17u);
}

// What is large is not copied into the reply, which must not show.
TEST(Get, LargeValuesAreWhole) {
  InProcess server;
  const std::string large(40'000, 'l');
  const std::string other(32 * 1024, 'o');
  server.run({"MSET", "large", large, "small", "s", "other", other});
  EXPECT_EQ(server.run({"GET", "large"}), "\"" + large + "\"");
  EXPECT_EQ(server.run({"MGET", "large", "small", "other", "missing", "large"}),
            "[\"" + large + "\", \"s\", \"" + other + "\", (nil), \"" + large + "\"]");
  EXPECT_EQ(server.run({"GETRANGE", "large", "1", "-1"}), "\"" + large.substr(1) + "\"");
  EXPECT_EQ(server.run({"GETRANGE", "large", "1", "3"}), "\"lll\"");
  EXPECT_EQ(server.run({"GETDEL", "large"}), "\"" + large + "\"");
  EXPECT_EQ(server.run({"GETSET", "other", "new"}), "\"" + other + "\"");
  EXPECT_EQ(server.run({"GET", "other"}), "\"new\"");
}

}  // namespace
}  // namespace larder
