#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

protocol::Reply read(const std::string& bytes) {
  protocol::Reply reply;
  EXPECT_EQ(protocol::read_reply(bytes, reply), bytes.size());
  return reply;
}

TEST(Command, CountsCommandsWithoutSubcommands) {
  InProcess server;
  const size_t commands = server.server().commands.commands().size();
  EXPECT_LT(commands, server.server().commands.size());
  EXPECT_EQ(server.run({"COMMAND", "COUNT"}), std::to_string(commands));
  EXPECT_EQ(read(server.run_raw(server.client(), {"COMMAND"})).elements.size(), commands);
  EXPECT_EQ(read(server.run_raw(server.client(), {"COMMAND", "INFO"})).elements.size(), commands);
  EXPECT_EQ(read(server.run_raw(server.client(), {"COMMAND", "DOCS"})).elements.size(),
            2 * commands);
}

TEST(CommandInfo, HasRedisShapeInBothProtocols) {
  InProcess server;
  EXPECT_EQ(server.run_raw(server.client(), {"COMMAND", "INFO", "get", "nosuch"}),
            "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
            "*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n"
            "*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n"
            "$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n"
            "$5\r\nindex\r\n:1\r\n"
            "$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n"
            "$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n");
  server.client().set_resp(protocol::RespVersion::k3);
  EXPECT_EQ(server.run_raw(server.client(), {"COMMAND", "INFO", "GET", "nosuch"}),
            "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
            "~3\r\n+@read\r\n+@string\r\n+@fast\r\n~0\r\n"
            "~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n"
            "$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n"
            "$5\r\nindex\r\n:1\r\n"
            "$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n%3\r\n"
            "$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n~0\r\n_\r\n");
}

TEST(CommandInfo, FindsSubcommandsByFullName) {
  InProcess server;
  const protocol::Reply reply = read(
      server.run_raw(server.client(), {"COMMAND", "INFO", "command|count", "command", "a|b|c"}));
  ASSERT_EQ(reply.elements.size(), 3u);
  EXPECT_EQ(reply.elements[0].elements[0].text, "command|count");
  EXPECT_EQ(reply.elements[1].elements[9].elements.size(), 7u);
  EXPECT_EQ(reply.elements[2].type, protocol::Reply::Type::kNull);
}

TEST(CommandDocs, DescribesArgumentsInBothProtocols) {
  InProcess server;
  EXPECT_EQ(server.run_raw(server.client(), {"COMMAND", "DOCS", "nosuch", "ROLE"}),
            "*2\r\n$4\r\nrole\r\n*8\r\n$7\r\nsummary\r\n"
            "$47\r\nAnswers that this is a master without replicas.\r\n"
            "$5\r\nsince\r\n$6\r\n2.8.12\r\n$5\r\ngroup\r\n$6\r\nserver\r\n"
            "$10\r\ncomplexity\r\n$4\r\nO(1)\r\n");
  server.client().set_resp(protocol::RespVersion::k3);
  const std::string docs = server.run_raw(server.client(), {"COMMAND", "DOCS", "lolwut"});
  EXPECT_EQ(docs.substr(0, 18), "%1\r\n$6\r\nlolwut\r\n%5");
  EXPECT_NE(docs.find("$9\r\narguments\r\n*1\r\n%4\r\n$4\r\nname\r\n$7\r\nversion\r\n"
                      "$4\r\ntype\r\n$7\r\ninteger\r\n$5\r\ntoken\r\n$7\r\nVERSION\r\n"
                      "$5\r\nflags\r\n~1\r\n+optional\r\n"),
            std::string::npos)
      << docs;
}

TEST(CommandDocs, PutsSubcommandsBelowTheirContainer) {
  InProcess server;
  const protocol::Reply reply =
      read(server.run_raw(server.client(), {"COMMAND", "DOCS", "acl", "acl|cat"}));
  ASSERT_EQ(reply.elements.size(), 4u);
  const protocol::Reply& container = reply.elements[1];
  ASSERT_EQ(container.elements.size(), 10u);
  EXPECT_EQ(container.elements[8].text, "subcommands");
  EXPECT_EQ(container.elements[9].elements[0].text, "acl|cat");
  EXPECT_EQ(reply.elements[2].text, "acl|cat");
}

TEST(CommandList, FiltersByPatternCategoryAndModule) {
  InProcess server;
  EXPECT_EQ(server.run({"COMMAND", "LIST", "FILTERBY", "PATTERN", "COMMAND|C*"}),
            "[\"command|count\"]");
  EXPECT_EQ(server.run({"COMMAND", "LIST", "filterby", "module", "json"}), "[]");
  EXPECT_EQ(server.run({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"}), "[]");
  const std::string dangerous = server.run({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "DANGEROUS"});
  EXPECT_NE(dangerous.find("\"shutdown\""), std::string::npos);
  EXPECT_EQ(dangerous.find("\"get\""), std::string::npos);
  const protocol::Reply all = read(server.run_raw(server.client(), {"COMMAND", "LIST"}));
  EXPECT_EQ(all.elements.size(), server.server().commands.size());
}

TEST(CommandList, RefusesOtherFilters) {
  InProcess server;
  const std::string wrong = "(error) ERR syntax error";
  EXPECT_EQ(server.run({"COMMAND", "LIST", "FILTERBY"}), wrong);
  EXPECT_EQ(server.run({"COMMAND", "LIST", "FILTERBY", "PATTERN"}), wrong);
  EXPECT_EQ(server.run({"COMMAND", "LIST", "FILTERBY", "NAME", "x"}), wrong);
  EXPECT_EQ(server.run({"COMMAND", "LIST", "FILTERBY", "MODULE", "x", "y"}), wrong);
  EXPECT_EQ(server.run({"COMMAND", "LIST", "BY", "MODULE", "x"}), wrong);
}

TEST(CommandGetKeys, AnswersTheKeysOfARequest) {
  InProcess server;
  EXPECT_EQ(server.run({"COMMAND", "GETKEYS", "get", "k"}), "[\"k\"]");
  EXPECT_EQ(server.run({"COMMAND", "GETKEYSANDFLAGS", "GET", "k"}), "[[\"k\", [+RO, +access]]]");
}

TEST(CommandGetKeys, FlagsOfSetDependOnItsOptionGet) {
  InProcess server;
  const std::string writes = "[[\"k\", [+OW, +update]]]";
  const std::string reads_too = "[[\"k\", [+RW, +access, +update]]]";
  EXPECT_EQ(server.run({"COMMAND", "GETKEYSANDFLAGS", "SET", "k", "v", "EX", "1"}), writes);
  EXPECT_EQ(server.run({"COMMAND", "GETKEYSANDFLAGS", "SET", "k", "get"}), writes);
  EXPECT_EQ(server.run({"COMMAND", "GETKEYSANDFLAGS", "SET", "k", "v", "get"}), reads_too);
}

TEST(CommandGetKeys, BitfieldOfGetsOnlyReads) {
  InProcess server;
  const auto flags = [&](std::vector<std::string> operations) {
    operations.insert(operations.begin(), {"COMMAND", "GETKEYSANDFLAGS", "BITFIELD", "k"});
    return server.run(operations);
  };
  const std::string reads = "[[\"k\", [+RO, +access]]]";
  const std::string writes = "[[\"k\", [+RW, +access, +update]]]";
  EXPECT_EQ(flags({"GET", "u8", "0", "overflow", "sat", "get", "u8", "8"}), reads);
  EXPECT_EQ(flags({"GET", "u8", "0", "SET", "u8", "0", "1"}), writes);
  EXPECT_EQ(flags({"GET", "u8"}), writes) << "not complete";
}

TEST(CommandGetKeys, SaysWhatIsWrongWithTheRequest) {
  InProcess server;
  EXPECT_EQ(server.run({"COMMAND", "GETKEYS", "nosuch", "k"}),
            "(error) ERR Invalid command specified");
  EXPECT_EQ(server.run({"COMMAND", "GETKEYS", "acl", "nosuch"}),
            "(error) ERR Invalid command specified");
  EXPECT_EQ(server.run({"COMMAND", "GETKEYS", "acl", "cat"}),
            "(error) ERR The command has no key arguments");
  EXPECT_EQ(server.run({"COMMAND", "GETKEYS", "get", "k", "k"}),
            "(error) ERR Invalid number of arguments specified for command");
  EXPECT_EQ(server.run({"COMMAND", "GETKEYS", "get"}),
            "(error) ERR wrong number of arguments for 'command|getkeys' command");
}

TEST(Help, ComesFromTheRowsWithHelpLast) {
  InProcess server;
  const protocol::Reply help = read(server.run_raw(server.client(), {"COMMAND", "HELP"}));
  ASSERT_EQ(help.elements.size(), 15u);
  EXPECT_EQ(help.elements[0].text,
            "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  EXPECT_EQ(help.elements[1].text, "COUNT");
  EXPECT_EQ(help.elements[2].text.substr(0, 5), "    A");
  EXPECT_EQ(help.elements[3].text, "DOCS [command-name [command-name ...]]");
  EXPECT_EQ(help.elements[13].text, "HELP");
  for (const protocol::Reply& line : help.elements) {
    EXPECT_EQ(line.type, protocol::Reply::Type::kSimple);
  }
}

}  // namespace
}  // namespace larder
