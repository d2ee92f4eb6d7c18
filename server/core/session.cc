#include "server/core/session.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include "server/core/worker.h"

namespace larder::core {
namespace {

// Commands that one connection may run in one turn of the loop, before the others are served.
constexpr size_t kCommandsPerTurn = 128;

// With so many bytes of replies unread by the peer its requests wait, unread by us.
constexpr size_t kOutputPauseBytes = 1024 * 1024;

// Replies of one batch are sent on when they pass this size, not only at its end.
constexpr size_t kOutputFlushBytes = 256 * 1024;

// Input that may pile up behind a command that is not done; then the peer has to wait.
constexpr size_t kInputPauseBytes = 1024 * 1024;

// A command that kept the loop for so long makes the turn's time stale.
constexpr uint64_t kStaleAfterNs = 500'000;

// How often a client that published too much, or waits for a script of others, looks whether it may
// go on.
constexpr int64_t kRetryMs = 1;

// A client that does not read its last reply is not waited for longer.
constexpr int64_t kLastReplyMs = 10'000;

}  // namespace

Session::Session(Worker& worker, uint64_t id, Address address, int64_t now_ms)
    : Client(id, worker.index(), std::move(address), now_ms), worker_(worker) {}

bool Session::open(int socket, bool unix_socket) {
  if (unix_socket) set(kUnixSocket);
  stream_ = net::Stream::open(worker_.loop(), socket, *this);
  if (stream_ == nullptr) return false;
  publish_buffers();
  return true;
}

void Session::on_bytes(std::string_view bytes) {
  if (stream_->closing() || has(kCloseAfterReply)) return stream_->consume(bytes.size());
  note_active(worker_.now_ms());
  if (busy()) {
    steer_reading(bytes.size());
    stream_->consume(0);
    count_input();
    query_bytes_.store(query_bytes(), std::memory_order_relaxed);
    return publish_buffers();
  }
  worker_.received().add(*this, bytes);
}

void Session::run_received(Received received) {
  output_begin_ = worker_.output().size();
  received_ = received.bytes;
  consumed_bytes_ = run_requests(std::move(received));
  output_end_ = worker_.output().size();
}

void Session::complete_received() {
  send(output_begin_, output_end_);
  output_begin_ = output_end_ = 0;
  count_input();
  const std::string_view rest = std::exchange(received_, {}).substr(consumed_bytes_);
  stream_->consume(consumed_bytes_, rest.empty() ? 0 : begin_large_argument(rest));
  query_bytes_.store(query_bytes(), std::memory_order_relaxed);
  close_if_too_much();
  steer_reading(rest.size());
  finish_if_answered();
}

// Where the next request lacks a large argument, that one's bytes are read into a blob from here
// on. Answers how many bytes at the end of `rest` are in it already.
size_t Session::begin_large_argument(std::string_view rest) {
  if (busy() || more_requests_ || stream_->closing() || has(kCloseAfterReply)) return 0;
  if (large_ != nullptr && large_->receiving()) return 0;
  const auto bulk = parser_.unfinished_bulk(rest.size());
  if (!bulk || !LargeArguments::worth_beginning(bulk->size, bulk->held)) return 0;
  try {
    if (large_ == nullptr) large_ = std::make_unique<LargeArguments>();
    large_->begin(rest.substr(rest.size() - bulk->held), bulk->size);
  } catch (const std::bad_alloc&) {
    close();
    return 0;
  }
  publish_buffers();
  return bulk->held;
}

std::span<char> Session::place_for_bytes() {
  return large_ != nullptr && large_->receiving() ? large_->room() : std::span<char>();
}

void Session::on_placed(size_t bytes) {
  note_active(worker_.now_ms());
  count_input();
  try {
    large_->add(bytes);
  } catch (const std::bad_alloc&) {
    return close();
  }
  if (!large_->receiving()) parser_.place(large_->last());
  query_bytes_.store(query_bytes(), std::memory_order_relaxed);
  close_if_too_much();
}

size_t Session::placed_bytes_missing() const {
  return large_ != nullptr ? large_->missing() : 0;
}

void Session::end_large_arguments() {
  large_.reset();
  parser_.forget_placed();
}

// What the peer has sent of requests that were not run.
size_t Session::query_bytes() const {
  return stream_->input_bytes() + (large_ != nullptr ? large_->bytes() : 0);
}

// Queued commands count as long as they have not been run. Input behind a command that is not done
// is bounded otherwise: see steer_reading().
void Session::close_if_too_much() {
  const auto limit = static_cast<size_t>(
      worker_.server().config.values.client_query_buffer_bytes_max.load(std::memory_order_relaxed));
  const size_t waiting = busy() || more_requests_ ? 0 : query_bytes();
  if (waiting + kept_bytes() <= limit || stream_->closing()) return;
  worker_.counters().query_buffer_limit_closes.add();
  close();
}

void Session::count_input() {
  const size_t bytes = stream_->take_bytes_read();
  if (bytes == 0) return;
  worker_.counters().reads.add();
  worker_.counters().net_input_bytes.add(bytes);
}

// Reads on, unless the peer has to wait: until the requests that are here have been run, or until
// it has read its replies. `kept`: bytes received and not consumed.
void Session::steer_reading(size_t kept) {
  if (stream_->closing() || has(kCloseAfterReply) || close_when_done_) return;
  // A busy session reads on for a while, to notice that its peer has gone.
  const bool full = stream_->output_bytes() > kOutputPauseBytes ||
                    (busy() ? kept > kInputPauseBytes : more_requests_);
  if (full) {
    stream_->pause_reading();
    if (stream_->hung_up()) on_hang_up();  // it may not have been busy when it was told so
  } else {
    stream_->resume_reading();
  }
}

protocol::ParseResult Session::parse(std::string_view bytes, protocol::RequestBatch& batch) {
  const ConfigValues& values = worker_.server().config.values;
  return parser_.parse(
      bytes, batch,
      {values.bulk_bytes_max.load(std::memory_order_relaxed), worker_.server().lets_in(*this)});
}

size_t Session::run_requests(Received received) {
  worker_.dispatcher().start_timing();
  place_pushes();
  const std::string_view bytes = received.bytes;
  size_t consumed = 0;
  size_t run = 0;
  more_requests_ = false;
  for (;;) {
    bool stopped = false;
    const size_t done = run_batch(received, stopped);
    if (stopped) {
      parser_.reset();  // what it may have begun to read behind is offered again
      more_requests_ = consumed + done < bytes.size();
      return consumed + done;
    }
    consumed += received.parsed.consumed;
    if (!received.parsed.error.empty()) {
      answer_protocol_error(received.parsed.error);
      return bytes.size();
    }
    if (!received.batch_full || consumed == bytes.size()) return consumed;
    run += received.end - received.first;
    if (run >= kCommandsPerTurn) {
      more_requests_ = true;
      worker_.proceed_soon(id());
      return consumed;
    }
    received = worker_.received().parse_rest(*this, bytes.substr(consumed));
  }
}

size_t Session::run_batch(const Received& received, bool& stopped) {
  const PreparedBatch& batch = *received.batch;
  Dispatcher& dispatcher = worker_.dispatcher();
  size_t done = 0;
  for (size_t i = received.first; i < received.end; i++) {
    if (killed()) {
      close();
      stopped = true;
      return received.bytes.size();
    }
    dispatcher.prefetch(batch.parsed(), i);
    const int64_t now_ms = worker_.now_ms();
    const bool authenticated = has(kAuthenticated);
    const Dispatcher::Outcome outcome = dispatcher.run(*this, batch.requests.arguments(i),
                                                       batch.prepared[i], worker_.output(), now_ms);
    if (outcome == Dispatcher::Outcome::kHeld) {
      hold();
      stopped = true;
      return done;
    }
    if (large_ != nullptr) end_large_arguments();
    done = batch.requests.end_offset(i);
    if (dispatcher.last_nanoseconds() > kStaleAfterNs) worker_.loop().update_time();
    if (outcome == Dispatcher::Outcome::kContinues) begin_continuation(now_ms);
    place_pushes();
    if (has(kPublished)) wait_for_others();
    if (has(kCloseAfterReply)) {
      flush();
      close_asked_ms_ = now_ms;
      stream_->close_when_drained();
      stopped = true;
      return received.bytes.size();
    }
    // The limits on what an unauthenticated peer may send have changed: read the rest again.
    if (busy() || !check_output() || authenticated != has(kAuthenticated)) {
      if (!busy()) worker_.proceed_soon(id());
      stopped = true;
      return done;
    }
  }
  return done;
}

void Session::begin_continuation(int64_t now_ms) {
  suspended_ = worker_.dispatcher().take_suspended();
  note_progress(worker_.dispatcher().resume(*this, suspended_, worker_.output(), now_ms));
}

void Session::note_progress(Continuation::Progress progress) {
  set(kBlocked, progress == Continuation::Progress::kWaiting);
  switch (progress) {
    case Continuation::Progress::kDone:
      suspended_ = {};
      worker_.proceed_at(*this, Continuation::kNever);
      break;
    case Continuation::Progress::kAgain:
      worker_.proceed_soon(id());
      break;
    case Continuation::Progress::kWaiting:
      worker_.proceed_at(*this, suspended_.continuation->wake_at_ms());
      break;
  }
}

void Session::hold() {
  held_ = true;
  set(kBlocked);
  set(kHeld);
  worker_.proceed_at(*this, worker_.server().pause.until_ms.load());
}

// Publishers on one loop could be faster than another, or several of its turns, can send on what
// they publish: then they wait, as Redis' one thread would make them.
void Session::wait_for_others() {
  set(kPublished, false);
  if (suspended_.continuation != nullptr || !worker_.server().pushes.behind()) return;
  awaits_others_ = true;
  worker_.proceed_at(*this, worker_.now_ms() + kRetryMs);
}

void Session::wake_if_held() {
  if (held_) worker_.proceed_soon(id());
}

void Session::proceed() {
  if (stream_->closing()) return;
  if (held_) {
    held_ = false;
    worker_.proceed_at(*this, Continuation::kNever);
    set(kBlocked, false);
    set(kHeld, false);
  }
  if (awaits_others_) {
    if (worker_.server().pushes.behind()) {
      return worker_.proceed_at(*this, worker_.now_ms() + kRetryMs);
    }
    awaits_others_ = false;
  }
  if (suspended_.continuation != nullptr) {
    // What waits goes on waiting while a script holds keys for long, though its time be up.
    if (worker_.server().scripts.busy() && !suspended_.continuation->must_end()) {
      return worker_.proceed_at(*this, worker_.now_ms() + kRetryMs);
    }
    if (replying() && stream_->output_bytes() > kOutputPauseBytes) return;  // on_drained() returns
    note_progress(
        worker_.dispatcher().resume(*this, suspended_, worker_.output(), worker_.now_ms()));
    if (!replying()) write_pushes();
    flush();
    check_output();
    if (close_when_done_) close();
    if (busy() || stream_->closing()) return;
  }
  if (stream_->output_bytes() > kOutputPauseBytes) return;  // on_drained() comes back to it
  if (stream_->offer_again()) return;                       // run_received() goes on
  steer_reading(0);
  finish_if_answered();
}

void Session::wake() {
  if (suspended_.continuation != nullptr) proceed();
}

void Session::unblock(bool with_error) {
  if (suspended_.continuation != nullptr && suspended_.continuation->unblock(with_error)) proceed();
}

void Session::send_lines(std::string_view lines) {
  if (stream_->closing() || has(kCloseAfterReply)) return;
  // Nothing that is pushed may come into the middle of a reply. A monitor cannot get there: the
  // commands with long replies are those that it is refused.
  assert(!replying());
  stream_->write(lines);
  check_output();
  publish_buffers();
}

// Invalidations are for clients of any class, and nobody asks for them one by one: what has been
// pushed since all was last sent has the limit of subscribers.
void Session::add_push(const PushText& text) {
  if (stream_->closing() || has(kCloseAfterReply)) return;
  if (stream_->output_bytes() + pushes_.bytes == 0) pushed_bytes_ = 0;
  worker_.push_pool().append(pushes_, text);
  pushed_bytes_ += text.size();
  if (!std::exchange(push_queued_, true)) worker_.push_soon(id());
  const size_t unread = stream_->output_bytes() + pushes_.bytes;
  if (!close_if_unread(unread))
    close_if_above(worker_.server().config.values.output_pubsub, std::min(unread, pushed_bytes_));
}

// Between two replies. So what a command publishes to its own client stands right behind its reply,
// and what anybody published and was answered stands in front of replies to what is sent after.
void Session::place_pushes() {
  if (worker_.pushes().waiting()) worker_.pushes().hand_out();
  if (!replying()) write_pushes();
}

void Session::write_pushes() {
  if (!pushes_.empty()) worker_.push_pool().write(pushes_, worker_.output(), resp());
}

// Behind a reply that is not complete, proceed() sends them.
void Session::send_pushes() {
  push_queued_ = false;
  if (pushes_.empty() || replying() || stream_->closing()) return;
  output_begin_ = worker_.output().size();
  write_pushes();
  flush();
  check_output();
}

void Session::answer_protocol_error(std::string_view text) {
  worker_.output().reply(resp()).error("ERR Protocol error: " + std::string(text));
  worker_.counters().protocol_errors.add();
  worker_.server().statistics.count_error("ERR");
  flush();
  close_asked_ms_ = worker_.now_ms();
  set(kCloseAfterReply);
  stream_->close_when_drained();
}

// What stands behind output_begin_ in the worker's output is this session's.
void Session::flush() {
  Output& output = worker_.output();
  send(output_begin_, output.size());
  output.truncate(output_begin_);
  output.shrink_to(kOutputPauseBytes);
}

// The worker's output from `begin` to `end`.
void Session::send(size_t begin, size_t end) {
  Output& output = worker_.output();
  if (begin < end) {
    stream_->write(output.text().substr(begin, end - begin), output.held(begin, end), begin);
    worker_.counters().writes.add();
    worker_.counters().net_output_bytes.add(stream_->take_bytes_written());
  }
  publish_buffers();
}

// A monitor does not ask for what it gets, no more than a subscriber does: nothing else would bound
// what piles up for one that does not read.
const OutputLimit& Session::output_limit() const {
  const ConfigValues& values = worker_.server().config.values;
  return has(kMonitor) || has(kSubscribed) ? values.output_pubsub : values.output_normal;
}

// Sends on what has piled up; false if the peer must read before more of its requests are run.
bool Session::check_output() {
  if (worker_.output().bytes_from(output_begin_) > kOutputFlushBytes) flush();
  if (stream_->closing()) return false;
  const size_t unread = stream_->output_bytes();
  if (unread == 0) return true;
  const auto soft = static_cast<size_t>(output_limit().soft_bytes.load(std::memory_order_relaxed));
  if (close_if_unread(unread)) return false;
  if (soft == 0 || unread <= soft) {
    soft_limit_since_ms_ = 0;
  } else if (soft_limit_since_ms_ == 0) {
    soft_limit_since_ms_ = worker_.now_ms();
  }
  if (unread <= kOutputPauseBytes) return true;
  stream_->pause_reading();
  return false;
}

// Whether these are more bytes than the peer may leave unread.
bool Session::close_if_unread(size_t bytes) {
  return close_if_above(output_limit(), bytes);
}

bool Session::close_if_above(const OutputLimit& limit, size_t bytes) {
  const auto hard = static_cast<size_t>(limit.hard_bytes.load(std::memory_order_relaxed));
  if (hard == 0 || bytes <= hard) return false;
  worker_.counters().output_buffer_limit_closes.add();
  close();
  return true;
}

void Session::on_drained() {
  soft_limit_since_ms_ = 0;
  publish_buffers();
  if (!busy() || replying()) {
    worker_.proceed_soon(id());
  }
}

void Session::on_peer_gone() {
  worker_.close_soon(id());
}

// Of a client that waits, Redis reads all it sends and so comes to the end.
void Session::on_hang_up() {
  if (busy()) on_peer_gone();
}

void Session::check_limits(int64_t now_ms) {
  const ConfigValues& values = worker_.server().config.values;
  const int64_t timeout_s = values.timeout_s.load();
  // Who reads a long reply slowly is not idle, nor who sends a large argument slowly.
  const size_t unread_before = std::exchange(unread_seen_, stream_->output_bytes());
  if (unread_seen_ != unread_before) note_active(now_ms);
  if (placed_bytes_missing() > 0) {
    const size_t sent_before = std::exchange(sent_seen_, query_bytes() + stream_->unread_bytes());
    if (sent_seen_ != sent_before) note_active(now_ms);
  }
  const bool idle = timeout_s > 0 && now_ms - active_ms() > timeout_s * 1000;
  // After a turn that took long, what it has sent meanwhile may not have been read yet. (Of a large
  // argument it may be unread because the rest is missing: see above.)
  const bool heard =
      idle && placed_bytes_missing() == 0 && stream_->reading() && stream_->unread_bytes() > 0;
  if (idle && !heard && !has(kBlocked) && !has(kMonitor) && !has(kSubscribed)) return close();
  if (close_asked_ms_ != 0 && now_ms - close_asked_ms_ > kLastReplyMs) return close();
  const int64_t soft_ms = output_limit().soft_seconds.load() * 1000;
  if (soft_limit_since_ms_ != 0 && now_ms - soft_limit_since_ms_ > soft_ms) {
    worker_.counters().output_buffer_limit_closes.add();
    close();
  }
}

void Session::finish() {
  finishing_ = true;
  stream_->read_promptly();
  const bool wakes =
      held_ || (suspended_.continuation != nullptr && suspended_.continuation->unblock(true));
  if (wakes) return proceed();
  finish_if_answered();
}

// What the system has received for us counts as well: it is read in the turns that follow.
void Session::finish_if_answered() {
  if (!finishing_ || busy() || more_requests_ || stream_->offering() || stream_->closing()) return;
  if (!has(kCloseAfterReply) && stream_->unread_bytes() == 0) stream_->close_when_drained();
}

void Session::close() {
  if (suspended_.continuation != nullptr && suspended_.continuation->must_end()) {
    close_when_done_ = true;
    return stream_->pause_reading();
  }
  stream_->close();
}

void Session::on_closed() {
  suspended_ = {};  // which may have to be ended, for which everything else must still be there
  worker_.push_pool().drop(pushes_);
  worker_.session_closed(*this);
}

void Session::publish_buffers() {
  output_bytes_.store(stream_->output_bytes() + pushes_.bytes, std::memory_order_relaxed);
  size_t bytes = sizeof(Session) + stream_->memory_bytes() + parser_.memory_bytes() + pushes_.bytes;
  if (large_ != nullptr) bytes += large_->memory_bytes();
  if (subscriptions() != nullptr) bytes += subscriptions()->memory_bytes();
  memory_bytes_.store(bytes, std::memory_order_relaxed);
}

Client::Buffers Session::buffers() const {
  return {.query_bytes = query_bytes_.load(std::memory_order_relaxed),
          .query_free_bytes = 0,
          .output_bytes = output_bytes_.load(std::memory_order_relaxed),
          .total_bytes = memory_bytes_.load(std::memory_order_relaxed)};
}

void Session::request_close() {
  set_killed();
  worker_.with_session(id(), [](Session& session) { session.close(); });
}

void Session::request_unblock(bool with_error) {
  worker_.with_session(id(), [with_error](Session& session) { session.unblock(with_error); });
}

void Session::request_wake() {
  worker_.with_session(id(), [](Session& session) { session.wake(); });
}

}  // namespace larder::core
