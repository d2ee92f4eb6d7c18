#include "server/core/worker.h"

#include <unistd.h>

#include "server/core/tick_clock.h"
#include "server/net/listener.h"
#include "storage/entry_arena.h"
#include "storage/garbage.h"

namespace larder::core {
namespace {

// Background work and long commands of one turn, together, before the connections are looked at
// again.
constexpr uint64_t kTurnBudgetNs = 500'000;

// To close a connection costs the system some 15 microseconds: when thousands of peers go at once,
// the others must not wait for all of them. At least so many are closed in each turn, however long
// it was, or a busy loop would keep the descriptors that new peers need.
constexpr size_t kClosesPerTurn = 24;

// Segments swept or freed in one slice: some tens of microseconds each.
constexpr size_t kSegmentsPerSlice = 4;
constexpr size_t kElementsPerSlice = 500;  // of a dead collection

// Spans of the entry arena (2 MiB) given back in one slice, in some tens of microseconds; and in a
// tenth of a second: more than a gigabyte a second, and no more than is soon got again if need be.
constexpr size_t kSpansPerSlice = 2;
constexpr size_t kSpansPerTick = 56;
static_assert(kSpansPerTick % kSpansPerSlice == 0);

// How often the arena is asked whether compaction is worthwhile, in tenths of a second.
constexpr int64_t kTicksPerPlan = 3;

}  // namespace

Worker::Worker(Server& server, size_t index, size_t workers)
    : server_(server),
      index_(index),
      dispatcher_(server, index),
      counters_(server.statistics.worker(index)),
      sweeper_(server.store, index, workers),
      reaper_(server.store, index, workers),
      compactor_(server.store, server.compaction, index, workers),
      prefix_walker_(server.store),
      received_(dispatcher_, output_),
      pushes_(server.pushes.queue(index)) {
  refresh_time();
  loop_.every(Statistics::kSamplePeriodMs, [this] { each_100_ms(); });
  loop_.each_turn([this] { return turn(); });
  loop_.after_reads([this] { finish_turn(); });
  pushes_.set_lookup([this](uint64_t id) -> Client* {
    const auto found = sessions_.find(id);
    return found != sessions_.end() ? found->second.get() : nullptr;
  });
}

Worker::~Worker() = default;

void Worker::run() {
  server_.pushes.belong_to(index_);
  loop_.run();
  server_.pushes.belong_to_none();
}

// Other loops first, so that they work at the same time.
void Worker::finish_turn() {
  received_.run();
  if (server_.tracking.in_use() || server_.tracking.dropping()) settle_tracking();
  server_.pushes.wake_others();
  if (pushes_.waiting()) pushes_.hand_out();
  if (!receivers_.empty() && !pushing_) pushing_ = send_pushes();
}

void Worker::settle_tracking() {
  if (server_.tracking.settle(index_)) loop_.start_turns();
}

// For as long as a turn may take; true, and turn() goes on, if there is more.
bool Worker::send_pushes() {
  constexpr size_t kSendsBetweenLooks = 16;  // at the clock
  if (receivers_.empty()) return false;
  const uint64_t start = TickClock::now();
  for (size_t sent = 1; !receivers_.empty(); sent++) {
    const auto found = sessions_.find(receivers_.front());
    receivers_.pop_front();
    if (found != sessions_.end()) found->second->send_pushes();
    if (sent % kSendsBetweenLooks != 0) continue;
    if (TickClock::nanoseconds(TickClock::now() - start) >= kTurnBudgetNs) break;
  }
  // What waits behind a long reply is nobody's business but that client's.
  const bool more = !receivers_.empty();
  pushes_.note_unsent(more ? push_pool_.bytes() : 0);
  if (more) loop_.start_turns();
  return more;
}

// One slice; true: there is more.
bool Worker::end_subscriptions() {
  if (leaving_.empty()) return false;
  if (!server_.pubsub.end_some(*leaving_.back())) leaving_.pop_back();
  return !leaving_.empty();
}

void Worker::refresh_time() {
  loop_.update_time();
  epoch_offset_.update(server_.clock.now_us(), net::Loop::monotonic_us());
}

void Worker::adopt(int socket, bool unix_socket) {
  connections_.fetch_add(1, std::memory_order_relaxed);
  loop_.post([this, socket, unix_socket] {
    loop_.update_time();  // the client is not as old as the turn
    Client::Address address{net::peer_address(socket), net::local_address(socket), socket};
    auto session =
        std::make_unique<Session>(*this, server_.clients.next_id(), std::move(address), now_ms());
    if (stop_at_ms_ != 0 || !session->open(socket, unix_socket)) {
      if (stop_at_ms_ != 0) ::close(socket);
      connections_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
    session->set(Client::kAuthenticated, server_.config.values.requirepass.get().empty());
    counters_.connections.add();
    server_.clients.add(*session);
    sessions_.emplace(session->id(), std::move(session));
  });
}

void Worker::with_session(uint64_t id, std::function<void(Session&)> action) {
  loop_.post([this, id, action = std::move(action)] {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) action(*found->second);
  });
}

void Worker::session_closed(Session& session) {
  server_.clients.remove(session);
  server_.watches.unwatch_all(session, now_ms());
  server_.tracking.client_gone(session);
  if (session.has(Client::kMonitor)) server_.monitors.fetch_sub(1, std::memory_order_relaxed);
  if (auto left = server_.pubsub.client_gone(session); left != nullptr) {
    leaving_.push_back(std::move(left));
    loop_.start_turns();
  }
  connections_.fetch_sub(1, std::memory_order_relaxed);
  proceed_at(session, Continuation::kNever);
  sessions_.erase(session.id());
  finish_if_empty();
}

void Worker::wake_held() {
  loop_.post([this] {
    for (const auto& [id, session] : sessions_) session->wake_if_held();
  });
}

// Lines are gathered, so that a busy server costs this loop one task and one write a turn, not one
// a command.
void Worker::push_to_monitors(std::string_view line) {
  bool first = false;
  {
    const std::lock_guard lock(monitor_mutex_);
    first = monitor_lines_.empty();
    monitor_lines_ += line;
  }
  if (first) loop_.post([this] { feed_monitors(); });
}

void Worker::feed_monitors() {
  std::string lines;
  {
    const std::lock_guard lock(monitor_mutex_);
    lines.swap(monitor_lines_);
  }
  for (const auto& [id, session] : sessions_) {
    if (session->has(Client::kMonitor)) session->send_lines(lines);
  }
}

void Worker::reclaim(std::vector<storage::Table> tables) {
  server_.memory_limit.begin_reclaim();
  auto shared = std::make_shared<std::vector<storage::Table>>(std::move(tables));
  loop_.post([this, shared] {
    for (storage::Table& table : *shared) garbage_.push_back(std::move(table));
    reclaims_++;
    loop_.start_turns();
  });
}

bool Worker::work_behind(std::unique_ptr<BackgroundJob> job) {
  if (jobs_.size() >= BackgroundJob::kPerLoopMax) return false;
  jobs_.push_back(std::move(job));
  loop_.start_turns();
  return true;
}

// One slice of one job, in turn; true: there is more.
bool Worker::do_job() {
  if (jobs_.empty()) return false;
  const bool more = jobs_.front()->step(now_ms());
  if (more) jobs_.push_back(std::move(jobs_.front()));
  jobs_.pop_front();
  return !jobs_.empty();
}

void Worker::proceed_soon(uint64_t session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end() || !found->second->enter_queue()) return;
  ready_.push_back(session);
  loop_.start_turns();
}

void Worker::proceed_at(Session& session, int64_t at_ms) {
  if (session.wake_at_ms() == at_ms) return;
  waiting_.erase({session.wake_at_ms(), session.id()});
  session.set_wake_at_ms(at_ms);
  if (at_ms != Continuation::kNever) waiting_.emplace(at_ms, session.id());
  set_alarm();
}

void Worker::close_soon(uint64_t session) {
  gone_.push_back(session);
  loop_.start_turns();
}

void Worker::close_gone() {
  for (size_t i = 0; i < kClosesPerTurn && !gone_.empty(); i++) {
    const auto found = sessions_.find(gone_.front());
    gone_.pop_front();
    if (found != sessions_.end()) found->second->close();
  }
}

void Worker::set_alarm() {
  if (waiting_.empty()) return;
  loop_.alarm(waiting_.begin()->first - now_ms(), [this] { wake_due(); });
}

void Worker::wake_due() {
  while (!waiting_.empty() && waiting_.begin()->first <= now_ms()) {
    const uint64_t id = waiting_.begin()->second;
    proceed_soon(id);
    proceed_at(*sessions_.at(id), Continuation::kNever);
  }
  set_alarm();
}

// One turn's share of what can be done in slices. True: there is more.
bool Worker::turn() {
  const uint64_t start = TickClock::now();
  const auto in_budget = [start] {
    return TickClock::nanoseconds(TickClock::now() - start) < kTurnBudgetNs;
  };
  // Those that become ready meanwhile wait for the next turn, or one could starve the loop.
  std::vector<uint64_t> ready;
  ready.swap(ready_);
  size_t served = 0;
  for (; served < ready.size() && (served == 0 || in_budget()); served++) {
    const auto found = sessions_.find(ready[served]);
    if (found == sessions_.end()) continue;
    found->second->leave_queue();
    found->second->proceed();
  }
  ready_.insert(ready_.begin(), ready.begin() + static_cast<std::ptrdiff_t>(served), ready.end());
  pushing_ = send_pushes();
  close_gone();
  bool more = false;
  bool compacting = false;
  // What a script holds for long is not waited for: there is a next time.
  if (!server_.scripts.busy()) try {
      // One slice at least, or busy connections would keep it from ever being done.
      more = do_upkeep();
      while (more && in_budget()) more = do_upkeep();
      // It can wait, so it never takes more than one slice of a turn.
      compacting = compactor_.step();
    } catch (const storage::HeldForLong&) {
    }
  return more || pushing_ || compacting || !ready_.empty() || !gone_.empty();
}

// True: there is more.
bool Worker::give_back_spans() {
  if (spans_to_give_back_ == 0) return false;
  spans_to_give_back_ -= kSpansPerSlice;
  if (!storage::EntryArena::give_back(kSpansPerSlice)) spans_to_give_back_ = 0;
  return spans_to_give_back_ > 0;
}

// One slice of freeing, evicting, reaping, sweeping or counting. True: there is more.
bool Worker::do_upkeep() {
  if (!garbage_.empty()) {
    if (!garbage_.back().destroy_some(kSegmentsPerSlice)) garbage_.pop_back();
    return true;
  }
  if (end_subscriptions()) return true;
  if (storage::Garbage::waiting() && storage::Garbage::free_some(kElementsPerSlice)) return true;
  if (reaping_ && (reaping_ = reaper_.step())) return true;
  for (; reclaims_ > 0; reclaims_--) server_.memory_limit.end_reclaim();
  if (do_job()) return true;
  if (dispatcher_.relieve_memory(now_ms())) return true;
  if (give_back_spans()) return true;
  if (server_.active_expire.load(std::memory_order_relaxed)) {
    sweeping_ = sweeping_ && sweeper_.step(now_ms(), {.segments = kSegmentsPerSlice}).more;
    if (sweeping_) return true;
  }
  return index_ == 0 && prefix_walker_.step();
}

void Worker::each_100_ms() {
  refresh_time();
  sweeping_ = true;
  reaping_ = true;
  loop_.start_turns();
  storage::used_bytes();  // shows the others what this thread did
  if (index_ == 0) {
    server_.statistics.sample_rates(now_ms());
    spans_to_give_back_ = storage::EntryArena::maintain() ? kSpansPerTick : 0;
    if (ticks_ % kTicksPerPlan == 0) server_.compaction.plan(loop_.now_ms());
  }
  dispatcher_.serve_waiting(now_ms());
  constexpr int64_t kTicksPerSecond = 1000 / Statistics::kSamplePeriodMs;
  if (++ticks_ % kTicksPerSecond == 0) each_second();
  if (stop_at_ms_ != 0 && loop_.now_ms() >= stop_at_ms_) {
    for (const auto& [id, session] : sessions_) session->close();
  }
}

void Worker::each_second() {
  if (index_ == 0) try {
      server_.cache_statistics.each_second(now_ms());
    } catch (const storage::HeldForLong&) {  // by a script: the busier prefixes wait
    }
  for (const auto& [id, session] : sessions_) session->check_limits(now_ms());
  received_.trim();
  push_pool_.trim();
}

void Worker::shut_down() {
  loop_.post([this] {
    stop_at_ms_ = loop_.now_ms() + kShutdownMs;
    for (const auto& [id, session] : sessions_) session->finish();
    finish_if_empty();
  });
}

void Worker::finish_if_empty() {
  if (stop_at_ms_ != 0 && sessions_.empty()) loop_.stop();
}

}  // namespace larder::core
