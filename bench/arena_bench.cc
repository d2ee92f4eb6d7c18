// What blocks cost from the entry arena and from jemalloc, and what huge pages bring to whoever
// reads them in random order. Where a benchmark has an argument, it is
// the bytes of a block unless it has a name.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "storage/entry_arena.h"
#include "storage/memory.h"
#ifndef LARDER_SYSTEM_MALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace larder::bench {
namespace {

using storage::EntryArena;

struct Arena {
  static void* allocate(size_t bytes) { return EntryArena::allocate(bytes); }
  static void free(void* block, size_t bytes) { EntryArena::free(block, bytes); }
};

struct Heap {
#ifndef LARDER_SYSTEM_MALLOC
  static void* allocate(size_t bytes) {
    return mallocx(bytes, 0);
  }
  static void free(void* block, size_t bytes) {
    sdallocx(block, bytes, 0);
  }
#else
  static void* allocate(size_t bytes) {
    return ::operator new(bytes);
  }
  static void free(void* block, size_t) {
    ::operator delete(block);
  }
#endif
};

void locks_wanted(bool wanted) {
  EntryArena::set_concurrent(wanted);
}

void give_everything_back() {
  for (int i = 0; i < 8 || EntryArena::maintain(); i++) EntryArena::maintain();
}

// One block, allocated and freed again.
template <typename Source>
void pair(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  locks_wanted(false);
  void* kept = Source::allocate(bytes);  // so that the slab stays
  for (auto _ : state) {
    void* block = Source::allocate(bytes);
    benchmark::DoNotOptimize(block);
    Source::free(block, bytes);
  }
  Source::free(kept, bytes);
  locks_wanted(true);
}
BENCHMARK(pair<Arena>)->Arg(24)->Arg(56)->Arg(256)->Arg(1000);
BENCHMARK(pair<Heap>)->Arg(24)->Arg(56)->Arg(256)->Arg(1000);

void pair_with_locks(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  void* kept = EntryArena::allocate(bytes);
  for (auto _ : state) {
    void* block = EntryArena::allocate(bytes);
    benchmark::DoNotOptimize(block);
    EntryArena::free(block, bytes);
  }
  EntryArena::free(kept, bytes);
}
BENCHMARK(pair_with_locks)->Arg(56);

// 64 blocks of changing sizes, then all freed: what stays in the nearest caches.
template <typename Source>
void batch(benchmark::State& state) {
  constexpr size_t kBlocks = 64;
  constexpr size_t kSizes[] = {24, 40, 56, 64, 72, 120, 200, 400};
  locks_wanted(false);
  void* blocks[kBlocks];
  for (auto _ : state) {
    for (size_t i = 0; i < kBlocks; i++) blocks[i] = Source::allocate(kSizes[i % 8]);
    benchmark::ClobberMemory();
    for (size_t i = 0; i < kBlocks; i++) Source::free(blocks[i], kSizes[i % 8]);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBlocks));
  locks_wanted(true);
}
BENCHMARK(batch<Arena>);
BENCHMARK(batch<Heap>);

// A million living blocks; each step replaces a random one: reads from it, since whoever frees it
// must know how long it is, allocates and writes another, and frees it.
template <typename Source>
void replace_random(benchmark::State& state) {
  constexpr size_t kBlocks = 1 << 20;
  const auto bytes = static_cast<size_t>(state.range(0));
  locks_wanted(false);
  std::vector<void*> blocks(kBlocks);
  for (void*& block : blocks) std::memset(block = Source::allocate(bytes), 1, bytes);
  std::mt19937_64 random(1);
  for (auto _ : state) {
    void*& block = blocks[random() % kBlocks];
    const size_t known_bytes = *static_cast<const char*>(block) != 0 ? bytes : 0;
    void* replacement = Source::allocate(known_bytes);
    std::memset(replacement, 2, bytes);
    Source::free(block, known_bytes);
    block = replacement;
  }
  for (void* block : blocks) Source::free(block, bytes);
  give_everything_back();
  locks_wanted(true);
}
BENCHMARK(replace_random<Arena>)->Arg(56)->Arg(256)->Iterations(2'000'000);
BENCHMARK(replace_random<Heap>)->Arg(56)->Arg(256)->Iterations(2'000'000);

// Reads that depend on each other, in random order over 4 million blocks of 56 bytes. Argument:
// whether huge pages are used.
void chase(benchmark::State& state) {
  constexpr size_t kBlocks = 4 << 20;
  constexpr size_t kBytes = 56;
  EntryArena::set_huge_pages(state.range(0) != 0);
  std::vector<void**> blocks(kBlocks);
  for (void**& block : blocks) block = static_cast<void**>(EntryArena::allocate(kBytes));
  std::mt19937_64 random(1);
  std::shuffle(blocks.begin(), blocks.end(), random);
  for (size_t i = 0; i < kBlocks; i++) *blocks[i] = blocks[(i + 1) % kBlocks];
  for (int i = 0; i < 100; i++) EntryArena::maintain();  // collapses what may be
  void** at = blocks[0];
  for (auto _ : state) {
    at = static_cast<void**>(*at);
    benchmark::DoNotOptimize(at);
  }
  for (void** block : blocks) EntryArena::free(block, kBytes);
  give_everything_back();
  EntryArena::set_huge_pages(true);
}
BENCHMARK(chase)->ArgName("huge")->Arg(0)->Arg(1)->Iterations(2'000'000);

// The first touch of memory: blocks of 56 bytes until 128 MiB are full, then everything is given
// back, which is not measured.
void grow(benchmark::State& state) {
  constexpr size_t kBytes = 56;
  constexpr size_t kBlocks = (128 << 20) / kBytes;
  EntryArena::set_huge_pages(state.range(0) != 0);
  std::vector<void*> blocks(kBlocks);
  for (auto _ : state) {
    for (void*& block : blocks) std::memset(block = EntryArena::allocate(kBytes), 1, kBytes);
    state.PauseTiming();
    for (void* block : blocks) EntryArena::free(block, kBytes);
    give_everything_back();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBlocks));
  EntryArena::set_huge_pages(true);
}
BENCHMARK(grow)->ArgName("huge")->Arg(0)->Arg(1)->Iterations(3)->Unit(benchmark::kMillisecond);

// What a limit on memory costs each write.
void used_bytes(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(storage::used_bytes());
}
BENCHMARK(used_bytes);

}  // namespace
}  // namespace larder::bench
