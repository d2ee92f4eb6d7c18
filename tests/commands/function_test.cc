// FUNCTION and FCALL. Texts of errors are those of Redis 7.
#include <gtest/gtest.h>

#include "server/core/function_dump.h"
#include "storage/dump_bytes.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

constexpr const char* kLibrary =
    "#!lua name=lib\n"
    "local function add(keys, args) return redis.call('INCRBY', keys[1], args[1]) end\n"
    "redis.register_function('add', add)\n"
    "redis.register_function{function_name = 'look', description = 'looks', flags = "
    "{'no-writes'},\n"
    "  callback = function(keys) return redis.call('GET', keys[1]) end}\n";

TEST(Function, IsCalledWithKeysAndArguments) {
  InProcess server;
  EXPECT_EQ(server.run({"FUNCTION", "LOAD", kLibrary}), "\"lib\"");
  EXPECT_EQ(server.run({"FCALL", "add", "1", "k", "5"}), "5");
  EXPECT_EQ(server.run({"FCALL", "look", "1", "k"}), "\"5\"");
  EXPECT_EQ(server.run({"FCALL_RO", "look", "1", "k"}), "\"5\"");
  EXPECT_EQ(server.run({"FCALL_RO", "add", "1", "k", "5"}),
            "(error) ERR Can not execute a script with write flag using *_ro command.");
  EXPECT_EQ(server.run({"FCALL", "nosuch", "0"}), "(error) ERR Function not found");
  EXPECT_EQ(server.run({"FCALL", "add", "x"}), "(error) ERR Bad number of keys provided");
  EXPECT_EQ(server.run({"FCALL", "add", "1"}),
            "(error) ERR Number of keys can't be greater than number of args");
}

TEST(Function, ListShowsLibraries) {
  InProcess server;
  server.run({"FUNCTION", "LOAD", kLibrary});
  EXPECT_EQ(server.run({"FUNCTION", "LIST"}),
            "[[\"library_name\", \"lib\", \"engine\", \"LUA\", \"functions\", [[\"name\", \"add\", "
            "\"description\", (nil), \"flags\", []], [\"name\", \"look\", \"description\", "
            "\"looks\", \"flags\", [+no-writes]]]]]");
  EXPECT_EQ(server.run({"FUNCTION", "LIST", "LIBRARYNAME", "x*"}), "[]");
  EXPECT_EQ(server.run({"FUNCTION", "LIST", "x"}), "(error) ERR Unknown argument x");
  EXPECT_EQ(server.run({"FUNCTION", "STATS"}),
            "[\"running_script\", (nil), \"engines\", [\"LUA\", [\"libraries_count\", 1, "
            "\"functions_count\", 2]]]");
}

TEST(FunctionLoad, RefusesWhatIsThereAlready) {
  InProcess server;
  server.run({"FUNCTION", "LOAD", kLibrary});
  EXPECT_EQ(server.run({"FUNCTION", "LOAD", kLibrary}), "(error) ERR Library 'lib' already exists");
  EXPECT_EQ(server.run({"FUNCTION", "LOAD", "REPLACE", kLibrary}), "\"lib\"");
  EXPECT_EQ(server.run({"FUNCTION", "LOAD",
                        "#!lua name=other\nredis.register_function('add', function() end)"}),
            "(error) ERR Function add already exists");
  EXPECT_EQ(server.run({"FUNCTION", "DELETE", "lib"}), "+OK");
  EXPECT_EQ(server.run({"FUNCTION", "DELETE", "lib"}), "(error) ERR Library not found");
  EXPECT_EQ(server.run({"FCALL", "add", "0"}), "(error) ERR Function not found");
}

TEST(FunctionLoad, SaysWhatIsWrong) {
  InProcess server;
  const auto load = [&](const std::string& code) {
    return server.run({"FUNCTION", "LOAD", "#!lua name=l\n" + code});
  };
  EXPECT_EQ(load("return 1"), "(error) ERR No functions registered");
  EXPECT_EQ(load("x y"),
            "(error) ERR Error compiling function: user_function:2: '=' expected near 'y'");
  EXPECT_EQ(load("x = 1"),
            "(error) ERR Error registering functions: ERR user_function:2: Attempt to modify a "
            "readonly table");
  EXPECT_EQ(load("return redis.call('GET', 'a')"),
            "(error) ERR Error registering functions: ERR user_function:2: Script attempted to "
            "access nonexistent global variable 'call'");
  EXPECT_EQ(load("redis.register_function('f', 1)"),
            "(error) ERR Error registering functions: ERR second argument to "
            "redis.register_function must be a function");
  EXPECT_EQ(server.run({"FUNCTION", "LOAD", "x"}), "(error) ERR Missing library metadata");
  EXPECT_EQ(server.run({"FUNCTION", "LOAD", "#!foo name=a\nx"}),
            "(error) ERR Engine 'foo' not found");
  EXPECT_EQ(load("redis.register_function('f', function() end)"), "\"l\"");
}

// A library's code is short, whatever it says of its functions.
TEST(FunctionLoad, DescriptionsCountAsMemory) {
  InProcess server;
  const auto load = [&](int functions) {
    return server.run({"FUNCTION", "LOAD",
                       "#!lua name=l\nlocal text = ('x'):rep(1e6) for i = 1, " +
                           std::to_string(functions) +
                           " do redis.register_function{function_name = 'f' .. i, "
                           "description = text, callback = function() end} end"});
  };
  EXPECT_EQ(load(2), "\"l\"");
  EXPECT_GT(server.server().scripts.sizes().library_bytes, 2'000'000u);
  server.run({"FUNCTION", "FLUSH"});
  EXPECT_EQ(load(300),
            "(error) ERR Error registering functions: OOM scripts and libraries together must not "
            "exceed 256 MB each");
}

TEST(FunctionLoad, EndlessCodeIsEnded) {
  InProcess server;
  EXPECT_EQ(server.run({"FUNCTION", "LOAD", "#!lua name=l\nwhile true do end"}),
            "(error) ERR Error registering functions: ERR FUNCTION LOAD timeout");
}

TEST(FunctionDump, IsReadBack) {
  InProcess server;
  server.run({"FUNCTION", "LOAD", kLibrary});
  const std::string dumped = core::dump_libraries({kLibrary});
  server.run({"FUNCTION", "FLUSH"});
  EXPECT_EQ(server.run({"FUNCTION", "RESTORE", dumped}), "+OK");
  EXPECT_EQ(server.run({"FCALL", "add", "1", "k", "5"}), "5");
  EXPECT_EQ(server.run({"FUNCTION", "RESTORE", dumped}), "(error) ERR Library lib already exists");
  EXPECT_EQ(server.run({"FUNCTION", "RESTORE", dumped, "REPLACE"}), "+OK");
  EXPECT_EQ(server.run({"FUNCTION", "RESTORE", dumped, "FLUSH"}), "+OK");
  EXPECT_EQ(server.run({"FUNCTION", "RESTORE", dumped, "x"}),
            "(error) ERR Wrong restore policy given, value should be either FLUSH, APPEND or "
            "REPLACE.");
}

TEST(FunctionDump, ALibraryThatIsInItTwiceIsRefused) {
  InProcess server;
  const std::string twice = core::dump_libraries({kLibrary, kLibrary});
  for (const char* policy : {"APPEND", "REPLACE", "FLUSH"}) {
    EXPECT_EQ(server.run({"FUNCTION", "RESTORE", twice, policy}),
              "(error) ERR Library 'lib' already exists");
  }
  EXPECT_EQ(server.run({"FUNCTION", "LIST"}), "[]");
}

TEST(FunctionDump, DamageIsFound) {
  InProcess server;
  std::string dumped = core::dump_libraries({kLibrary});
  for (size_t i = 0; i < dumped.size(); i += 7) {
    std::string damaged = dumped;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(server.run({"FUNCTION", "RESTORE", damaged}),
              "(error) ERR DUMP payload version or checksum are wrong");
    EXPECT_EQ(server.run({"FUNCTION", "RESTORE", dumped.substr(0, i)}),
              "(error) ERR DUMP payload version or checksum are wrong");
  }
}

// As redis-server 7.0 packed it.
TEST(FunctionDump, PackedStringsOfRedisAreRead) {
  std::string dump = {'\xf5', '\xc3', '\x05', '\x0d', '\x00', 'a', '\xe0', '\x03', '\x00'};
  storage::append_dump_footer(dump, 10);
  const core::ReadDump read = core::read_dump(dump, 1000);
  EXPECT_EQ(read.error, "");
  ASSERT_EQ(read.codes.size(), 1u);
  EXPECT_EQ(read.codes[0], std::string(13, 'a'));
}

}  // namespace
}  // namespace larder
