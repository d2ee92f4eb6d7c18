// One connection, TCP or Unix socket: bytes in, bytes out, nothing about their meaning.
//
// A stream belongs to its loop's thread. It destroys itself: close() begins, and when the system
// has let go of the handle the handler hears on_closed() and the stream is gone.
//
// Reading: what arrives is offered to the handler from the loop's shared buffer, where it may look
// at it until the turn's end; only what the handler does not consume is kept here, so an idle
// connection holds no buffer.
#pragma once

#include <uv.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "server/net/loop.h"

namespace larder::net {

// The door upwards.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // All bytes not consumed so far, contiguous. The handler calls Stream::consume(), at once or at
  // the turn's end (see Loop::after_reads); the bytes stay where they are until then.
  virtual void on_bytes(std::string_view bytes) = 0;
  // How many more bytes make the next step possible, 0 if unknown: a hint for reading large things.
  virtual size_t bytes_wanted() const = 0;
  // All output has been given to the system.
  virtual void on_drained() = 0;
  // The peer has gone, nothing more is read; what it sent has been answered. The handler calls
  // Stream::close(), now or, as that costs the system some 15 us, when it finds the time.
  virtual void on_peer_gone() = 0;
  // The last call: the stream is about to be destroyed.
  virtual void on_closed() = 0;
};

class Stream {
 public:
  enum class Kind { kTcp, kUnix };

  // Takes over a connected, non-blocking socket and starts to read. Null, and the socket is closed,
  // if the system refuses. `handler` must live until on_closed().
  static Stream* open(Loop& loop, int socket, Kind kind, StreamHandler& handler);

  // Sends at once what the system takes and keeps a copy of the rest.
  void write(std::string_view bytes);
  // Not taken by the system yet.
  size_t output_bytes() const {
    return uv_stream_get_write_queue_size(&handle_.stream) + waiting_.size();
  }
  size_t input_bytes() const { return input_.size(); }
  // Received by the system and not yet read from it.
  size_t unread_bytes() const;
  // Heap and handle, without what the handler holds.
  size_t memory_bytes() const;

  // Answers on_bytes(): so many of the offered bytes are done with. The rest is offered again, in
  // front of what comes next. The stream may have been closed meanwhile.
  void consume(size_t bytes);
  // Offers the kept input to the handler again; false if there is none.
  bool offer_again();
  // on_bytes() has not been answered yet.
  bool offering() const { return offered_.data() != nullptr; }

  void pause_reading();
  void resume_reading();

  // Closes now; output not yet taken by the system is lost.
  void close();
  // Closes when all output has been sent.
  void close_when_drained();
  bool closing() const { return closing_; }

  // Bytes moved since the last call: for the caller's counters.
  size_t take_bytes_read();
  size_t take_bytes_written();

 private:
  union Handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };

  Stream(Loop& loop, StreamHandler& handler) : loop_(loop), handler_(handler) {}
  ~Stream() = default;

  uv_buf_t read_target();
  void received(const char* at, size_t bytes);
  void offer(std::string_view bytes, size_t kept);
  void end_of_input();
  void send_waiting();
  void sent(int status);

  Loop& loop_;
  StreamHandler& handler_;
  Handle handle_;
  std::string input_;         // received and not consumed
  size_t read_size_ = 0;      // how much of input_ is data while the system reads into its end
  std::string_view offered_;  // to the handler; its first kept_bytes_ are in input_
  size_t kept_bytes_ = 0;
  std::string sending_;  // in the system's hands
  std::string waiting_;  // behind that
  std::unique_ptr<uv_write_t> write_;
  size_t bytes_read_ = 0;
  size_t bytes_written_ = 0;
  bool reading_ = false;
  bool ended_ = false;  // the peer has gone
  bool closing_ = false;
  bool close_when_drained_ = false;
};

}  // namespace larder::net
