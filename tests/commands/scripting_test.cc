// EVAL, SCRIPT and what scripts may and may not do. Texts of errors are those of Redis 7.
#include <gtest/gtest.h>

#include "server/core/sha1.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

// A script that gets one key and one argument.
std::string eval(InProcess& server, const std::string& script) {
  return server.run({"EVAL", script, "1", "key", "10"});
}

// What stands in an error behind the script's name.
std::string without_place(const std::string& reply) {
  return reply.substr(0, reply.find(" script: "));
}

TEST(Eval, ConvertsValuesToReplies) {
  InProcess server;
  EXPECT_EQ(eval(server, "return 3.99"), "3");
  EXPECT_EQ(eval(server, "return -3.99"), "-3");
  EXPECT_EQ(eval(server, "return 'text'"), "\"text\"");
  EXPECT_EQ(eval(server, "return true"), "1");
  EXPECT_EQ(eval(server, "return false"), "(nil)");
  EXPECT_EQ(eval(server, "return"), "(nil)");
  EXPECT_EQ(eval(server, "return {1, 'a', {2}, nil, 3}"), "[1, \"a\", [2]]");
  EXPECT_EQ(eval(server, "return {ok = 'fine'}"), "+fine");
  EXPECT_EQ(eval(server, "return {err = 'BAD thing'}"), "(error) BAD thing");
  EXPECT_EQ(eval(server, "return {KEYS, ARGV}"), "[[\"key\"], [\"10\"]]");
}

TEST(Eval, ConvertsRepliesToValues) {
  InProcess server;
  EXPECT_EQ(eval(server, "return redis.call('SET', KEYS[1], ARGV[1])"), "+OK");
  EXPECT_EQ(eval(server, "return redis.call('SET', KEYS[1], ARGV[1]).ok"), "\"OK\"");
  EXPECT_EQ(eval(server, "return redis.call('INCR', KEYS[1]) + 1"), "12");
  EXPECT_EQ(eval(server, "return type(redis.call('GET', 'nothing'))"), "\"boolean\"");
  EXPECT_EQ(eval(server, "return redis.call('MGET', KEYS[1], 'nothing')"), "[\"11\", (nil)]");
  EXPECT_EQ(eval(server, "return redis.call('ECHO', 1e15)"), "\"1000000000000000\"");
  EXPECT_EQ(eval(server, "return redis.call('ECHO', -0.1)"), "\"-0.10000000000000001\"");
}

TEST(Eval, LargeValuesPassThroughScripts) {
  InProcess server;
  server.run({"SET", "key", std::string(100'000, 'x')});
  EXPECT_EQ(eval(server, "return #redis.call('GET', KEYS[1])"), "100000");
  EXPECT_EQ(eval(server, "return {1, redis.call('GET', KEYS[1]), 2}"),
            "[1, \"" + std::string(100'000, 'x') + "\", 2]");
}

TEST(Eval, SaysWhereItFailed) {
  InProcess server;
  const std::string reply = eval(server, "\nerror('boom')");
  EXPECT_EQ(without_place(reply), "(error) ERR user_script:2: boom");
  EXPECT_NE(reply.find(", on @user_script:2."), std::string::npos);
  EXPECT_EQ(eval(server, "if true then"),
            "(error) ERR Error compiling script (new function): user_script:1: 'end' expected near "
            "'<eof>'");
  EXPECT_EQ(without_place(eval(server, "error({err = 'MY code'})")), "(error) MY code");
  EXPECT_EQ(without_place(eval(server, "error()")), "(error) ERR nil");
}

TEST(Eval, CommandsThatFailEndTheScriptUnlessPcalled) {
  InProcess server;
  server.run({"SET", "key", "text"});
  EXPECT_EQ(without_place(eval(server, "return redis.call('INCR', KEYS[1])")),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(eval(server, "return redis.pcall('INCR', KEYS[1])"),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(eval(server, "return redis.pcall('INCR', KEYS[1]).err"),
            "\"ERR value is not an integer or out of range\"");
  EXPECT_EQ(without_place(eval(server, "return redis.call('nosuch')")),
            "(error) ERR Unknown Redis command called from script");
  EXPECT_EQ(without_place(eval(server, "return redis.call('GET')")),
            "(error) ERR Wrong number of args calling Redis command from script");
  EXPECT_EQ(without_place(eval(server, "return redis.call('EVAL', 'return 1', 0)")),
            "(error) ERR This Redis command is not allowed from script");
  EXPECT_EQ(without_place(eval(server, "return redis.call()")),
            "(error) ERR Please specify at least one argument for this redis lib call");
  EXPECT_EQ(without_place(eval(server, "return redis.call('ECHO', {})")),
            "(error) ERR Lua redis lib command arguments must be strings or integers");
}

TEST(Eval, CommandsThatWaitDoNotWaitInAScript) {
  InProcess server;
  EXPECT_EQ(eval(server, "return redis.call('BLPOP', KEYS[1], 0)"), "(nil)");
  EXPECT_EQ(eval(server, "return redis.call('BZPOPMIN', KEYS[1], 0)"), "(nil)");
  EXPECT_EQ(eval(server, "return redis.call('WAIT', 1, 0)"), "0");
  server.run({"RPUSH", "key", "a"});
  EXPECT_EQ(eval(server, "return redis.call('BLPOP', KEYS[1], 0)"), R"(["key", "a"])");
}

TEST(Eval, ChecksTheNumberOfKeys) {
  InProcess server;
  EXPECT_EQ(server.run({"EVAL", "return 1", "x"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"EVAL", "return 1", "-1"}), "(error) ERR Number of keys can't be negative");
  EXPECT_EQ(server.run({"EVAL", "return 1", "2", "a"}),
            "(error) ERR Number of keys can't be greater than number of args");
}

TEST(Eval, SelectHoldsForTheScriptOnly) {
  InProcess server;
  EXPECT_EQ(eval(server, "redis.call('SELECT', 3) return redis.call('SET', KEYS[1], 1)"), "+OK");
  EXPECT_EQ(server.run({"GET", "key"}), "(nil)");
  server.run({"SELECT", "3"});
  EXPECT_EQ(server.run({"GET", "key"}), "\"1\"");
}

TEST(Eval, SpeaksResp3WhenToldTo) {
  InProcess server;
  EXPECT_EQ(eval(server, "redis.setresp(3) return type(redis.call('GET', 'nothing'))"), "\"nil\"");
  EXPECT_EQ(without_place(eval(server, "redis.setresp(4)")),
            "(error) ERR RESP version must be 2 or 3.");
  server.run({"HELLO", "3"});
  EXPECT_EQ(server.run_raw(server.client(), {"EVAL", "return {map = {a = 1}}", "0"}),
            "%1\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(server.run_raw(server.client(), {"EVAL", "return {double = 3.5}", "0"}), ",3.5\r\n");
  EXPECT_EQ(server.run_raw(server.client(), {"EVAL", "redis.setresp(3) return true", "0"}),
            "#t\r\n");
  EXPECT_EQ(server.run_raw(server.client(), {"EVAL", "return {big_number = '12'}", "0"}),
            "(12\r\n");
}

TEST(EvalRo, RefusesToWrite) {
  InProcess server;
  EXPECT_EQ(
      without_place(server.run({"EVAL_RO", "return redis.call('SET', KEYS[1], 1)", "1", "k"})),
      "(error) ERR Write commands are not allowed from read-only scripts.");
  EXPECT_EQ(server.run({"EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "k"}), "(nil)");
  EXPECT_EQ(server.run({"EVAL_RO", "#!lua\nreturn 1", "0"}),
            "(error) ERR Can not execute a script with write flag using *_ro command.");
  EXPECT_EQ(server.run({"EVAL_RO", "#!lua flags=no-writes\nreturn 1", "0"}), "1");
}

TEST(EvalHead, IsChecked) {
  InProcess server;
  EXPECT_EQ(eval(server, "#!lua flags=x\nreturn 1"),
            "(error) ERR Unexpected flag in script shebang: x");
  EXPECT_EQ(eval(server, "#!py\nreturn 1"),
            "(error) ERR Unexpected engine in script shebang: #!py");
  EXPECT_EQ(eval(server, "#!lua name=a\nreturn 1"),
            "(error) ERR Unknown lua shebang option: name=a");
  EXPECT_EQ(eval(server, "#!lua"), "(error) ERR Invalid script shebang");
  EXPECT_EQ(without_place(eval(server, "#!lua flags=no-writes\nreturn redis.call('SET', 'a', 1)")),
            "(error) ERR Write commands are not allowed from read-only scripts.");
}

// ---------------------------------------------------------------------------------------- SCRIPT

TEST(Script, IsFoundByItsSha) {
  InProcess server;
  const std::string sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";  // of "return 1"
  EXPECT_EQ(server.run({"EVALSHA", sha, "0"}),
            "(error) NOSCRIPT No matching script. Please use EVAL.");
  EXPECT_EQ(server.run({"SCRIPT", "LOAD", "return 1"}), "\"" + sha + "\"");
  EXPECT_EQ(server.run({"EVALSHA", sha, "0"}), "1");
  EXPECT_EQ(server.run({"EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"}), "1");
  EXPECT_EQ(server.run({"SCRIPT", "EXISTS", sha, "x"}), "[1, 0]");
  EXPECT_EQ(server.run({"SCRIPT", "FLUSH"}), "+OK");
  EXPECT_EQ(server.run({"EVALSHA", sha, "0"}),
            "(error) NOSCRIPT No matching script. Please use EVAL.");
  EXPECT_EQ(server.run({"EVAL", "return 1", "0"}), "1");
  EXPECT_EQ(server.run({"EVALSHA", sha, "0"}), "1");
}

TEST(Script, EvaluatedOnesMakeRoomForNewerOnes) {
  InProcess server;
  server.run({"SCRIPT", "LOAD", "return 'kept'"});
  server.run({"EVAL", "return 'first'", "0"});
  for (size_t i = 0; i < core::Scripts::kEvaluatedMax; i++) {
    server.run({"EVAL", "return " + std::to_string(i), "0"});
  }
  const core::Scripts::Sizes sizes = server.server().scripts.sizes();
  EXPECT_EQ(sizes.scripts, core::Scripts::kEvaluatedMax + 1);
  EXPECT_EQ(sizes.evicted, 1u);
  EXPECT_EQ(server.run({"SCRIPT", "EXISTS", core::sha1_hex("return 'kept'"),
                        core::sha1_hex("return 'first'"), core::sha1_hex("return 499")}),
            "[1, 0, 1]");
}

TEST(Script, SubcommandsRefuseWhatIsWrong) {
  InProcess server;
  EXPECT_EQ(server.run({"SCRIPT", "FLUSH", "LATER"}),
            "(error) ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  EXPECT_EQ(server.run({"SCRIPT", "KILL"}), "(error) NOTBUSY No scripts in execution right now.");
  EXPECT_EQ(server.run({"SCRIPT", "DEBUG", "NO"}), "+OK");
  EXPECT_EQ(server.run({"SCRIPT", "LOAD", "x y"}),
            "(error) ERR Error compiling script (new function): user_script:1: '=' expected near "
            "'y'");
}

// --------------------------------------------------------------------------------------- sandbox

TEST(Sandbox, HasNoOtherGlobalsAndTakesNone) {
  InProcess server;
  EXPECT_EQ(without_place(eval(server, "x = 1")),
            "(error) ERR user_script:1: Attempt to modify a readonly table");
  EXPECT_EQ(
      without_place(eval(server, "return x")),
      "(error) ERR user_script:1: Script attempted to access nonexistent global variable 'x'");
  for (const char* name : {"io", "dofile", "loadfile", "require", "getfenv", "setfenv", "print",
                           "newproxy", "debug", "package", "module"}) {
    EXPECT_EQ(
        without_place(eval(server, std::string("return ") + name)),
        std::string("(error) ERR user_script:1: Script attempted to access nonexistent global "
                    "variable '") +
            name + "'");
  }
}

TEST(Sandbox, TablesOfTheServerCannotBeChanged) {
  InProcess server;
  for (const char* change : {"string.rep = nil", "redis.call = nil", "KEYS = 1", "_G.x = 1",
                             "cjson.encode = 1", "getmetatable('').__index = {}"}) {
    EXPECT_EQ(without_place(eval(server, change)),
              "(error) ERR user_script:1: Attempt to modify a readonly table")
        << change;
  }
  for (const char* change : {"rawset(_G, 'a', 1)", "setmetatable(_G, {})", "table.insert(redis, 1)",
                             "table.sort(string)"}) {
    EXPECT_EQ(without_place(eval(server, change)), "(error) ERR Attempt to modify a readonly table")
        << change;
  }
  EXPECT_EQ(eval(server, "return ('x'):rep(3)"), "\"xxx\"");
}

TEST(Sandbox, BytecodeIsNotLoaded) {
  InProcess server;
  EXPECT_EQ(eval(server, "return loadstring(string.dump(function() end)) == nil"), "1");
  EXPECT_EQ(eval(server, "return loadstring('return 1 + 1')()"), "2");
}

// ---------------------------------------------------------------------------------------- limits

TEST(ScriptLimits, AGiantStringIsAnErrorAndNoMore) {
  InProcess server;
  EXPECT_NE(eval(server, "return #string.rep('x', 1e9)").find("not enough memory"),
            std::string::npos);
  EXPECT_NE(eval(server, "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end")
                .find("not enough memory"),
            std::string::npos);
  EXPECT_EQ(eval(server, "return 1"), "1");
}

// A server that leaves scripts as little memory as it can.
class SmallScriptMemory : public ::testing::Test {
 protected:
  static constexpr int64_t kBytes = 4 << 20;
  SmallScriptMemory() { server_.server().config.values.script_memory_bytes_max = kBytes; }

  InProcess server_;
};

// A script of many constants; `number` makes it another one.
std::string large_script(int number) {
  std::string text = "local t = {";
  for (int i = 0; i < 1000; i++) text += "'" + std::to_string(1000 * number + i) + "',";
  return text + "} return #t";
}

TEST_F(SmallScriptMemory, IsTheLimitOfAString) {
  const auto make = [&](int64_t bytes) {
    return server_.run({"EVAL", "return #string.rep('x', ARGV[1])", "0", std::to_string(bytes)});
  };
  EXPECT_NE(make(kBytes + 1).find("not enough memory"), std::string::npos);
  EXPECT_EQ(make(kBytes / 4), std::to_string(kBytes / 4));
}

// Each table of two is the one before it, twice.
TEST_F(SmallScriptMemory, IsTheLimitOfAReply) {
  const auto doubled = [&](int times) {
    return eval(server_, "local t = {1} for i = 1, " + std::to_string(times) +
                             " do t = {t, t} end return t");
  };
  EXPECT_EQ(doubled(2), "[[[1], [1]], [[1], [1]]]");
  EXPECT_EQ(doubled(24), "(error) OOM not enough memory to run scripts");
  EXPECT_EQ(doubled(100), "(error) OOM not enough memory to run scripts");
  EXPECT_EQ(eval(server_, "local t = {} t[1] = t return t"), "(error) ERR reached lua stack limit");
}

TEST_F(SmallScriptMemory, CompiledTextsGiveWayToNewOnes) {
  for (int i = 0; i < 400; i++) {
    ASSERT_EQ(eval(server_, large_script(i)), "1000") << i;
  }
  for (int i = 0; i < 400; i++) {
    ASSERT_TRUE(server_.run({"SCRIPT", "LOAD", large_script(400 + i)}).starts_with("\"")) << i;
  }
  EXPECT_EQ(server_.run({"EVALSHA", core::sha1_hex(large_script(500)), "0"}), "1000");
  EXPECT_EQ(eval(server_, "return #string.rep('x', 1e6)"), "1000000");
}

TEST_F(SmallScriptMemory, IsGivenBackByLibrariesThatWereDeleted) {
  for (int i = 0; i < 100; i++) {
    const std::string code = "#!lua name=lib\nlocal function f() " + large_script(i) +
                             " end redis.register_function('f', f)";
    ASSERT_EQ(server_.run({"FUNCTION", "LOAD", code}), "\"lib\"") << i;
    ASSERT_EQ(server_.run({"FUNCTION", "DELETE", "lib"}), "+OK");
  }
}

TEST(ScriptLimits, EndlessRecursionIsAnError) {
  InProcess server;
  EXPECT_EQ(without_place(eval(server, "local function f() return 1 + f() end return f()")),
            "(error) ERR user_script:1: stack overflow");
  EXPECT_EQ(eval(server, "local t = {} t[1] = t return t").substr(0, 11), "(error) ERR");
  EXPECT_EQ(eval(server,
                 "local function f() return coroutine.wrap(f)() end "
                 "return pcall(f) == false")
                .substr(0, 1),
            "1");
  EXPECT_EQ(eval(server, "local s = ('['):rep(5000) return cjson.decode(s)").substr(0, 11),
            "(error) ERR");
}

// Lua counts calls of library functions inside each other over all coroutines, so that they cannot
// use up the stack.
TEST(ScriptLimits, NestedCoroutinesAreAnError) {
  InProcess server;
  const auto nested = [&](const std::string& call) {
    return eval(server,
                "local depth = 0 local function f() depth = depth + 1 "
                "if depth < 10000 then " +
                    call +
                    " end end "
                    "return {tostring(pcall(f)), depth < 200 and 'few' or depth}");
  };
  const std::string expected = R"(["false", "few"])";
  EXPECT_EQ(nested("assert(coroutine.resume(coroutine.create(f)))"), expected);
  EXPECT_EQ(nested("coroutine.wrap(f)()"), expected);
  EXPECT_EQ(nested("coroutine.wrap(function() assert(pcall(string.gsub, 'x', 'x', f)) end)()"),
            expected);
  // Each coroutine by itself is not deep.
  EXPECT_EQ(
      eval(server,
           "local function nest(depth, last) if depth == 0 then return last() end "
           "string.gsub('x', 'x', function() nest(depth - 1, last) end) end "
           "local half = function(last) return coroutine.wrap(function() nest(90, last) end) end "
           "return {tostring(pcall(half(function() end))), "
           "tostring(pcall(half(half(half(function() end)))))}"),
      R"(["true", "false"])");
}

// -------------------------------------------------------------------------------------- libraries

TEST(ScriptLibraries, CjsonSpeaksJson) {
  InProcess server;
  EXPECT_EQ(eval(server, "return cjson.encode({1, 2, {a = 'x/y'}})"),
            "\"[1,2,{\"a\":\"x\\/y\"}]\"");
  EXPECT_EQ(eval(server, "return cjson.decode('{\"a\":[1,2,{\"b\":null}]}').a[3].b == cjson.null"),
            "1");
  EXPECT_EQ(
      without_place(eval(server, "return cjson.decode('[1,2')")),
      "(error) ERR user_script:1: Expected comma or array end but found T_END at character 5");
}

TEST(ScriptLibraries, CmsgpackStructAndBit) {
  InProcess server;
  EXPECT_EQ(eval(server,
                 "local t = cmsgpack.unpack(cmsgpack.pack({1, 'a', {x = true}})) "
                 "return {t[1], t[2], tostring(t[3].x)}"),
            "[1, \"a\", \"true\"]");
  EXPECT_EQ(eval(server, "return {struct.unpack('>I2', struct.pack('>I2', 513))}"), "[513, 3]");
  EXPECT_EQ(eval(server, "return bit.band(6, 3)"), "2");
  EXPECT_EQ(eval(server, "return redis.sha1hex('')"),
            "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"");
}

// ----------------------------------------------------------------------------------- transactions

TEST(ScriptInTransaction, RunsUnderItsLock) {
  InProcess server;
  server.run({"MULTI"});
  server.run({"SET", "key", "1"});
  EXPECT_EQ(eval(server, "return redis.call('INCR', KEYS[1])"), "+QUEUED");
  server.run({"GET", "key"});
  EXPECT_EQ(server.run({"EXEC"}), "[+OK, 2, \"2\"]");
  server.run({"MULTI"});
  eval(server, "return nosuch");
  const std::string reply = server.run({"EXEC"});
  EXPECT_EQ(without_place(reply),
            "[(error) ERR user_script:1: Script attempted to access nonexistent global variable "
            "'nosuch'");
}

}  // namespace
}  // namespace larder
