#include "tests/support/server_process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace larder::testing {
namespace {

constexpr int kEndedBySignal = 1000;

const char* binary() {
  const char* given = std::getenv("LARDER_BINARY");
  return given != nullptr ? given : LARDER_BINARY_PATH;
}

// What a child does between fork and exec: calls of the system only.
[[noreturn]] void become(char* const* arguments, int output, int errors, size_t open_files_max) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  if (open_files_max != 0) {
    // Root could raise the limit again, but for this capability.
    prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
    const rlimit limit{open_files_max, open_files_max};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  execv(arguments[0], arguments);
  _exit(127);
}

std::string read_all(int file) {
  std::string text;
  char piece[4096];
  ssize_t got = 0;
  while ((got = pread(file, piece, sizeof piece, static_cast<off_t>(text.size()))) > 0) {
    text.append(piece, static_cast<size_t>(got));
  }
  return text;
}

bool sanitizer_spoke(const std::string& text) {
  return text.find("Sanitizer") != std::string::npos ||
         text.find("runtime error:") != std::string::npos;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, size_t open_files_max)
    : output_(memfd_create("output", MFD_CLOEXEC)), errors_(memfd_create("errors", MFD_CLOEXEC)) {
  std::vector<std::string> words{binary()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  id_ = fork();
  if (id_ == 0) become(pointers.data(), output_, errors_, open_files_max);
  if (id_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, id_, 0));
}

Process::~Process() {
  if (!ended(false)) {
    kill(id_, SIGKILL);
    ended(true);
  }
  for (const int descriptor : {descriptor_, output_, errors_}) ::close(descriptor);
}

bool Process::ended(bool block) {
  if (!reaped_) reaped_ = waitpid(id_, &status_, block ? 0 : WNOHANG) == id_;
  return reaped_;
}

bool Process::running() {
  return !ended(false);
}

void Process::signal(int number) const {
  kill(id_, number);
}

int Process::wait() {
  pollfd waiting{descriptor_, POLLIN, 0};
  if (!reaped_ && poll(&waiting, 1, kPatienceMs) == 0) {
    throw std::runtime_error("the server does not end; it said: " + errors());
  }
  ended(true);
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : kEndedBySignal + WTERMSIG(status_);
}

std::string Process::output() const {
  return read_all(output_);
}

std::string Process::errors() const {
  return read_all(errors_);
}

ServerProcess::ServerProcess(const std::vector<std::string>& options, size_t open_files_max) {
  start(options, open_files_max);
}

ServerProcess::ServerProcess(int threads, std::vector<std::string> options) {
  options.insert(options.end(), {"--threads", std::to_string(threads)});
  start(options, 0);
}

// Another process may take the free port before the server does: then with another.
void ServerProcess::start(const std::vector<std::string>& options, size_t open_files_max) {
  constexpr int kAttempts = 5;
  for (int attempt = 1;; attempt++) {
    port_ = free_port();
    std::vector<std::string> arguments;
    const bool has_file = !options.empty() && options[0].rfind("--", 0) != 0;
    if (has_file) arguments.push_back(options[0]);
    arguments.insert(arguments.end(), {"--port", std::to_string(port_), "--bind", "127.0.0.1"});
    arguments.insert(arguments.end(), options.begin() + (has_file ? 1 : 0), options.end());
    process_ = std::make_unique<Process>(arguments, open_files_max);
    const bool settled = eventually([this] { return !process_->running() || answers(); });
    if (settled && process_->running()) return;
    const std::string said = process_->errors();
    if (attempt == kAttempts || said.find("Address already in use") == std::string::npos) {
      throw std::runtime_error("the server does not start; it said: " + said);
    }
  }
}

// Whatever it answers to PING (it may want a password first).
bool ServerProcess::answers() const {
  try {
    connect().call({"PING"});
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::string ServerProcess::info(const std::string& field) const {
  const std::string text = "\n" + connect().call({"INFO", "everything"});
  const size_t at = text.find("\n" + field + ":");
  if (at == std::string::npos) return "";
  const size_t from = at + field.size() + 2;
  return text.substr(from, text.find('\r', from) - from);
}

size_t ServerProcess::resident_bytes() const {
  std::istringstream statm(read_file("/proc/" + std::to_string(process_->id()) + "/statm"));
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

int64_t ServerProcess::processor_ms() const {
  clockid_t clock = 0;
  timespec time{};
  clock_getcpuclockid(process_->id(), &clock);
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

::testing::AssertionResult ServerProcess::stops(int signal) {
  process_->signal(signal);
  return ends();
}

::testing::AssertionResult ServerProcess::ends() {
  const int status = process_->wait();
  const std::string said = process_->errors();
  if (status == 0 && !sanitizer_spoke(said)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "status " << status << "; the server said: " << said;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "larder-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name)) << text;
  return path(name);
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Below those that the system gives to outgoing connections: else a client that tries to connect
// before the server listens may be connected to itself.
int free_port() {
  static std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int> ports(10'000, 32'000);
  while (true) {
    const int port = ports(random);
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    const bool free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    if (free) return port;
  }
}

}  // namespace larder::testing
