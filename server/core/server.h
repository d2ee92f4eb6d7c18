// What all commands share. Put together once by the composition root (server/app, or a test), and
// passed by reference; each part says itself which threads may use it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/core/background_job.h"
#include "server/core/blocking.h"
#include "server/core/cache_statistics.h"
#include "server/core/clients.h"
#include "server/core/command_table.h"
#include "server/core/config.h"
#include "server/core/key_events.h"
#include "server/core/keyspace_events.h"
#include "server/core/memory_limit.h"
#include "server/core/pubsub.h"
#include "server/core/pushes.h"
#include "server/core/scripts.h"
#include "server/core/slowlog.h"
#include "server/core/stats.h"
#include "server/core/tag_history.h"
#include "server/core/tracking.h"
#include "server/core/watches.h"
#include "storage/clock.h"
#include "storage/compaction.h"
#include "storage/store.h"

namespace larder::core {

// What commands ask of whoever runs the loops. All may be called from any thread.
class Host {
 public:
  virtual ~Host() = default;
  // Begins an orderly stop: replies that are due are still sent.
  virtual void shut_down() = 0;
  // Sends a line to every client in MONITOR mode. `line` is a complete reply.
  virtual void feed_monitors(std::string line) = 0;
  // Lets clients that CLIENT PAUSE holds look again whether they may go on.
  virtual void wake_paused() = 0;
  // Frees the tables in slices, behind everything else.
  virtual void reclaim(std::vector<storage::Table> tables) = 0;
  // Has the loop of this worker, on which the caller is, do the job in slices, whatever becomes of
  // the client; the end of the server ends it. False if that loop has BackgroundJob::kPerLoopMax.
  virtual bool work_behind(size_t worker, std::unique_ptr<BackgroundJob> job) = 0;
};

// CLIENT PAUSE: until when, and whether reads go on. Any thread.
struct Pause {
  std::atomic<int64_t> until_ms{0};  // 0: not paused
  std::atomic<bool> writes_only{false};
};

struct ServerIdentity {
  std::string run_id;  // 40 hexadecimal digits, new at each start
  std::string executable;
  int64_t started_ms = 0;
};

struct Server {
  Server(Config& server_config, const storage::Clock& server_clock,
         const storage::StoreOptions& store_options, std::span<const Family> families,
         size_t workers)
      : config(server_config),
        clock(server_clock),
        store(store_options),
        key_events(store),
        watches(store, server_clock, key_events),
        compaction(workers),
        memory_limit(server_config, store),
        cache_statistics(server_config, store, server_clock.now_ms()),
        commands(families),
        blocking(store, key_events, clients),
        pushes(workers),
        pubsub(pushes, store_options.hash_seed),
        keyspace_events(server_config, key_events, pubsub),
        tracking(key_events, clients, pushes, server_config, store_options.hash_seed, workers),
        statistics(workers, commands.size()) {}

  // Whether the client may run commands: it said the password, or there is none.
  bool lets_in(const Client& client) const {
    return client.has(Client::kAuthenticated) || config.values.requirepass.get().empty();
  }

  Config& config;
  const storage::Clock& clock;
  storage::Store store;
  KeyEvents key_events;
  Watches watches;
  storage::Compaction compaction;
  MemoryLimit memory_limit;
  CacheStatistics cache_statistics;
  CommandTable commands;
  Clients clients;
  Blocking blocking;
  Pushes pushes;
  PubSub pubsub;
  KeyspaceEvents keyspace_events;
  Tracking tracking;
  Scripts scripts;
  Statistics statistics;
  TagHistory tag_history;
  Slowlog slowlog;
  LatencyMonitor latency;
  Pause pause;
  ServerIdentity identity;
  Host* host = nullptr;

  std::atomic<int> monitors{0};               // clients in MONITOR mode
  std::atomic<bool> active_expire{true};      // DEBUG SET-ACTIVE-EXPIRE
  std::atomic<uint64_t> used_memory_peak{0};  // measured by a timer, bytes
  std::atomic<uint64_t> startup_memory{0};
};

}  // namespace larder::core
