#include "server/net/stream.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace larder::net {
namespace {

// Input up to this size is moved in front of the loop's read buffer; larger input grows where it
// is.
constexpr size_t kSmallInput = Loop::kReadHeadroom;

// How much is read at once into a large input: more would be zeroed by each resize for nothing,
// since the system hands over no more than its own buffer holds.
constexpr size_t kLargeReadBytes = 256 * 1024;

// A buffer that is larger than this is given back when it is empty.
constexpr size_t kKeptCapacity = 1024;

void clear(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacity) std::string().swap(buffer);
}

// A small rest must not hold the memory of the large thing that was in front of it.
void drop_front(std::string& buffer, size_t bytes) {
  buffer.erase(0, bytes);
  if (buffer.capacity() > kLargeReadBytes && buffer.size() < buffer.capacity() / 4) {
    buffer.shrink_to_fit();
  }
}

// uv_buf_init takes 32 bits only; one reply may be longer than they can say.
uv_buf_t buffer_of(std::string_view bytes) {
  uv_buf_t buffer;
  buffer.base = const_cast<char*>(bytes.data());
  buffer.len = bytes.size();
  return buffer;
}

}  // namespace

Stream* Stream::open(Loop& loop, int socket, Kind kind, StreamHandler& handler) {
  auto* stream = new Stream(loop, handler);
  int status = 0;
  if (kind == Kind::kTcp) {
    uv_tcp_init(loop.raw(), &stream->handle_.tcp);
    status = uv_tcp_open(&stream->handle_.tcp, socket);
  } else {
    uv_pipe_init(loop.raw(), &stream->handle_.pipe, 0);
    status = uv_pipe_open(&stream->handle_.pipe, socket);
  }
  stream->handle_.handle.data = stream;
  if (status < 0) {
    ::close(socket);
    uv_close(&stream->handle_.handle,
             [](uv_handle_t* handle) { delete static_cast<Stream*>(handle->data); });
    return nullptr;
  }
  stream->resume_reading();
  return stream;
}

size_t Stream::memory_bytes() const {
  return sizeof(Stream) + input_.capacity() + sending_.capacity() + waiting_.capacity() +
         (write_ != nullptr ? sizeof(uv_write_t) : 0);
}

size_t Stream::unread_bytes() const {
  uv_os_fd_t descriptor = -1;
  int bytes = 0;
  const bool known =
      uv_fileno(&handle_.handle, &descriptor) == 0 && ioctl(descriptor, FIONREAD, &bytes) == 0;
  return known && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

void Stream::resume_reading() {
  assert(loop_.in_loop());
  if (reading_ || ended_ || closing_) return;
  reading_ = true;
  uv_read_start(
      &handle_.stream,
      [](uv_handle_t* handle, size_t, uv_buf_t* target) {
        *target = static_cast<Stream*>(handle->data)->read_target();
      },
      [](uv_stream_t* handle, ssize_t bytes, const uv_buf_t* target) {
        auto* stream = static_cast<Stream*>(handle->data);
        if (bytes >= 0) {
          stream->received(target->base, static_cast<size_t>(bytes));
        } else if (bytes == UV_ENOBUFS) {
          // With 1,024 streams ready libuv polls again in the same turn, and finds more bytes of a
          // stream whose last ones nobody has looked at. They are read in the next poll.
          stream->loop_.finish_reads();
        } else {
          stream->end_of_input();
        }
      });
}

void Stream::pause_reading() {
  assert(loop_.in_loop());
  if (!reading_) return;
  reading_ = false;
  uv_read_stop(&handle_.stream);
}

// Small input is copied in front of the shared buffer, so that handler and reads see one piece of
// memory; large input is read into its own end, which doubles at most, however much a header
// promised.
uv_buf_t Stream::read_target() {
  if (offering()) return uv_buf_init(nullptr, 0);  // libuv then reads nothing: UV_ENOBUFS
  if (input_.size() <= kSmallInput) {
    char* buffer = loop_.read_room();
    std::memcpy(buffer, input_.data(), input_.size());
    read_size_ = std::string::npos;
    return uv_buf_init(buffer + input_.size(), Loop::kReadBytes);
  }
  read_size_ = input_.size();
  const size_t room = std::clamp(handler_.bytes_wanted(), Loop::kReadBytes, kLargeReadBytes);
  input_.resize(read_size_ + room);
  return uv_buf_init(input_.data() + read_size_, static_cast<unsigned>(room));
}

void Stream::received(const char* at, size_t bytes) {
  bytes_read_ += bytes;
  const bool shared = read_size_ == std::string::npos;
  const size_t room = shared ? Loop::kReadBytes : input_.size() - read_size_;
  if (!shared) input_.resize(read_size_ + bytes);
  if (bytes == 0) return;
  if (shared) {
    offer({at - input_.size(), input_.size() + bytes}, input_.size());
    if (offering()) loop_.hold_read(at + bytes);
  } else {
    offer(input_, input_.size());
  }
  // libuv is about to read again, into what must be settled by then.
  if (bytes == room && offering()) loop_.finish_reads();
}

// `kept` bytes at the front are in input_ already.
void Stream::offer(std::string_view bytes, size_t kept) {
  offered_ = bytes;
  kept_bytes_ = kept;
  handler_.on_bytes(bytes);
}

void Stream::consume(size_t consumed) {
  assert(loop_.in_loop() && offering());
  const std::string_view bytes = std::exchange(offered_, {});
  if (consumed == bytes.size()) {
    clear(input_);
  } else if (consumed == 0) {
    input_.append(bytes.substr(kept_bytes_));
  } else if (bytes.data() == input_.data()) {
    drop_front(input_, consumed);
  } else {
    input_.assign(bytes.substr(consumed));
  }
}

bool Stream::offer_again() {
  assert(loop_.in_loop());
  if (closing_ || offering() || input_.empty()) return false;
  offer(input_, input_.size());
  return true;
}

// What came before the end is still answered, as far as somebody reads it.
void Stream::end_of_input() {
  if (offering()) loop_.finish_reads();
  if (closing_) return;
  ended_ = true;
  pause_reading();
  handler_.on_peer_gone();
}

void Stream::write(std::string_view bytes) {
  assert(loop_.in_loop());
  if (closing_ || bytes.empty()) return;
  bytes_written_ += bytes.size();
  if (sending_.empty()) {
    const uv_buf_t buffer = buffer_of(bytes);
    const int written = uv_try_write(&handle_.stream, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) return close();
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
    if (bytes.empty()) return;
  }
  waiting_.append(bytes);
  if (sending_.empty()) send_waiting();
}

void Stream::send_waiting() {
  std::swap(sending_, waiting_);
  clear(waiting_);
  if (write_ == nullptr) write_ = std::make_unique<uv_write_t>();
  write_->data = this;
  const uv_buf_t buffer = buffer_of(sending_);
  const int status = uv_write(
      write_.get(), &handle_.stream, &buffer, 1,
      [](uv_write_t* request, int result) { static_cast<Stream*>(request->data)->sent(result); });
  if (status < 0) close();
}

void Stream::sent(int status) {
  if (closing_) return;
  if (status < 0) return close();
  clear(sending_);
  if (!waiting_.empty()) return send_waiting();
  write_.reset();
  if (close_when_drained_) return close();
  handler_.on_drained();
}

void Stream::close() {
  assert(loop_.in_loop());
  if (closing_) return;
  closing_ = true;
  reading_ = false;
  uv_close(&handle_.handle, [](uv_handle_t* handle) {
    auto* stream = static_cast<Stream*>(handle->data);
    stream->handler_.on_closed();
    delete stream;
  });
}

void Stream::close_when_drained() {
  if (output_bytes() == 0) return close();
  close_when_drained_ = true;
  pause_reading();
}

size_t Stream::take_bytes_read() {
  return std::exchange(bytes_read_, 0);
}

size_t Stream::take_bytes_written() {
  return std::exchange(bytes_written_, 0);
}

}  // namespace larder::net
