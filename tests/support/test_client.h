// A client for tests over real sockets: blocking, one thread, no pipelining of its own. What does
// not come within kPatienceMs throws std::runtime_error, which fails the test with its message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/reply_reader.h"

namespace larder::testing {

// How long anything may take before a test gives up: generous, for sanitizers on a busy machine.
inline constexpr int kPatienceMs = 60'000;

// A request as client libraries send it: an array of bulk strings.
std::string encode(const std::vector<std::string>& arguments);

class TestClient {
 public:
  // `host` is an IPv4 or IPv6 address. Throws if nobody listens there.
  static TestClient tcp(const std::string& host, int port);
  static TestClient unix_socket(const std::string& path);

  TestClient(TestClient&& other) noexcept;
  TestClient& operator=(TestClient&& other) noexcept;
  ~TestClient();

  // Sends all the bytes, for as long as the peer takes them.
  void send(std::string_view bytes);
  void request(const std::vector<std::string>& arguments) { send(encode(arguments)); }
  // Sends what the system takes at once; answers how many bytes that was.
  size_t send_some(std::string_view bytes);

  protocol::Reply read_reply();
  // The next reply as Reply::to_string() prints it.
  std::string reply() { return read_reply().to_string(); }
  // Sends a command and answers its reply, printed.
  std::string call(const std::vector<std::string>& arguments);
  // The next line, without its end: for what is no reply.
  std::string read_line();

  // Waits until the server closes the connection; false if it sends anything before.
  bool closed();
  // Waits until the server closes the connection; answers how many bytes it sent before.
  size_t skip_to_end();
  // Whether nothing arrives for so long, not even an end.
  bool silent(int milliseconds) const;

  // Says that no more will be sent.
  void finish_sending();
  void close();
  // Closes with a reset instead of an orderly end.
  void reset();

  int port() const;  // the own end's

 private:
  explicit TestClient(int socket) : socket_(socket) {}
  // False at the end of the stream.
  bool receive();
  bool silent_for(int milliseconds) const;
  std::string_view unread() const { return std::string_view(received_).substr(taken_); }

  int socket_ = -1;
  std::string received_;
  size_t taken_ = 0;  // bytes of received_ that were handed out
};

// A short pause between two looks at something that will change.
void pause_briefly();

// Waits until `condition` holds, looking again every few milliseconds; false if it never does.
template <typename Condition>
bool eventually(Condition condition) {
  constexpr int kPauseMs = 5;
  for (int waited_ms = 0; waited_ms < kPatienceMs; waited_ms += kPauseMs) {
    if (condition()) return true;
    pause_briefly();
  }
  return false;
}

}  // namespace larder::testing
