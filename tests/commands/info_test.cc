#include <gtest/gtest.h>
#include <unistd.h>

#include "storage/memory.h"
#include "tests/support/in_process.h"
#include "tests/support/info_reader.h"

namespace larder {
namespace {

using testing::field_of;
using testing::info;
using testing::info_number;
using testing::InProcess;

std::vector<std::string> heads(const std::string& text) {
  std::vector<std::string> found;
  for (size_t at = text.find("# "); at != std::string::npos; at = text.find("\r\n# ", at + 1)) {
    const size_t start = text.find("# ", at) + 2;
    found.push_back(text.substr(start, text.find("\r\n", start) - start));
  }
  return found;
}

using Names = std::vector<std::string>;

void store(InProcess& server, const std::string& key, const std::string& value,
           int64_t expire_at_ms = storage::kNoExpiry, size_t database = 0) {
  const storage::Key hashed = server.server().store.key(key);
  const storage::LockedKeys locked = server.server().store.lock(hashed);
  storage::Keyspace(locked, database, server.clock().now_ms())
      .put_string(hashed, value, expire_at_ms);
}

TEST(Info, WithoutArgumentsHasTheDefaultSectionsInOrder) {
  InProcess server;
  const Names expected{"Server",      "Clients", "Memory",  "Persistence", "Stats",   "Cache",
                       "Replication", "CPU",     "Modules", "Errorstats",  "Cluster", "Keyspace"};
  EXPECT_EQ(heads(info(server)), expected);
  EXPECT_EQ(heads(info(server, {"default"})), expected);
}

TEST(Info, AllAndEverythingAddTheCommandSections) {
  InProcess server;
  const Names expected{"Server",     "Clients",      "Memory",  "Persistence", "Stats",
                       "Cache",      "Replication",  "CPU",     "Modules",     "Commandstats",
                       "Errorstats", "Latencystats", "Cluster", "Keyspace"};
  EXPECT_EQ(heads(info(server, {"all"})), expected);
  EXPECT_EQ(heads(info(server, {"everything"})), expected);
  EXPECT_EQ(heads(info(server, {"default", "commandstats", "LATENCYSTATS"})), expected);
}

TEST(Info, SectionsAreSeparatedByABlankLineInTheirOwnOrder) {
  InProcess server;
  EXPECT_EQ(info(server, {"modules", "CLUSTER", "nonsense", "cluster"}),
            "# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n");
}

TEST(Info, UnknownSectionIsEmpty) {
  InProcess server;
  EXPECT_EQ(server.run_raw(server.client(), {"INFO", "nonsense"}), "$0\r\n\r\n");
}

TEST(Info, IsVerbatimInResp3) {
  InProcess server;
  server.client().set_resp(core::RespVersion::k3);
  EXPECT_EQ(server.run_raw(server.client(), {"INFO", "cluster"}),
            "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

TEST(InfoServer, SaysWhatClientsChooseFeaturesBy) {
  InProcess server;
  server.clock().advance_ms(2 * 24 * 3600 * 1000 + 5999);
  const std::string text = info(server, {"server"});
  EXPECT_EQ(field_of(text, "redis_version"), "7.2.4");
  EXPECT_EQ(field_of(text, "larder_version"), LARDER_VERSION);
  EXPECT_EQ(field_of(text, "redis_mode"), "standalone");
  EXPECT_EQ(field_of(text, "process_id"), std::to_string(getpid()));
  EXPECT_EQ(field_of(text, "run_id"), std::string(40, 'a'));
  EXPECT_EQ(field_of(text, "tcp_port"), "6379");
  EXPECT_EQ(field_of(text, "uptime_in_seconds"), std::to_string(2 * 24 * 3600 + 5));
  EXPECT_EQ(field_of(text, "uptime_in_days"), "2");
  EXPECT_EQ(field_of(text, "server_time_usec"), std::to_string(server.clock().now_us()));
}

TEST(InfoServer, ReadyChecksOfClientsPass) {
  InProcess server;
  const std::string text = info(server);
  EXPECT_EQ(field_of(text, "loading"), "0");
  EXPECT_EQ(field_of(text, "role"), "master");
  EXPECT_EQ(field_of(text, "maxmemory_policy"), "noeviction");
  EXPECT_EQ(field_of(text, "cluster_enabled"), "0");
}

TEST(InfoClients, CountsConnectedAndBlocked) {
  InProcess server;
  EXPECT_EQ(info_number(server, "connected_clients"), 1);
  const auto other = server.connect();
  other->set(core::Client::kBlocked);
  EXPECT_EQ(info_number(server, "connected_clients"), 2);
  EXPECT_EQ(info_number(server, "blocked_clients"), 1);
  EXPECT_EQ(info_number(server, "maxclients"), 10000);
}

TEST(InfoMemory, UsedMemoryGrowsAndPeakStays) {
  if (storage::allocator_name() == "libc") GTEST_SKIP() << "keeps no account of what was freed";
  InProcess server;
  const double before = info_number(server, "used_memory");
  constexpr size_t kMuch = 32 << 20;
  store(server, "k", std::string(kMuch, 'x'));
  const double with = info_number(server, "used_memory");
  EXPECT_GE(with, before + kMuch);
  EXPECT_GE(info_number(server, "used_memory_peak"), with);
  server.server().store.detach(server.server().store.lock_all(), 0);
  EXPECT_LT(info_number(server, "used_memory"), with - kMuch / 2);
  EXPECT_GE(info_number(server, "used_memory_peak"), with);
  EXPECT_LT(info_number(server, "used_memory"), info_number(server, "used_memory_peak"));
}

TEST(InfoMemory, RatiosFollowFromTheirParts) {
  InProcess server;
  const std::string text = info(server, {"memory"});
  const double rss = std::stod(field_of(text, "used_memory_rss"));
  const double used = std::stod(field_of(text, "used_memory"));
  EXPECT_GT(used, 0);
  EXPECT_NEAR(std::stod(field_of(text, "mem_fragmentation_ratio")), rss / used, 0.006);
  EXPECT_EQ(std::stod(field_of(text, "mem_fragmentation_bytes")), rss - used);
  EXPECT_EQ(std::stod(field_of(text, "used_memory_dataset")),
            used - std::stod(field_of(text, "used_memory_overhead")));
}

TEST(InfoMemory, SizesAreAlsoWrittenForPeople) {
  InProcess server;
  server.run({"CONFIG", "SET", "maxmemory", "1536kb"});
  const std::string text = info(server, {"memory"});
  EXPECT_EQ(field_of(text, "maxmemory"), "1572864");
  EXPECT_EQ(field_of(text, "maxmemory_human"), "1.50M");
}

TEST(InfoStats, CountsHitsAndMisses) {
  InProcess server;
  store(server, "k", "v");
  server.run({"GET", "k"});
  server.run({"GET", "k"});
  server.run({"GET", "none"});
  const std::string text = info(server, {"stats"});
  EXPECT_EQ(field_of(text, "keyspace_hits"), "2");
  EXPECT_EQ(field_of(text, "keyspace_misses"), "1");
}

TEST(InfoStats, CountsExpiredKeys) {
  InProcess server;
  store(server, "k", "v", server.clock().now_ms() + 10);
  EXPECT_EQ(info_number(server, "expired_keys"), 0);
  server.clock().advance_ms(10);
  server.run({"GET", "k"});
  EXPECT_EQ(info_number(server, "expired_keys"), 1);
}

TEST(InfoStats, CountsCommandsThatRanAndErrors) {
  InProcess server;
  server.run({"PING"});
  server.run({"PING", "a", "b"});
  server.run({"GET"});
  server.run({"NOSUCHCOMMAND"});
  const std::string text = info(server, {"stats"});
  EXPECT_EQ(field_of(text, "total_commands_processed"), "2");
  EXPECT_EQ(field_of(text, "total_error_replies"), "3");
}

TEST(InfoStats, SumsTheCountersOfConnections) {
  InProcess server;
  core::WorkerCounters& counters = server.server().statistics.worker(0);
  counters.connections.add(3);
  counters.net_input_bytes.add(100);
  counters.net_output_bytes.add(200);
  counters.reads.add(4);
  counters.writes.add(5);
  counters.query_buffer_limit_closes.add(6);
  counters.output_buffer_limit_closes.add(7);
  counters.protocol_errors.add(8);
  server.server().statistics.accept_rejected.add(9);
  const std::string text = info(server, {"stats"});
  EXPECT_EQ(field_of(text, "total_connections_received"), "3");
  EXPECT_EQ(field_of(text, "total_net_input_bytes"), "100");
  EXPECT_EQ(field_of(text, "total_net_output_bytes"), "200");
  EXPECT_EQ(field_of(text, "total_reads_processed"), "4");
  EXPECT_EQ(field_of(text, "total_writes_processed"), "5");
  EXPECT_EQ(field_of(text, "client_query_buffer_limit_disconnections"), "6");
  EXPECT_EQ(field_of(text, "client_output_buffer_limit_disconnections"), "7");
  EXPECT_EQ(field_of(text, "protocol_errors"), "8");
  EXPECT_EQ(field_of(text, "rejected_connections"), "9");
}

TEST(InfoStats, RatesComeFromTheLastSamples) {
  InProcess server;
  core::Statistics& statistics = server.server().statistics;
  statistics.sample_rates(server.clock().now_ms());
  for (int i = 0; i < 10; i++) server.run({"PING"});
  statistics.worker(0).net_input_bytes.add(1024);
  statistics.worker(0).net_output_bytes.add(3 * 1024);
  server.clock().advance_ms(500);
  statistics.sample_rates(server.clock().now_ms());
  const std::string text = info(server, {"stats"});
  EXPECT_EQ(field_of(text, "instantaneous_ops_per_sec"), "20");
  EXPECT_EQ(field_of(text, "instantaneous_input_kbps"), "2.00");
  EXPECT_EQ(field_of(text, "instantaneous_output_kbps"), "6.00");
}

TEST(InfoPersistence, CountsChanges) {
  InProcess server;
  store(server, "k", "v");
  store(server, "k", "w");
  EXPECT_EQ(info_number(server, "rdb_changes_since_last_save"), 2);
}

TEST(InfoCpu, GrowsWithWork) {
  InProcess server;
  const double before = info_number(server, "used_cpu_user") + info_number(server, "used_cpu_sys");
  EXPECT_GT(before, 0);
  double after = before;
  for (int i = 0; i < 1'000'000 && after == before; i++) {
    after = info_number(server, "used_cpu_user") + info_number(server, "used_cpu_sys");
  }
  EXPECT_GT(after, before);
}

TEST(InfoKeyspace, ListsDatabasesThatHaveKeys) {
  InProcess server;
  EXPECT_EQ(info(server, {"keyspace"}), "# Keyspace\r\n");
  // Expiries are summed in whole seconds: this one is.
  const int64_t now_ms = server.clock().now_ms();
  store(server, "a", "1");
  store(server, "b", "2", now_ms + 10'000);
  store(server, "c", "3", now_ms + 20'000);
  store(server, "a", "1", storage::kNoExpiry, 3);
  EXPECT_EQ(
      info(server, {"keyspace"}),
      "# Keyspace\r\ndb0:keys=3,expires=2,avg_ttl=15000\r\ndb3:keys=1,expires=0,avg_ttl=0\r\n");
}

TEST(InfoCommandstats, CountsCallsRejectionsAndFailures) {
  InProcess server;
  server.run({"PING"});
  server.run({"PING", "a", "b"});
  server.run({"CONFIG", "GET"});
  const std::string text = info(server, {"commandstats"});
  const std::string ping = field_of(text, "cmdstat_ping");
  EXPECT_EQ(ping.rfind("calls=2,usec=", 0), 0u) << ping;
  EXPECT_NE(ping.find(",usec_per_call="), std::string::npos) << ping;
  EXPECT_NE(ping.find(",rejected_calls=0,failed_calls=1"), std::string::npos) << ping;
  EXPECT_EQ(field_of(text, "cmdstat_config|get"),
            "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0");
  EXPECT_EQ(field_of(text, "cmdstat_get"), "(missing)");
}

TEST(InfoCommandstats, DividesTimeByCalls) {
  InProcess server;
  const uint32_t get = server.server().commands.find("get")->index;
  core::CommandCounters& counters = server.server().statistics.worker(0).command(get);
  counters.calls.add(4);
  counters.nanoseconds.add(10'400);
  EXPECT_EQ(field_of(info(server, {"commandstats"}), "cmdstat_get"),
            "calls=4,usec=10,usec_per_call=2.60,rejected_calls=0,failed_calls=0");
}

TEST(InfoErrorstats, CountsByCode) {
  InProcess server;
  server.run({"NOSUCHCOMMAND"});
  server.run({"GET"});
  server.server().statistics.count_error("MY:OWN#CODE it is");
  EXPECT_EQ(info(server, {"errorstats"}),
            "# Errorstats\r\nerrorstat_ERR:count=2\r\nerrorstat_MY_OWN_CODE:count=1\r\n");
}

TEST(InfoLatencystats, ShowsThePercentilesOfTheOption) {
  InProcess server;
  const uint32_t get = server.server().commands.find("get")->index;
  core::DurationHistogram& durations = server.server().statistics.worker(0).command(get).durations;
  for (int i = 0; i < 99; i++) durations.add(1000);
  durations.add(1'000'000);
  EXPECT_EQ(field_of(info(server, {"latencystats"}), "latency_percentiles_usec_get"),
            "p50=1.023,p99=1.023,p99.9=1048.575");
  server.run({"CONFIG", "SET", "latency-tracking-info-percentiles", "50.0 99.5"});
  EXPECT_EQ(field_of(info(server, {"latencystats"}), "latency_percentiles_usec_get"),
            "p50=1.023,p99.5=1048.575");
}

TEST(InfoLatencystats, IsEmptyWithoutTracking) {
  InProcess server;
  server.run({"PING"});
  server.run({"CONFIG", "SET", "latency-tracking", "no"});
  EXPECT_EQ(info(server, {"latencystats"}), "# Latencystats\r\n");
}

TEST(Monitor, FeedsCommandsButNotItselfOrOperators) {
  InProcess server;
  const auto watcher = server.connect();
  EXPECT_EQ(server.run(*watcher, {"MONITOR"}), "+OK");
  EXPECT_TRUE(watcher->has(core::Client::kMonitor));
  EXPECT_EQ(server.server().monitors.load(), 1);
  EXPECT_EQ(server.run_raw(*watcher, {"MONITOR"}), "");
  EXPECT_EQ(server.server().monitors.load(), 1);
  server.run({"CONFIG", "GET", "x"});
  EXPECT_TRUE(server.monitored.empty());
  server.run({"ECHO", "a\"b\n\x01"});
  ASSERT_EQ(server.monitored.size(), 1u);
  EXPECT_EQ(server.monitored[0],
            "+1700000000.000000 [0 127.0.0.1:50000] \"ECHO\" \"a\\\"b\\n\\x01\"\r\n");
}

TEST(Monitor, TakesNoCommandsOnKeys) {
  InProcess server;
  const auto watcher = server.connect();
  server.run(*watcher, {"MONITOR"});
  EXPECT_EQ(server.run(*watcher, {"GET", "k"}),
            "(error) ERR Replica can't interact with the keyspace");
  EXPECT_EQ(server.run(*watcher, {"PING"}), "+PONG");
  EXPECT_EQ(server.run({"GET", "k"}), "(nil)");
}

}  // namespace
}  // namespace larder
