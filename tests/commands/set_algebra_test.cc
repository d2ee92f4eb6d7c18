#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "protocol/reply_reader.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;
using Members = std::set<std::string>;

constexpr const char* kWrongType =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

class SetAlgebraCommands : public ::testing::Test {
 protected:
  SetAlgebraCommands() {
    server_.run({"SADD", "a", "1", "2", "3", "x"});
    server_.run({"SADD", "b", "2", "3", "4"});
    server_.run({"SADD", "c", "3", "x"});
    server_.run({"SET", "text", "v"});
  }
  std::string run(const std::vector<std::string>& command) { return server_.run(command); }
  // The elements of the reply, none of which may come twice.
  Members answer(const std::vector<std::string>& command) {
    protocol::Reply reply;
    protocol::read_reply(server_.run_raw(server_.client(), command), reply);
    Members members;
    for (const auto& element : reply.elements) members.insert(element.text);
    EXPECT_EQ(members.size(), reply.elements.size());
    return members;
  }

  InProcess server_;
};

TEST_F(SetAlgebraCommands, AnswerMembers) {
  EXPECT_EQ(answer({"SINTER", "a", "b"}), (Members{"2", "3"}));
  EXPECT_EQ(answer({"SINTER", "a", "b", "c"}), (Members{"3"}));
  EXPECT_EQ(answer({"SINTER", "a", "none"}), Members{});
  EXPECT_EQ(answer({"SUNION", "a", "b", "none"}), (Members{"1", "2", "3", "4", "x"}));
  EXPECT_EQ(answer({"SDIFF", "a", "b"}), (Members{"1", "x"}));
  EXPECT_EQ(answer({"SDIFF", "a", "none", "c"}), (Members{"1", "2"}));
  EXPECT_EQ(answer({"SDIFF", "none", "a"}), Members{});
  EXPECT_EQ(answer({"SDIFF", "a", "a"}), Members{});
}

TEST_F(SetAlgebraCommands, StoreTheirResultInPlaceOfAnything) {
  EXPECT_EQ(run({"SINTERSTORE", "to", "a", "b"}), "2");
  EXPECT_EQ(answer({"SMEMBERS", "to"}), (Members{"2", "3"}));
  EXPECT_EQ(run({"OBJECT", "ENCODING", "to"}), "\"intset\"");
  run({"PEXPIRE", "text", "1000"});
  EXPECT_EQ(run({"SUNIONSTORE", "text", "a", "c"}), "4");
  EXPECT_EQ(run({"PTTL", "text"}), "-1");
  EXPECT_EQ(run({"SDIFFSTORE", "a", "a", "b"}), "2") << "the destination may be a source";
  EXPECT_EQ(answer({"SMEMBERS", "a"}), (Members{"1", "x"}));
}

TEST_F(SetAlgebraCommands, AnEmptyResultErasesTheDestination) {
  EXPECT_EQ(run({"SINTERSTORE", "text", "a", "none"}), "0");
  EXPECT_EQ(run({"EXISTS", "text"}), "0");
  EXPECT_EQ(run({"SDIFFSTORE", "b", "b", "b"}), "0");
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
  EXPECT_EQ(run({"SUNIONSTORE", "c", "none"}), "0");
  EXPECT_EQ(run({"EXISTS", "c"}), "0");
}

TEST_F(SetAlgebraCommands, RefuseSourcesOfAnotherType) {
  for (const char* name : {"SINTER", "SUNION", "SDIFF"}) {
    EXPECT_EQ(run({name, "a", "none", "text"}), kWrongType);
    EXPECT_EQ(run({std::string(name) + "STORE", "to", "none", "text"}), kWrongType);
  }
  EXPECT_EQ(run({"SINTERCARD", "2", "none", "text"}), kWrongType);
  EXPECT_EQ(run({"EXISTS", "to"}), "0");
}

TEST_F(SetAlgebraCommands, SintercardCountsUpToItsLimit) {
  EXPECT_EQ(run({"SINTERCARD", "2", "a", "b"}), "2");
  EXPECT_EQ(run({"SINTERCARD", "2", "a", "b", "LIMIT", "1"}), "1");
  EXPECT_EQ(run({"SINTERCARD", "2", "a", "b", "LIMIT", "0"}), "2");
  EXPECT_EQ(run({"SINTERCARD", "1", "none"}), "0");
}

TEST_F(SetAlgebraCommands, SintercardChecksItsArgumentsInOrder) {
  EXPECT_EQ(run({"SINTERCARD", "0", "a"}), "(error) ERR numkeys should be greater than 0");
  EXPECT_EQ(run({"SINTERCARD", "x", "a", "LIMIT", "x"}),
            "(error) ERR numkeys should be greater than 0");
  EXPECT_EQ(run({"SINTERCARD", "2", "a"}),
            "(error) ERR Number of keys can't be greater than number of args");
  EXPECT_EQ(run({"SINTERCARD", "9223372036854775807", "a"}),
            "(error) ERR Number of keys can't be greater than number of args");
  EXPECT_EQ(run({"SINTERCARD", "1", "a", "LIMIT"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"SINTERCARD", "1", "a", "b"}), "(error) ERR syntax error");
  EXPECT_EQ(run({"SINTERCARD", "1", "a", "LIMIT", "-1"}), "(error) ERR LIMIT can't be negative");
}

}  // namespace
}  // namespace larder
