// The larder program as a process of its own, for tests from outside: start it, talk to it, stop
// it. The program is the one in the environment variable LARDER_BINARY, else the one built beside
// the tests.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_client.h"

namespace larder::testing {

// A started program. Destroying it kills it; it also dies with the test.
class Process {
 public:
  // `open_files_max`: its limit on open files, which it is not allowed to raise; 0: inherited.
  explicit Process(const std::vector<std::string>& arguments, size_t open_files_max = 0);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return id_; }
  bool running();
  void signal(int number) const;
  // Waits for its end. The exit status, or 1000 and the signal that ended it.
  int wait();

  // What it wrote so far.
  std::string output() const;
  std::string errors() const;

 private:
  bool ended(bool block);

  pid_t id_ = -1;
  int descriptor_ = -1;  // of the process
  int output_ = -1;      // files without a name
  int errors_ = -1;
  bool reaped_ = false;
  int status_ = 0;
};

// A server on a free port of 127.0.0.1 (and what else the options say), ready when constructed.
class ServerProcess {
 public:
  // `options` as on the command line, {"--threads", "2"}; they come behind the port and the bind
  // address. Throws std::runtime_error, with what the server said, if it does not start.
  explicit ServerProcess(const std::vector<std::string>& options = {}, size_t open_files_max = 0);
  ServerProcess(int threads, std::vector<std::string> options);

  int port() const { return port_; }
  Process& process() const { return *process_; }
  TestClient connect() const { return TestClient::tcp("127.0.0.1", port_); }

  // A field of INFO; empty if there is none.
  std::string info(const std::string& field) const;
  size_t resident_bytes() const;
  // Time that it ran on a processor, in milliseconds.
  int64_t processor_ms() const;

  // Whether a server that was told to end, by signal, ends well: with exit status 0 and without a
  // word from a sanitizer.
  ::testing::AssertionResult stops(int signal);
  // The same for one that was told to end otherwise.
  ::testing::AssertionResult ends();

 private:
  bool answers() const;
  void start(const std::vector<std::string>& options, size_t open_files_max);

  int port_ = 0;
  std::unique_ptr<Process> process_;
};

// A folder for a test's files, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file and answers its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);

// A TCP port that nobody uses at the moment.
int free_port();

}  // namespace larder::testing
