// One connection, TCP or Unix socket: bytes in, bytes out, nothing about their meaning.
//
// A stream belongs to its loop's thread. It destroys itself: close() begins, and when the loop has
// let go of the handle the handler hears on_closed() and the stream is gone.
//
// The loop says when the socket is ready; reading and sending are the stream's own system calls,
// which cost less than libuv's streams do, in time and in memory of each connection.
//
// Reading: what arrives is offered to the handler from the loop's shared buffer, where it may look
// at it until the turn's end; only what the handler does not consume is kept here, so an idle
// connection holds no buffer. What is large the handler may have read to a place of its own.
//
// Writing: what the system takes at once is not copied; of the rest, text is copied and kept, and
// HeldBytes are held until they have been sent.
#pragma once

#include <uv.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/net/held_bytes.h"
#include "server/net/loop.h"

namespace larder::net {

// The door upwards.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // All bytes not consumed so far, contiguous. The handler calls Stream::consume(), at once or at
  // the turn's end (see Loop::after_reads); the bytes stay where they are until then.
  virtual void on_bytes(std::string_view bytes) = 0;
  // Where the bytes that come next are to be read to, past the stream's own buffers: asked for
  // before each read. Empty: they are offered. What was kept before stays in front of what is
  // offered later.
  virtual std::span<char> place_for_bytes() = 0;
  // So many bytes were read to that place.
  virtual void on_placed(size_t bytes) = 0;
  // How many more must be read to places before anything can be done with them: the loop need not
  // be woken for each few of them.
  virtual size_t placed_bytes_missing() const = 0;
  // All output has been given to the system.
  virtual void on_drained() = 0;
  // The peer has gone, nothing more is read; what it sent has been answered. The handler calls
  // Stream::close(), now or, as that costs the system some 15 us, when it finds the time.
  virtual void on_peer_gone() = 0;
  // While reading is paused: the peer sends no more. What it sent before may be unread, and it may
  // still read. Told once.
  virtual void on_hang_up() = 0;
  // The last call: the stream is about to be destroyed.
  virtual void on_closed() = 0;
};

class Stream {
 public:
  // Takes over a connected socket and starts to read. Null, and the socket is closed, if the system
  // refuses. `handler` must live until on_closed().
  static Stream* open(Loop& loop, int socket, StreamHandler& handler);

  // Sends text and what belongs into it, of which it moves away what the system does not take at
  // once. The positions are of a longer text, of which `text` begins at `text_begin`.
  void write(std::string_view text, std::span<HeldBytes> held = {}, size_t text_begin = 0);
  // Not taken by the system yet.
  size_t output_bytes() const {
    return unsent_ != nullptr ? unsent_->sending.left() + unsent_->waiting.left() : 0;
  }
  size_t input_bytes() const { return input_.size(); }
  // Received by the system and not yet read from it.
  size_t unread_bytes() const;
  // Heap, handle and what is held to be sent, without what the handler holds.
  size_t memory_bytes() const;

  // Answers on_bytes(): so many of the offered bytes are done with, and so many at their end were
  // taken to the handler's own place. The rest is offered again, in front of what comes next. The
  // stream may have been closed meanwhile.
  void consume(size_t bytes, size_t taken = 0);
  // Offers the kept input to the handler again; false if there is none.
  bool offer_again();
  // on_bytes() has not been answered yet.
  bool offering() const { return offered_.data() != nullptr; }

  bool reading() const { return reading_; }
  // on_hang_up() was called.
  bool hung_up() const { return hung_up_; }
  void pause_reading();
  void resume_reading();
  // From now on the loop wakes as soon as anything has arrived, whatever is missing.
  void read_promptly();

  // Closes now; output not yet taken by the system is lost.
  void close();
  // Closes when all output has been sent.
  void close_when_drained();
  bool closing() const { return closing_; }

  // Bytes moved since the last call: for the caller's counters.
  size_t take_bytes_read();
  size_t take_bytes_written();

 private:
  // Output in order.
  struct Queue {
    std::string text;
    std::vector<HeldBytes> held;
    size_t total = 0;  // bytes, of which so many have been sent:
    size_t sent = 0;

    size_t left() const { return total - sent; }
    // Without the first `skipped` bytes, of text and held bytes together.
    void append(std::string_view more, std::span<HeldBytes> more_held, size_t text_begin,
                size_t skipped);
    size_t memory_bytes() const;
  };
  // What is appended while something is being sent goes behind it, so that what has been sent can
  // be freed although output never ends.
  struct Unsent {
    Queue sending;
    Queue waiting;
  };

  Stream(Loop& loop, int socket, StreamHandler& handler)
      : loop_(loop), handler_(handler), socket_(socket) {}
  ~Stream() = default;

  void watch();
  void on_ready(int status, int events);
  void read();
  std::span<char> read_target();
  void received(const char* at, size_t bytes);
  void placed(size_t bytes);
  void set_low_water(size_t bytes);
  void offer(std::string_view bytes, size_t kept);
  void end_of_input();
  void send_on();

  Loop& loop_;
  StreamHandler& handler_;
  uv_poll_t poll_{};
  int socket_;
  int watched_ = 0;    // what the loop looks out for: UV_READABLE and its like
  std::string input_;  // received and not consumed
  enum class Target : uint8_t { kLoopBuffer, kInput, kPlace } target_ = Target::kLoopBuffer;
  size_t read_size_ = 0;      // how much of input_ is data while the system reads into its end
  std::string_view offered_;  // to the handler; its first kept_bytes_ are in input_
  size_t kept_bytes_ = 0;
  size_t place_room_ = 0;   // asked for in the read to a place that is under way
  uint32_t low_water_ = 1;  // so many bytes must have arrived for the system to wake the loop
  bool promptly_ = false;
  std::unique_ptr<Unsent> unsent_;  // null: all has been sent
  size_t bytes_read_ = 0;
  size_t bytes_written_ = 0;
  bool reading_ = false;
  bool hung_up_ = false;  // the handler was told so
  bool ended_ = false;    // the peer has gone
  bool closing_ = false;
  bool close_when_drained_ = false;
};

}  // namespace larder::net
