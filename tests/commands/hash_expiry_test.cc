#include <gtest/gtest.h>

#include "storage/expiry.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

std::string ttl(InProcess& server, const std::string& field, const std::string& key = "h") {
  return server.run({"HPTTL", key, "FIELDS", "1", field});
}

TEST(Hexpire, FieldIsGoneWhenItsTimeHasPassed) {
  InProcess server;
  server.run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(server.run({"HPEXPIRE", "h", "100", "FIELDS", "2", "a", "none"}), "[1, -2]");
  EXPECT_EQ(server.run({"OBJECT", "ENCODING", "h"}), "\"listpackex\"");
  server.clock().advance_ms(99);
  EXPECT_EQ(server.run({"HGET", "h", "a"}), "\"1\"");
  server.clock().advance_ms(1);
  EXPECT_EQ(server.run({"HGET", "h", "a"}), "(nil)");
  EXPECT_EQ(server.run({"HLEN", "h"}), "1");
  EXPECT_EQ(server.run({"HGETALL", "h"}), R"(["b", "2"])");
  EXPECT_EQ(server.run({"HSETNX", "h", "a", "3"}), "1");
}

TEST(Hexpire, HashIsGoneWithItsLastLiveField) {
  for (const size_t bytes : {1u, 100u}) {
    InProcess server;
    server.run({"HSET", "h", "a", std::string(bytes, 'x')});
    server.run({"HEXPIRE", "h", "1", "FIELDS", "1", "a"});
    server.clock().advance_ms(1000);
    EXPECT_EQ(server.run({"EXISTS", "h"}), "0");
    EXPECT_EQ(server.run({"TYPE", "h"}), "+none");
    EXPECT_EQ(server.run({"KEYS", "*"}), "[]");
    EXPECT_EQ(server.run({"SET", "h", "v", "NX"}), "+OK");
  }
}

TEST(Hexpire, WatchIsNotBrokenByATimeThatWasPutOff) {
  InProcess server;
  std::vector<std::string> set = {"HSET", "h"};
  for (int i = 0; i < 600; i++) set.insert(set.end(), {"f" + std::to_string(i), "v"});
  server.run(set);
  server.run({"HPEXPIRE", "h", "600", "FIELDS", "1", "f1"});
  server.run({"HPEXPIRE", "h", "600000", "FIELDS", "1", "f1"});
  server.run({"WATCH", "h"});
  server.clock().advance_ms(1000);
  EXPECT_EQ(server.run({"HLEN", "h"}), "600");
  server.run({"MULTI"});
  server.run({"PING"});
  EXPECT_EQ(server.run({"EXEC"}), "[+PONG]");
}

TEST(Hexpire, ConditionsAreRedisOwn) {
  InProcess server;
  server.run({"HSET", "h", "a", "1"});
  const auto expire = [&](const std::string& ms, const std::string& condition) {
    return server.run({"HPEXPIRE", "h", ms, condition, "FIELDS", "1", "a"});
  };
  EXPECT_EQ(expire("100", "XX"), "[0]");
  EXPECT_EQ(expire("100", "GT"), "[0]") << "it lives forever";
  EXPECT_EQ(expire("100", "LT"), "[1]");
  EXPECT_EQ(expire("200", "NX"), "[0]");
  EXPECT_EQ(expire("200", "LT"), "[0]");
  EXPECT_EQ(expire("200", "GT"), "[1]");
  EXPECT_EQ(ttl(server, "a"), "[200]");
  EXPECT_EQ(server.run({"HPERSIST", "h", "FIELDS", "2", "a", "b"}), "[1, -2]");
  EXPECT_EQ(server.run({"HPERSIST", "h", "FIELDS", "1", "a"}), "[-1]");
  EXPECT_EQ(expire("0", "NX"), "[2]") << "a time that is over deletes";
  EXPECT_EQ(server.run({"EXISTS", "h"}), "0");
}

TEST(Hexpire, ErrorsAreRedisOwnInItsOrder) {
  InProcess server;
  server.run({"HSET", "h", "a", "1"});
  const auto error = [&](const std::vector<std::string>& words) {
    std::vector<std::string> command = {"HEXPIRE"};
    command.insert(command.end(), words.begin(), words.end());
    return server.run(command);
  };
  EXPECT_EQ(error({"h", "x", "BAD", "0", "a"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(error({"h", "-1", "FIELDS", "1", "a"}),
            "(error) ERR invalid expire time, must be >= 0");
  EXPECT_EQ(error({"h", "99999999999999", "FIELDS", "1", "a"}),
            "(error) ERR invalid expire time in 'hexpire' command");
  EXPECT_EQ(error({"h", "10", "NX", "XX", "FIELDS", "1", "a"}),
            "(error) ERR Mandatory argument FIELDS is missing or not at the right position");
  EXPECT_EQ(error({"h", "10", "FIELDS", "0", "a"}),
            "(error) ERR Parameter `numFields` should be greater than 0");
  EXPECT_EQ(error({"h", "10", "FIELDS", "2", "a"}),
            "(error) ERR The `numfields` parameter must match the number of arguments");
  EXPECT_EQ(server.run({"HTTL", "h", "FIELDS", "0", "a"}),
            "(error) ERR Number of fields must be a positive integer");
}

TEST(Hexpire, TimesAreAnsweredInEveryUnit) {
  InProcess server;
  server.clock().set_ms(1'700'000'000'500);
  server.run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(server.run({"HPEXPIREAT", "h", "1700000010001", "FIELDS", "1", "a"}), "[1]");
  EXPECT_EQ(server.run({"HTTL", "h", "FIELDS", "3", "a", "b", "c"}), "[10, -1, -2]");
  EXPECT_EQ(server.run({"HPTTL", "h", "FIELDS", "1", "a"}), "[9501]");
  EXPECT_EQ(server.run({"HEXPIRETIME", "h", "FIELDS", "1", "a"}), "[1700000011]");
  EXPECT_EQ(server.run({"HPEXPIRETIME", "h", "FIELDS", "1", "a"}), "[1700000010001]");
  EXPECT_EQ(server.run({"HEXPIREAT", "h", "1700000020", "FIELDS", "1", "a"}), "[1]");
  EXPECT_EQ(server.run({"HPTTL", "h", "FIELDS", "1", "a"}), "[19500]");
  EXPECT_EQ(server.run({"HTTL", "none", "FIELDS", "2", "a", "b"}), "[-2, -2]");
}

TEST(FieldExpiry, IsTakenAwayByHsetAndKeptByIncrements) {
  for (const std::string& filler : {std::string("x"), std::string(100, 'x')}) {
    InProcess server;
    server.run({"HSET", "h", "n", "1", "filler", filler});
    server.run({"HPEXPIRE", "h", "100", "FIELDS", "1", "n"});
    server.run({"HINCRBY", "h", "n", "1"});
    EXPECT_EQ(ttl(server, "n"), "[100]");
    server.run({"HINCRBYFLOAT", "h", "n", "1.5"});
    EXPECT_EQ(ttl(server, "n"), "[100]");
    server.run({"HSET", "h", "n", "1"});
    EXPECT_EQ(ttl(server, "n"), "[-1]");
  }
}

TEST(FieldExpiry, GoesAlongWithCopyRenameAndConversion) {
  InProcess server;
  server.run({"HSET", "h", "a", "1", "b", "2"});
  server.run({"HPEXPIRE", "h", "100", "FIELDS", "1", "a"});
  server.run({"COPY", "h", "copy"});
  server.run({"RENAME", "h", "moved"});
  server.run({"HSET", "moved", "long", std::string(100, 'x')});
  EXPECT_EQ(server.run({"OBJECT", "ENCODING", "moved"}), "\"hashtable\"");
  for (const std::string key : {"copy", "moved"}) EXPECT_EQ(ttl(server, "a", key), "[100]");
  server.clock().advance_ms(100);
  for (const std::string key : {"copy", "moved"}) {
    EXPECT_EQ(server.run({"HEXISTS", key, "a"}), "0");
    EXPECT_EQ(server.run({"HEXISTS", key, "b"}), "1");
  }
}

TEST(FieldExpiry, SweepFreesFieldsThatNobodyAsksFor) {
  InProcess server;
  for (const std::string key : {"small", "large"}) {
    for (int i = 0; i < (key == "large" ? 2000 : 20); i++) {
      const std::string field = std::to_string(i);
      server.run({"HSETEX", key, "PX", std::to_string(1 + i % 50), "FIELDS", "1", field, "v"});
    }
  }
  server.run({"HSET", "small", "stays", "v"});
  server.clock().advance_ms(50);
  storage::ExpirySweeper sweeper(server.server().store, 0, 1);
  while (sweeper.step(server.clock().now_ms()).more) {
  }
  EXPECT_EQ(server.run({"DBSIZE"}), "1") << "nobody looked at the large one";
  EXPECT_EQ(server.run({"HKEYS", "small"}), R"(["stays"])");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST(Hgetex, AnswersAndChangesExpiries) {
  InProcess server;
  server.run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(server.run({"HGETEX", "h", "PX", "100", "FIELDS", "2", "a", "none"}),
            R"(["1", (nil)])");
  EXPECT_EQ(ttl(server, "a"), "[100]");
  EXPECT_EQ(server.run({"HGETEX", "h", "FIELDS", "1", "a"}), R"(["1"])");
  EXPECT_EQ(ttl(server, "a"), "[100]");
  EXPECT_EQ(server.run({"HGETEX", "h", "PERSIST", "FIELDS", "1", "a"}), R"(["1"])");
  EXPECT_EQ(ttl(server, "a"), "[-1]");
  EXPECT_EQ(server.run({"HGETEX", "h", "PXAT", "1", "FIELDS", "2", "a", "b"}), R"(["1", "2"])");
  EXPECT_EQ(server.run({"EXISTS", "h"}), "0");
  EXPECT_EQ(server.run({"HGETEX", "h", "EX", "x", "FIELDS", "1", "a"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"HGETEX", "h", "EX", "1", "PERSIST", "FIELDS", "1", "a"}),
            "(error) ERR Mandatory argument FIELDS is missing or not at the right position");
}

TEST(Hgetdel, AnswersAndDeletes) {
  InProcess server;
  server.run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(server.run({"HGETDEL", "h", "FIELDS", "3", "a", "none", "a"}),
            R"(["1", (nil), (nil)])");
  EXPECT_EQ(server.run({"HGETDEL", "h", "FIELDS", "1", "b"}), R"(["2"])");
  EXPECT_EQ(server.run({"EXISTS", "h"}), "0");
}

TEST(Hsetex, SetsAllOrNone) {
  InProcess server;
  EXPECT_EQ(server.run({"HSETEX", "h", "FXX", "FIELDS", "1", "a", "1"}), "0");
  EXPECT_EQ(server.run({"HSETEX", "h", "FNX", "EX", "10", "FIELDS", "2", "a", "1", "b", "2"}), "1");
  EXPECT_EQ(server.run({"HSETEX", "h", "FNX", "FIELDS", "2", "c", "1", "b", "2"}), "0");
  EXPECT_EQ(server.run({"HEXISTS", "h", "c"}), "0");
  EXPECT_EQ(server.run({"HSETEX", "h", "KEEPTTL", "FXX", "FIELDS", "1", "a", "3"}), "1");
  EXPECT_EQ(ttl(server, "a"), "[10000]");
  EXPECT_EQ(server.run({"HSETEX", "h", "FIELDS", "1", "a", "4"}), "1");
  EXPECT_EQ(ttl(server, "a"), "[-1]");
  EXPECT_EQ(server.run({"HSETEX", "h", "PXAT", "1", "FIELDS", "2", "a", "4", "b", "5"}), "1");
  EXPECT_EQ(server.run({"EXISTS", "h"}), "0") << "their time is over";
}

TEST(Hsetex, ErrorsAreRedisOwn) {
  InProcess server;
  const auto error = [&](const std::vector<std::string>& words) {
    std::vector<std::string> command = {"HSETEX", "h"};
    command.insert(command.end(), words.begin(), words.end());
    return server.run(command);
  };
  const std::string arity = "(error) ERR wrong number of arguments for 'hsetex' command";
  EXPECT_EQ(error({"FIELDS", "2", "a", "1"}), arity);
  EXPECT_EQ(error({"FIELDS", "1", "a", "1", "FXX"}), arity);
  EXPECT_EQ(error({"PX", "10", "FXX", "FIELDS"}), arity);
  EXPECT_EQ(error({"FIELDS", "x", "a", "1"}), "(error) ERR invalid number of fields");
  EXPECT_EQ(error({"PERSIST", "FIELDS", "1", "a", "1"}), "(error) ERR unknown argument: PERSIST");
  EXPECT_EQ(error({"FNX", "FXX", "FIELDS", "1", "a", "1"}),
            "(error) ERR Only one of FXX or FNX arguments can be specified");
  EXPECT_EQ(error({"EX", "1", "KEEPTTL", "FIELDS", "1", "a", "1"}),
            "(error) ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
  EXPECT_EQ(error({"EX", "-1", "FIELDS", "1", "a", "1"}),
            "(error) ERR invalid expire time, must be >= 0");
}

}  // namespace
}  // namespace larder
