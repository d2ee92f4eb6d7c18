// One event loop on one thread. Everything that belongs to a loop is touched by its thread only;
// other threads use post(), the only way across.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace larder::net {

class Loop {
 public:
  // Bytes read at once, and room in front of them for the rest of an earlier read.
  static constexpr size_t kReadBytes = 64 * 1024;
  static constexpr size_t kReadHeadroom = 8 * 1024;
  // What the reads of one turn may leave in the read buffer for its end.
  static constexpr size_t kHeldBytes = 16 * 1024;

  // Throws std::runtime_error if the system refuses what a loop needs.
  Loop();
  // No handle of the loop may be open but its own.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs on the calling thread, which becomes the loop's, until stop().
  void run();

  // Any thread: runs the task on the loop's thread, in order of posting, in its next turn.
  void post(std::function<void()> task);
  // Any thread: makes the loop take a turn (see after_reads).
  void wake() { uv_async_send(&wakeup_); }
  // Any thread: makes run() return once the tasks posted before have run.
  void stop();

  // Loop's thread. Calls `task` every `period_ms`.
  void every(int64_t period_ms, std::function<void()> task);
  // Loop's thread. Calls `task` once in `delay_ms`, instead of what was asked for before.
  void alarm(int64_t delay_ms, std::function<void()> task);
  // Loop's thread. Calls `task` in every turn, without sleeping between turns, until it is false.
  void each_turn(std::function<bool()> task);
  void start_turns();  // makes each_turn's task run again after it was false
  // Loop's thread. Calls `task` in every turn when all that was ready has been read, and earlier
  // where the read buffer is full or something else is about to happen (a task from another thread,
  // the end of a connection). It must answer all that was offered.
  void after_reads(std::function<void()> task);
  // Runs that task now, and takes the read buffer back.
  void finish_reads();

  // A monotonic clock in milliseconds, read once a turn.
  int64_t now_ms() const { return static_cast<int64_t>(uv_now(&loop_)); }
  // The same clock, read now, in microseconds. Any thread.
  static int64_t monotonic_us() { return static_cast<int64_t>(uv_hrtime() / 1000); }
  // Reads that clock again: after something that kept the turn long.
  void update_time() { uv_update_time(&loop_); }

  bool in_loop() const;

  uv_loop_t* raw() { return &loop_; }

  // Where to read to: kReadHeadroom + kReadBytes bytes that nobody uses.
  char* read_room() { return read_buffer_.get() + held_bytes_; }
  // Leaves the bytes up to `end`, of the room last given, untouched until finish_reads(); calls it
  // if no room is left behind them.
  void hold_read(const char* end);

 private:
  struct Timer;
  void drain_mailbox();
  void close_own_handles();

  uv_loop_t loop_;
  uv_async_t wakeup_;
  uv_idle_t idle_;
  uv_check_t check_;
  uv_timer_t alarm_;
  std::function<void()> alarm_task_;
  uv_thread_t thread_{};
  bool running_ = false;
  std::function<bool()> turn_task_;
  std::function<void()> after_reads_task_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::unique_ptr<char[]> read_buffer_;
  size_t held_bytes_ = 0;  // at the buffer's front

  std::mutex mutex_;
  std::vector<std::function<void()>> mailbox_;  // guarded by mutex_
};

}  // namespace larder::net
