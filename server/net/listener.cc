#include "server/net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace larder::net {
namespace {

// Connections accepted in one turn: the rest waits for the next, so that a storm of them cannot
// keep the loop from its clients.
constexpr int kAcceptsPerTurn = 64;

// When the system cannot accept, nor drop, those who wait keep the socket readable: it is looked at
// again after a while only, or the loop would spin.
constexpr uint64_t kRestMs = 100;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

bool resolve(const ListenAddress& address, SocketAddress& out) {
  if (address.unix_socket) {
    auto* un = reinterpret_cast<sockaddr_un*>(&out.storage);
    if (address.host.size() >= sizeof un->sun_path) return false;
    un->sun_family = AF_UNIX;
    std::memcpy(un->sun_path, address.host.c_str(), address.host.size() + 1);
    out.size = sizeof *un;
    return true;
  }
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  const std::string host = address.host == "::*" ? "::" : address.host;
  if (inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(static_cast<uint16_t>(address.port));
    out.size = sizeof *in6;
    return true;
  }
  auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
  const std::string host4 = address.host == "*"           ? "0.0.0.0"
                            : address.host == "localhost" ? "127.0.0.1"
                                                          : address.host;
  in->sin_family = AF_INET;
  in->sin_port = htons(static_cast<uint16_t>(address.port));
  out.size = sizeof *in;
  return inet_pton(AF_INET, host4.c_str(), &in->sin_addr) == 1;
}

std::string describe(const ListenAddress& address) {
  return address.unix_socket ? address.host
                             : address.host + " port " + std::to_string(address.port);
}

// Whether somebody listens there. EAGAIN: somebody who has many waiting already.
bool unix_socket_in_use(const SocketAddress& address) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool in_use = connect(probe, address.get(), address.size) == 0 || errno == EAGAIN;
  ::close(probe);
  return in_use;
}

// Removes what a dead server left behind, and nothing but a socket.
void remove_stale_socket(const char* path) {
  struct stat status {};
  if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path);
}

// The permissions are in place before anybody can connect.
bool bind_with_permissions(int fd, const ListenAddress& address, const SocketAddress& target) {
  if (bind(fd, target.get(), target.size) != 0) return false;
  return address.unix_permissions == 0 ||
         chmod(address.host.c_str(), static_cast<mode_t>(address.unix_permissions)) == 0;
}

int bind_and_listen(const ListenAddress& address, const SocketAddress& target, int backlog) {
  const int family = target.get()->sa_family;
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (family == AF_UNIX) {
    if (unix_socket_in_use(target)) {
      ::close(fd);
      errno = EADDRINUSE;
      return -1;
    }
    remove_stale_socket(address.host.c_str());
  }
  const bool listening = bind_with_permissions(fd, address, target) && listen(fd, backlog) == 0;
  if (!listening) {
    const int reason = errno;
    ::close(fd);
    errno = reason;
    return -1;
  }
  return fd;
}

std::string format_address(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  switch (address.get()->sa_family) {
    case AF_INET: {
      const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
      inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
      return std::string(text) + ":" + std::to_string(ntohs(in->sin_port));
    }
    case AF_INET6: {
      const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
      inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
      return "[" + std::string(text) + "]:" + std::to_string(ntohs(in6->sin6_port));
    }
    default: {
      const auto* un = reinterpret_cast<const sockaddr_un*>(&address.storage);
      const bool named = address.size > offsetof(sockaddr_un, sun_path);
      return std::string(named ? un->sun_path : "") + ":0";
    }
  }
}

SocketAddress end_of(int socket, int (*ask)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (ask(socket, address.get(), &address.size) != 0) address.size = 0;
  return address;
}

}  // namespace

Listener* Listener::open(Loop& loop, const ListenAddress& address, int backlog, OnAccept on_accept,
                         OnFailure on_failure, std::string& error) {
  error.clear();
  SocketAddress target;
  if (!resolve(address, target)) {
    error = describe(address) + ": not an address";
    return nullptr;
  }
  const int socket = bind_and_listen(address, target, backlog);
  if (socket < 0) {
    const bool missing =
        errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT;
    if (!(address.optional && missing)) error = describe(address) + ": " + std::strerror(errno);
    return nullptr;
  }
  return new Listener(loop, socket, address, std::move(on_accept), std::move(on_failure));
}

Listener::Listener(Loop& loop, int socket, const ListenAddress& address, OnAccept on_accept,
                   OnFailure on_failure)
    : socket_(socket),
      spare_descriptor_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      address_(address),
      on_accept_(std::move(on_accept)),
      on_failure_(std::move(on_failure)) {
  uv_poll_init(loop.raw(), &poll_, socket_);
  poll_.data = this;
  uv_timer_init(loop.raw(), &rest_timer_);
  rest_timer_.data = this;
  watch();
}

void Listener::watch() {
  uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<Listener*>(handle->data)->accept_ready();
  });
}

void Listener::rest() {
  uv_poll_stop(&poll_);
  uv_timer_start(
      &rest_timer_, [](uv_timer_t* handle) { static_cast<Listener*>(handle->data)->watch(); },
      kRestMs, 0);
}

Listener::~Listener() {
  ::close(socket_);
  if (spare_descriptor_ >= 0) ::close(spare_descriptor_);
  if (address_.unix_socket) unlink(address_.host.c_str());
}

void Listener::close() {
  const auto closed = [](uv_handle_t* handle) {
    auto* listener = static_cast<Listener*>(handle->data);
    if (--listener->open_handles_ == 0) delete listener;
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&rest_timer_), closed);
}

void Listener::accept_ready() {
  for (int i = 0; i < kAcceptsPerTurn; i++) {
    const int socket = accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      on_accept_(socket, address_.unix_socket);
    } else if (errno == EMFILE || errno == ENFILE) {
      on_failure_(std::strerror(errno));
      if (!drop_for_want_of_descriptors()) return rest();
    } else if (errno == ENOBUFS || errno == ENOMEM) {
      on_failure_(std::strerror(errno));
      return rest();
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return;  // EAGAIN: nobody else is waiting
    }
  }
}

// Without this the waiting connection would keep the socket readable and the loop spinning.
bool Listener::drop_for_want_of_descriptors() {
  if (spare_descriptor_ >= 0) ::close(spare_descriptor_);
  const int socket = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket >= 0) ::close(socket);
  spare_descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return socket >= 0;
}

std::string peer_address(int socket) {
  const SocketAddress address = end_of(socket, getpeername);
  if (address.size > 0 && address.get()->sa_family == AF_UNIX) return local_address(socket);
  return address.size > 0 ? format_address(address) : "?:0";
}

std::string local_address(int socket) {
  const SocketAddress address = end_of(socket, getsockname);
  return address.size > 0 ? format_address(address) : "?:0";
}

bool peer_is_local(int socket) {
  const SocketAddress address = end_of(socket, getpeername);
  if (address.size == 0) return false;
  if (address.get()->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
  }
  if (address.get()->sa_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) != 0;
  }
  return true;
}

void set_tcp_options(int socket, int keepalive_s) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (keepalive_s <= 0) return;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  // As Redis: the first probe after the given time, then three a third of it apart.
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_s, sizeof keepalive_s);
  const int interval_s = std::max(1, keepalive_s / 3);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  const int probes = 3;
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace larder::net
