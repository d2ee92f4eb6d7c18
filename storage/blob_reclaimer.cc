#include "storage/blob_reclaimer.h"

#include <cassert>
#include <new>
#include <utility>

#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

std::atomic<BlobReclaimer*> current{nullptr};

}  // namespace

BlobReclaimer::BlobReclaimer() {
  [[maybe_unused]] const BlobReclaimer* before = current.exchange(this);
  assert(before == nullptr);
}

BlobReclaimer::~BlobReclaimer() {
  current.store(nullptr);
  free_waiting();
}

bool BlobReclaimer::take(void* block, size_t bytes) {
  BlobReclaimer* reclaimer = current.load(std::memory_order_acquire);
  if (reclaimer == nullptr) return false;
  reclaimer->push(block, bytes);
  return true;
}

size_t BlobReclaimer::waiting_bytes() {
  const BlobReclaimer* reclaimer = current.load(std::memory_order_acquire);
  return reclaimer != nullptr ? reclaimer->waiting_bytes_.load(std::memory_order_relaxed) : 0;
}

// Only who finds the list empty wakes the thread: the others' blocks are taken with that one.
void BlobReclaimer::push(void* block, size_t bytes) {
  waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  Block* next = first_.load(std::memory_order_relaxed);
  auto* pushed = new (block) Block{next, bytes};
  while (!first_.compare_exchange_weak(next, pushed, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    pushed->next = next;
  }
  // From here on `pushed` may be gone.
  if (next != nullptr) return;
  signal_.fetch_add(1, std::memory_order_release);
  signal_.notify_one();
}

bool BlobReclaimer::free_waiting() {
  Block* block = first_.exchange(nullptr, std::memory_order_acquire);
  if (block == nullptr) return false;
  while (block != nullptr) {
    const size_t bytes = block->bytes;
    EntryArena::free(std::exchange(block, block->next), bytes);
    waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  return true;
}

void BlobReclaimer::run() {
  while (true) {
    const uint32_t seen = signal_.load(std::memory_order_acquire);
    if (free_waiting()) continue;
    if (stopping_.load(std::memory_order_acquire)) return;
    signal_.wait(seen, std::memory_order_acquire);
  }
}

void BlobReclaimer::stop() {
  stopping_.store(true, std::memory_order_release);
  signal_.fetch_add(1, std::memory_order_release);
  signal_.notify_one();
}

}  // namespace larder::storage
