#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr const char* kWrongType =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kNoSketch = "(error) WRONGTYPE Key is not a valid HyperLogLog string value.";
constexpr const char* kDamaged = "(error) INVALIDOBJ Corrupted HLL object detected";

std::string add(InProcess& server, const std::string& key, int first, int count) {
  std::vector<std::string> command = {"PFADD", key};
  for (int i = first; i < first + count; i++) command.push_back(std::to_string(i));
  return server.run(command);
}

TEST(Pfadd, SaysWhetherAnythingChanged) {
  InProcess server;
  EXPECT_EQ(server.run({"PFADD", "h"}), "1");
  EXPECT_EQ(server.run({"PFADD", "h"}), "0");
  EXPECT_EQ(server.run({"PFADD", "h", "a", "b", "c"}), "1");
  EXPECT_EQ(server.run({"PFADD", "h", "a", "b"}), "0");
  EXPECT_EQ(server.run({"PFCOUNT", "h"}), "3");
  EXPECT_EQ(server.run({"TYPE", "h"}), "+string");
}

TEST(Pfadd, WithoutElementsMakesTheBytesThatRedisMakes) {
  InProcess server;
  server.run({"PFADD", "h"});
  EXPECT_EQ(server.run({"GET", "h"}),
            "\"" + std::string("HYLL\1\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff", 18) + "\"");
}

TEST(Pfadd, KeepsTtlThroughBothForms) {
  InProcess server;
  add(server, "h", 0, 5);
  server.run({"PEXPIRE", "h", "1000"});
  for (int i = 0; i < 20; i++) add(server, "h", i * 500, 500);
  EXPECT_EQ(server.run({"STRLEN", "h"}), "12304");
  EXPECT_EQ(server.run({"PTTL", "h"}), "1000");
}

TEST(Pfadd, BecomesDenseAtTheLimitOfTheOption) {
  InProcess server;
  server.run({"CONFIG", "SET", "hll-sparse-max-bytes", "100"});
  add(server, "h", 0, 10);
  EXPECT_LE(std::stoi(server.run({"STRLEN", "h"})), 100);
  add(server, "h", 10, 100);
  EXPECT_EQ(server.run({"STRLEN", "h"}), "12304");
}

// The numbers are those of redis-server 7.0.
TEST(Pfcount, EstimatesAsRedisDoes) {
  InProcess server;
  for (int i = 0; i < 100; i++) add(server, "h", i * 100, 100);
  const std::string count = server.run({"PFCOUNT", "h"});
  EXPECT_EQ(count, "9987");
  EXPECT_EQ(server.run({"PFCOUNT", "h"}), count) << "the estimate that was kept";
  add(server, "g", 9000, 3000);
  EXPECT_EQ(server.run({"PFCOUNT", "h", "g", "none"}), "12027");
  EXPECT_EQ(server.run({"PFMERGE", "u", "h", "g", "none"}), "+OK");
  EXPECT_EQ(server.run({"PFCOUNT", "u"}), "12027");
  EXPECT_EQ(server.run({"PFCOUNT", "none"}), "0");
}

TEST(Pfcount, KeptEstimateIsForgottenWithTheNextChange) {
  InProcess server;
  add(server, "h", 0, 10);
  EXPECT_EQ(server.run({"PFCOUNT", "h"}), "10");
  add(server, "h", 10, 1);
  EXPECT_EQ(server.run({"PFCOUNT", "h"}), "11");
  for (int i = 0; i < 20; i++) add(server, "h", i * 500, 500);
  const std::string before = server.run({"PFCOUNT", "h"});
  add(server, "h", 100'000, 1000);
  EXPECT_NE(server.run({"PFCOUNT", "h"}), before);
}

TEST(Pfmerge, UnitesIntoTheDestinationAndCreatesIt) {
  InProcess server;
  add(server, "a", 0, 10);
  add(server, "b", 5, 10);
  EXPECT_EQ(server.run({"PFMERGE", "a", "b"}), "+OK");
  EXPECT_EQ(server.run({"PFCOUNT", "a"}), "15");
  EXPECT_EQ(server.run({"PFMERGE", "new"}), "+OK");
  EXPECT_EQ(server.run({"PFCOUNT", "new"}), "0");
  EXPECT_EQ(server.run({"STRLEN", "new"}), "18");
}

TEST(HyperLogLogCommands, RefuseWhatIsNoSketch) {
  InProcess server;
  server.run({"SADD", "set", "a"});
  server.run({"SET", "text", "v"});
  server.run({"SET", "number", "12"});
  for (const char* key : {"text", "number"}) {
    EXPECT_EQ(server.run({"PFADD", key, "a"}), kNoSketch);
    EXPECT_EQ(server.run({"PFCOUNT", key}), kNoSketch);
    EXPECT_EQ(server.run({"PFCOUNT", "none", key}), kNoSketch);
    EXPECT_EQ(server.run({"PFMERGE", "to", key}), kNoSketch);
    EXPECT_EQ(server.run({"PFMERGE", key, "none"}), kNoSketch);
  }
  EXPECT_EQ(server.run({"PFADD", "set", "a"}), kWrongType);
  EXPECT_EQ(server.run({"PFCOUNT", "set"}), kWrongType);
  EXPECT_EQ(server.run({"PFMERGE", "set"}), kWrongType);
  EXPECT_EQ(server.run({"EXISTS", "to"}), "0");
}

TEST(HyperLogLogCommands, RefuseADamagedSketch) {
  InProcess server;
  const std::string head("HYLL\1\0\0\0\0\0\0\0\0\0\0\x80", 16);
  server.run({"SET", "h", head + std::string("\x7f\xfe", 2)});
  EXPECT_EQ(server.run({"PFCOUNT", "h"}), kDamaged);
  EXPECT_EQ(server.run({"PFMERGE", "to", "h"}), kDamaged);
  server.run({"SET", "h", head});
  EXPECT_EQ(server.run({"PFADD", "h", "a"}), kDamaged);
}

TEST(HyperLogLogCommands, WatchersHearOfChangesAndOfAKeptEstimate) {
  InProcess server;
  const auto runs_after = [&](const std::vector<std::string>& command) {
    server.run({"WATCH", "h"});
    server.run(command);
    server.run({"MULTI"});
    server.run({"PING"});
    return server.run({"EXEC"}) == "[+PONG]";
  };
  for (const char* sparse_max : {"3000", "0"}) {
    server.run({"FLUSHALL"});
    server.run({"CONFIG", "SET", "hll-sparse-max-bytes", sparse_max});
    server.run({"PFADD", "h", "a"});
    EXPECT_FALSE(runs_after({"PFADD", "h", "b"}));
    EXPECT_TRUE(runs_after({"PFADD", "h", "b"}));
    EXPECT_FALSE(runs_after({"PFCOUNT", "h"}));
    EXPECT_TRUE(runs_after({"PFCOUNT", "h"}));
    EXPECT_FALSE(runs_after({"PFMERGE", "h", "h"}));
  }
}

}  // namespace
}  // namespace larder
