// The running server: puts the parts together, owns the threads, reacts to signals.
#pragma once

#include <sys/resource.h>
#include <uv.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/core/server.h"
#include "server/core/worker.h"
#include "server/net/listener.h"
#include "storage/blob_reclaimer.h"

namespace larder::app {

class Application final : public core::Host {
 public:
  // `config` and `clock` outlive the application.
  Application(core::Config& config, const storage::Clock& clock);
  ~Application() override;

  // Takes the names that the option rename-command gives, opens the listening sockets. Empty when
  // done, else what is wrong.
  std::string prepare();

  // Serves until it is told to stop, by a signal or SHUTDOWN. The calling thread is worker 0's.
  void run();

  // core::Host, any thread:
  void shut_down() override;
  void feed_monitors(std::string line) override;
  void wake_paused() override;
  void reclaim(std::vector<storage::Table> tables) override;
  bool work_behind(size_t worker, std::unique_ptr<core::BackgroundJob> job) override;

 private:
  std::string open_listeners();
  std::string raise_file_limit();
  void reserve_descriptors();
  rlim_t other_descriptors() const;
  int64_t fitting_clients() const;
  void accepted(int socket, bool unix_socket);
  bool refuse(int socket, bool unix_socket);
  void watch_signals();
  void on_signal(int number);
  void stop_accepting();
  void start_helpers();
  void stop_helpers();
  void watch_memory();

  core::Config& config_;
  const size_t workers_wanted_;
  storage::BlobReclaimer reclaimer_;  // before server_: the store's last blobs come to it
  core::Server server_;
  std::vector<std::unique_ptr<core::Worker>> workers_;
  std::vector<std::thread> threads_;
  std::vector<net::Listener*> listeners_;  // on worker 0's loop
  std::vector<std::unique_ptr<uv_signal_t>> signals_;
  std::mutex memory_mutex_;
  std::condition_variable memory_watch_ends_;
  bool memory_watched_ = true;  // guarded by memory_mutex_
  int64_t failure_logged_ms_ = 0;
  bool stopping_ = false;  // worker 0's thread
};

}  // namespace larder::app
