#include <gtest/gtest.h>

#include "server/core/memory_report.h"
#include "tests/support/in_process.h"

namespace larder {
namespace {

using testing::InProcess;

int64_t number(const std::string& reply) {
  return std::stoll(reply);
}

TEST(MemoryUsage, CoversKeyValueAndSlot) {
  InProcess server;
  server.run({"SET", "k", std::string(100, 'x')});
  const int64_t small = number(server.run({"MEMORY", "USAGE", "k"}));
  EXPECT_GE(small, 101);
  EXPECT_LE(small, 101 + 64);
  server.run({"SET", "k", std::string(100'000, 'x')});
  const int64_t large = number(server.run({"MEMORY", "USAGE", "k", "SAMPLES", "0"}));
  EXPECT_GE(large, 100'001);
  EXPECT_LE(large, 130'000);
}

TEST(MemoryUsage, OfNoKeyIsNullAndNoMiss) {
  InProcess server;
  EXPECT_EQ(server.run({"MEMORY", "USAGE", "none"}), "(nil)");
  EXPECT_EQ(server.server().store.counters().misses, 0u);
}

TEST(MemoryUsage, ChecksItsOptions) {
  InProcess server;
  EXPECT_EQ(server.run({"MEMORY", "USAGE", "k", "SAMPLES"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"MEMORY", "USAGE", "k", "SAMPLES", "-1"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"MEMORY", "USAGE", "k", "SAMPLES", "x"}),
            "(error) ERR value is not an integer or out of range");
  EXPECT_EQ(server.run({"MEMORY", "USAGE", "k", "FOO", "1"}), "(error) ERR syntax error");
  EXPECT_EQ(server.run({"MEMORY", "USAGE", "k", "samples", "1", "SAMPLES", "2"}), "(nil)");
}

protocol::Reply stats(InProcess& server) {
  protocol::Reply reply;
  const std::string bytes = server.run_raw(server.client(), {"MEMORY", "STATS"});
  EXPECT_EQ(protocol::read_reply(bytes, reply), bytes.size());
  return reply;
}

int64_t stat(const protocol::Reply& reply, const std::string& name) {
  for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    if (reply.elements[i].text == name) return reply.elements[i + 1].integer;
  }
  return -1;
}

TEST(MemoryStats, CountsKeysAndTables) {
  InProcess server;
  EXPECT_EQ(stat(stats(server), "keys.count"), 0);
  server.run({"SET", "a", "1"});
  server.client().set_database(5);
  server.run({"SET", "a", "1"});
  server.run({"SET", "b", "1"});
  const protocol::Reply reply = stats(server);
  EXPECT_EQ(stat(reply, "keys.count"), 3);
  EXPECT_GT(stat(reply, "keys.bytes-per-key"), 0);
  size_t databases = 0;
  for (size_t i = 0; i < reply.elements.size(); i += 2) {
    if (reply.elements[i].text != "db.0" && reply.elements[i].text != "db.5") continue;
    databases++;
    EXPECT_GT(stat(reply.elements[i + 1], "overhead.hashtable.main"), 0);
  }
  EXPECT_EQ(databases, 2u);
}

TEST(MemoryStats, AllocationShowsInTotalAndDataset) {
  InProcess server;
  const protocol::Reply before = stats(server);
  constexpr int64_t kMuch = 16 << 20;
  server.run({"SET", "k", std::string(kMuch, 'x')});
  const protocol::Reply after = stats(server);
  EXPECT_GE(stat(after, "total.allocated"), stat(before, "total.allocated") + kMuch);
  EXPECT_GE(stat(after, "dataset.bytes"), stat(before, "dataset.bytes") + kMuch / 2);
  EXPECT_GE(stat(after, "peak.allocated"), stat(after, "total.allocated"));
}

TEST(MemoryStats, IsAMapInResp3) {
  InProcess server;
  server.run({"SET", "a", "1"});
  server.client().set_resp(core::RespVersion::k3);
  const protocol::Reply reply = stats(server);
  EXPECT_EQ(reply.type, protocol::Reply::Type::kMap);
}

TEST(InfoMemory, SaysWhetherTheArenaIsBeingCompacted) {
  InProcess server;
  storage::Compactor compactor(server.server().store, server.server().compaction, 0, 1);
  const auto says = [&](const std::string& field) {
    return server.run({"INFO", "memory"}).find(field) != std::string::npos;
  };
  for (int i = 0; i < 40'000; i++) server.run({"SET", std::to_string(i), std::string(200, 'x')});
  EXPECT_TRUE(says("active_defrag_running:0"));
  for (int i = 0; i < 40'000; i++) {
    if (i % 5 != 0) server.run({"DEL", std::to_string(i)});
  }
  ASSERT_TRUE(server.server().compaction.plan(0));
  EXPECT_TRUE(says("active_defrag_running:1"));
  while (compactor.step()) {
  }
  EXPECT_TRUE(says("active_defrag_running:0"));
}

TEST(MemoryPurge, AnswersOk) {
  InProcess server;
  EXPECT_EQ(server.run({"MEMORY", "PURGE"}), "+OK");
}

TEST(MemoryMallocStats, IsTheAllocatorsReport) {
  InProcess server;
  EXPECT_GT(server.run({"MEMORY", "MALLOC-STATS"}).size(), 30u);
}

TEST(MemoryDoctor, ReportsWhatIsUnusual) {
  constexpr size_t kMegabyte = 1024 * 1024;
  core::MemoryReport report;
  report.use.allocated_bytes = kMegabyte;
  EXPECT_NE(core::diagnose(report).find("too little"), std::string::npos);

  report.use = {.allocated_bytes = 100 * kMegabyte,
                .active_bytes = 101 * kMegabyte,
                .resident_bytes = 102 * kMegabyte,
                .retained_bytes = 0,
                .rss_bytes = 103 * kMegabyte};
  report.peak_bytes = 100 * kMegabyte;
  EXPECT_NE(core::diagnose(report).find("Nothing unusual"), std::string::npos);

  report.peak_bytes = 160 * kMegabyte;
  EXPECT_NE(core::diagnose(report).find("Past peak: 160 MB"), std::string::npos);
  report.use.active_bytes = 150 * kMegabyte;
  EXPECT_NE(core::diagnose(report).find("hold 50 MB more"), std::string::npos);
  report.use.resident_bytes = 180 * kMegabyte;
  EXPECT_NE(core::diagnose(report).find("keeps 30 MB"), std::string::npos);
  report.client_bytes = 40 * kMegabyte;
  EXPECT_NE(core::diagnose(report).find("buffers hold 40 MB"), std::string::npos);
}

}  // namespace
}  // namespace larder
