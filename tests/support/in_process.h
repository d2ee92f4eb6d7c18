// Runs commands in process: a server without sockets, one client, a clock that stands still.
//
//   InProcess server;
//   EXPECT_EQ(server.run({"SET", "k", "v"}), "+OK");
//   server.clock().advance_ms(1000);
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/reply_reader.h"
#include "server/core/dispatch.h"
#include "storage/garbage.h"

namespace larder::testing {

// A client without a connection, authenticated and registered for as long as it lives.
class FakeClient final : public core::Client {
 public:
  FakeClient(core::Server& server, int64_t now_ms);
  ~FakeClient() override;
  Buffers buffers() const override { return {}; }
  void request_close() override {
    closed = true;
    set_killed();
  }
  void request_unblock(bool with_error) override { unblocked = with_error ? 2 : 1; }
  void request_wake() override { wakes++; }

  void add_push(const core::PushText& text) override;
  void write_pushes() override {}  // pushes() has them

  // What was pushed to it since the last call, each as protocol::Reply::to_string() prints it.
  std::vector<std::string> pushes() { return std::exchange(pushes_, {}); }

  bool closed = false;
  int unblocked = 0;  // 1: by timeout, 2: with an error
  int wakes = 0;

 private:
  core::Server& server_;
  std::vector<std::string> pushes_;
};

class InProcess final : public core::Host {
 public:
  // Fewer databases make a server that is there sooner.
  explicit InProcess(size_t databases = 16);

  // Runs one command for the default client, with all slices of a long one, and answers its reply
  // as protocol::Reply::to_string() prints it; "" if there was none, or none would ever come (WAIT
  // n 0).
  std::string run(const std::vector<std::string>& arguments);
  std::string run(FakeClient& client, const std::vector<std::string>& arguments);
  // For a command with several replies.
  std::vector<std::string> run_all(FakeClient& client, const std::vector<std::string>& arguments);
  // The reply's bytes.
  std::string run_raw(FakeClient& client, const std::vector<std::string>& arguments);

  // Begins a command that waits; throws std::logic_error if it does not.
  core::Dispatcher::Suspended start(FakeClient& client, const std::vector<std::string>& arguments);
  // Resumes it; "" while it waits on.
  std::string resume(FakeClient& client, core::Dispatcher::Suspended& suspended);

  storage::ManualClock& clock() { return clock_; }
  core::Server& server() { return *server_; }
  FakeClient& client() { return *client_; }
  std::unique_ptr<FakeClient> connect();

  // Host: records what was asked.
  void shut_down() override { shutdowns++; }
  void feed_monitors(std::string line) override { monitored.push_back(std::move(line)); }
  void wake_paused() override { pauses_ended++; }
  void reclaim(std::vector<storage::Table> tables) override { tables.clear(); }
  bool work_behind(size_t /*worker*/, std::unique_ptr<core::BackgroundJob> job) override {
    if (jobs.size() >= core::BackgroundJob::kPerLoopMax) return false;
    jobs.push_back(std::move(job));
    return true;
  }
  std::vector<std::unique_ptr<core::BackgroundJob>> jobs;  // begun, not run

  int shutdowns = 0;
  int pauses_ended = 0;
  std::vector<std::string> monitored;

 private:
  // What the store leaves to be freed in slices nobody would free: it is the process's, not its.
  struct GarbageCollection {
    ~GarbageCollection() { storage::Garbage::free_all(); }
  };

  GarbageCollection goes_last_;
  storage::ManualClock clock_;
  core::Config config_;
  std::unique_ptr<core::Server> server_;
  std::unique_ptr<core::Dispatcher> dispatcher_;
  std::unique_ptr<FakeClient> client_;
};

}  // namespace larder::testing
