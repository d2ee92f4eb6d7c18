// One worker's Lua, without commands: how often library functions ask whether they may go on, and
// what they may keep.
#include "server/core/script_interpreter.h"

#include <gtest/gtest.h>

#include "server/core/script_memory.h"

namespace larder {
namespace {

using core::script::Interpreter;
using core::script::LogLine;

class ScriptInterpreter : public ::testing::Test {
 protected:
  static constexpr size_t kMemoryBytes = size_t{8} << 20;

  ScriptInterpreter() : lua_(kMemoryBytes) {
    lua_.set_clock([this]() -> const char* {
      ticks_++;
      return nullptr;
    });
  }

  // Whether the script ran to its end.
  bool run(std::string_view text) {
    const Interpreter::Compiled compiled = lua_.compile(Interpreter::World::kScript, text);
    EXPECT_EQ(compiled.error, "");
    const auto push = [&](lua_State* lua) {
      lua_rawgeti(lua, LUA_REGISTRYINDEX, compiled.reference);
      return 0;
    };
    return lua_.run(Interpreter::World::kScript, "test", push, nullptr);
  }

  Interpreter lua_;
  int ticks_ = 0;
};

TEST_F(ScriptInterpreter, LongSetsInPatternsAreManySteps) {
  ASSERT_TRUE(run("return string.find(('b'):rep(100), '[' .. ('a'):rep(1e6) .. ']')"));
  EXPECT_GE(ticks_, 100);
}

TEST_F(ScriptInterpreter, LongBackReferencesAreManySteps) {
  ASSERT_TRUE(run("return string.find(('a'):rep(1e5), '^(a+)%1c')"));
  EXPECT_GE(ticks_, 500);
}

TEST_F(ScriptInterpreter, LongReplacementsAreManySteps) {
  ASSERT_TRUE(run("return #string.gsub(('a'):rep(100), '(.-)', ('%1'):rep(1e5))"));
  EXPECT_GE(ticks_, 100);
}

TEST_F(ScriptInterpreter, TextsOfSeveralFunctionsCountTogether) {
  // Each has put all but the last byte together when it calls the next.
  const std::string nested =
      "local text = ('x'):rep(3e5) .. 'y' "
      "local function nest(depth) return (string.gsub(text, 'y', function() "
      "if depth > 1 then nest(depth - 1) end return '' end)) end return #nest(";
  ASSERT_TRUE(run(nested + "1)"));
  const size_t before = lua_.used_bytes();
  EXPECT_FALSE(run(nested + "90)"));
  EXPECT_NE(lua_.error().find("not enough memory"), std::string::npos) << lua_.error();
  lua_.collect_garbage();
  EXPECT_LE(lua_.used_bytes(), before);
}

TEST_F(ScriptInterpreter, LinesOfTheLogAreCutShort) {
  ASSERT_TRUE(run("local x = ('x'):rep(1e5) redis.log(redis.LOG_NOTICE, x, x, x)"));
  const std::vector<LogLine> log = lua_.take_log();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].text, std::string(64 * 1024, 'x'));
}

}  // namespace
}  // namespace larder
