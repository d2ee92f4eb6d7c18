// A second stack for one thread: work on it can be left in the middle, for the loop to serve
// others, and gone on with later. So a script that runs for long is interrupted without being
// ended, although the calls of the interpreter stand deep inside each other.
//
// Both stacks belong to one thread and take turns; nothing here is concurrent. No exception leaves
// the work. The work must be done when this is destroyed.
#pragma once

#include <cstddef>
#include <memory>

namespace larder::core::script {

class SideStack {
 public:
  // Virtual memory: pages that are never touched cost nothing. Below it lies a guard page.
  static constexpr size_t kBytes = size_t{8} << 20;

  // Throws std::bad_alloc if the system has no room for a stack.
  SideStack();
  ~SideStack();
  SideStack(const SideStack&) = delete;
  SideStack& operator=(const SideStack&) = delete;

  using Work = void (*)(void* argument);
  // Runs the work until it is done, or calls leave(). Only while there is no other work.
  void run(Work work, void* argument);
  // Goes on behind leave().
  void resume();
  // By the work alone: returns from run() or resume().
  void leave();

  // Work has been begun and is not done.
  bool occupied() const;
  // The caller is that work.
  bool on_it() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace larder::core::script
