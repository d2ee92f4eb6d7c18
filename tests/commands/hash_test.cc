#include <gtest/gtest.h>

#include "tests/support/in_process.h"
#include "tests/support/store_access.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr const char* kWrongType =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

void fill(InProcess& server, const std::string& key, int fields) {
  std::vector<std::string> command = {"HSET", key};
  for (int i = 0; i < fields; i++) {
    command.push_back("field:" + std::to_string(i));
    command.push_back("value " + std::to_string(i));
  }
  server.run(command);
}

std::string encoding(InProcess& server, const std::string& key) {
  return server.run({"OBJECT", "ENCODING", key});
}

TEST(Hset, CountsNewFieldsAndKeepsTheLastValue) {
  InProcess server;
  EXPECT_EQ(server.run({"HSET", "h", "a", "1", "b", "2", "a", "3"}), "2");
  EXPECT_EQ(server.run({"HSET", "h", "a", "4", "c", "5"}), "1");
  EXPECT_EQ(server.run({"HGETALL", "h"}), R"(["a", "4", "b", "2", "c", "5"])");
  EXPECT_EQ(server.run({"HMSET", "h", "a", "6"}), "+OK");
  EXPECT_EQ(server.run({"HGET", "h", "a"}), "\"6\"");
}

TEST(Hset, RefusesAFieldWithoutValueAndOtherTypes) {
  InProcess server;
  EXPECT_EQ(server.run({"HSET", "h", "a", "1", "b"}),
            "(error) ERR wrong number of arguments for 'hset' command");
  EXPECT_EQ(server.run({"EXISTS", "h"}), "0");
  testing::put(server, "s");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"HSET", "s", "a", "1"},
                                                  {"HGET", "s", "a"},
                                                  {"HLEN", "s"},
                                                  {"HDEL", "s", "a"},
                                                  {"HGETALL", "s"},
                                                  {"HSCAN", "s", "0"},
                                                  {"HRANDFIELD", "s"},
                                                  {"HINCRBY", "s", "a", "1"},
                                                  {"HEXPIRE", "s", "1", "FIELDS", "1", "a"}}) {
    EXPECT_EQ(server.run(command), kWrongType) << command[0];
  }
}

TEST(Hset, KeepsTheKeysExpiry) {
  InProcess server;
  server.run({"HSET", "h", "a", "1"});
  server.run({"PEXPIRE", "h", "1000"});
  server.run({"HSET", "h", "b", "1"});
  EXPECT_EQ(server.run({"PTTL", "h"}), "1000");
  server.clock().advance_ms(1000);
  EXPECT_EQ(server.run({"HLEN", "h"}), "0");
}

TEST(Hset, ValuesOfEverySizeComeBack) {
  InProcess server;
  for (const size_t size : {0u, 1u, 63u, 64u, 65u, 255u, 256u, 1024u, 1025u, 40'000u}) {
    const std::string value(size, 'v');
    server.run({"HSET", "h", "f" + std::to_string(size), value});
    EXPECT_EQ(server.run({"HGET", "h", "f" + std::to_string(size)}), "\"" + value + "\"");
    EXPECT_EQ(server.run({"HSTRLEN", "h", "f" + std::to_string(size)}), std::to_string(size));
  }
}

TEST(Hash, EncodingFollowsTheThresholds) {
  InProcess server;
  fill(server, "h", 512);
  EXPECT_EQ(encoding(server, "h"), "\"listpack\"");
  server.run({"HSET", "h", "one more", "1"});
  EXPECT_EQ(encoding(server, "h"), "\"hashtable\"");
  server.run({"HSET", "v", "f", std::string(64, 'x')});
  EXPECT_EQ(encoding(server, "v"), "\"listpack\"");
  server.run({"HSET", "v", "f", std::string(65, 'x')});
  EXPECT_EQ(encoding(server, "v"), "\"hashtable\"");
  server.run({"CONFIG", "SET", "hash-max-listpack-entries", "2", "hash-max-listpack-value", "5"});
  EXPECT_EQ(server.run({"CONFIG", "GET", "hash-max-ziplist-entries"}),
            R"(["hash-max-ziplist-entries", "2"])");
  server.run({"HSET", "w", "a", "12345", "b", "12345"});
  EXPECT_EQ(encoding(server, "w"), "\"listpack\"");
  server.run({"HSETNX", "w", "c", "1"});
  EXPECT_EQ(encoding(server, "w"), "\"hashtable\"");
}

TEST(Hash, IsErasedWithItsLastField) {
  InProcess server;
  for (const int fields : {2, 600}) {
    fill(server, "h", fields);
    std::vector<std::string> command = {"HDEL", "h", "no such field"};
    for (int i = 0; i < fields; i++) command.push_back("field:" + std::to_string(i));
    command.push_back("field:0");
    EXPECT_EQ(server.run(command), std::to_string(fields));
    EXPECT_EQ(server.run({"EXISTS", "h"}), "0");
    EXPECT_EQ(server.run({"DBSIZE"}), "0");
  }
}

TEST(Hash, CopyRenameAndMemoryHoldForBothEncodings) {
  InProcess server;
  for (const int fields : {10, 2000}) {
    fill(server, "h", fields);
    EXPECT_EQ(server.run({"COPY", "h", "copy"}), "1");
    EXPECT_EQ(server.run({"RENAME", "h", "moved"}), "+OK");
    server.run({"HSET", "moved", "field:0", "changed"});
    EXPECT_EQ(server.run({"HGET", "copy", "field:0"}), "\"value 0\"");
    EXPECT_EQ(server.run({"HLEN", "copy"}), std::to_string(fields));
    EXPECT_EQ(encoding(server, "copy"), encoding(server, "moved"));
    EXPECT_EQ(server.run({"TYPE", "copy"}), "+hash");
    const int64_t bytes = std::stoll(server.run({"MEMORY", "USAGE", "copy"}));
    EXPECT_GT(bytes, fields * 16);
    EXPECT_LT(bytes, fields * 64 + 256);
    server.run({"HSET", "copy", "blob", std::string(5000, 'b'), "large", std::string(40'000, 'b')});
    const std::string report = server.run({"DEBUG", "RECOUNT-MEMORY"});
    EXPECT_NE(report.find(" of these, bytes in no table: 0\n"), std::string::npos) << report;
    EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
    server.run({"DEL", "copy", "moved"});
  }
}

TEST(Hash, ScanByTypeFindsIt) {
  InProcess server;
  server.run({"HSET", "h", "a", "1"});
  testing::put(server, "s");
  EXPECT_EQ(server.run({"SCAN", "0", "COUNT", "10000", "TYPE", "hash"}), R"(["0", ["h"]])");
}

TEST(Hash, LookupsAreCountedWhereAHashIsRead) {
  InProcess server;
  server.run({"HSET", "h", "a", "1"});
  server.run({"HGET", "h", "a"});
  server.run({"HGET", "h", "no such field"});
  server.run({"HLEN", "none"});
  EXPECT_EQ(testing::lookups(server), "2 1");
}

TEST(Hash, Resp3HasMapsAndNestedPairs) {
  InProcess server;
  server.run({"HSET", "h", "a", "1"});
  server.client().set_resp(core::RespVersion::k3);
  auto& client = server.client();
  EXPECT_EQ(server.run_raw(client, {"HGETALL", "h"}), "%1\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(server.run_raw(client, {"HGETALL", "none"}), "%0\r\n");
  EXPECT_EQ(server.run_raw(client, {"HRANDFIELD", "h", "1", "WITHVALUES"}),
            "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(server.run_raw(client, {"HGET", "h", "b"}), "_\r\n");
  client.set_resp(core::RespVersion::k2);
  EXPECT_EQ(server.run_raw(client, {"HRANDFIELD", "h", "1", "WITHVALUES"}),
            "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

TEST(Hincrby, AddsAndRefusesWhatIsNoNumber) {
  InProcess server;
  EXPECT_EQ(server.run({"HINCRBY", "h", "n", "5"}), "5");
  EXPECT_EQ(server.run({"HINCRBY", "h", "n", "-7"}), "-2");
  server.run({"HSET", "h", "n", "9223372036854775807", "t", "text"});
  EXPECT_EQ(server.run({"HINCRBY", "h", "n", "1"}),
            "(error) ERR increment or decrement would overflow");
  EXPECT_EQ(server.run({"HINCRBY", "h", "t", "1"}), "(error) ERR hash value is not an integer");
  EXPECT_EQ(server.run({"HINCRBY", "h", "t", "x"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"HINCRBY", "new", "t", "x"}).substr(0, 7), "(error)");
  EXPECT_EQ(server.run({"EXISTS", "new"}), "0");
}

TEST(Hincrbyfloat, AddsAndRefusesWhatIsNotFinite) {
  InProcess server;
  EXPECT_EQ(server.run({"HINCRBYFLOAT", "h", "n", "10.5"}), "\"10.5\"");
  EXPECT_EQ(server.run({"HINCRBYFLOAT", "h", "n", "-0.5"}), "\"10\"");
  EXPECT_EQ(server.run({"HINCRBYFLOAT", "h", "n", "inf"}), "(error) ERR value is NaN or Infinity");
  EXPECT_EQ(server.run({"HINCRBYFLOAT", "h", "n", "nan"}),
            "(error) ERR value is not a valid float");
  server.run({"HSET", "h", "t", "text"});
  EXPECT_EQ(server.run({"HINCRBYFLOAT", "h", "t", "1"}), "(error) ERR hash value is not a float");
}

TEST(Hscan, VisitsEveryFieldOnceWhereNothingChanges) {
  InProcess server;
  for (const int fields : {5, 3000}) {
    fill(server, "h", fields);
    std::vector<std::string> seen;
    std::string cursor = "0";
    size_t calls = 0;
    do {
      protocol::Reply page;
      protocol::read_reply(
          server.run_raw(server.client(), {"HSCAN", "h", cursor, "COUNT", "50", "NOVALUES"}), page);
      cursor = page.elements[0].text;
      for (const auto& field : page.elements[1].elements) seen.push_back(field.text);
      calls++;
    } while (cursor != "0");
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
    EXPECT_EQ(seen.size(), static_cast<size_t>(fields));
    EXPECT_EQ(calls > 10, fields > 1000);
    server.run({"DEL", "h"});
  }
}

TEST(Hscan, ChecksItsOptionsOnlyForAHashThatIsThere) {
  InProcess server;
  EXPECT_EQ(server.run({"HSCAN", "none", "0", "BOGUS"}), R"(["0", []])");
  EXPECT_EQ(server.run({"HSCAN", "none", "x"}), "(error) ERR invalid cursor");
  server.run({"HSET", "h", "ab", "1", "cd", "2"});
  EXPECT_EQ(server.run({"HSCAN", "h", "0", "BOGUS"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"HSCAN", "h", "0", "MATCH", "a*"}), R"(["0", ["ab", "1"]])");
}

TEST(Hrandfield, CountsAndLimits) {
  InProcess server;
  EXPECT_EQ(server.run({"HRANDFIELD", "none"}), "(nil)");
  EXPECT_EQ(server.run({"HRANDFIELD", "none", "5"}), "[]");
  server.run({"HSET", "h", "a", "1"});
  EXPECT_EQ(server.run({"HRANDFIELD", "h"}), "\"a\"");
  EXPECT_EQ(server.run({"HRANDFIELD", "h", "-3"}), R"(["a", "a", "a"])");
  EXPECT_EQ(server.run({"HRANDFIELD", "h", "3", "WITHVALUES"}), R"(["a", "1"])");
  EXPECT_EQ(server.run({"HRANDFIELD", "h", "0"}), "[]");
  EXPECT_EQ(server.run({"HRANDFIELD", "h", "1", "BOGUS"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"HRANDFIELD", "h", "-1000000000000"}), "(error) ERR value is out of range");
}

}  // namespace
}  // namespace larder
