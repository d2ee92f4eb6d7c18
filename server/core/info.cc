#include "server/core/info.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <cmath>

#include "server/core/args.h"
#include "server/core/info_sections.h"
#include "server/core/version.h"

namespace larder::core {
namespace {

std::string operating_system() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

void info_server(InfoSection& out) {
  const Server& server = out.server;
  const int64_t uptime_s = std::max<int64_t>(0, (out.now_ms - server.identity.started_ms) / 1000);
  out.field("redis_version", kRedisVersion);
  out.field("larder_version", kLarderVersion);
  out.field("redis_build_id", kLarderVersion);
  out.field("redis_mode", "standalone");
  out.field("os", operating_system());
  out.field("arch_bits", sizeof(void*) * 8);
  out.field("multiplexing_api", "epoll");
#ifndef __clang__
  out.field("gcc_version", fmt::format("{}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__));
#endif
  out.field("process_id", getpid());
  out.field("run_id", server.identity.run_id);
  out.field("tcp_port", server.config.values.port.load());
  out.field("server_time_usec", server.clock.now_us());
  out.field("uptime_in_seconds", uptime_s);
  out.field("uptime_in_days", uptime_s / (24 * 3600));
  out.field("hz", 1000 / Statistics::kSamplePeriodMs);
  out.field("configured_hz", 1000 / Statistics::kSamplePeriodMs);
  constexpr int64_t kLruClockMax = (1 << 24) - 1;
  out.field("lru_clock", out.now_ms / 1000 & kLruClockMax);
  out.field("executable", server.identity.executable);
  out.field("config_file", server.config.file());
  out.field("server_threads", server.statistics.workers());
}

void info_clients(InfoSection& out) {
  const Clients& clients = out.server.clients;
  Client::Buffers largest;
  clients.each([&](Client& client) {
    const Client::Buffers buffers = client.buffers();
    largest.query_bytes = std::max(largest.query_bytes, buffers.query_bytes);
    largest.output_bytes = std::max(largest.output_bytes, buffers.output_bytes);
  });
  out.field("connected_clients", clients.count());
  out.field("cluster_connections", 0);
  out.field("maxclients", out.server.config.values.maxclients.load());
  out.field("client_recent_max_input_buffer", largest.query_bytes);
  out.field("client_recent_max_output_buffer", largest.output_bytes);
  out.field("blocked_clients", clients.blocked());
  out.field("total_blocking_keys", out.server.blocking.awaited_keys());
  out.field("total_blocking_keys_on_nokey", 0);
  out.field("tracking_clients", out.server.tracking.clients());
  out.field("pubsub_clients", out.server.pubsub.clients());
}

// Nothing is ever loaded or saved, so most of this never changes; ready checks read `loading`.
void info_persistence(InfoSection& out) {
  out.zeros({"loading", "async_loading", "current_cow_peak", "current_cow_size",
             "current_cow_size_age", "current_save_keys_processed", "current_save_keys_total"});
  out.field("rdb_changes_since_last_save", out.server.store.counters().writes);
  out.field("rdb_bgsave_in_progress", 0);
  out.field("rdb_last_save_time", out.server.identity.started_ms / 1000);
  out.field("rdb_last_bgsave_status", "ok");
  out.field("rdb_last_bgsave_time_sec", -1);
  out.field("rdb_current_bgsave_time_sec", -1);
  out.zeros({"rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired",
             "rdb_last_load_keys_loaded", "aof_enabled", "aof_rewrite_in_progress",
             "aof_rewrite_scheduled"});
  out.field("aof_last_rewrite_time_sec", -1);
  out.field("aof_current_rewrite_time_sec", -1);
  out.field("aof_last_bgrewrite_status", "ok");
  out.field("aof_last_write_status", "ok");
  out.zeros({"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"});
}

void info_stats(InfoSection& out) {
  const Statistics& statistics = out.server.statistics;
  const storage::StoreCounters store = out.server.store.counters();
  const Statistics::Rates rates = statistics.rates();
  out.field("total_connections_received", statistics.sum(&WorkerCounters::connections));
  out.field("total_commands_processed", statistics.sum(&WorkerCounters::commands));
  out.field("instantaneous_ops_per_sec", std::llround(rates.commands));
  out.field("total_net_input_bytes", statistics.sum(&WorkerCounters::net_input_bytes));
  out.field("total_net_output_bytes", statistics.sum(&WorkerCounters::net_output_bytes));
  out.ratio("instantaneous_input_kbps", rates.input_kbytes);
  out.ratio("instantaneous_output_kbps", rates.output_kbytes);
  out.ratio("instantaneous_input_repl_kbps", 0);
  out.ratio("instantaneous_output_repl_kbps", 0);
  out.field("rejected_connections", statistics.accept_rejected.get());
  out.zeros({"total_net_repl_input_bytes", "total_net_repl_output_bytes", "sync_full",
             "sync_partial_ok", "sync_partial_err"});
  out.field("expired_keys", store.expired);
  out.field("evicted_keys", store.evicted);
  out.field("evicted_clients", 0);
  out.field("evicted_scripts", out.server.scripts.sizes().evicted);
  out.field("keyspace_hits", store.hits);
  out.field("keyspace_misses", store.misses);
  out.field("pubsub_channels", out.server.pubsub.topics(TopicKind::kChannel));
  out.field("pubsub_patterns", out.server.pubsub.topics(TopicKind::kPattern));
  out.field("pubsubshard_channels", out.server.pubsub.topics(TopicKind::kShardChannel));
  out.zeros(
      {"latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys"});
  out.field("tracking_total_keys", out.server.tracking.keys());
  out.field("tracking_total_items", out.server.tracking.items());
  out.field("tracking_total_prefixes", out.server.tracking.prefixes());
  out.field("total_error_replies", statistics.errors_total());
  out.field("total_reads_processed", statistics.sum(&WorkerCounters::reads));
  out.field("total_writes_processed", statistics.sum(&WorkerCounters::writes));
  out.field("client_query_buffer_limit_disconnections",
            statistics.sum(&WorkerCounters::query_buffer_limit_closes));
  out.field("client_output_buffer_limit_disconnections",
            statistics.sum(&WorkerCounters::output_buffer_limit_closes));
  out.field("protocol_errors", statistics.sum(&WorkerCounters::protocol_errors));
}

// What no other cache counts.
void info_cache(InfoSection& out) {
  const Statistics& statistics = out.server.statistics;
  const CacheStatistics& cache = out.server.cache_statistics;
  for (const CacheStatistics::Window& window : CacheStatistics::kWindows) {
    out.field(fmt::format("hit_ratio_{}", window.name),
              fmt::format("{:.4f}", cache.since(window.ms, out.now_ms).hit_ratio()));
  }
  const CacheStatistics::Span latest = cache.since(CacheStatistics::kSampleMs, out.now_ms);
  out.ratio("evictions_per_sec", latest.per_second(latest.evicted));
  out.ratio("expirations_per_sec", latest.per_second(latest.expired));
  out.field("invalidations_by_pattern", statistics.sum(&WorkerCounters::invalidations_by_pattern));
  out.field("invalidations_by_tag", statistics.sum(&WorkerCounters::invalidations_by_tag));
  out.field("ratelimit_allowed", statistics.sum(&WorkerCounters::ratelimit_allowed));
  out.field("ratelimit_limited", statistics.sum(&WorkerCounters::ratelimit_limited));
}

void info_replication(InfoSection& out) {
  out.field("role", "master");
  out.field("connected_slaves", 0);
  out.field("master_failover_state", "no-failover");
  out.field("master_replid", out.server.identity.run_id);
  out.field("master_replid2", std::string(40, '0'));
  out.field("master_repl_offset", 0);
  out.field("second_repl_offset", -1);
  out.zeros({"repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset",
             "repl_backlog_histlen"});
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void info_cpu(InfoSection& out) {
  rusage own{};
  rusage children{};
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  out.field("used_cpu_sys", fmt::format("{:.6f}", seconds(own.ru_stime)));
  out.field("used_cpu_user", fmt::format("{:.6f}", seconds(own.ru_utime)));
  out.field("used_cpu_sys_children", fmt::format("{:.6f}", seconds(children.ru_stime)));
  out.field("used_cpu_user_children", fmt::format("{:.6f}", seconds(children.ru_utime)));
}

void info_modules(InfoSection& /*out*/) {}

void info_cluster(InfoSection& out) {
  out.field("cluster_enabled", 0);
}

void info_keyspace(InfoSection& out) {
  const std::vector<storage::DatabaseSize>& sizes = out.databases();
  for (size_t i = 0; i < sizes.size(); i++) {
    if (sizes[i].keys == 0) continue;
    const int64_t ttl_ms =
        sizes[i].volatile_keys == 0 ? 0 : sizes[i].mean_expire_at_ms - out.now_ms;
    out.field(fmt::format("db{}", i),
              fmt::format("keys={},expires={},avg_ttl={}", sizes[i].keys, sizes[i].volatile_keys,
                          std::max<int64_t>(0, ttl_ms)));
  }
}

struct SectionRow {
  std::string_view name;
  std::string_view title;
  bool by_default;
  void (*write)(InfoSection&);
};

constexpr SectionRow kSections[] = {
    {"server", "Server", true, info_server},
    {"clients", "Clients", true, info_clients},
    {"memory", "Memory", true, info_memory},
    {"persistence", "Persistence", true, info_persistence},
    {"stats", "Stats", true, info_stats},
    {"cache", "Cache", true, info_cache},
    {"replication", "Replication", true, info_replication},
    {"cpu", "CPU", true, info_cpu},
    {"modules", "Modules", true, info_modules},
    {"commandstats", "Commandstats", false, info_command_statistics},
    {"errorstats", "Errorstats", true, info_error_statistics},
    {"latencystats", "Latencystats", false, info_latency_statistics},
    {"cluster", "Cluster", true, info_cluster},
    {"keyspace", "Keyspace", true, info_keyspace},
};
using Chosen = std::bitset<std::size(kSections)>;

Chosen default_sections() {
  Chosen chosen;
  for (size_t i = 0; i < std::size(kSections); i++) chosen[i] = kSections[i].by_default;
  return chosen;
}

Chosen choose(std::span<const std::string_view> names) {
  if (names.empty()) return default_sections();
  Chosen chosen;
  for (const std::string_view given : names) {
    const std::string name = to_lower(given);
    if (name == "default") chosen |= default_sections();
    if (name == "all" || name == "everything") chosen.set();
    for (size_t i = 0; i < std::size(kSections); i++) {
      if (kSections[i].name == name) chosen.set(i);
    }
  }
  return chosen;
}

}  // namespace

std::string info_text(Server& server, std::span<const std::string_view> names, int64_t now_ms,
                      const storage::LockedKeys* held) {
  const Chosen chosen = choose(names);
  std::string text;
  InfoSection section(server, now_ms, held, text);
  for (size_t i = 0; i < std::size(kSections); i++) {
    if (!chosen[i]) continue;
    if (!text.empty()) text += "\r\n";
    section.line(fmt::format("# {}", kSections[i].title));
    kSections[i].write(section);
  }
  return text;
}

}  // namespace larder::core
