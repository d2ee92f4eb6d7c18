// The probe of bench/latency.py: sends GET and SET at a fixed rate and measures how long the
// replies take.
//
// The loop is open: when a request is sent depends on the clock alone, never on a reply, and its
// latency counts from the moment that the schedule gave it. A server that stands still for 100 ms
// is thereby charged with every request that fell into those 100 ms (no coordinated omission). What
// the probe itself was late in sending is measured too: it tells a stall of the server from one of
// the machine.
//
//   latency_client PORT RATE CONNECTIONS
//
// prints "ready" when it begins, runs until its standard input ends, waits for the replies that are
// still due, and prints one line of JSON. One thread; memory and priority are taken before it
// begins.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/latency_histogram.h"
#include "protocol/reply_reader.h"

namespace larder::bench {
namespace {

constexpr size_t kKeys = 1000;
constexpr size_t kValueBytes = 32;
constexpr int kRequestsPerSet = 10;               // one request in so many writes, the others read
constexpr int64_t kLastReplyNs = 20'000'000'000;  // how long to wait for replies at the end
constexpr uint64_t kSlowNs = 2'000'000;           // what issue and table call a stall

struct Settings {
  uint16_t port = 0;
  double rate = 0;  // requests a second, over all connections
  size_t connections = 0;
};

int64_t clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(errno != 0 ? what + ": " + std::strerror(errno) : what);
}

std::string encode(const std::vector<std::string>& words) {
  std::string request = "*";
  request.append(std::to_string(words.size())).append("\r\n");
  for (const std::string& word : words) {
    request.append("$").append(std::to_string(word.size())).append("\r\n");
    request.append(word).append("\r\n");
  }
  return request;
}

// One connection. Replies come in the order of the requests, so a queue of the times at which these
// were due is all there is to remember.
class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      fail("cannot connect");
    }
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;

  int socket() const { return socket_; }
  size_t unanswered() const { return due_ns_.size(); }
  const std::deque<int64_t>& due_ns() const { return due_ns_; }

  // What the system does not take is kept and sent with the next request or reply.
  void send(std::string_view request, int64_t due_ns) {
    due_ns_.push_back(due_ns);
    unsent_ += request;
    send_on();
  }

  void send_on() {
    if (unsent_.empty()) return;
    const ssize_t sent =
        ::send(socket_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(0, static_cast<size_t>(sent));
    if (sent < 0 && errno != EAGAIN) fail("the server closed a connection");
  }

  // Reads what is there, calls `answered(due_ns, is_error)` for each complete reply.
  template <class Answered>
  void receive(Answered answered) {
    char chunk[16 * 1024];
    const ssize_t got = recv(socket_, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      if (got == 0) errno = 0;
      fail("the server closed a connection");
    }
    input_.append(chunk, static_cast<size_t>(got));
    size_t used = 0;
    while (used < input_.size()) {
      const std::optional<size_t> length =
          protocol::read_reply(std::string_view(input_).substr(used), reply_);
      errno = 0;
      if (!length || (*length > 0 && due_ns_.empty())) fail("the server sent what is no reply");
      if (*length == 0) break;
      used += *length;
      answered(due_ns_.front(), reply_.is_error());
      due_ns_.pop_front();
    }
    input_.erase(0, used);
    send_on();
  }

 private:
  int socket_;
  std::string unsent_;
  std::string input_;
  protocol::Reply reply_;
  std::deque<int64_t> due_ns_;
};

// What is known at the end.
struct Findings {
  LatencyHistogram latency;   // from due to answered
  LatencyHistogram lateness;  // from due to sent
  uint64_t errors = 0;
  uint64_t unanswered = 0;
  uint64_t slow = 0;        // answered after more than kSlowNs
  int64_t worst_at_ns = 0;  // since the beginning, when the request that took longest was due
  int64_t ran_ns = 0;
};

class Probe {
 public:
  explicit Probe(const Settings& settings)
      : interval_ns_(1e9 / settings.rate), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    prepare_requests();
    for (size_t i = 0; i < settings.connections; i++) {
      connections_.emplace_back(settings.port);
      watch(connections_.back().socket(), i);
    }
    watch(STDIN_FILENO, kInputEnded);
    write_keys();
  }
  ~Probe() { ::close(epoll_); }
  Probe(const Probe&) = delete;

  Findings run() {
    std::puts("ready");
    std::fflush(stdout);
    start_ns_ = clock_ns();
    while (!ended_) {
      send_due();
      wait_until(due_ns(sent_));
    }
    findings_.ran_ns = clock_ns() - start_ns_;
    await_last_replies();
    return findings_;
  }

 private:
  static constexpr uint64_t kInputEnded = ~uint64_t{0};

  void prepare_requests() {
    for (size_t i = 0; i < kKeys; i++) {
      const std::string key = "probe:" + std::to_string(1'000'000 + i);
      gets_.push_back(encode({"GET", key}));
      sets_.push_back(encode({"SET", key, std::string(kValueBytes, 'v')}));
    }
  }

  void watch(int descriptor, uint64_t id) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = id;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
      fail(descriptor == STDIN_FILENO ? "standard input must be a pipe or a terminal" : "epoll");
    }
  }

  // Before anything is measured: each key once, one after the other.
  void write_keys() {
    Connection& first = connections_.front();
    for (const std::string& set : sets_) {
      first.send(set, 0);
      while (first.unanswered() > 0) {
        first.receive([](int64_t, bool) {});
      }
    }
  }

  int64_t due_ns(uint64_t request) const {
    return start_ns_ + static_cast<int64_t>(static_cast<double>(request) * interval_ns_);
  }

  void send_due() {
    for (int64_t now_ns = clock_ns(); due_ns(sent_) <= now_ns; now_ns = clock_ns()) {
      const int64_t due = due_ns(sent_);
      const size_t key = random_() % kKeys;
      const bool writes = random_() % kRequestsPerSet == 0;
      connections_[sent_ % connections_.size()].send(writes ? sets_[key] : gets_[key], due);
      findings_.lateness.add(static_cast<uint64_t>(now_ns - due));
      sent_++;
    }
  }

  // Takes replies until then.
  void wait_until(int64_t until_ns) {
    const int64_t left_ns = std::max<int64_t>(0, until_ns - clock_ns());
    const timespec timeout{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
    epoll_event events[64];
    const int count = epoll_pwait2(epoll_, events, 64, &timeout, nullptr);
    if (count < 0 && errno != EINTR) fail("epoll");
    for (int i = 0; i < count; i++) {
      if (events[i].data.u64 == kInputEnded) {
        read_input();
      } else {
        connections_[events[i].data.u64].receive(
            [this](int64_t due, bool is_error) { note(due, is_error); });
      }
    }
  }

  void read_input() {
    char ignored[256];
    if (::read(STDIN_FILENO, ignored, sizeof ignored) > 0) return;
    ended_ = true;
    epoll_ctl(epoll_, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
  }

  void note(int64_t due, bool is_error) {
    const auto took_ns = static_cast<uint64_t>(clock_ns() - due);
    if (took_ns > findings_.latency.max_ns()) findings_.worst_at_ns = due - start_ns_;
    findings_.latency.add(took_ns);
    if (took_ns > kSlowNs) findings_.slow++;
    if (is_error) findings_.errors++;
  }

  size_t unanswered() const {
    size_t sum = 0;
    for (const Connection& connection : connections_) sum += connection.unanswered();
    return sum;
  }

  // A request that is not answered at all counts with the time for which it was waited.
  void await_last_replies() {
    const int64_t give_up_ns = clock_ns() + kLastReplyNs;
    while (unanswered() > 0 && clock_ns() < give_up_ns) wait_until(give_up_ns);
    findings_.unanswered = unanswered();
    for (const Connection& connection : connections_) {
      for (const int64_t due : connection.due_ns()) note(due, false);
    }
  }

  const double interval_ns_;
  const int epoll_;
  std::deque<Connection> connections_;
  std::vector<std::string> gets_;
  std::vector<std::string> sets_;
  std::minstd_rand random_{1};
  int64_t start_ns_ = 0;
  uint64_t sent_ = 0;
  bool ended_ = false;
  Findings findings_;
};

// So that what is measured is the server, not the wait for a processor behind the disturbance. The
// probe uses a few percent of a processor, which a real-time priority lets it have at once.
const char* take_priority() {
  mlockall(MCL_CURRENT | MCL_FUTURE);
  prctl(PR_SET_TIMERSLACK, 1);
  sched_param parameters{};
  parameters.sched_priority = 1;
  if (sched_setscheduler(0, SCHED_FIFO, &parameters) == 0) return "real-time";
  if (setpriority(PRIO_PROCESS, 0, -20) == 0) return "nice -20";
  return "normal";
}

void print_percentiles(const char* name, const LatencyHistogram& histogram) {
  const auto us = [](uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; };
  std::printf(R"("%s": {"p50": %.1f, "p99": %.1f, "p99.9": %.1f, "max": %.1f}, )", name,
              us(histogram.percentile_ns(50)), us(histogram.percentile_ns(99)),
              us(histogram.percentile_ns(99.9)), us(histogram.max_ns()));
}

void print(const Findings& findings, const char* priority) {
  std::printf("{");
  print_percentiles("latency_us", findings.latency);
  print_percentiles("lateness_us", findings.lateness);
  std::printf(
      R"("requests": %llu, "errors": %llu, "unanswered": %llu, "over_2ms": %llu, "worst_at_s": %.3f, )"
      R"("seconds": %.3f, "priority": "%s"})"
      "\n",
      static_cast<unsigned long long>(findings.latency.count()),
      static_cast<unsigned long long>(findings.errors),
      static_cast<unsigned long long>(findings.unanswered),
      static_cast<unsigned long long>(findings.slow),
      static_cast<double>(findings.worst_at_ns) / 1e9, static_cast<double>(findings.ran_ns) / 1e9,
      priority);
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

}  // namespace
}  // namespace larder::bench

int main(int count, char** arguments) {
  using namespace larder::bench;
  Settings settings;
  if (count != 4 || !read_number(arguments[1], settings.port) ||
      !read_number(arguments[2], settings.rate) ||
      !read_number(arguments[3], settings.connections)) {
    std::fputs("usage: latency_client PORT RATE CONNECTIONS\n", stderr);
    return 2;
  }
  try {
    Probe probe(settings);
    const char* priority = take_priority();
    print(probe.run(), priority);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "latency_client: %s\n", error.what());
    return 1;
  }
}
