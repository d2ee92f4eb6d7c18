#include "server/net/stream.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace larder::net {
namespace {

// Input up to this size is moved in front of the loop's read buffer; larger input grows where it
// is.
constexpr size_t kSmallInput = Loop::kReadHeadroom;

// Reads of one socket in a row, before the others are looked at.
constexpr int kReadsInARow = 32;

// In such a row 8 MiB, or some 2 ms, of a peer that sends as fast as that.
constexpr size_t kPlacedReadBytes = 256 * 1024;

// What the system takes in one call (IOV_MAX).
constexpr size_t kPiecesMax = 1024;

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

iovec piece_of(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

// Text and what is held for it, as the system wants it, without the first `skipped` bytes.
std::vector<iovec> gather(std::string_view text, std::span<const HeldBytes> held, size_t text_begin,
                          size_t skipped = 0) {
  std::vector<iovec> pieces;
  pieces.reserve(2 * held.size() + 1);
  const auto add = [&](std::string_view bytes) {
    const size_t skip = std::min(skipped, bytes.size());
    skipped -= skip;
    if (skip < bytes.size()) pieces.push_back(piece_of(bytes.substr(skip)));
  };
  size_t at = 0;
  for (const HeldBytes& piece : held) {
    const size_t position = piece.position() - text_begin;
    add(text.substr(at, position - at));
    add(piece.bytes());
    at = position;
  }
  add(text.substr(at));
  return pieces;
}

// How many bytes the system takes now; negative: there will be no sending on this socket any more.
ssize_t taken_of(ssize_t sent) {
  return sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS
             ? std::max<ssize_t>(sent, 0)
             : -1;
}

// The C library's recv() and send() are places where a thread can be cancelled, which costs a
// program with threads several locked instructions a call: the system is called past them.
ssize_t receive(int socket, std::span<char> room) {
  return ::syscall(SYS_recvfrom, socket, room.data(), room.size(), 0, nullptr, nullptr);
}

ssize_t send_text(int socket, std::string_view text) {
  ssize_t sent;
  do {
    sent = ::syscall(SYS_sendto, socket, text.data(), text.size(), MSG_NOSIGNAL, nullptr, 0);
  } while (sent < 0 && errno == EINTR);
  return taken_of(sent);
}

// The same of several pieces.
ssize_t send_pieces(int socket, std::vector<iovec> pieces) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = std::min(pieces.size(), kPiecesMax);
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return taken_of(sent);
}

}  // namespace

Stream* Stream::open(Loop& loop, int socket, StreamHandler& handler) {
  auto* stream = new Stream(loop, socket, handler);
  if (uv_poll_init(loop.raw(), &stream->poll_, socket) < 0) {
    ::close(socket);
    delete stream;
    return nullptr;
  }
  stream->poll_.data = stream;
  stream->resume_reading();
  return stream;
}

// Has the loop look out for what there is to do.
void Stream::watch() {
  const int unread = reading_ ? UV_READABLE : ended_ || hung_up_ ? 0 : UV_DISCONNECT;
  const int events = unread | (unsent_ != nullptr ? UV_WRITABLE : 0);
  if (closing_ || events == watched_) return;
  watched_ = events;
  uv_poll_start(&poll_, events, [](uv_poll_t* handle, int status, int ready) {
    static_cast<Stream*>(handle->data)->on_ready(status, ready);
  });
}

// After an error the loop has stopped to look out: reading or sending will tell what it was.
void Stream::on_ready(int status, int events) {
  if (status < 0) events = std::exchange(watched_, 0);
  if ((events & UV_WRITABLE) != 0 && unsent_ != nullptr) send_on();
  if ((events & UV_READABLE) != 0 && reading_) read();
  if ((events & UV_DISCONNECT) != 0 && !reading_ && !closing_) {
    if (status < 0) {
      end_of_input();
    } else if (!std::exchange(hung_up_, true)) {
      handler_.on_hang_up();
    }
  }
  watch();
}

size_t Stream::memory_bytes() const {
  const size_t output = unsent_ == nullptr ? 0
                                           : sizeof(Unsent) + unsent_->sending.memory_bytes() +
                                                 unsent_->waiting.memory_bytes();
  return sizeof(Stream) + input_.capacity() + output;
}

size_t Stream::unread_bytes() const {
  int bytes = 0;
  const bool known = !closing_ && ioctl(socket_, FIONREAD, &bytes) == 0;
  return known && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

void Stream::resume_reading() {
  assert(loop_.in_loop());
  if (reading_ || ended_ || closing_) return;
  reading_ = true;
  watch();
}

void Stream::pause_reading() {
  assert(loop_.in_loop());
  if (!reading_) return;
  reading_ = false;
  watch();
}

// Until there is nothing left, or for so long that others must have their turn.
void Stream::read() {
  for (int i = 0; i < kReadsInARow && reading_; i++) {
    const std::span<char> target = read_target();
    if (target.empty()) return;
    const ssize_t bytes = receive(socket_, target);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) {
      const bool none_yet = bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
      received(target.data(), 0);
      return none_yet ? void() : end_of_input();
    }
    received(target.data(), static_cast<size_t>(bytes));
    if (static_cast<size_t>(bytes) < target.size()) return;
  }
}

// Small input is copied in front of the shared buffer, so that handler and reads see one piece of
// memory; large input is read into its own end. Empty, and nothing must be read now, if nobody has
// looked yet at what was read last: with 1,024 sockets ready the loop looks at all of them once
// more in the same turn.
std::span<char> Stream::read_target() {
  if (offering()) {
    loop_.finish_reads();
    return {};
  }
  if (const std::span<char> place = handler_.place_for_bytes(); !place.empty()) {
    target_ = Target::kPlace;
    place_room_ = std::min(place.size(), kPlacedReadBytes);
    return place.first(place_room_);
  }
  if (input_.size() <= kSmallInput) {
    target_ = Target::kLoopBuffer;
    char* buffer = loop_.read_room();
    std::memcpy(buffer, input_.data(), input_.size());
    return {buffer + input_.size(), Loop::kReadBytes};
  }
  target_ = Target::kInput;
  read_size_ = input_.size();
  input_.resize(read_size_ + Loop::kReadBytes);
  return {input_.data() + read_size_, Loop::kReadBytes};
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
  // There may be more to be read at once, into what must be settled by then.
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
  const int mark = static_cast<int>(bytes);
  if (!closing_) setsockopt(socket_, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark);
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
  size_t sent = 0;
  if (unsent_ == nullptr) {
    const ssize_t taken = held.empty() ? send_text(socket_, text)
                                       : send_pieces(socket_, gather(text, held, text_begin));
    if (taken < 0) return close();
    sent = static_cast<size_t>(taken);
    if (sent == total) return;
    unsent_ = std::make_unique<Unsent>();
  }
  Queue& queue = unsent_->sending.total == 0 ? unsent_->sending : unsent_->waiting;
  queue.append(text, held, text_begin, sent);
  watch();
}

void Stream::Queue::append(std::string_view more, std::span<HeldBytes> more_held, size_t text_begin,
                           size_t skipped) {
  const auto append_text = [&](std::string_view part) {
    const size_t skip = std::min(skipped, part.size());
    skipped -= skip;
    text.append(part.substr(skip));
    total += part.size() - skip;
  };
  size_t at = 0;
  for (HeldBytes& piece : more_held) {
    const size_t position = piece.position() - text_begin;
    append_text(more.substr(at, position - at));
    at = position;
    const size_t skip = std::min(skipped, piece.bytes().size());
    skipped -= skip;
    if (skip == piece.bytes().size()) continue;
    held.emplace_back(text.size(), std::move(piece));
    held.back().remove_prefix(skip);
    total += held.back().bytes().size();
  }
  append_text(more.substr(at));
}

size_t Stream::Queue::memory_bytes() const {
  return text.capacity() + held.capacity() * sizeof(HeldBytes) + (total - text.size());
}

void Stream::send_on() {
  Queue& queue = unsent_->sending;
  const ssize_t taken = send_pieces(socket_, gather(queue.text, queue.held, 0, queue.sent));
  if (taken < 0) return close();
  queue.sent += static_cast<size_t>(taken);
  if (queue.left() > 0) return;
  if (unsent_->waiting.total > 0) {
    queue = std::exchange(unsent_->waiting, Queue());
    return;
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
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* stream = static_cast<Stream*>(handle->data);
    stream->handler_.on_closed();
    delete stream;
  });
  ::close(socket_);  // which the loop does not look at any more
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
