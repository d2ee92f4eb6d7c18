#include "server/net/stream.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
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

// libuv reads up to 32 times while there is more: with this much at a time, 8 MiB or some 2 ms in a
// row from a peer that sends as fast as that.
constexpr size_t kPlacedReadBytes = 256 * 1024;

// Bounds of the low-water mark while a large thing is read. Below the lower one there is no waking
// up to be saved; the upper one lets reading keep up with a fast sender.
constexpr size_t kLowWaterMin = 64 * 1024;
constexpr size_t kLowWaterMax = 512 * 1024;

// A buffer that is larger than this is given back when it is empty.
constexpr size_t kKeptCapacity = 1024;

void clear(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacity) std::string().swap(buffer);
}

// A small rest must not hold the memory of the large thing that was around it.
void keep_only(std::string& buffer, size_t from, size_t bytes) {
  constexpr size_t kSpareBytes = 256 * 1024;
  buffer.resize(from + bytes);
  buffer.erase(0, from);
  if (buffer.capacity() > kSpareBytes && buffer.size() < buffer.capacity() / 4) {
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

// Text and what is held for it, as the system wants it.
std::vector<uv_buf_t> gather(std::string_view text, std::span<const HeldBytes> held,
                             size_t text_begin) {
  std::vector<uv_buf_t> buffers;
  buffers.reserve(2 * held.size() + 1);
  size_t at = 0;
  for (const HeldBytes& piece : held) {
    const size_t position = piece.position() - text_begin;
    if (position > at) buffers.push_back(buffer_of(text.substr(at, position - at)));
    buffers.push_back(buffer_of(piece.bytes()));
    at = position;
  }
  if (at < text.size()) buffers.push_back(buffer_of(text.substr(at)));
  return buffers;
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
  const size_t output = unsent_ == nullptr ? 0
                                           : sizeof(Unsent) + unsent_->sending.memory_bytes() +
                                                 unsent_->waiting.memory_bytes();
  return sizeof(Stream) + input_.capacity() + output;
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
// memory; large input is read into its own end.
uv_buf_t Stream::read_target() {
  if (offering()) return uv_buf_init(nullptr, 0);  // libuv then reads nothing: UV_ENOBUFS
  if (const std::span<char> place = handler_.place_for_bytes(); !place.empty()) {
    target_ = Target::kPlace;
    place_room_ = std::min(place.size(), kPlacedReadBytes);
    return uv_buf_init(place.data(), static_cast<unsigned>(place_room_));
  }
  if (input_.size() <= kSmallInput) {
    target_ = Target::kLoopBuffer;
    char* buffer = loop_.read_room();
    std::memcpy(buffer, input_.data(), input_.size());
    return uv_buf_init(buffer + input_.size(), Loop::kReadBytes);
  }
  target_ = Target::kInput;
  read_size_ = input_.size();
  input_.resize(read_size_ + Loop::kReadBytes);
  return uv_buf_init(input_.data() + read_size_, Loop::kReadBytes);
}

void Stream::received(const char* at, size_t bytes) {
  bytes_read_ += bytes;
  if (target_ == Target::kInput) input_.resize(read_size_ + bytes);
  if (bytes == 0) return;
  if (target_ == Target::kPlace) return placed(bytes);
  if (target_ == Target::kLoopBuffer) {
    offer({at - input_.size(), input_.size() + bytes}, input_.size());
    if (offering()) loop_.hold_read(at + bytes);
  } else {
    offer(input_, input_.size());
  }
  // libuv is about to read again, into what must be settled by then.
  if (bytes == Loop::kReadBytes && offering()) loop_.finish_reads();
}

// Where the system had no more than that, it is told to wait until it has much or all that is
// missing: to wake up takes longer than to read 64 KiB. The mark must never be above what is
// missing, or nobody would wake up at all.
void Stream::placed(size_t bytes) {
  const bool all_read = bytes < place_room_;
  handler_.on_placed(bytes);
  const size_t missing = closing_ || promptly_ ? 0 : handler_.placed_bytes_missing();
  const size_t mark = missing < kLowWaterMin ? 1 : std::min(missing, kLowWaterMax);
  if (mark < low_water_ || (mark > low_water_ && all_read)) set_low_water(mark);
}

void Stream::read_promptly() {
  promptly_ = true;
  if (low_water_ > 1) set_low_water(1);
}

// Sockets that cannot wait like this (Unix sockets) wake up each time.
void Stream::set_low_water(size_t bytes) {
  low_water_ = static_cast<uint32_t>(bytes);
  uv_os_fd_t descriptor = -1;
  const int mark = static_cast<int>(bytes);
  if (uv_fileno(&handle_.handle, &descriptor) < 0) return;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark);
}

// `kept` bytes at the front are in input_ already.
void Stream::offer(std::string_view bytes, size_t kept) {
  offered_ = bytes;
  kept_bytes_ = kept;
  handler_.on_bytes(bytes);
}

void Stream::consume(size_t consumed, size_t taken) {
  assert(loop_.in_loop() && offering());
  const std::string_view bytes = std::exchange(offered_, {});
  assert(consumed + taken <= bytes.size());
  const size_t kept = bytes.size() - consumed - taken;
  if (kept == 0) {
    clear(input_);
  } else if (kept == bytes.size()) {
    input_.append(bytes.substr(kept_bytes_));
  } else if (bytes.data() == input_.data()) {
    keep_only(input_, consumed, kept);
  } else {
    input_.assign(bytes.substr(consumed, kept));
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

void Stream::write(std::string_view text, std::span<HeldBytes> held, size_t text_begin) {
  assert(loop_.in_loop());
  size_t total = text.size();
  for (const HeldBytes& piece : held) total += piece.bytes().size();
  if (closing_ || total == 0) return;
  bytes_written_ += total;
  int sent = 0;
  if (unsent_ == nullptr) {
    if (held.empty()) {
      const uv_buf_t buffer = buffer_of(text);
      sent = uv_try_write(&handle_.stream, &buffer, 1);
    } else {
      const std::vector<uv_buf_t> buffers = gather(text, held, text_begin);
      sent = uv_try_write(&handle_.stream, buffers.data(), static_cast<unsigned>(buffers.size()));
    }
    if (sent == UV_EAGAIN) sent = 0;
    if (sent < 0) return close();
    if (static_cast<size_t>(sent) == total) return;
  }
  const bool idle = unsent_ == nullptr;
  if (idle) unsent_ = std::make_unique<Unsent>();
  Queue& queue = idle ? unsent_->sending : unsent_->waiting;
  queue.append(text, held, text_begin, static_cast<size_t>(sent));
  if (idle) send_on();
}

void Stream::Queue::append(std::string_view more, std::span<HeldBytes> more_held, size_t text_begin,
                           size_t sent) {
  const auto append_text = [&](std::string_view part) {
    const size_t skipped = std::min(sent, part.size());
    sent -= skipped;
    text.append(part.substr(skipped));
    total += part.size() - skipped;
  };
  size_t at = 0;
  for (HeldBytes& piece : more_held) {
    const size_t position = piece.position() - text_begin;
    append_text(more.substr(at, position - at));
    at = position;
    const size_t skipped = std::min(sent, piece.bytes().size());
    sent -= skipped;
    if (skipped == piece.bytes().size()) continue;
    held.emplace_back(text.size(), std::move(piece));
    held.back().remove_prefix(skipped);
    total += held.back().bytes().size();
  }
  append_text(more.substr(at));
}

size_t Stream::Queue::memory_bytes() const {
  return text.capacity() + held.capacity() * sizeof(HeldBytes) + (total - text.size());
}

// Hands the system what is to be sent next.
void Stream::send_on() {
  const Queue& queue = unsent_->sending;
  unsent_->request.data = this;
  const std::vector<uv_buf_t> buffers = gather(queue.text, queue.held, 0);
  const int status = uv_write(
      &unsent_->request, &handle_.stream, buffers.data(), static_cast<unsigned>(buffers.size()),
      [](uv_write_t* request, int result) { static_cast<Stream*>(request->data)->sent(result); });
  if (status < 0) close();
}

void Stream::sent(int status) {
  if (closing_) return;
  if (status < 0) return close();
  if (unsent_->waiting.total > 0) {
    unsent_->sending = std::exchange(unsent_->waiting, Queue());
    return send_on();
  }
  unsent_.reset();
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
