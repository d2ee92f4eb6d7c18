// maxmemory as commands meet it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "server/core/machine_memory.h"
#include "storage/entry_arena.h"
#include "storage/memory.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::FakeClient;
using testing::InProcess;

constexpr const char* kOutOfMemory =
    "(error) OOM command not allowed when used memory > 'maxmemory'.";

// A server that may use `room` bytes more than it does.
void limit_to(InProcess& server, size_t room, const std::string& policy) {
  const size_t limit = storage::measure_memory().allocated_bytes + room;
  EXPECT_EQ(
      server.run({"CONFIG", "SET", "maxmemory", std::to_string(limit), "maxmemory-policy", policy}),
      "+OK");
}

std::string key(int i) {
  return "key:" + std::to_string(i);
}

TEST(Maxmemory, EvictsInsteadOfRefusing) {
  if (storage::kSystemMalloc) GTEST_SKIP() << "malloc does not say what is in use";
  for (const char* policy : {"allkeys-adaptive", "allkeys-lru", "allkeys-lfu", "allkeys-random"}) {
    InProcess server;
    constexpr size_t kRoom = 4'000'000;
    limit_to(server, kRoom, policy);
    const std::string value(500, 'v');
    for (int i = 0; i < 20'000; i++) ASSERT_EQ(server.run({"SET", key(i), value}), "+OK") << i;
    EXPECT_EQ(server.run({"GET", key(19'999)}).size(), value.size() + 2) << policy;
    const int keys = std::stoi(server.run({"DBSIZE"}));
    EXPECT_GT(keys, 4'500) << policy;  // a fifth may be withheld: earlier tests left holes
    EXPECT_LT(keys, 8'000) << policy;
    EXPECT_EQ(server.server().store.counters().evicted, 20'000u - static_cast<size_t>(keys));
  }
}

TEST(Maxmemory, NoevictionRefusesWhatNeedsMemoryAndNothingElse) {
  if (storage::kSystemMalloc) GTEST_SKIP() << "malloc does not say what is in use";
  InProcess server;
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction"}),
            "+OK");
  EXPECT_EQ(server.run({"SET", "k", "w"}), kOutOfMemory);
  EXPECT_EQ(server.run({"APPEND", "k", "w"}), kOutOfMemory);
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
  EXPECT_EQ(server.run({"EXPIRE", "k", "10"}), "1");
  EXPECT_EQ(server.run({"DEL", "k"}), "1");
  EXPECT_EQ(server.run({"CONFIG", "SET", "maxmemory", "0"}), "+OK");
  EXPECT_EQ(server.run({"SET", "k", "w"}), "+OK");
}

TEST(Maxmemory, VolatilePolicyWithNothingToEvictRefuses) {
  if (storage::kSystemMalloc) GTEST_SKIP() << "malloc does not say what is in use";
  InProcess server;
  server.run({"SET", "k", "v"});
  server.run({"CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "volatile-lru"});
  EXPECT_EQ(server.run({"SET", "x", "y"}), kOutOfMemory);
  EXPECT_EQ(server.run({"GET", "k"}), "\"v\"");
}

TEST(Maxmemory, PolicyIsTheBestOneWhereNoneIsNamed) {
  InProcess server;
  const auto policy = [&] { return server.run({"CONFIG", "GET", "maxmemory-policy"}); };
  EXPECT_EQ(policy(), "[\"maxmemory-policy\", \"noeviction\"]");
  server.run({"CONFIG", "SET", "maxmemory", "10gb"});
  EXPECT_EQ(policy(), "[\"maxmemory-policy\", \"allkeys-adaptive\"]");
  EXPECT_NE(server.run({"INFO", "memory"}).find("maxmemory_policy:allkeys-adaptive"),
            std::string::npos);
  server.run({"CONFIG", "SET", "maxmemory-policy", "volatile-ttl"});
  EXPECT_EQ(policy(), "[\"maxmemory-policy\", \"volatile-ttl\"]");
  server.run({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(policy(), "[\"maxmemory-policy\", \"volatile-ttl\"]");
}

TEST(Maxmemory, TakesAShareOfTheMachinesMemory) {
  InProcess server;
  const auto limit = [&](const char* text) {
    EXPECT_EQ(server.run({"CONFIG", "SET", "maxmemory", text}), "+OK") << text;
    return server.server().config.values.maxmemory_bytes.load();
  };
  const auto all = static_cast<int64_t>(core::machine_memory_bytes());
  EXPECT_EQ(limit("50%"), all / 100 * 50);
  EXPECT_EQ(limit("auto"), all / 100 * 80);
  for (const char* wrong : {"0%", "101%", "%", "x%", "autos"}) {
    EXPECT_EQ(server.run({"CONFIG", "SET", "maxmemory", wrong}).substr(0, 27),
              "(error) ERR CONFIG SET fail")
        << wrong;
  }
}

TEST(MachineMemory, IsTheLowestLimitOfAGroupAndThoseAboveIt) {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("larder-cgroup-" + std::to_string(getpid()));
  fs::create_directories(root / "a" / "b");
  const auto write = [](const fs::path& file, const char* text) { std::ofstream(file) << text; };
  write(root / "a" / "memory.max", "5000\n");
  write(root / "a" / "b" / "memory.max", "max\n");
  EXPECT_EQ(core::control_group_limit_bytes(root, "/a/b"), 5000u);
  EXPECT_EQ(core::control_group_limit_bytes(root, "/"), UINT64_MAX);
  write(root / "memory.limit_in_bytes", "400");
  EXPECT_EQ(core::control_group_limit_bytes(root, "/a/b"), 400u);
  EXPECT_EQ(core::control_group_limit_bytes(root, "/nowhere"), 400u);
  fs::remove_all(root);
}

TEST(ObjectIdletime, CountsSecondsSinceTheLastAccess) {
  InProcess server;
  server.run({"SET", "k", "v"});
  const auto idle_seconds = [&] { return server.run({"OBJECT", "IDLETIME", "k"}); };
  server.clock().advance_ms(7'000);
  EXPECT_EQ(idle_seconds(), "7");
  for (const char* peek : {"TTL", "PTTL", "TYPE", "EXISTS", "EXPIRETIME"}) server.run({peek, "k"});
  server.run({"OBJECT", "ENCODING", "k"});
  EXPECT_EQ(idle_seconds(), "7");
  const std::vector<std::vector<std::string>> accesses = {
      {"GET", "k"}, {"TOUCH", "k"}, {"STRLEN", "k"}, {"EXPIRE", "k", "100"}, {"APPEND", "k", "w"}};
  for (const auto& access : accesses) {
    server.run(access);
    EXPECT_EQ(idle_seconds(), "0") << access[0];
    server.clock().advance_ms(3'000);
    EXPECT_EQ(idle_seconds(), "3") << access[0];
  }
  EXPECT_EQ(server.run({"OBJECT", "IDLETIME", "none"}), "(nil)");
}

TEST(ObjectIdletime, IsLeftAloneByClientsThatDoNotTouch) {
  InProcess server;
  server.run({"SET", "k", "v"});
  server.clock().advance_ms(5'000);
  const auto other = server.connect();
  EXPECT_EQ(server.run(*other, {"CLIENT", "NO-TOUCH", "ON"}), "+OK");
  server.run(*other, {"GET", "k"});
  EXPECT_EQ(server.run({"OBJECT", "IDLETIME", "k"}), "5");
  server.run(*other, {"TOUCH", "k"});
  EXPECT_EQ(server.run({"OBJECT", "IDLETIME", "k"}), "0");
}

TEST(ObjectFreq, AnswersUnderPoliciesThatCount) {
  InProcess server;
  server.run({"SET", "k", "v"});
  EXPECT_EQ(server.run({"OBJECT", "FREQ", "k"}).substr(0, 30), "(error) ERR An LFU maxmemory p");
  server.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"});
  server.run({"SET", "new", "v"});
  EXPECT_EQ(server.run({"OBJECT", "FREQ", "new"}), "5");
  EXPECT_EQ(server.run({"OBJECT", "IDLETIME", "new"}).substr(0, 30),
            "(error) ERR An LFU maxmemory p");
  EXPECT_EQ(server.run({"OBJECT", "FREQ", "none"}), "(nil)");
  server.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-adaptive"});
  server.run({"SET", "newer", "v"});
  server.run({"GET", "newer"});
  EXPECT_EQ(server.run({"OBJECT", "FREQ", "newer"}), "2");
}

}  // namespace
}  // namespace larder
