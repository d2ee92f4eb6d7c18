#include "storage/garbage.h"

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include "storage/container.h"

namespace larder::storage {

namespace {

std::atomic<size_t> bytes_waiting{0};
std::atomic<size_t> objects_waiting{0};

// Who frees holds it; only it takes anything out of the list.
std::mutex freeing;
size_t current_bytes = 0;  // guarded by `freeing`: what the first is still counted with, if begun

}  // namespace

constinit std::atomic<Container*> Garbage::first_{nullptr};

void Garbage::take(Container* container) {
  bytes_waiting.fetch_add(container->memory_bytes(), std::memory_order_relaxed);
  objects_waiting.fetch_add(1, std::memory_order_relaxed);
  Container* next = first_.load(std::memory_order_relaxed);
  do {
    container->next_garbage_ = next;
  } while (!first_.compare_exchange_weak(next, container, std::memory_order_release,
                                         std::memory_order_relaxed));
}

bool Garbage::waiting() {
  return first_.load(std::memory_order_relaxed) != nullptr ||
         begun_.load(std::memory_order_relaxed);
}

size_t Garbage::waiting_objects() {
  return objects_waiting.load(std::memory_order_relaxed);
}

size_t Garbage::waiting_bytes() {
  return bytes_waiting.load(std::memory_order_relaxed);
}

bool Garbage::free_some(size_t elements) {
  const std::unique_lock lock(freeing, std::try_to_lock);
  if (!lock.owns_lock()) return waiting();
  static std::unique_ptr<Container> current;  // guarded by `freeing`
  if (current == nullptr) {
    Container* next = first_.load(std::memory_order_acquire);
    while (next != nullptr &&
           !first_.compare_exchange_weak(next, next->next_garbage_, std::memory_order_acquire)) {
    }
    if (next == nullptr) return false;
    current.reset(next);
    current_bytes = next->memory_bytes();
    begun_.store(true, std::memory_order_relaxed);
  }
  const bool more = current->free_some(elements);
  const size_t left = more ? current->memory_bytes() : 0;
  if (const size_t before = std::exchange(current_bytes, left); left < before) {
    bytes_waiting.fetch_sub(before - left, std::memory_order_relaxed);
  }
  if (!more) {
    current.reset();
    objects_waiting.fetch_sub(1, std::memory_order_relaxed);
    begun_.store(false, std::memory_order_relaxed);
  }
  return waiting();
}

void Garbage::free_all() {
  while (free_some(std::numeric_limits<size_t>::max() / 2)) {
  }
}

}  // namespace larder::storage
