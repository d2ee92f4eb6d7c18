// A connection: reads requests from its stream, has them run, writes the replies. Lives on its
// worker's loop; only what Client says is for other threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "protocol/request_parser.h"
#include "server/core/client.h"
#include "server/core/dispatch.h"
#include "server/core/large_arguments.h"
#include "server/core/push_pool.h"
#include "server/core/turn.h"
#include "server/net/stream.h"

namespace larder::core {

class Worker;

class Session final : public Client, public net::StreamHandler {
 public:
  Session(Worker& worker, uint64_t id, Address address, int64_t now_ms);

  // Takes over the socket; false, and the session is of no use, if the system refuses it.
  bool open(int socket, bool unix_socket);

  // Goes on with what was left: a slice of a long command, or requests not yet looked at.
  void proceed();
  // Whether it was not yet in its worker's queue of those that may proceed; it is then.
  bool enter_queue() { return !std::exchange(queued_, true); }
  void leave_queue() { queued_ = false; }
  // When its worker lets it proceed, in milliseconds since the epoch; the worker keeps this.
  int64_t wake_at_ms() const { return wake_at_ms_; }
  void set_wake_at_ms(int64_t at_ms) { wake_at_ms_ = at_ms; }
  // Goes on if CLIENT PAUSE held the session back.
  void wake_if_held();
  // Resumes a waiting command, which may have been answered meanwhile.
  void wake();
  // Ends a waiting command, if it lets itself be ended.
  void unblock(bool with_error);

  // Sends lines of MONITOR.
  void send_lines(std::string_view lines);
  // Sends the pushes that wait, unless they have to wait for the end of a reply.
  void send_pushes();

  // For Turn: parses requests into the batch until it is full.
  protocol::ParseResult parse(std::string_view bytes, protocol::RequestBatch& batch);
  // Runs requests that were parsed ahead, and those behind them; then, perhaps after other sessions
  // have run theirs, sends the replies and answers Stream's offer.
  void run_received(Received received);
  void complete_received();

  // Looks for reasons to close: idle for too long, output above the soft limit for too long.
  void check_limits(int64_t now_ms);

  // Answers what has been received, sends what is due, closes.
  void finish();
  void close();

  // Client:
  Buffers buffers() const override;
  storage::Blob* blob_of(std::string_view argument) override {
    return large_ != nullptr ? large_->find(argument.data()) : nullptr;
  }
  void add_push(const PushText& text) override;
  void write_pushes() override;
  void request_close() override;
  void request_unblock(bool with_error) override;
  void request_wake() override;

  // net::StreamHandler:
  void on_bytes(std::string_view bytes) override;
  std::span<char> place_for_bytes() override;
  void on_placed(size_t bytes) override;
  size_t placed_bytes_missing() const override;
  void on_drained() override;
  void on_peer_gone() override;
  void on_hang_up() override;
  void on_closed() override;

 private:
  size_t run_requests(Received received);
  // Runs the parsed requests; answers how many of their bytes are done, all of them if nothing
  // stopped it.
  size_t run_batch(const Received& received, bool& stopped);
  void begin_continuation(int64_t now_ms);
  void note_progress(Continuation::Progress progress);
  void hold();
  void wait_for_others();
  size_t begin_large_argument(std::string_view rest);
  void end_large_arguments();
  void close_if_too_much();
  void count_input();
  size_t query_bytes() const;
  void steer_reading(size_t kept);
  void finish_if_answered();
  const OutputLimit& output_limit() const;
  void answer_protocol_error(std::string_view text);
  void flush();
  void send(size_t begin, size_t end);
  bool check_output();
  void place_pushes();
  bool close_if_unread(size_t bytes);
  bool close_if_above(const OutputLimit& limit, size_t bytes);
  void publish_buffers();
  bool busy() const { return suspended_.continuation != nullptr || held_ || awaits_others_; }
  // A part of a reply has been sent, the rest is to follow.
  bool replying() const {
    return suspended_.continuation != nullptr && suspended_.continuation->replying();
  }

  Worker& worker_;
  net::Stream* stream_ = nullptr;
  protocol::RequestParser parser_;
  Dispatcher::Suspended suspended_;
  std::unique_ptr<LargeArguments> large_;  // of the incomplete request, or the one being run
  std::string_view received_;              // offered, and how many bytes of it were consumed
  size_t consumed_bytes_ = 0;
  size_t output_begin_ = 0;  // where its unsent replies are in the worker's output
  size_t output_end_ = 0;
  PushChain pushes_;          // that wait to be sent
  size_t pushed_bytes_ = 0;   // since nothing was left to be sent
  bool push_queued_ = false;  // its worker will call send_pushes()
  bool queued_ = false;
  bool more_requests_ = false;    // offered, and stopped at: to be offered again
  bool held_ = false;             // by CLIENT PAUSE
  bool awaits_others_ = false;    // has published more than can be sent on
  bool finishing_ = false;        // the server stops
  bool close_when_done_ = false;  // with a command that must not be left undone
  int64_t wake_at_ms_ = Continuation::kNever;
  int64_t soft_limit_since_ms_ = 0;
  size_t unread_seen_ = 0;  // output when the limits were last looked at
  size_t sent_seen_ = 0;    // and input, if a large argument was being received
  int64_t close_asked_ms_ = 0;

  std::atomic<size_t> query_bytes_{0};
  std::atomic<size_t> output_bytes_{0};
  std::atomic<size_t> memory_bytes_{0};
};

}  // namespace larder::core
