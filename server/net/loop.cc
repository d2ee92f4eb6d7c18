#include "server/net/loop.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace larder::net {

struct Loop::Timer {
  uv_timer_t handle;
  std::function<void()> task;
};

namespace {

void check(int status, const char* what) {
  if (status < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(status));
}

}  // namespace

Loop::Loop() : read_buffer_(new char[kHeldBytes + kReadHeadroom + kReadBytes]) {
  check(uv_loop_init(&loop_), "event loop");
  check(
      uv_async_init(&loop_, &wakeup_,
                    [](uv_async_t* handle) { static_cast<Loop*>(handle->data)->drain_mailbox(); }),
      "event loop");
  wakeup_.data = this;
  uv_idle_init(&loop_, &idle_);
  idle_.data = this;
  uv_check_init(&loop_, &check_);
  check_.data = this;
  uv_timer_init(&loop_, &alarm_);
  alarm_.data = this;
}

Loop::~Loop() {
  close_own_handles();
  uv_loop_close(&loop_);
}

void Loop::close_own_handles() {
  const auto close = [](uv_handle_t* handle) {
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  };
  close(reinterpret_cast<uv_handle_t*>(&wakeup_));
  close(reinterpret_cast<uv_handle_t*>(&idle_));
  close(reinterpret_cast<uv_handle_t*>(&check_));
  close(reinterpret_cast<uv_handle_t*>(&alarm_));
  for (const auto& timer : timers_) close(reinterpret_cast<uv_handle_t*>(&timer->handle));
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void Loop::run() {
  thread_ = uv_thread_self();
  running_ = true;
  uv_run(&loop_, UV_RUN_DEFAULT);
  running_ = false;
}

bool Loop::in_loop() const {
  const uv_thread_t self = uv_thread_self();
  return !running_ || uv_thread_equal(&thread_, &self) != 0;
}

void Loop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    mailbox_.push_back(std::move(task));
  }
  uv_async_send(&wakeup_);
}

void Loop::stop() {
  post([this] { uv_stop(&loop_); });
}

// uv_async_send coalesces: one wake-up may stand for any number of tasks.
void Loop::drain_mailbox() {
  finish_reads();
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(mailbox_);
  }
  for (const auto& task : tasks) task();
  finish_reads();
}

void Loop::every(int64_t period_ms, std::function<void()> task) {
  auto timer = std::make_unique<Timer>();
  uv_timer_init(&loop_, &timer->handle);
  timer->handle.data = timer.get();
  timer->task = std::move(task);
  const auto period = static_cast<uint64_t>(period_ms);
  uv_timer_start(
      &timer->handle, [](uv_timer_t* handle) { static_cast<Timer*>(handle->data)->task(); }, period,
      period);
  timers_.push_back(std::move(timer));
}

void Loop::alarm(int64_t delay_ms, std::function<void()> task) {
  alarm_task_ = std::move(task);
  uv_timer_start(
      &alarm_,
      [](uv_timer_t* handle) {
        // Moved out first: the task may set the next alarm.
        const std::function<void()> due = std::move(static_cast<Loop*>(handle->data)->alarm_task_);
        due();
      },
      static_cast<uint64_t>(delay_ms > 0 ? delay_ms : 0), 0);
}

void Loop::each_turn(std::function<bool()> task) {
  turn_task_ = std::move(task);
  start_turns();
}

void Loop::start_turns() {
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&idle_)) != 0) return;
  uv_idle_start(&idle_, [](uv_idle_t* handle) {
    auto* loop = static_cast<Loop*>(handle->data);
    if (!loop->turn_task_()) uv_idle_stop(handle);
    loop->finish_reads();
  });
}

void Loop::after_reads(std::function<void()> task) {
  after_reads_task_ = std::move(task);
  // libuv calls check handles right behind the poll for I/O.
  uv_check_start(&check_,
                 [](uv_check_t* handle) { static_cast<Loop*>(handle->data)->finish_reads(); });
}

void Loop::finish_reads() {
  if (after_reads_task_) after_reads_task_();
  held_bytes_ = 0;
}

void Loop::hold_read(const char* end) {
  held_bytes_ = static_cast<size_t>(end - read_buffer_.get());
  if (held_bytes_ > kHeldBytes) finish_reads();
}

}  // namespace larder::net
