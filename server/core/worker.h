// One loop with the connections that it serves, and its share of the background work. All members
// belong to the loop's thread but where it says "any thread".
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/core/dispatch.h"
#include "server/core/epoch_offset.h"
#include "server/core/output.h"
#include "server/core/push_pool.h"
#include "server/core/session.h"
#include "server/core/turn.h"
#include "server/net/loop.h"
#include "storage/compaction.h"
#include "storage/expiry.h"
#include "storage/prefix_walk.h"
#include "storage/tag_reaper.h"

namespace larder::core {

class Worker {
 public:
  // `index` below `workers`: which of the server's counters and which shards' upkeep are its own.
  Worker(Server& server, size_t index, size_t workers);
  ~Worker();

  // Runs until stop(), on the calling thread.
  void run();

  // Any thread:
  size_t index() const { return index_; }
  // Connections it has or is about to get.
  size_t connections() const { return connections_.load(std::memory_order_relaxed); }
  void adopt(int socket, bool unix_socket);
  void post(std::function<void()> task) { loop_.post(std::move(task)); }
  // Runs `action` on the loop with the session, if it is still there.
  void with_session(uint64_t id, std::function<void(Session&)> action);
  void wake_held();
  // Makes it look at its queue of pushes.
  void wake() { loop_.wake(); }
  void push_to_monitors(std::string_view line);
  void reclaim(std::vector<storage::Table> tables);
  // Answers what was received, closes all connections, then run() returns; at the latest in
  // kShutdownMs.
  void shut_down();
  static constexpr int64_t kShutdownMs = 5000;

  // For commands on this loop: see Host::work_behind().
  bool work_behind(std::unique_ptr<BackgroundJob> job);

  // For its sessions:
  Server& server() { return server_; }
  net::Loop& loop() { return loop_; }
  Dispatcher& dispatcher() { return dispatcher_; }
  WorkerCounters& counters() { return counters_; }
  Output& output() { return output_; }
  Turn& received() { return received_; }
  // Milliseconds since the epoch, as of this turn of the loop.
  int64_t now_ms() const { return loop_.now_ms() + epoch_offset_.ms(); }
  void refresh_time();
  // Lets the session proceed() in the next turn, or at a time, which takes the place of one given
  // before; Continuation::kNever: at none.
  void proceed_soon(uint64_t session);
  void proceed_at(Session& session, int64_t at_ms);
  // Closes the session in one of the next turns: its peer has gone.
  void close_soon(uint64_t session);
  // Pushes to its sessions: what was added by anyone, and what waits for single sessions.
  PushQueue& pushes() { return pushes_; }
  PushPool& push_pool() { return push_pool_; }
  // Has the session send its pushes at the end of this turn, or in one of the next.
  void push_soon(uint64_t session) { receivers_.push_back(session); }
  void session_closed(Session& session);

 private:
  bool turn();
  void finish_turn();
  bool send_pushes();
  void settle_tracking();
  bool end_subscriptions();
  void close_gone();
  bool do_upkeep();
  bool do_job();
  bool give_back_spans();
  void set_alarm();
  void wake_due();
  void feed_monitors();
  void each_100_ms();
  void each_second();
  void finish_if_empty();

  Server& server_;
  const size_t index_;
  net::Loop loop_;
  Dispatcher dispatcher_;
  WorkerCounters& counters_;
  storage::ExpirySweeper sweeper_;
  bool sweeping_ = false;  // a round is under way
  storage::TagReaper reaper_;
  bool reaping_ = false;  // a round is under way
  storage::Compactor compactor_;
  storage::PrefixWalker prefix_walker_;  // worker 0's works
  size_t spans_to_give_back_ = 0;        // until the next call of EntryArena::maintain()
  Output output_;
  Turn received_;
  PushQueue& pushes_;
  PushPool push_pool_;
  std::deque<uint64_t> receivers_;                       // have pushes to be sent
  bool pushing_ = false;                                 // turn() sends them
  std::vector<std::unique_ptr<Subscriptions>> leaving_;  // of clients that have gone

  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::vector<uint64_t> ready_;                     // may proceed
  std::deque<uint64_t> gone_;                       // to be closed
  std::set<std::pair<int64_t, uint64_t>> waiting_;  // when, and which session
  std::vector<storage::Table> garbage_;
  std::deque<std::unique_ptr<BackgroundJob>> jobs_;
  size_t reclaims_ = 0;  // that end when there is no garbage left
  EpochOffset epoch_offset_;
  int64_t ticks_ = 0;
  int64_t stop_at_ms_ = 0;  // of the loop's clock; 0: not stopping

  std::atomic<size_t> connections_{0};

  std::mutex monitor_mutex_;
  std::string monitor_lines_;  // guarded by monitor_mutex_; not empty: feed_monitors() is posted
};

}  // namespace larder::core
