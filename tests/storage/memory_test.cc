#include "storage/memory.h"

#include <gtest/gtest.h>

#include <cstring>
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
  if (allocator_name() == "libc") GTEST_SKIP() << "keeps no account of what was freed";
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
  if (allocator_name() == "libc") GTEST_SKIP() << "keeps no account of small blocks";
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
