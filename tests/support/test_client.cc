#include "tests/support/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace larder::testing {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error("TestClient: " + what);
}

void wait_for(int socket, short events) {
  pollfd waiting{socket, events, 0};
  const int ready = poll(&waiting, 1, kPatienceMs);
  if (ready == 0) fail(events == POLLIN ? "nothing came" : "nothing was taken");
}

int connect_to(const sockaddr* address, socklen_t size) {
  const int socket = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) fail(std::string("socket: ") + std::strerror(errno));
  if (connect(socket, address, size) != 0) {
    const int reason = errno;
    ::close(socket);
    fail(std::string("connect: ") + std::strerror(reason));
  }
  return socket;
}

}  // namespace

std::string encode(const std::vector<std::string>& arguments) {
  std::string bytes = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string& argument : arguments) {
    bytes += "$" + std::to_string(argument.size()) + "\r\n";
    bytes += argument;
    bytes += "\r\n";
  }
  return bytes;
}

TestClient TestClient::tcp(const std::string& host, int port) {
  sockaddr_in6 in6{};
  sockaddr_in in{};
  int socket = -1;
  if (inet_pton(AF_INET6, host.c_str(), &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(static_cast<uint16_t>(port));
    socket = connect_to(reinterpret_cast<const sockaddr*>(&in6), sizeof in6);
  } else {
    inet_pton(AF_INET, host.c_str(), &in.sin_addr);
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<uint16_t>(port));
    socket = connect_to(reinterpret_cast<const sockaddr*>(&in), sizeof in);
  }
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return TestClient(socket);
}

TestClient TestClient::unix_socket(const std::string& path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.size() >= sizeof un.sun_path) fail("the path is too long: " + path);
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  return TestClient(connect_to(reinterpret_cast<const sockaddr*>(&un), sizeof un));
}

TestClient::TestClient(TestClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      received_(std::move(other.received_)),
      taken_(other.taken_) {}

TestClient& TestClient::operator=(TestClient&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(received_, other.received_);
  std::swap(taken_, other.taken_);
  return *this;
}

TestClient::~TestClient() {
  close();
}

void TestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    wait_for(socket_, POLLOUT);
    bytes.remove_prefix(send_some(bytes));
  }
}

size_t TestClient::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) fail(std::string("send: ") + std::strerror(errno));
  return sent < 0 ? 0 : static_cast<size_t>(sent);
}

bool TestClient::receive() {
  constexpr size_t kPiece = 256 * 1024;
  wait_for(socket_, POLLIN);
  received_.erase(0, taken_);
  taken_ = 0;
  const size_t before = received_.size();
  received_.resize(before + kPiece);
  const ssize_t got = recv(socket_, received_.data() + before, kPiece, 0);
  const int reason = errno;
  received_.resize(before + static_cast<size_t>(got > 0 ? got : 0));
  if (got < 0 && reason != ECONNRESET) fail(std::string("recv: ") + std::strerror(reason));
  return got > 0;
}

protocol::Reply TestClient::read_reply() {
  protocol::Reply reply;
  size_t looked_at = 0;
  bool ended = false;
  while (true) {
    // Looked at again when it has doubled, or nothing more is there: linear for long replies.
    const size_t bytes = unread().size();
    if (bytes > 0 && (bytes >= 2 * looked_at || ended || silent_for(0))) {
      looked_at = bytes;
      const auto size = protocol::read_reply(unread(), reply);
      if (!size) fail("not a reply: " + std::string(unread().substr(0, 200)));
      if (*size > 0) {
        taken_ += *size;
        return reply;
      }
    }
    if (ended) fail("closed instead of a reply");
    ended = !receive();
  }
}

std::string TestClient::call(const std::vector<std::string>& arguments) {
  request(arguments);
  return reply();
}

std::string TestClient::read_line() {
  size_t end = 0;
  while ((end = unread().find("\r\n")) == std::string::npos) {
    if (!receive()) fail("closed instead of a line");
  }
  std::string line(unread().substr(0, end));
  taken_ += end + 2;
  return line;
}

bool TestClient::closed() {
  return unread().empty() && !receive();
}

size_t TestClient::skip_to_end() {
  size_t bytes = unread().size();
  taken_ += bytes;
  while (receive()) {
    bytes += unread().size();
    taken_ = received_.size();
  }
  return bytes;
}

bool TestClient::silent(int milliseconds) const {
  return unread().empty() && silent_for(milliseconds);
}

bool TestClient::silent_for(int milliseconds) const {
  pollfd waiting{socket_, POLLIN, 0};
  return poll(&waiting, 1, milliseconds) == 0;
}

void TestClient::finish_sending() {
  shutdown(socket_, SHUT_WR);
}

void TestClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void TestClient::reset() {
  const linger at_once{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

int TestClient::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

void pause_briefly() {
  constexpr int kPauseMs = 5;
  poll(nullptr, 0, kPauseMs);
}

}  // namespace larder::testing
