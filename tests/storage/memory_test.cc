#include "storage/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace larder::storage {
namespace {

TEST(EntryArena, BlocksHoldWhatWasAskedFor) {
  std::vector<std::pair<char*, size_t>> blocks;
  for (size_t bytes = 1; bytes < 5000; bytes += 1 + bytes / 3) {
    auto* block = static_cast<char*>(EntryArena::allocate(bytes));
    std::memset(block, static_cast<int>(bytes & 0xff), bytes);
    blocks.emplace_back(block, bytes);
  }
  for (const auto& [block, bytes] : blocks) {
    for (size_t i = 0; i < bytes; i++) ASSERT_EQ(block[i], static_cast<char>(bytes & 0xff));
    EntryArena::free(block, bytes);
  }
}

TEST(EntryArena, BlockBytesCoverTheRequestWithLittleWaste) {
  size_t before = 0;
  for (size_t bytes = 1; bytes < 100'000; bytes += 1 + bytes / 5) {
    const size_t block = EntryArena::block_bytes(bytes);
    EXPECT_GE(block, bytes);
    EXPECT_LE(block, bytes + bytes / 4 + 32);
    EXPECT_GE(block, before);
    before = block;
  }
}

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
  EXPECT_FALSE(allocator_report().empty());
}

}  // namespace
}  // namespace larder::storage
