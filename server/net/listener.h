// Listening sockets. A listener accepts on its loop and hands each new socket on; which loop serves
// it is the caller's choice.
#pragma once

#include <uv.h>

#include <functional>
#include <string>
#include <vector>

#include "server/net/loop.h"

namespace larder::net {

struct ListenAddress {
  std::string host;  // an address; for a Unix socket its path
  int port = 0;
  bool optional = false;  // skipped without an error if this machine does not have it
  bool unix_socket = false;
  int unix_permissions = 0;  // 0: as the umask says
};

class Listener {
 public:
  // Called with a connected, non-blocking socket, which is then the callee's.
  using OnAccept = std::function<void(int socket, bool unix_socket)>;
  // Called when the system could not accept; the connection was dropped.
  using OnFailure = std::function<void(const std::string& reason)>;

  // Binds and listens. Returns null and the reason in `error`; null with an empty `error` for an
  // optional address that does not exist. Loop's thread, or before the loop runs.
  static Listener* open(Loop& loop, const ListenAddress& address, int backlog, OnAccept on_accept,
                        OnFailure on_failure, std::string& error);

  // Stops listening and destroys the listener.
  void close();

 private:
  Listener(Loop& loop, int socket, const ListenAddress& address, OnAccept on_accept,
           OnFailure on_failure);
  ~Listener();
  void watch();
  void accept_ready();
  bool drop_for_want_of_descriptors();
  void rest();

  uv_poll_t poll_;
  uv_timer_t rest_timer_;
  int open_handles_ = 2;
  int socket_;
  int spare_descriptor_;  // given up for a moment to accept and drop when there are no others left
  ListenAddress address_;
  OnAccept on_accept_;
  OnFailure on_failure_;
};

// "10.0.0.1:6379", "[::1]:6379" or "/path:0" of a connected socket's two ends.
std::string peer_address(int socket);
std::string local_address(int socket);
// Whether the peer is on this machine.
bool peer_is_local(int socket);

// TCP_NODELAY, and keepalive probes every `keepalive_s` seconds (0: none).
void set_tcp_options(int socket, int keepalive_s);

}  // namespace larder::net
