// Which scripts show that they touch declared keys only.
#include "server/core/script_keys.h"

#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larder {
namespace {

class ScriptKeys : public ::testing::Test {
 protected:
  bool shown(std::string_view text) {
    return core::touches_declared_keys_only(text, server_.server().commands);
  }

  testing::InProcess server_;
};

TEST_F(ScriptKeys, AreShownByKeysAndLocalNames) {
  EXPECT_TRUE(shown("return 1"));
  EXPECT_TRUE(shown("return redis.call('GET', KEYS[1])"));
  EXPECT_TRUE(
      shown("local k = KEYS[1] if redis.call('get', k) == ARGV[1] then "
            "return redis.call(\"del\", k) else return 0 end"));
  EXPECT_TRUE(shown("local a, b = KEYS[1], KEYS[2]; return redis.call('RENAME', a, b)"));
  EXPECT_TRUE(shown("local call = redis.call return call('GET', KEYS[1])"));
  EXPECT_TRUE(shown("for i, key in ipairs(KEYS) do redis.call('DEL', key) end"));
  EXPECT_TRUE(shown("for i = 1, #KEYS do redis.call('DEL', KEYS[i]) end"));
  EXPECT_TRUE(shown("return redis.call('DEL', unpack(KEYS))"));
  EXPECT_TRUE(shown("return redis.call('SET', KEYS[1], ARGV[1] .. 'x', 'PX', f(1, 2))"));
  EXPECT_TRUE(shown("return redis.call('DEL', KEYS[1], KEYS[2]), redis.call('DEL', KEYS[#KEYS])"));
  EXPECT_TRUE(shown("local a, b, c = unpack(KEYS, 1, 3) return table.getn(KEYS) + #KEYS"));
  EXPECT_TRUE(shown("local n = KEYS[1], KEYS[2] n, m = 1, 2 return table.concat(KEYS, ' ')"));
  EXPECT_TRUE(shown("-- redis.call('GET', 'a')\nreturn [[ redis.call('GET', 'a') ]]"));
  EXPECT_TRUE(shown("return redis.call('PUBLISH', 'channel', redis.sha1hex('a'))"));
}

TEST_F(ScriptKeys, AreNotShownByAnythingElse) {
  EXPECT_FALSE(shown("return redis.call('GET', 'a')"));
  EXPECT_FALSE(shown("return redis.call('GET', ARGV[1])"));
  EXPECT_FALSE(shown("return redis.call('GET', KEYS[1] .. ':x')"));
  EXPECT_FALSE(shown("return redis.call(ARGV[1], KEYS[1])"));
  EXPECT_FALSE(shown("return redis.call(unpack(ARGV))"));
  EXPECT_FALSE(shown("local k = KEYS[1] k = 'other' return redis.call('GET', k)"));
  EXPECT_FALSE(shown("local k = KEYS[1] .. 'x' return redis.call('GET', k)"));
  EXPECT_FALSE(shown("local k = KEYS[1] or 'x' return redis.call('GET', k)"));
  EXPECT_FALSE(shown("local k = KEYS[1] local function f(k) return redis.call('GET', k) end"));
  EXPECT_FALSE(shown("local r = redis return r.call('GET', 'a')"));
  EXPECT_FALSE(shown("local t = {redis.call} return t[1]('GET', 'a')"));
  EXPECT_FALSE(shown("KEYS[1] = 'x' return redis.call('GET', KEYS[1])"));
  EXPECT_FALSE(shown("return loadstring(ARGV[1])()"));
  EXPECT_FALSE(shown("return redis.call('KEYS', '*')"));
  EXPECT_FALSE(shown("return redis.call('MSET', unpack(ARGV))"));
  EXPECT_FALSE(shown("return redis.call('DEL', unpack(ARGV))"));
  EXPECT_FALSE(shown("return redis['call']('GET', 'a')"));
  EXPECT_FALSE(shown("return redis.call'GET'"));
  EXPECT_FALSE(shown("return redis.call('GET'"));
}

TEST_F(ScriptKeys, AreNotShownOnceTheListMayBeChanged) {
  const std::string use = " return redis.call('GET', KEYS[1])";
  for (const char* change :
       {"table.insert(KEYS, 'other')", "table.remove(KEYS)", "local k = KEYS k[1] = 'other'",
        "KEYS[1], x = 'other', 1", "x, KEYS[1] = 1, 'other'", "KEYS[1], f(1).x[2] = 'other', 1",
        "local KEYS = {'other'}", "local x, KEYS = 1", "change(KEYS)", "change{KEYS}",
        "local f = function(KEYS)", "local function f(a, KEYS)", "for KEYS in each() do",
        "local i, k = pairs(KEYS) k[1] = 'other'", "setmetatable(KEYS, {})",
        "local unpack = change unpack(KEYS)", "local function unpack(t) end unpack(KEYS)",
        "local table = t table.getn(KEYS)", "t.unpack(KEYS)"}) {
    EXPECT_FALSE(shown(change + use)) << change;
  }
  EXPECT_FALSE(shown("local k = KEYS[1] t[1], k = 1, 'other' return redis.call('GET', k)"));
  EXPECT_FALSE(shown("-- a line\rreturn redis.call('GET', 'other')"));
}

TEST_F(ScriptKeys, OddTextsAreReadToTheirEnd) {
  for (const char* text : {"", "--", "--[[", "[==[", "'", "\"\\", "[", "redis", "redis.call(",
                           "KEYS[", "local", "for", "function", "=", "a, b ="}) {
    shown(text);
  }
}

}  // namespace
}  // namespace larder
