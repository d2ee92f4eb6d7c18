#include <gtest/gtest.h>

#include <regex>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

std::string put(InProcess& server, const std::string& key, const std::string& value) {
  const storage::Key hashed = server.server().store.key(key);
  const storage::LockedKeys locked = server.server().store.lock(hashed);
  storage::Keyspace(locked, 0, server.clock().now_ms())
      .put_string(hashed, value, storage::kNoExpiry);
  return key;
}

TEST(Debug, ObeysTheOption) {
  InProcess server;
  core::IntegerValue& access = server.server().config.values.enable_debug_command;
  access = 0;
  EXPECT_EQ(server.run({"DEBUG", "SLEEP", "0"}).substr(0, 41),
            "(error) ERR DEBUG command not allowed. If");
  access = 1;
  EXPECT_EQ(server.run({"DEBUG", "SLEEP", "0"}), "+OK");
  access = 2;
  EXPECT_EQ(server.run({"DEBUG", "SLEEP", "0"}), "+OK") << "the test's client is local";
}

TEST(Debug, UnknownSubcommandOrArity) {
  InProcess server;
  EXPECT_EQ(server.run({"DEBUG"}), "(error) ERR wrong number of arguments for 'debug' command");
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"DEBUG", "SLEEP"}, {"DEBUG", "SLEEP", "0", "0"}}) {
    EXPECT_EQ(server.run(wrong),
              "(error) ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG "
              "HELP.");
  }
}

TEST(Debug, SleepTakesNonsenseAsZero) {
  InProcess server;
  EXPECT_EQ(server.run({"DEBUG", "SLEEP", "abc"}), "+OK");
  EXPECT_EQ(server.run({"DEBUG", "sleep", "-1"}), "+OK");
}

TEST(Debug, ObjectTellsEncodingAndLength) {
  InProcess server;
  EXPECT_EQ(server.run({"DEBUG", "OBJECT", "k"}), "(error) ERR no such key");
  put(server, "number", "12345");
  put(server, "short", "hello");
  put(server, "long", std::string(45, 'x'));
  const auto matches = [&](const std::string& key, const std::string& rest) {
    return std::regex_match(server.run({"DEBUG", "OBJECT", key}),
                            std::regex("\\+Value at:0x[0-9a-f]+ refcount:1 encoding:" + rest));
  };
  EXPECT_TRUE(matches("number", "int serializedlength:5"));
  EXPECT_TRUE(matches("short", "embstr serializedlength:5"));
  EXPECT_TRUE(matches("long", "raw serializedlength:45"));
}

TEST(Debug, SetActiveExpireTurnsTheSweepOffAndOn) {
  InProcess server;
  EXPECT_EQ(server.run({"DEBUG", "SET-ACTIVE-EXPIRE", "0"}), "+OK");
  EXPECT_FALSE(server.server().active_expire);
  EXPECT_EQ(server.run({"DEBUG", "SET-ACTIVE-EXPIRE", "1"}), "+OK");
  EXPECT_TRUE(server.server().active_expire);
}

TEST(Debug, ErrorAnswersItsText) {
  InProcess server;
  EXPECT_EQ(server.run({"DEBUG", "ERROR", "MYCODE what"}), "(error) MYCODE what");
  EXPECT_EQ(server.run_raw(server.client(), {"DEBUG", "ERROR", "a\r\nb"}), "-a  b\r\n");
}

TEST(Debug, ProtocolShowsEachTypeInBothVersions) {
  struct Example {
    const char* type;
    const char* resp2;
    const char* resp3;
  };
  const Example examples[] = {
      {"string", "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"},
      {"integer", ":12345\r\n", ":12345\r\n"},
      {"double", "$5\r\n3.141\r\n", ",3.141\r\n"},
      {"bignum", "$37\r\n1234567999999999999999999999999999999\r\n",
       "(1234567999999999999999999999999999999\r\n"},
      {"null", "$-1\r\n", "_\r\n"},
      {"array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"},
      {"set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:0\r\n:1\r\n:2\r\n"},
      {"map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
       "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"},
      {"attrib", "$39\r\nSome real reply following the attribute\r\n",
       "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
       "$39\r\nSome real reply following the attribute\r\n"},
      {"push", "-ERR RESP2 is not supported by this command\r\n",
       ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push "
       "reply\r\n"},
      {"verbatim", "$25\r\nThis is a verbatim\nstring\r\n",
       "=29\r\ntxt:This is a verbatim\nstring\r\n"},
      {"TRUE", ":1\r\n", "#t\r\n"},
      {"false", ":0\r\n", "#f\r\n"},
  };
  InProcess server;
  for (const Example& example : examples) {
    server.client().set_resp(protocol::RespVersion::k2);
    EXPECT_EQ(server.run_raw(server.client(), {"DEBUG", "PROTOCOL", example.type}), example.resp2);
    server.client().set_resp(protocol::RespVersion::k3);
    EXPECT_EQ(server.run_raw(server.client(), {"DEBUG", "PROTOCOL", example.type}), example.resp3);
  }
  EXPECT_EQ(server.run({"DEBUG", "PROTOCOL", "float"}).substr(0, 38),
            "(error) ERR Wrong protocol type name. ");
}

TEST(Debug, HtstatsCountsTheKeysOfADatabase) {
  InProcess server;
  for (int i = 0; i < 100; i++) put(server, "key" + std::to_string(i), "v");
  protocol::Reply reply;
  protocol::read_reply(server.run_raw(server.client(), {"DEBUG", "HTSTATS", "0"}), reply);
  EXPECT_NE(reply.text.find("number of elements: 100\n"), std::string::npos) << reply.text;
  protocol::read_reply(server.run_raw(server.client(), {"DEBUG", "HTSTATS", "1"}), reply);
  EXPECT_NE(reply.text.find("number of elements: 0\n"), std::string::npos) << reply.text;
  EXPECT_EQ(server.run({"DEBUG", "HTSTATS", "16"}), "(error) ERR Out of range database");
  EXPECT_EQ(server.run({"DEBUG", "HTSTATS", "-1"}), "(error) ERR Out of range database");
  EXPECT_EQ(server.run({"DEBUG", "HTSTATS", "x"}),
            "(error) ERR value is not an integer or out of range");
}

TEST(Debug, RecountFindsAWrongCounter) {
  InProcess server;
  put(server, "k", "v");
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
  // Changing an entry's expiry behind the table's back makes its count of such keys wrong.
  const storage::Key key = server.server().store.key("k");
  {
    const storage::LockedKeys locked = server.server().store.lock(key);
    storage::Keyspace keyspace(locked, 0, server.clock().now_ms());
    keyspace.put_string(key, "v", server.clock().now_ms() + 1000);
    ASSERT_TRUE(keyspace.find(key)->set_expire_at_ms(server.clock().now_ms() + 500'000));
  }
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}),
            "(error) ERR a counter or a bound of the tables is wrong");
}

TEST(Debug, RecountOfMemoryAgreesWithTheArena) {
  InProcess server;
  for (int i = 0; i < 3000; i++) {
    const std::string number = std::to_string(i);
    server.run({"SET", "k" + number, std::string(static_cast<size_t>(i) * 7 % 12'000, 'x')});
    if (i % 3 == 0) server.run({"EXPIRE", "k" + number, "1000"});
    if (i % 4 == 0) server.run({"DEL", "k" + std::to_string(i / 2)});
    if (i % 5 == 0) server.run({"APPEND", "k" + number, "more"});
    if (i % 7 == 0) server.run({"SET", "n" + number, number});
    if (i % 100 == 0) server.run({"RENAME", "k" + number, "r" + number});
  }
  const std::string report = server.run({"DEBUG", "RECOUNT-MEMORY"});
  EXPECT_NE(report.find(" of these, bytes in no table: 0\n"), std::string::npos) << report;
  EXPECT_EQ(report.find(" bytes of entries: 0\n"), std::string::npos) << report;
  EXPECT_EQ(server.run({"DEBUG", "RECOUNT"}), "+OK");
}

TEST(Debug, HelpListsItsSubcommands) {
  InProcess server;
  protocol::Reply help;
  protocol::read_reply(server.run_raw(server.client(), {"DEBUG", "HELP"}), help);
  EXPECT_EQ(help.elements.front().text,
            "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  EXPECT_EQ(help.elements[1].text, "ERROR string");
  EXPECT_EQ(help.elements[help.elements.size() - 2].text, "HELP");
}

}  // namespace
}  // namespace larder
