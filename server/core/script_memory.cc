#include "server/core/script_memory.h"

#include <cstdlib>

namespace larder::core::script {

void* Memory::allocate(void* self, void* block, size_t old_bytes, size_t new_bytes) {
  auto& memory = *static_cast<Memory*>(self);
  const size_t used = memory.used_bytes_.load(std::memory_order_relaxed);
  if (block == nullptr) old_bytes = 0;
  if (new_bytes == 0) {
    std::free(block);
    memory.used_bytes_.store(used - old_bytes, std::memory_order_relaxed);
    return nullptr;
  }
  // Lua relies on it that a block can always be made smaller.
  if (new_bytes > old_bytes && used - old_bytes + new_bytes > memory.limit_bytes_) return nullptr;
  void* moved = std::realloc(block, new_bytes);
  if (moved != nullptr) {
    memory.used_bytes_.store(used - old_bytes + new_bytes, std::memory_order_relaxed);
  }
  return moved;
}

void Memory::charge(size_t bytes) {
  const size_t used = used_bytes();
  if (used > limit_bytes_ || bytes > limit_bytes_ - used) throw std::bad_alloc();
  used_bytes_.store(used + bytes, std::memory_order_relaxed);
}

void Memory::give_back(size_t bytes) {
  used_bytes_.store(used_bytes() - bytes, std::memory_order_relaxed);
}

}  // namespace larder::core::script
