#include "server/app/application.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "server/app/log.h"
#include "server/commands/families.h"
#include "server/core/errors.h"
#include "server/core/memory_report.h"
#include "storage/memory.h"
#include "storage/memory_preparer.h"

namespace larder::app {
namespace {

// Descriptors that are not connections: listeners, the log, libraries, and a loop's own.
constexpr rlim_t kOtherDescriptors = 64;
constexpr rlim_t kDescriptorsPerWorker = 4;

constexpr std::string_view kDenied =
    "-DENIED Larder is running in protected mode because no password is set for the default user. "
    "In this mode connections are only accepted from the loopback interface. To connect from other "
    "machines, set a password with the option requirepass, or turn protected-mode off.\r\n";

size_t worker_count(const core::Config& config) {
  const auto wanted = static_cast<size_t>(config.values.threads.load());
  return wanted != 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
}

uint64_t random_seed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    throw std::runtime_error("no randomness for the hash seed");
  }
  return seed;
}

std::string random_run_id() {
  std::string id;
  while (id.size() < 40) id += fmt::format("{:016x}", random_seed());
  return id.substr(0, 40);
}

std::string executable_path() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "";
}

void refuse_with(int socket, std::string_view reply) {
  // Best effort: the peer may be gone already.
  [[maybe_unused]] const ssize_t sent =
      send(socket, reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(socket);
}

}  // namespace

Application::Application(core::Config& config, const storage::Clock& clock)
    : config_(config),
      workers_wanted_(worker_count(config)),
      server_(config, clock,
              {.databases = static_cast<size_t>(config.values.databases.load()),
               .hash_seed = random_seed(),
               .concurrent = workers_wanted_ > 1},
              commands::all_families(), workers_wanted_) {
  server_.host = this;
  server_.pushes.set_waker([this](size_t worker) { workers_[worker]->wake(); });
  server_.identity = {random_run_id(), executable_path(), clock.now_ms()};
  for (size_t i = 0; i < workers_wanted_; i++) {
    workers_.push_back(std::make_unique<core::Worker>(server_, i, workers_wanted_));
  }
  config.on_change("loglevel", [this] { return apply_log_level(config_), std::string(); });
  config.on_change("maxclients", [this] {
    const std::string wrong = raise_file_limit();
    if (wrong.empty()) reserve_descriptors();
    return wrong;
  });
}

Application::~Application() {
  if (!listeners_.empty()) stop_accepting();
  stop_helpers();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::string Application::prepare() {
  for (const auto& [from, to, place] : config_.renamed_commands()) {
    const bool known = server_.commands.find(from) != nullptr;
    if (server_.commands.rename(from, to)) continue;
    return fmt::format(
        "{}rename-command: {}", place,
        known ? fmt::format("'{}' is taken", to) : fmt::format("there is no command '{}'", from));
  }
  if (const std::string wrong = raise_file_limit(); !wrong.empty()) {
    const int64_t fitting = fitting_clients();
    spdlog::warn("{}: maxclients is {} now", wrong, fitting);
    config_.values.maxclients = fitting;
  }
  reserve_descriptors();
  return open_listeners();
}

rlim_t Application::other_descriptors() const {
  return kOtherDescriptors + workers_wanted_ * kDescriptorsPerWorker;
}

// How many connections the limit on open files leaves room for: one at least.
int64_t Application::fitting_clients() const {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t others = other_descriptors();
  return limit.rlim_cur > others ? static_cast<int64_t>(limit.rlim_cur - others) : 1;
}

// So that maxclients connections fit. Empty when done, else why not.
std::string Application::raise_file_limit() {
  const rlim_t wanted = static_cast<rlim_t>(config_.values.maxclients.load()) + other_descriptors();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return "";
  const rlimit raised{wanted, std::max(limit.rlim_max, wanted)};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return "";
  const rlimit most{limit.rlim_max, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &most);
  if (limit.rlim_max >= wanted) return "";
  return fmt::format("The system allows {} open files, too few for maxclients {}", limit.rlim_max,
                     config_.values.maxclients.load());
}

// Linux' table of descriptors grows by doubling, and once a process has threads each growth waits
// for all processors (synchronize_rcu): some 15 ms for which the loop that accepts stood still.
// Opening the highest descriptor once gives the table its final size; 8 bytes for each.
void Application::reserve_descriptors() {
  const auto clients = static_cast<rlim_t>(config_.values.maxclients.load());
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = std::min(clients + other_descriptors(), limit.rlim_cur);
  const int any = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (any < 0) return;  // none is left: the table has its size already
  const int highest = fcntl(any, F_DUPFD_CLOEXEC, static_cast<int>(wanted - 1));
  if (highest >= 0) ::close(highest);
  ::close(any);
}

std::string Application::open_listeners() {
  const core::ConfigValues& values = config_.values;
  std::vector<net::ListenAddress> addresses;
  const auto port = static_cast<int>(values.port.load());
  if (port != 0) {
    for (std::string host :
         core::split_words(values.bind.get()).value_or(std::vector<std::string>())) {
      const bool optional = host[0] == '-';
      if (optional) host.erase(0, 1);
      addresses.push_back({.host = host, .port = port, .optional = optional});
    }
  }
  if (const std::string path = values.unixsocket.get(); !path.empty()) {
    addresses.push_back({.host = path,
                         .unix_socket = true,
                         .unix_permissions = static_cast<int>(values.unixsocketperm.load())});
  }
  for (const net::ListenAddress& address : addresses) {
    std::string error;
    net::Listener* listener = net::Listener::open(
        workers_[0]->loop(), address, static_cast<int>(values.tcp_backlog.load()),
        [this](int socket, bool unix_socket) { accepted(socket, unix_socket); },
        [this](const std::string& reason) {
          const int64_t now_ms = server_.clock.now_ms();
          server_.statistics.accept_rejected.add();
          if (now_ms - failure_logged_ms_ < 1000) return;
          failure_logged_ms_ = now_ms;
          spdlog::warn("Connection dropped: {}", reason);
        },
        error);
    if (listener != nullptr) {
      listeners_.push_back(listener);
      spdlog::info("Listening on {}{}", address.host,
                   address.unix_socket ? "" : fmt::format(" port {}", address.port));
    } else if (!error.empty()) {
      return "cannot listen on " + error;
    }
  }
  if (!listeners_.empty()) return "";
  return "nothing to listen on: no port with an address that this machine has, and no unixsocket";
}

bool Application::refuse(int socket, bool unix_socket) {
  size_t connections = 0;
  for (const auto& worker : workers_) connections += worker->connections();
  if (connections >= static_cast<size_t>(config_.values.maxclients.load())) {
    server_.statistics.accept_rejected.add();
    refuse_with(socket, fmt::format("-{}\r\n", core::errors::kMaxClients));
    return true;
  }
  const bool open_to_all = config_.values.protected_mode.load() == 0 || unix_socket ||
                           !config_.values.requirepass.get().empty();
  if (open_to_all || net::peer_is_local(socket)) return false;
  server_.statistics.accept_rejected.add();
  refuse_with(socket, kDenied);
  return true;
}

// Deals the connection to the worker with the fewest.
void Application::accepted(int socket, bool unix_socket) {
  if (refuse(socket, unix_socket)) return;
  if (!unix_socket) {
    net::set_tcp_options(socket, static_cast<int>(config_.values.tcp_keepalive_s.load()));
  }
  const auto fewest = std::min_element(
      workers_.begin(), workers_.end(),
      [](const auto& a, const auto& b) { return a->connections() < b->connections(); });
  (*fewest)->adopt(socket, unix_socket);
}

void Application::watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    auto handle = std::make_unique<uv_signal_t>();
    uv_signal_init(workers_[0]->loop().raw(), handle.get());
    handle->data = this;
    uv_signal_start(
        handle.get(),
        [](uv_signal_t* signal, int caught) {
          static_cast<Application*>(signal->data)->on_signal(caught);
        },
        number);
    signals_.push_back(std::move(handle));
  }
}

void Application::on_signal(int number) {
  if (number == SIGHUP) return reopen_log(config_);
  spdlog::info("{} received, shutting down", number == SIGTERM ? "SIGTERM" : "SIGINT");
  shut_down();
}

void Application::run() {
  watch_signals();
  storage::start_background_purging();
  const storage::MemoryPreparer memory_preparer;
  server_.startup_memory = storage::measure_memory().allocated_bytes;
  for (size_t i = 1; i < workers_.size(); i++) {
    threads_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), fmt::format("larder-{}", i).c_str());
      workers_[i]->run();
    });
  }
  start_helpers();
  spdlog::info("Ready: {} {}, {} databases", workers_.size(),
               workers_.size() == 1 ? "thread" : "threads", server_.store.databases());
  workers_[0]->run();
  stop_helpers();
  for (std::thread& thread : threads_) thread.join();
  spdlog::info("Stopped");
}

// What would keep a loop waiting.
void Application::start_helpers() {
  threads_.emplace_back([this] {
    pthread_setname_np(pthread_self(), "larder-free");
    reclaimer_.run();
  });
  threads_.emplace_back([this] {
    pthread_setname_np(pthread_self(), "larder-memory");
    watch_memory();
  });
}

void Application::stop_helpers() {
  reclaimer_.stop();
  {
    const std::lock_guard lock(memory_mutex_);
    memory_watched_ = false;
  }
  memory_watch_ends_.notify_all();
}

void Application::watch_memory() {
  constexpr std::chrono::milliseconds kPeriod(100);
  std::unique_lock lock(memory_mutex_);
  while (memory_watched_) {
    lock.unlock();
    core::note_used_memory(server_);
    lock.lock();
    memory_watch_ends_.wait_for(lock, kPeriod, [this] { return !memory_watched_; });
  }
}

void Application::stop_accepting() {
  for (net::Listener* listener : listeners_) listener->close();
  listeners_.clear();
  for (const auto& handle : signals_) {
    uv_close(reinterpret_cast<uv_handle_t*>(handle.get()), nullptr);
  }
}

void Application::shut_down() {
  workers_[0]->post([this] {
    if (stopping_) return;
    stopping_ = true;
    stop_accepting();
    server_.pause.until_ms = 0;  // what CLIENT PAUSE holds back is still answered
    for (const auto& worker : workers_) worker->shut_down();
  });
}

void Application::feed_monitors(std::string line) {
  for (const auto& worker : workers_) worker->push_to_monitors(line);
}

void Application::wake_paused() {
  for (const auto& worker : workers_) worker->wake_held();
}

// Spread over the workers, which free in slices.
bool Application::work_behind(size_t worker, std::unique_ptr<core::BackgroundJob> job) {
  return workers_[worker]->work_behind(std::move(job));
}

void Application::reclaim(std::vector<storage::Table> tables) {
  std::vector<std::vector<storage::Table>> shares(workers_.size());
  for (size_t i = 0; i < tables.size(); i++) {
    shares[i % shares.size()].push_back(std::move(tables[i]));
  }
  for (size_t i = 0; i < shares.size(); i++) workers_[i]->reclaim(std::move(shares[i]));
}

}  // namespace larder::app
