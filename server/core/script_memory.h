// The memory of one interpreter: Lua's allocator with a limit, so that a script that builds a giant
// string gets "not enough memory" and the server goes on. What library functions keep beside Lua's
// own memory counts as well. Also the way from a lua_State back to what owns it. One worker's
// thread, but for used_bytes() and peak_bytes(): any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/core/script_lua.h"

namespace larder::core::script {

// Asked now and then by whatever may take long inside a library function, and by Lua's own count
// hook: whether the script may go on.
class Watch {
 public:
  virtual ~Watch() = default;
  // May leave the script's stack for a while; raises a Lua error if the script must end.
  virtual void tick(lua_State* lua) = 0;
  // The script must end, and the error that ends it is on its way.
  virtual bool ending() const = 0;
  // Raises the error again that ends a script, for a pcall that has caught it.
  virtual void rethrow_end(lua_State* lua) = 0;
};

class Memory {
 public:
  explicit Memory(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  size_t limit_bytes() const { return limit_bytes_; }

  // Counts bytes that lie elsewhere. Throws std::bad_alloc if they are too many: none is counted.
  void charge(size_t bytes);
  void give_back(size_t bytes);

  // What else belongs to one interpreter and must be found fast.
  Watch* watch = nullptr;
  uint64_t random_state = 0;  // of math.random()

  // A lua_Alloc; `self` is a Memory.
  static void* allocate(void* self, void* block, size_t old_bytes, size_t new_bytes);
  static Memory& of(lua_State* lua) {
    void* self = nullptr;
    lua_getallocf(lua, &self);
    return *static_cast<Memory*>(self);
  }

 private:
  std::atomic<size_t> used_bytes_{0};
  const size_t limit_bytes_;
};

inline void tick(lua_State* lua) {
  Memory::of(lua).watch->tick(lua);
}

// Text that a library function puts together outside of Lua's memory, but at its cost: throws
// std::bad_alloc where a string of Lua's would not be made.
class Text {
 public:
  explicit Text(lua_State* lua) : lua_(lua), memory_(Memory::of(lua)) {}
  ~Text() { memory_.give_back(charged_); }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  void append(std::string_view bytes) {
    memory_.charge(bytes.size());
    charged_ += bytes.size();
    text_.append(bytes);
  }
  void append(char byte) { append(std::string_view(&byte, 1)); }
  std::string_view view() const { return text_; }
  void push() const { script::push(lua_, text_); }

 private:
  lua_State* lua_;
  Memory& memory_;
  size_t charged_ = 0;  // bytes
  std::string text_;
};

}  // namespace larder::core::script
