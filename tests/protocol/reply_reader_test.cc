#include "protocol/reply_reader.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"

namespace larder::protocol {
namespace {

// The reply as text, after making sure that every shorter piece of it is incomplete.
std::string read(std::string_view bytes) {
  Reply reply;
  for (size_t size = 0; size < bytes.size(); size++) {
    EXPECT_EQ(read_reply(bytes.substr(0, size), reply), 0u) << bytes.substr(0, size);
  }
  const std::string more = std::string(bytes) + "+more\r\n";
  EXPECT_EQ(read_reply(more, reply), bytes.size());
  return reply.to_string();
}

bool is_invalid(std::string_view bytes) {
  Reply reply;
  return !read_reply(bytes, reply).has_value();
}

TEST(ReplyReader, ReadsRepliesOfBothVersions) {
  EXPECT_EQ(read("+OK\r\n"), "+OK");
  EXPECT_EQ(read("-ERR no\r\n"), "(error) ERR no");
  EXPECT_EQ(read(":-42\r\n"), "-42");
  EXPECT_EQ(read("$5\r\na\r\nbc\r\n"), "\"a\r\nbc\"");
  EXPECT_EQ(read("$0\r\n\r\n"), "\"\"");
  EXPECT_EQ(read("$-1\r\n"), "(nil)");
  EXPECT_EQ(read("*-1\r\n"), "(nil)");
  EXPECT_EQ(read("_\r\n"), "(nil)");
  EXPECT_EQ(read(",1.5\r\n"), ",1.5");
  EXPECT_EQ(read(",-1e300\r\n"), ",-1e300");
  EXPECT_EQ(read(",-inf\r\n"), ",-inf");
  EXPECT_EQ(read(",nan\r\n"), ",nan");
  EXPECT_EQ(read("(-7\r\n"), "(-7");
  EXPECT_EQ(read("#t\r\n"), "(true)");
  EXPECT_EQ(read("#f\r\n"), "(false)");
  EXPECT_EQ(read("(12345678901234567890\r\n"), "(12345678901234567890");
  EXPECT_EQ(read("=8\r\ntxt:line\r\n"), "\"line\"");
}

TEST(ReplyReader, ReadsNestedReplies) {
  EXPECT_EQ(read("*0\r\n"), "[]");
  EXPECT_EQ(read("*3\r\n:1\r\n*2\r\n$1\r\na\r\n_\r\n+OK\r\n"), "[1, [\"a\", (nil)], +OK]");
  EXPECT_EQ(read("%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n"), "[+a, 1, +b, [2]]");
  EXPECT_EQ(read("~1\r\n:1\r\n"), "[1]");
  EXPECT_EQ(read(">2\r\n+message\r\n$1\r\nx\r\n"), ">[+message, \"x\"]");
}

TEST(ReplyReader, TellsTheTypesApart) {
  Reply reply;
  ASSERT_EQ(read_reply("%1\r\n+a\r\n=6\r\ntxt:bc\r\n", reply), 20u);
  EXPECT_EQ(reply.type, Reply::Type::kMap);
  ASSERT_EQ(reply.elements.size(), 2u);
  EXPECT_EQ(reply.elements[0].type, Reply::Type::kSimple);
  EXPECT_EQ(reply.elements[1].type, Reply::Type::kVerbatim);
  EXPECT_EQ(reply.elements[1].text, "bc");
  ASSERT_EQ(read_reply("-NOAUTH x\r\n", reply), 11u);
  EXPECT_TRUE(reply.is_error());
  EXPECT_TRUE(reply.elements.empty());
}

TEST(ReplyReader, RefusesWhatIsNoReply) {
  for (const char* bytes : {"hello\r\n",       "+a\nb\r\n",
                            "-ERR a\rb\r\n",   "\r\n",
                            ":a\r\n",          ":\r\n",
                            ":1 \r\n",         "$a\r\n",
                            "$3\r\nabcde",     "#x\r\n",
                            "*a\r\n",          "*1\r\nx\r\n",
                            "*2147483648\r\n", "%9223372036854775807\r\n",
                            "_x\r\n",          "$-2\r\n",
                            "*-2\r\n",         ",x\r\n",
                            ",\r\n",           ",1.5x\r\n",
                            "(x\r\n",          "(-\r\n",
                            "=3\r\nabc\r\n"}) {
    EXPECT_TRUE(is_invalid(bytes)) << bytes;
  }
}

TEST(ReplyReader, NestsOnlySoDeep) {
  std::string deep;
  for (int i = 0; i < kReplyDepthMax; i++) deep += "*1\r\n";
  EXPECT_EQ(read(deep + ":1\r\n").size(), 2u * kReplyDepthMax + 1);
  EXPECT_TRUE(is_invalid("*1\r\n" + deep + ":1\r\n"));
}

}  // namespace
}  // namespace larder::protocol
