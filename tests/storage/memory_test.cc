#include "storage/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

TEST(MeasureMemory, FollowsAllocationAndFreeing) {
  constexpr size_t kBytes = 64 << 20;
  const MemoryUse before = measure_memory();
  void* block = EntryArena::allocate(kBytes);
  std::memset(block, 1, kBytes);
  const MemoryUse with = measure_memory();
  EntryArena::free(block, kBytes);
  const MemoryUse after = measure_memory();

  EXPECT_GE(with.allocated_bytes, before.allocated_bytes + kBytes);
  EXPECT_GE(with.rss_bytes, before.rss_bytes + kBytes / 2);
  EXPECT_LT(after.allocated_bytes, with.allocated_bytes - kBytes / 2);
}

TEST(MeasureMemory, PartsAreOrdered) {
  const MemoryUse use = measure_memory();
  EXPECT_GT(use.allocated_bytes, 0u);
  EXPECT_GE(use.active_bytes, use.allocated_bytes);
  EXPECT_GE(use.resident_bytes, use.active_bytes);
  EXPECT_GT(use.rss_bytes, 0u);
}

TEST(MeasureMemory, CountsSmallBlocks) {
  const size_t before = measure_memory().allocated_bytes;
  std::vector<void*> blocks;
  for (int i = 0; i < 100'000; i++) blocks.push_back(EntryArena::allocate(48));
  const size_t with = measure_memory().allocated_bytes;
  for (void* block : blocks) EntryArena::free(block, 48);
  EXPECT_GE(with, before + 100'000 * 48);
  EXPECT_LT(measure_memory().allocated_bytes, with - 100'000 * 40);
}

TEST(MeasureMemory, KnowsBlocksOfEverySizeOnce) {
  if (kSystemMalloc) GTEST_SKIP() << "libc keeps no account of small blocks";
  constexpr size_t kBytes = 8 << 20;
  for (const size_t size : {size_t{64}, size_t{8192}, size_t{1 << 20}}) {
    const size_t before = measure_memory().allocated_bytes;
    std::vector<void*> blocks;
    blocks.reserve(kBytes / size);
    for (size_t i = 0; i < kBytes / size; i++) blocks.push_back(EntryArena::allocate(size));
    const size_t with = measure_memory().allocated_bytes;
    for (void* block : blocks) EntryArena::free(block, size);
    // Beside them the vector, and whatever else the heap gave or took.
    EXPECT_GE(with - before, kBytes - kBytes / 64) << size;
    EXPECT_LT(with - before, kBytes + kBytes / 4) << size;
  }
}

// Threads of other tests may have done something that was not counted.
size_t used_bytes_after_measuring() {
  measure_memory();
  return used_bytes();
}

// A difference of 0 to the byte: nothing else runs here that could allocate between the two.
TEST(UsedBytes, AgreesWithAMeasurement) {
  used_bytes_after_measuring();
  std::vector<void*> blocks;
  blocks.reserve(3000);
  for (size_t i = 0; i < 3000; i++) blocks.push_back(EntryArena::allocate(1 + i * 7));
  const size_t counted = used_bytes();
  EXPECT_EQ(counted, measure_memory().allocated_bytes);
  EXPECT_EQ(used_bytes(), measure_memory().allocated_bytes);
  for (size_t i = 0; i < blocks.size(); i++) EntryArena::free(blocks[i], 1 + i * 7);
  const size_t afterwards = used_bytes();
  EXPECT_LT(afterwards, counted);
  EXPECT_EQ(afterwards, measure_memory().allocated_bytes);
}

TEST(UsedBytes, FollowsEveryBlock) {
  const size_t before = used_bytes_after_measuring();
  size_t taken = 0;
  std::vector<std::pair<void*, size_t>> blocks;
  blocks.reserve(100);
  const size_t with_vector = used_bytes();
  EXPECT_GE(with_vector - before, 100 * sizeof blocks[0]);
  for (size_t bytes = 8; bytes < 1 << 20; bytes = bytes * 3 / 2) {
    blocks.emplace_back(EntryArena::allocate(bytes), bytes);
    taken += EntryArena::block_bytes(bytes);
    if (!kSystemMalloc) {
      ASSERT_EQ(used_bytes() - with_vector, taken) << bytes;
    }
    ASSERT_GE(used_bytes() - with_vector, taken) << bytes;
  }
  const size_t with_blocks = used_bytes();
  for (const auto& [block, bytes] : blocks) EntryArena::free(block, bytes);
  if (!kSystemMalloc) {
    EXPECT_EQ(used_bytes(), with_vector);
  }
  EXPECT_LE(used_bytes(), with_blocks - taken / 10 * 9);
}

TEST(UsedBytes, SeesWhatOtherThreadsDid) {
  constexpr size_t kBlocks = 10'000;
  const size_t before = used_bytes_after_measuring();
  std::vector<void*> blocks(kBlocks);
  const size_t with_vector = used_bytes();
  EXPECT_GE(with_vector - before, kBlocks * sizeof(void*));
  std::thread([&] {
    used_bytes();
    for (void*& block : blocks) block = EntryArena::allocate(64);
    used_bytes();
  }).join();
  // The thread is gone, and with it all that it had for itself, but for what the C library keeps.
  EXPECT_NEAR(static_cast<double>(used_bytes() - with_vector), kBlocks * 64.0, 64.0 * 1024);
  std::thread([&] {
    used_bytes();
    for (void* block : blocks) EntryArena::free(block, 64);
  }).join();
  EXPECT_NEAR(static_cast<double>(used_bytes()), static_cast<double>(with_vector), 64.0 * 1024);
}

TEST(PurgeMemory, GivesBackWhatTheArenaNoLongerNeeds) {
  std::vector<void*> blocks;
  for (int i = 0; i < 200'000; i++) blocks.push_back(EntryArena::allocate(100));
  for (void* block : blocks) EntryArena::free(block, 100);
  purge_memory();
  const ArenaUse use = EntryArena::use();
  EXPECT_LE(use.idle_bytes, 2 * kSpanBytes);
  EXPECT_EQ(kSystemMalloc, use.returned_bytes == 0);
}

TEST(PurgeMemory, KeepsWhatIsInUse) {
  auto* block = static_cast<char*>(EntryArena::allocate(1000));
  std::memset(block, 7, 1000);
  purge_memory();
  for (int i = 0; i < 1000; i++) ASSERT_EQ(block[i], 7);
  EntryArena::free(block, 1000);
}

TEST(AllocatorName, SaysWhich) {
  const std::string name = allocator_name();
  EXPECT_TRUE(name == "libc" || name.rfind("jemalloc-", 0) == 0) << name;
  EXPECT_NE(allocator_report().find("Entry arena: "), std::string::npos);
}

}  // namespace
}  // namespace larder::storage
