#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder::testing {
namespace {

struct ListCommands : ::testing::Test {
  std::string run(const std::vector<std::string>& arguments) { return server.run(arguments); }
  std::string all(const std::string& key) { return run({"LRANGE", key, "0", "-1"}); }
  // Pushes so many elements of 100 bytes.
  void push_many(const std::string& key, size_t elements) {
    std::vector<std::string> command{"RPUSH", key};
    for (size_t i = 0; i < elements; i++) {
      std::string element = std::to_string(i);
      element.resize(100, '.');
      command.push_back(element);
    }
    run(command);
  }

  InProcess server{2};
};

TEST_F(ListCommands, PushingPutsOneElementAfterTheOther) {
  EXPECT_EQ(run({"LPUSH", "l", "a", "b"}), "2");
  EXPECT_EQ(run({"RPUSH", "l", "c", "d"}), "4");
  EXPECT_EQ(all("l"), R"(["b", "a", "c", "d"])");
}

TEST_F(ListCommands, PushxNeedsAList) {
  EXPECT_EQ(run({"LPUSHX", "l", "a"}), "0");
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
  run({"RPUSH", "l", "a"});
  EXPECT_EQ(run({"RPUSHX", "l", "b"}), "2");
}

TEST_F(ListCommands, PopAnswersAnArrayWithACountAlone) {
  run({"RPUSH", "l", "1", "2", "3", "4"});
  EXPECT_EQ(run({"LPOP", "l"}), R"("1")");
  EXPECT_EQ(run({"RPOP", "l", "2"}), R"(["4", "3"])");
  EXPECT_EQ(run({"LPOP", "l", "0"}), "[]");
  EXPECT_EQ(run({"LPOP", "nothing"}), "(nil)");
  EXPECT_EQ(run({"LPOP", "l", "-1"}), "(error) ERR value is out of range, must be positive");
}

TEST_F(ListCommands, AListWithoutElementsIsNoKey) {
  run({"RPUSH", "l", "1", "2"});
  run({"LPOP", "l", "5"});
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
  run({"RPUSH", "l", "1", "1"});
  run({"LREM", "l", "0", "1"});
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
  run({"RPUSH", "l", "1"});
  run({"LTRIM", "l", "1", "0"});
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
  run({"RPUSH", "l", "1"});
  run({"LMOVE", "l", "m", "LEFT", "LEFT"});
  EXPECT_EQ(run({"EXISTS", "l", "m"}), "1");
}

TEST_F(ListCommands, EveryCommandRefusesAnotherType) {
  run({"SET", "s", "x"});
  const std::string refusal =
      "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
  for (const std::vector<std::string>& command : {std::vector<std::string>{"LPUSH", "s", "a"},
                                                  {"RPUSHX", "s", "a"},
                                                  {"LPOP", "s"},
                                                  {"LLEN", "s"},
                                                  {"LRANGE", "s", "0", "1"},
                                                  {"LINDEX", "s", "0"},
                                                  {"LPOS", "s", "a"},
                                                  {"LSET", "s", "0", "a"},
                                                  {"LINSERT", "s", "BEFORE", "a", "b"},
                                                  {"LREM", "s", "0", "a"},
                                                  {"LTRIM", "s", "0", "1"},
                                                  {"LMOVE", "s", "t", "LEFT", "LEFT"},
                                                  {"RPOPLPUSH", "s", "t"},
                                                  {"LMPOP", "1", "s", "LEFT"}}) {
    EXPECT_EQ(run(command), refusal) << command[0];
  }
  run({"RPUSH", "l", "a"});
  EXPECT_EQ(run({"LMOVE", "l", "s", "LEFT", "LEFT"}), refusal);
  EXPECT_EQ(run({"LLEN", "l"}), "1");
}

TEST_F(ListCommands, LposCountsFromWhereItIsTold) {
  run({"RPUSH", "l", "a", "b", "a", "c", "a"});
  EXPECT_EQ(run({"LPOS", "l", "a"}), "0");
  EXPECT_EQ(run({"LPOS", "l", "a", "RANK", "-1"}), "4");
  EXPECT_EQ(run({"LPOS", "l", "a", "RANK", "2", "COUNT", "0"}), "[2, 4]");
  EXPECT_EQ(run({"LPOS", "l", "a", "COUNT", "0", "MAXLEN", "3"}), "[0, 2]");
  EXPECT_EQ(run({"LPOS", "l", "x"}), "(nil)");
  EXPECT_EQ(run({"LPOS", "l", "x", "COUNT", "1"}), "[]");
}

TEST_F(ListCommands, LmpopTakesFromTheFirstListOnly) {
  run({"RPUSH", "b", "1", "2", "3"});
  run({"RPUSH", "c", "4"});
  EXPECT_EQ(run({"LMPOP", "3", "a", "b", "c", "RIGHT", "COUNT", "2"}), R"(["b", ["3", "2"]])");
  EXPECT_EQ(run({"LMPOP", "2", "a", "x", "LEFT"}), "(nil)");
  EXPECT_EQ(run({"LMPOP", "0", "a", "LEFT"}), "(error) ERR numkeys should be greater than 0");
  EXPECT_EQ(run({"LMPOP", "5", "a", "LEFT"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"LMPOP", "1", "b", "LEFT", "COUNT", "0"}),
            "(error) ERR count should be greater than 0");
}

TEST_F(ListCommands, EncodingFollowsTheLimit) {
  push_many("l", 70);
  EXPECT_EQ(run({"OBJECT", "ENCODING", "l"}), R"("listpack")");
  push_many("l", 70);
  EXPECT_EQ(run({"OBJECT", "ENCODING", "l"}), R"("quicklist")");
  run({"LTRIM", "l", "0", "20"});
  EXPECT_EQ(run({"OBJECT", "ENCODING", "l"}), R"("listpack")");
  run({"CONFIG", "SET", "list-max-listpack-size", "10"});
  run({"RPUSH", "l", "x"});
  EXPECT_EQ(run({"OBJECT", "ENCODING", "l"}), R"("quicklist")");
}

TEST_F(ListCommands, KeyCommandsKnowLists) {
  push_many("l", 300);
  const std::string content = all("l");
  EXPECT_EQ(run({"TYPE", "l"}), "+list");
  run({"EXPIRE", "l", "100"});
  EXPECT_EQ(run({"COPY", "l", "m"}), "1");
  EXPECT_EQ(run({"RENAME", "l", "n"}), "+OK");
  EXPECT_EQ(all("m"), content);
  EXPECT_EQ(all("n"), content);
  EXPECT_EQ(run({"TTL", "n"}), "100");
  run({"SET", "s", "x"});
  EXPECT_EQ(run({"SCAN", "0", "TYPE", "string", "COUNT", "5000"}), R"(["0", ["s"]])");
  server.clock().advance_ms(101'000);
  EXPECT_EQ(run({"EXISTS", "n", "m"}), "0");
}

TEST_F(ListCommands, MemoryUsageCountsTheElements) {
  push_many("small", 5);
  push_many("large", 1000);
  EXPECT_GT(std::stoll(run({"MEMORY", "USAGE", "small"})), 500);
  const int64_t large = std::stoll(run({"MEMORY", "USAGE", "large"}));
  EXPECT_GT(large, 100'000);
  EXPECT_LT(large, 125'000);
}

TEST_F(ListCommands, ChangesAreTimedByTheKeyNotTheElements) {
  run({"RPUSH", "l", "a", "b"});
  run({"EXPIRE", "l", "10"});
  run({"LPOP", "l"});
  run({"RPUSH", "l", "c"});
  EXPECT_EQ(run({"TTL", "l"}), "10");
}

TEST_F(ListCommands, AnIndexMustBeInTheList) {
  run({"RPUSH", "l", "a"});
  EXPECT_EQ(run({"LINDEX", "l", "x"}), "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(run({"LSET", "l", "5", "x"}), "(error) ERR index out of range");
  EXPECT_EQ(run({"LSET", "none", "0", "x"}), "(error) ERR no such key");
}

}  // namespace
}  // namespace larder::testing
