#include "server/core/script_stack.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <new>

// The sanitizers follow a thread's stack and must be told of every change.
#if defined(__SANITIZE_ADDRESS__)
#define LARDER_STACKS_FOR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LARDER_STACKS_FOR_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define LARDER_STACKS_FOR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LARDER_STACKS_FOR_TSAN 1
#endif
#endif

#if defined(LARDER_STACKS_FOR_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(LARDER_STACKS_FOR_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

// glibc's swapcontext() asks the system for the signal mask at each change, which takes longer than
// a short script. The calling convention says which registers a call must keep; nothing else is
// kept, and no signal mask is ever changed here. Other processors use swapcontext().
#if defined(__x86_64__) && !defined(LARDER_STACKS_FOR_ASAN) && !defined(LARDER_STACKS_FOR_TSAN)
#define LARDER_OWN_SWITCH 1
// Leaves the place where the current stack was left in `*from`, and goes on at `to`.
extern "C" void larder_switch_stack(void** from, void* to);
asm(R"(
  .text
  .hidden larder_switch_stack
  .globl larder_switch_stack
  .type larder_switch_stack, @function
  .p2align 4
larder_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size larder_switch_stack, .-larder_switch_stack
)");
#endif

namespace larder::core::script {

struct SideStack::State {
  State();
  ~State();

  // The two directions. Each returns when the other is called.
  void enter();
  void back();
  void prepare();
  [[noreturn]] void work_for_ever();

  char* memory = nullptr;
  size_t mapped_bytes = 0;
  size_t guard_bytes = 0;
#if defined(LARDER_OWN_SWITCH)
  static void begin();
  static thread_local State* beginning;
  void* outside = nullptr;
  void* inside = nullptr;
#else
  static void begin(unsigned high, unsigned low);
  ucontext_t outside{};
  ucontext_t inside{};
#endif
  Work work = nullptr;
  void* argument = nullptr;
  bool on_it = false;

#if defined(LARDER_STACKS_FOR_ASAN)
  void* outside_fake = nullptr;
  void* inside_fake = nullptr;
  const void* outside_bottom = nullptr;
  size_t outside_bytes = 0;
#endif
#if defined(LARDER_STACKS_FOR_TSAN)
  void* outside_fiber = nullptr;
  void* inside_fiber = nullptr;
#endif
};

SideStack::State::State() {
  guard_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  mapped_bytes = kBytes + guard_bytes;
  void* mapped = mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  memory = static_cast<char*>(mapped);
  mprotect(memory, guard_bytes, PROT_NONE);
  prepare();
#if defined(LARDER_STACKS_FOR_TSAN)
  inside_fiber = __tsan_create_fiber(0);
#endif
}

SideStack::State::~State() {
#if defined(LARDER_STACKS_FOR_TSAN)
  __tsan_destroy_fiber(inside_fiber);
#endif
  munmap(memory, mapped_bytes);
}

#if defined(LARDER_OWN_SWITCH)
thread_local SideStack::State* SideStack::State::beginning = nullptr;

// What larder_switch_stack() will take off the new stack: six registers and where to go on.
void SideStack::State::prepare() {
  constexpr size_t kRegisters = 6;
  auto* top = reinterpret_cast<void**>(memory + mapped_bytes);
  top[-1] = nullptr;  // where a call would have left its return address
  top[-2] = reinterpret_cast<void*>(&State::begin);
  for (size_t i = 0; i < kRegisters; i++) top[-3 - static_cast<std::ptrdiff_t>(i)] = nullptr;
  inside = top - 2 - kRegisters;
}

void SideStack::State::begin() {
  beginning->work_for_ever();
}

void SideStack::State::enter() {
  on_it = true;
  beginning = this;
  larder_switch_stack(&outside, inside);
}

void SideStack::State::back() {
  on_it = false;
  larder_switch_stack(&inside, outside);
}

#else

void SideStack::State::prepare() {
  getcontext(&inside);
  inside.uc_stack.ss_sp = memory + guard_bytes;
  inside.uc_stack.ss_size = kBytes;
  inside.uc_link = nullptr;  // the function never returns
  const auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&inside, reinterpret_cast<void (*)()>(&State::begin), 2,
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

void SideStack::State::enter() {
  on_it = true;
#if defined(LARDER_STACKS_FOR_ASAN)
  __sanitizer_start_switch_fiber(&outside_fake, memory + guard_bytes, kBytes);
#endif
#if defined(LARDER_STACKS_FOR_TSAN)
  outside_fiber = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(inside_fiber, 0);
#endif
  swapcontext(&outside, &inside);
#if defined(LARDER_STACKS_FOR_ASAN)
  __sanitizer_finish_switch_fiber(outside_fake, nullptr, nullptr);
#endif
}

void SideStack::State::back() {
  on_it = false;
#if defined(LARDER_STACKS_FOR_ASAN)
  __sanitizer_start_switch_fiber(&inside_fake, outside_bottom, outside_bytes);
#endif
#if defined(LARDER_STACKS_FOR_TSAN)
  __tsan_switch_to_fiber(outside_fiber, 0);
#endif
  swapcontext(&inside, &outside);
#if defined(LARDER_STACKS_FOR_ASAN)
  __sanitizer_finish_switch_fiber(inside_fake, &outside_bottom, &outside_bytes);
#endif
}

// makecontext() hands on integers only.
void SideStack::State::begin(unsigned high, unsigned low) {
  auto* state = reinterpret_cast<State*>(static_cast<uintptr_t>(high) << 32 | low);
#if defined(LARDER_STACKS_FOR_ASAN)
  __sanitizer_finish_switch_fiber(nullptr, &state->outside_bottom, &state->outside_bytes);
#endif
  state->work_for_ever();
}

#endif

// The stack is kept for the next work, which then costs no more than two changes of the stack.
void SideStack::State::work_for_ever() {
  for (;;) {
    work(argument);
    work = nullptr;
    back();
  }
}

SideStack::SideStack() : state_(std::make_unique<State>()) {}
SideStack::~SideStack() = default;

void SideStack::run(Work work, void* argument) {
  state_->work = work;
  state_->argument = argument;
  state_->enter();
}

void SideStack::resume() {
  state_->enter();
}

void SideStack::leave() {
  state_->back();
}

bool SideStack::occupied() const {
  return state_->work != nullptr;
}

bool SideStack::on_it() const {
  return state_->on_it;
}

}  // namespace larder::core::script
