// The entry arena against a model: blocks hold what was written, never overlap, and every byte is
// accounted for.
#include "storage/entry_arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "storage/memory_preparer.h"

namespace larder::storage {
namespace {

struct Block {
  char* memory;
  size_t bytes;
  char fill;
};

// Owns blocks, fills them, and sees when one was changed by another hand.
class Blocks {
 public:
  ~Blocks() { free_all(); }

  void add(size_t bytes) {
    auto* memory = static_cast<char*>(EntryArena::allocate(bytes));
    const Block block{memory, bytes, static_cast<char>(next_fill_++)};
    std::memset(memory, block.fill, bytes);
    blocks_.push_back(block);
    living_bytes_ += EntryArena::block_bytes(bytes);
  }

  void free(size_t index) {
    std::swap(blocks_[index], blocks_.back());
    const Block block = blocks_.back();
    blocks_.pop_back();
    damaged_ += intact(block) ? 0 : 1;
    living_bytes_ -= EntryArena::block_bytes(block.bytes);
    EntryArena::free(block.memory, block.bytes);
  }

  void free_all() {
    while (!blocks_.empty()) free(blocks_.size() - 1);
  }

  // What the owner of entries does in a compaction pass; returns how many were moved.
  size_t move_what_is_worth_it() {
    size_t moved = 0;
    for (Block& block : blocks_) {
      if (!EntryArena::worth_moving(block.memory)) continue;
      auto* memory = static_cast<char*>(EntryArena::allocate(block.bytes));
      std::memcpy(memory, block.memory, block.bytes);
      EntryArena::free(block.memory, block.bytes);
      block.memory = memory;
      moved++;
    }
    return moved;
  }

  size_t count() const { return blocks_.size(); }
  size_t living_bytes() const { return living_bytes_; }
  const Block& operator[](size_t index) const { return blocks_[index]; }

  bool all_intact() const {
    return damaged_ == 0 && std::all_of(blocks_.begin(), blocks_.end(), intact);
  }

  bool disjoint() const {
    std::vector<std::pair<char*, char*>> ranges;
    for (const Block& block : blocks_) {
      ranges.emplace_back(block.memory, block.memory + block.bytes);
    }
    std::sort(ranges.begin(), ranges.end());
    for (size_t i = 1; i < ranges.size(); i++) {
      if (ranges[i].first < ranges[i - 1].second) return false;
    }
    return true;
  }

 private:
  static bool intact(const Block& block) {
    return std::all_of(block.memory, block.memory + block.bytes,
                       [&](char byte) { return byte == block.fill; });
  }

  std::vector<Block> blocks_;
  size_t living_bytes_ = 0;
  size_t damaged_ = 0;
  uint8_t next_fill_ = 0;
};

// Everything that can be given back is; what the arena holds by now is the least it can.
void give_everything_back() {
  constexpr int kCallsMax = 1000;
  for (int i = 0; i < 20; i++) EntryArena::maintain();
  for (int i = 0; i < kCallsMax && EntryArena::maintain(); i++) {
  }
}

void compact(Blocks& blocks, int passes_max) {
  for (int pass = 0; pass < passes_max && EntryArena::plan_compaction() > 0; pass++) {
    blocks.move_what_is_worth_it();
  }
}

TEST(EntryArena, BlocksHoldWhatWasAskedFor) {
  Blocks blocks;
  for (size_t bytes = 1; bytes < 20'000; bytes += 1 + bytes / 50) blocks.add(bytes);
  for (size_t bytes = 1; bytes < 20'000; bytes += 1 + bytes / 50) blocks.add(bytes);
  EXPECT_TRUE(blocks.all_intact());
  EXPECT_TRUE(blocks.disjoint());
  EXPECT_TRUE(EntryArena::recount());
}

TEST(EntryArena, BlockBytesCoverTheRequestWithLittleWaste) {
  size_t before = 0;
  for (size_t bytes = 1; bytes < 100'000; bytes++) {
    const size_t block = EntryArena::block_bytes(bytes);
    ASSERT_GE(block, bytes);
    ASSERT_GE(block, before);
    ASSERT_EQ(EntryArena::block_bytes(block), block);
    if (bytes <= 512) {
      ASSERT_LT(block, bytes + 8);
    } else if (bytes <= 1024) {
      ASSERT_LT(block, bytes + 16);
    } else {
      ASSERT_LE(block, bytes + bytes / 4);
    }
    if (bytes > 1024 && bytes <= 4096) {
      ASSERT_LE(block, bytes + bytes / 8);
    }
    before = block;
  }
}

TEST(EntryArena, MultiplesOfACacheLineAreAlignedToIt) {
  Blocks blocks;
  for (size_t bytes = 1; bytes < 12'000; bytes += 1 + bytes / 60) {
    for (int i = 0; i < 5; i++) {
      blocks.add(bytes);
      const auto address = reinterpret_cast<uintptr_t>(blocks[blocks.count() - 1].memory);
      EXPECT_EQ(address % 8, 0u);
      if (EntryArena::block_bytes(bytes) % 64 == 0) {
        EXPECT_EQ(address % 64, 0u) << bytes;
      }
    }
  }
}

TEST(EntryArena, CountsEveryBlockToTheByte) {
  const ArenaUse before = EntryArena::use();
  Blocks blocks;
  for (size_t bytes = 1; bytes < 30'000; bytes += 7) blocks.add(bytes);
  const ArenaUse with = EntryArena::use();
  EXPECT_EQ(with.blocks - before.blocks, blocks.count());
  EXPECT_EQ(with.block_bytes - before.block_bytes, blocks.living_bytes());
  EXPECT_GE(with.heap_bytes - before.heap_bytes, blocks.living_bytes() / 4);
  EXPECT_GE(with.slab_bytes, with.living_slab_bytes());
  blocks.free_all();
  const ArenaUse after = EntryArena::use();
  EXPECT_EQ(after.blocks, before.blocks);
  EXPECT_EQ(after.block_bytes, before.block_bytes);
  EXPECT_EQ(after.heap_blocks, before.heap_blocks);
  EXPECT_EQ(after.heap_bytes, before.heap_bytes);
  EXPECT_TRUE(EntryArena::recount());
}

TEST(EntryArena, AFreedBlockIsUsedAgain) {
  Blocks blocks;
  for (int i = 0; i < 100'000; i++) blocks.add(40);
  const size_t slab_bytes = EntryArena::use().slab_bytes;
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; i++) {
    blocks.free(random() % blocks.count());
    blocks.add(40);
  }
  EXPECT_EQ(EntryArena::use().slab_bytes, slab_bytes);
  EXPECT_TRUE(blocks.all_intact());
  EXPECT_TRUE(EntryArena::recount());
}

TEST(EntryArena, ASlabThatIsEmptyServesAnotherClass) {
  give_everything_back();
  Blocks blocks;
  for (int i = 0; i < 100'000; i++) blocks.add(48);
  const size_t slab_bytes = EntryArena::use().slab_bytes;
  blocks.free_all();
  for (int i = 0; i < 45'000; i++) blocks.add(96);
  const ArenaUse use = EntryArena::use();
  EXPECT_LE(use.slab_bytes, slab_bytes);
  EXPECT_LE(use.held_bytes() - use.record_bytes, slab_bytes + kSpanBytes);
  EXPECT_TRUE(EntryArena::recount());
}

TEST(EntryArena, GivesBackWhatWasFreedInAFewCalls) {
  if (kSystemMalloc) GTEST_SKIP() << "the system's malloc decides";
  give_everything_back();
  const size_t before = EntryArena::use().held_bytes();
  std::mt19937_64 random(2);
  Blocks blocks;
  while (blocks.living_bytes() < 80 << 20) blocks.add(1 + random() % 1500);
  const size_t with = EntryArena::use().held_bytes();
  ASSERT_GE(with - before, blocks.living_bytes());
  blocks.free_all();
  for (int i = 0; i < 8; i++) EntryArena::maintain();
  const ArenaUse after = EntryArena::use();
  EXPECT_LE(after.held_bytes(), before + (with - before) / 20);
  EXPECT_GE(after.spans * kSpanBytes, with - before);
  EXPECT_TRUE(EntryArena::recount());
  for (int i = 0; i < 100'000; i++) blocks.add(1 + random() % 1500);  // what was given back works
  EXPECT_TRUE(blocks.all_intact());
}

TEST(EntryArena, OneCallGivesBackNoMoreThanAskedFor) {
  if (kSystemMalloc) GTEST_SKIP() << "the system's malloc decides";
  give_everything_back();
  Blocks blocks;
  for (int i = 0; i < 40'000; i++) blocks.add(1000);
  blocks.free_all();
  for (int i = 0; i < 2; i++) EntryArena::maintain(0);
  const size_t idle_bytes = EntryArena::use().idle_bytes;
  ASSERT_GE(idle_bytes, 16 * kSpanBytes);
  EXPECT_TRUE(EntryArena::maintain(3));
  EXPECT_EQ(EntryArena::use().idle_bytes, idle_bytes - 3 * kSpanBytes);
}

TEST(EntryArena, GivesBackSlabsOfPartlyUsedSpans) {
  if (kSystemMalloc) GTEST_SKIP() << "the system's malloc decides";
  give_everything_back();
  const size_t slab_bytes_before = EntryArena::use().slab_bytes;
  Blocks blocks;
  constexpr size_t kPerSlab = kSlabBytes / 8192;
  for (size_t i = 0; i < 64 * kSlabsPerSpan * kPerSlab; i++) blocks.add(8192);
  // All but each eighth slab: no span becomes free.
  for (size_t i = blocks.count(); i-- > 0;) {
    const auto slab = reinterpret_cast<uintptr_t>(blocks[i].memory) / kSlabBytes;
    if (slab % 8 != 0) blocks.free(i);
  }
  const ArenaUse sparse = EntryArena::use();
  EXPECT_LE(sparse.slab_bytes, slab_bytes_before + 9 * kSpanBytes);
  EXPECT_GE(sparse.idle_bytes, 50 * kSpanBytes);
  for (int i = 0; i < 100; i++) EntryArena::maintain();
  const ArenaUse after = EntryArena::use();
  EXPECT_LE(after.idle_bytes, 3 * kSpanBytes);
  EXPECT_GE(after.returned_bytes - sparse.returned_bytes, 48 * kSpanBytes);
  EXPECT_TRUE(blocks.all_intact());
  EXPECT_TRUE(EntryArena::recount());
}

// The calls that MemoryPreparer makes.
TEST(EntryArena, ASpanIsPreparedWhenTheLastIsNearlyUsedUp) {
  if (kSystemMalloc) GTEST_SKIP() << "has no spans";
  give_everything_back();
  Blocks blocks;
  EXPECT_FALSE(EntryArena::prepare_span());
  while (EntryArena::use().slab_bytes < SpanPool::kHugeFromBytes) blocks.add(8192);
  const uint32_t need = EntryArena::need();
  for (size_t i = 0; EntryArena::need() == need; i++) {
    ASSERT_LT(i, kSpanBytes / 4096);
    blocks.add(8192);
  }
  const size_t idle_bytes = EntryArena::use().idle_bytes;
  ASSERT_TRUE(EntryArena::prepare_span());
  EXPECT_EQ(EntryArena::use().idle_bytes, idle_bytes + kSpanBytes);
  EXPECT_FALSE(EntryArena::prepare_span());
  EXPECT_TRUE(EntryArena::recount());
  // First come the holes of the spans before, whose memory is new.
  while (EntryArena::use().idle_bytes == idle_bytes + kSpanBytes) blocks.add(8192);
  const size_t spans = EntryArena::use().spans;
  const size_t held_bytes = EntryArena::use().held_bytes();
  for (size_t i = 1; i < (kSpanBytes - kSlabBytes) / 8192; i++) blocks.add(8192);
  EXPECT_EQ(EntryArena::use().spans, spans);
  EXPECT_EQ(EntryArena::use().held_bytes(), held_bytes);
}

TEST(MemoryPreparer, WorksBesideAGrowingArenaAndStops) {
  EntryArena::set_concurrent(false);  // it needs no locks of those who allocate
  Blocks blocks;
  {
    const MemoryPreparer preparer;
    for (int i = 0; i < 100'000; i++) blocks.add(1000);
  }
  EXPECT_TRUE(blocks.all_intact());
  EXPECT_TRUE(EntryArena::recount());
  EntryArena::set_concurrent(true);
}

// Sizes whose distribution changes: first small, then large, then anything.
size_t size_in_phase(std::mt19937_64& random, int phase) {
  switch (phase) {
    case 0:
      return 16 + random() % 200;
    case 1:
      return 400 + random() % 625;
    default:
      return 16 + random() % 1009;
  }
}

TEST(EntryArena, RandomChangesKeepBlocksIntactAndCountsRight) {
  std::mt19937_64 random(3);
  Blocks blocks;
  for (int phase = 0; phase < 3; phase++) {
    for (int i = 0; i < 100'000; i++) {
      const bool grow = random() % 100 < (i < 50'000 ? 65 : 40);
      if (grow || blocks.count() == 0) {
        blocks.add(size_in_phase(random, phase));
      } else {
        blocks.free(random() % blocks.count());
      }
      if (i % 10'000 == 0) EntryArena::maintain();
    }
    EXPECT_TRUE(EntryArena::recount()) << phase;
    EXPECT_TRUE(blocks.all_intact()) << phase;
    EXPECT_TRUE(blocks.disjoint()) << phase;
  }
}

TEST(EntryArena, CompactionLeavesLittleWaste) {
  give_everything_back();
  std::mt19937_64 random(4);
  Blocks blocks;
  for (int phase = 0; phase < 3; phase++) {
    while (blocks.living_bytes() < 160 << 20) blocks.add(size_in_phase(random, phase));
    while (blocks.living_bytes() > 80 << 20) blocks.free(random() % blocks.count());
    const ArenaUse sparse = EntryArena::use();
    compact(blocks, 10);
    give_everything_back();
    const ArenaUse compacted = EntryArena::use();
    EXPECT_TRUE(EntryArena::recount()) << phase;
    EXPECT_TRUE(blocks.all_intact()) << phase;
    EXPECT_EQ(compacted.block_bytes, sparse.block_bytes) << phase;
    if (kSystemMalloc) continue;  // nothing to win
    EXPECT_GT(sparse.held_bytes(), sparse.living_slab_bytes() / 2 * 3) << phase;
    EXPECT_LE(compacted.held_bytes(), compacted.living_slab_bytes() / 10 * 11) << phase;
  }
  EXPECT_TRUE(blocks.disjoint());
}

TEST(EntryArena, NoPlanIsMadeForLittle) {
  if (kSystemMalloc) GTEST_SKIP() << "has no slabs";
  give_everything_back();
  std::mt19937_64 random(5);
  Blocks blocks;
  while (blocks.living_bytes() < 20 << 20) blocks.add(16 + random() % 1009);
  EXPECT_EQ(EntryArena::plan_compaction(), 0u);
  EXPECT_EQ(blocks.move_what_is_worth_it(), 0u);
}

TEST(EntryArena, SlabsChosenForEmptyingGetNoNewBlocks) {
  if (kSystemMalloc) GTEST_SKIP() << "has no slabs";
  std::mt19937_64 random(6);
  Blocks blocks;
  for (int i = 0; i < 200'000; i++) blocks.add(64);
  while (blocks.count() > 60'000) blocks.free(random() % blocks.count());
  ASSERT_GT(EntryArena::plan_compaction(), 0u);
  const size_t before = blocks.count();
  for (int i = 0; i < 20'000; i++) blocks.add(64);
  for (size_t i = before; i < blocks.count(); i++) {
    ASSERT_FALSE(EntryArena::worth_moving(blocks[i].memory));
  }
  EXPECT_TRUE(EntryArena::recount());
  EXPECT_GT(blocks.move_what_is_worth_it(), 0u);
  EXPECT_EQ(blocks.move_what_is_worth_it(), 0u);
}

// A plan whose blocks could not be moved is replaced by the next one.
TEST(EntryArena, APlanThatNobodyFollowsDoesNoHarm) {
  give_everything_back();
  std::mt19937_64 random(7);
  Blocks blocks;
  for (int i = 0; i < 100'000; i++) blocks.add(128);
  while (blocks.count() > 50'000) blocks.free(random() % blocks.count());
  const size_t slab_bytes = EntryArena::use().slab_bytes;
  for (int round = 0; round < 5; round++) {
    EXPECT_GT(EntryArena::plan_compaction(), 0u);
    EXPECT_EQ(EntryArena::use().slab_bytes, slab_bytes);
    EXPECT_TRUE(EntryArena::recount());
  }
}

TEST(EntryArena, BlocksOutsideOfTheArenaNeedNotMove) {
  if (kSystemMalloc) GTEST_SKIP() << "all are";
  Blocks blocks;
  blocks.add(100'000);
  const int local = 0;
  EXPECT_FALSE(EntryArena::worth_moving(blocks[0].memory));
  EXPECT_FALSE(EntryArena::worth_moving(&local));
  EXPECT_FALSE(EntryArena::worth_moving(nullptr));
}

// Each thread frees half of its blocks itself and leaves the rest to the next one.
TEST(EntryArena, ThreadsMayFreeEachOthersBlocks) {
  constexpr size_t kThreads = 3;
  EntryArena::set_concurrent(true);
  const ArenaUse before = EntryArena::use();
  std::vector<Block> left[kThreads];
  for (int round = 0; round < 3; round++) {
    std::vector<std::thread> threads;
    std::vector<Block> next[kThreads];
    for (size_t t = 0; t < kThreads; t++) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(100 * static_cast<uint64_t>(round) + t);
        std::vector<Block>& others = left[(t + 1) % kThreads];
        for (int i = 0; i < 30'000; i++) {
          const size_t bytes = 16 + random() % 300;
          next[t].push_back({static_cast<char*>(EntryArena::allocate(bytes)), bytes, 0});
          std::memset(next[t].back().memory, static_cast<int>(t), bytes);
          std::vector<Block>& victims = i % 2 == 0 ? next[t] : others;
          if (victims.empty()) continue;
          std::swap(victims[random() % victims.size()], victims.back());
          EntryArena::free(victims.back().memory, victims.back().bytes);
          victims.pop_back();
          if (i % 5000 == 0) EntryArena::maintain();
          if (i % 5000 == 1) EntryArena::plan_compaction();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t t = 0; t < kThreads; t++) {
      for (const Block& block : next[t]) {
        ASSERT_EQ(std::count(block.memory, block.memory + block.bytes, static_cast<char>(t)),
                  static_cast<std::ptrdiff_t>(block.bytes));
        left[t].push_back(block);
      }
    }
    EXPECT_TRUE(EntryArena::recount());
  }
  for (std::vector<Block>& blocks : left) {
    for (const Block& block : blocks) EntryArena::free(block.memory, block.bytes);
  }
  EXPECT_EQ(EntryArena::use().block_bytes, before.block_bytes);
  EXPECT_TRUE(EntryArena::recount());
}

}  // namespace
}  // namespace larder::storage
