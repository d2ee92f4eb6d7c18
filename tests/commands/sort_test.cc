#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/core/key_positions.h"
#include "tests/support/in_process.h"

namespace larder::testing {
namespace {

const std::string kWrongType =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
const std::string kNotDouble = "(error) ERR One or more scores can't be converted into double";
const std::string kSyntax = "(error) ERR syntax error";

struct SortTest : ::testing::Test {
  std::string run(const std::vector<std::string>& arguments) { return server.run(arguments); }
  InProcess server{2};
};

TEST_F(SortTest, SortsNumbersOfAllTypes) {
  run({"RPUSH", "l", "3", "-1", "10", "2.5", "0x10", "", " 1"});
  EXPECT_EQ(run({"SORT", "l"}), R"(["-1", "", " 1", "2.5", "3", "10", "0x10"])");
  EXPECT_EQ(run({"SORT_RO", "l", "DESC"}), R"(["0x10", "10", "3", "2.5", " 1", "", "-1"])");
  run({"SADD", "s", "5", "1", "3"});
  EXPECT_EQ(run({"SORT", "s"}), R"(["1", "3", "5"])");
  run({"ZADD", "z", "3", "1", "2", "20", "1", "3"});
  EXPECT_EQ(run({"SORT", "z"}), R"(["1", "3", "20"])");
  EXPECT_EQ(run({"SORT", "missing"}), "[]");
}

TEST_F(SortTest, EqualNumbersStandInTheOrderOfTheirBytes) {
  run({"RPUSH", "l", "1.0", "1", "01", "1e0"});
  EXPECT_EQ(run({"SORT", "l"}), R"(["01", "1", "1.0", "1e0"])");
  EXPECT_EQ(run({"SORT", "l", "DESC"}), R"(["1e0", "1.0", "1", "01"])");
}

TEST_F(SortTest, WhatIsNoNumberIsAnErrorUnlessAlpha) {
  for (const char* wrong : {"x", "1x", "nan", "1 ", " ", "1e400", "1e-400", "1e-310"}) {
    run({"DEL", "l"});
    run({"RPUSH", "l", "1", wrong});
    EXPECT_EQ(run({"SORT", "l"}), kNotDouble) << wrong;
    EXPECT_EQ(run({"SORT", "l", "BY", "nosort"}), std::string(R"(["1", ")") + wrong + R"("])");
  }
  run({"DEL", "l"});
  run({"RPUSH", "l", "b", "a", "B", "aa"});
  EXPECT_EQ(run({"SORT", "l", "ALPHA"}), R"(["B", "a", "aa", "b"])");
  EXPECT_EQ(run({"SORT", "l", "alpha", "desc", "LIMIT", "1", "2"}), R"(["aa", "a"])");
}

TEST_F(SortTest, ErrorsComeInRedisOrder) {
  run({"SET", "t", "x"});
  run({"HSET", "h", "f", "1"});
  EXPECT_EQ(run({"SORT", "t"}), kWrongType);
  EXPECT_EQ(run({"SORT", "h", "BY", "nosort"}), kWrongType);
  EXPECT_EQ(run({"SORT", "t", "LIMIT", "0"}), kSyntax);
  EXPECT_EQ(run({"SORT", "t", "LIMIT", "x", "1"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(run({"SORT", "t", "BY"}), kSyntax);
  EXPECT_EQ(run({"SORT", "t", "STORE"}), kSyntax);
  EXPECT_EQ(run({"SORT_RO", "t", "STORE", "u"}), kSyntax);
  EXPECT_EQ(run({"SORT", "t", "SIDEWAYS"}), kSyntax);
}

TEST_F(SortTest, LimitsAreCutToWhatThereIs) {
  run({"RPUSH", "l", "3", "1", "2", "4"});
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "1", "2"}), R"(["2", "3"])");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "-5", "2"}), R"(["1", "2"])");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "2", "-7"}), R"(["3", "4"])");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "0", "0"}), "[]");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "4", "1"}), "[]");
  const std::string most = "9223372036854775807";
  EXPECT_EQ(run({"SORT", "l", "LIMIT", most, most}), "[]");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "3", most}), R"(["4"])");
}

TEST_F(SortTest, ByConstantKeepsTheOrderThatThereIs) {
  run({"RPUSH", "l", "3", "1", "2"});
  EXPECT_EQ(run({"SORT", "l", "BY", "nosort"}), R"(["3", "1", "2"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "nosort", "DESC", "LIMIT", "1", "5"}), R"(["1", "3"])");
  run({"ZADD", "z", "1", "c", "2", "b", "3", "a", "4", "d"});
  EXPECT_EQ(run({"SORT", "z", "BY", "nosort"}), R"(["c", "b", "a", "d"])");
  EXPECT_EQ(run({"SORT", "z", "BY", "nosort", "DESC", "LIMIT", "1", "2"}), R"(["a", "b"])");
  EXPECT_EQ(run({"SORT", "z", "BY", "nosort", "LIMIT", "1", "2"}), R"(["b", "a"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "nosort", "BY", "w_*", "ALPHA"}), R"(["3", "1", "2"])");
}

TEST_F(SortTest, StoringAnUnsortedSetSortsItsBytes) {
  run({"SADD", "s", "10", "9", "b", "a"});
  EXPECT_EQ(run({"SORT", "s", "BY", "nosort", "STORE", "to"}), "4");
  EXPECT_EQ(run({"LRANGE", "to", "0", "-1"}), R"(["10", "9", "a", "b"])");
}

TEST_F(SortTest, SortsByWhatKeysAndFieldsHold) {
  run({"RPUSH", "l", "1", "2", "3", "4"});
  run({"MSET", "w_1", "30", "w_2", "20", "w_4", "-1", "name_1", "x", "name_3", "z"});
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*"}), R"(["4", "3", "2", "1"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*", "LIMIT", "1", "2"}), R"(["3", "2"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*", "GET", "#", "GET", "name_*", "DESC"}),
            R"(["1", "x", "2", (nil), "3", "z", "4", (nil)])");
  run({"HSET", "h_1", "age", "5", "who", "one"});
  run({"HSET", "h_2", "age", "1"});
  run({"SET", "h_3", "no hash"});
  EXPECT_EQ(run({"SORT", "l", "BY", "h_*->age", "GET", "h_*->who"}),
            R"([(nil), (nil), (nil), "one"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "h_*->age"}), R"(["3", "4", "2", "1"])");
  run({"SET", "w_3", "x"});
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*"}), kNotDouble);
}

TEST_F(SortTest, ByTextsTheMissingComeFirstAndTheEqualAsTheyStood) {
  run({"RPUSH", "l", "1", "2", "3", "4", "5"});
  run({"MSET", "w_1", "b", "w_2", "a", "w_4", "b"});
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*", "ALPHA"}), R"(["3", "5", "2", "1", "4"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*", "ALPHA", "DESC"}), R"(["1", "4", "2", "3", "5"])");
}

TEST_F(SortTest, OddPatterns) {
  run({"RPUSH", "l", "1"});
  run({"MSET", "p1->", "arrow", "p1*", "stars", "1", "alone", "fixed", "never"});
  run({"HSET", "p1", "f->g", "field"});
  EXPECT_EQ(run({"SORT", "l", "GET", "p*->", "GET", "p**", "GET", "*", "GET", "fixed", "GET",
                 "p*->f->g", "GET", "#x"}),
            R"(["arrow", "stars", "alone", (nil), "field", (nil)])");
  run({"HSET", "a->1", "f", "behind"});
  EXPECT_EQ(run({"SORT", "l", "GET", "a->*->f"}), R"(["behind"])");
  EXPECT_EQ(run({"SORT", "l", "GET", std::string("p\0*", 3)}), "[(nil)]");
}

TEST_F(SortTest, StorePutsAListInPlaceOfAnything) {
  run({"RPUSH", "l", "2", "1"});
  run({"SET", "to", "x", "EX", "100"});
  EXPECT_EQ(run({"SORT", "l", "STORE", "to"}), "2");
  EXPECT_EQ(run({"LRANGE", "to", "0", "-1"}), R"(["1", "2"])");
  EXPECT_EQ(run({"TTL", "to"}), "-1");
  EXPECT_EQ(run({"OBJECT", "ENCODING", "to"}), R"("listpack")");
  EXPECT_EQ(run({"SORT", "l", "GET", "none_*", "GET", "#", "STORE", "l"}), "4");
  EXPECT_EQ(run({"LRANGE", "l", "0", "-1"}), R"(["", "1", "", "2"])");
  EXPECT_EQ(run({"SORT", "missing", "STORE", "to"}), "0");
  EXPECT_EQ(run({"EXISTS", "to"}), "0");
}

TEST_F(SortTest, WhatIsStoredIsAListpackUpToTheLimit) {
  run({"CONFIG", "SET", "list-max-listpack-size", "3"});
  run({"SADD", "s", "1", "2", "3", "4"});
  run({"SORT", "s", "LIMIT", "0", "3", "STORE", "to"});
  EXPECT_EQ(run({"OBJECT", "ENCODING", "to"}), R"("listpack")");
  run({"SORT", "s", "STORE", "to"});
  EXPECT_EQ(run({"OBJECT", "ENCODING", "to"}), R"("quicklist")");
  EXPECT_EQ(run({"LRANGE", "to", "0", "-1"}), R"(["1", "2", "3", "4"])");
}

TEST_F(SortTest, TheLastStoreCounts) {
  run({"RPUSH", "l", "2", "1"});
  EXPECT_EQ(run({"SORT", "l", "STORE", "BY", "STORE", "STORE"}), "2");
  EXPECT_EQ(run({"EXISTS", "BY", "STORE"}), "1");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "SORT", "l", "STORE", "x", "STORE", "y"}), R"(["l", "y"])");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "SORT", "l", "GET", "STORE", "LIMIT", "STORE", "STORE",
                 "STORE", "z"}),
            R"(["l", "z"])");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "SORT_RO", "l", "STORE", "x"}), R"(["l"])");
}

TEST_F(SortTest, ATransactionSeesItsOwnKeys) {
  run({"MULTI"});
  run({"RPUSH", "l", "1", "2"});
  run({"MSET", "w_1", "9", "w_2", "3"});
  run({"SORT", "l", "BY", "w_*", "GET", "#", "GET", "w_*"});
  run({"SORT", "l", "STORE", "to"});
  EXPECT_EQ(run({"EXEC"}), R"([2, +OK, ["2", "3", "1", "9"], 2])");
}

TEST_F(SortTest, OnlyPatternsTouchKeysThatAreNotNamed) {
  const core::CommandRow& row = *server.server().commands.find("sort")->row;
  const auto named = [&](std::vector<std::string_view> request) {
    return core::names_all_keys(row, request);
  };
  EXPECT_TRUE(named({"sort", "l*"}));
  EXPECT_TRUE(named({"sort", "l", "BY", "nosort", "GET", "#", "STORE", "to*"}));
  EXPECT_FALSE(named({"sort", "l", "by", "w_*"}));
  EXPECT_FALSE(named({"sort", "l", "GET", "#", "get", "*"}));
  EXPECT_FALSE(core::names_all_keys(row));
}

TEST_F(SortTest, ManyShortValuesAreBeyondAllMeasureToo) {
  std::vector<std::string> push = {"RPUSH", "l"};
  push.insert(push.end(), 4000, "1");
  run(push);
  std::vector<std::string> sort = {"SORT", "l", "BY", "nosort", "STORE", "to"};
  for (int i = 0; i < 4000; i++) sort.insert(sort.end(), {"GET", "none_*"});
  EXPECT_EQ(run(sort), "(error) ERR value is out of range") << "16 million of them";
  EXPECT_EQ(run({"EXISTS", "to"}), "0");
}

TEST_F(SortTest, AReplyBeyondAllMeasureIsAnError) {
  const std::string large(1 << 20, 'x');
  run({"SET", "w_1", large});
  std::vector<std::string> push = {"RPUSH", "l"};
  push.insert(push.end(), 1100, "1");
  run(push);
  EXPECT_EQ(run({"SORT", "l", "GET", "w_*"}), "(error) ERR value is out of range");
  EXPECT_EQ(run({"SORT", "l", "GET", "w_*", "STORE", "to"}), "(error) ERR value is out of range");
  EXPECT_EQ(run({"EXISTS", "to"}), "0");
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*", "ALPHA", "LIMIT", "0", "1"}), R"(["1"])");
}

TEST_F(SortTest, StoringServesWhoWaitsForAList) {
  const auto client = server.connect();
  core::Dispatcher::Suspended waits = server.start(*client, {"BLPOP", "to", "0"});
  run({"SADD", "s", "2", "1"});
  run({"SORT", "s", "STORE", "to"});
  EXPECT_EQ(server.resume(*client, waits), R"(["to", "1"])");
  EXPECT_EQ(run({"LRANGE", "to", "0", "-1"}), R"(["2"])");
}

}  // namespace
}  // namespace larder::testing
