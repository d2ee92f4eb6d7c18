// What the hash table costs: finding at sizes that fit a cache and that do not, inserting, erasing,
// scanning, and the one insertion in a hundred or so that splits a segment.
//
// Keys are looked up in an order that has nothing to do with the table's or the allocator's, and
// the keys asked for lie in memory in that order, so that the misses counted are the table's own.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/table.h"

namespace larder::bench {
namespace {

using storage::Entry;
using storage::Key;
using storage::Slot;
using storage::Table;

constexpr uint64_t kHashSeed = 1;
constexpr size_t kKeyBytes = 16;
constexpr size_t kValueBytes = 32;

Entry* make_entry(std::string_view key) {
  Entry* entry = Entry::create({.key = key, .text_bytes = kValueBytes});
  std::memset(entry->text_bytes(), 'v', kValueBytes);
  return entry;
}

// The keys "<prefix>000000000000" and up, shuffled, with their hashes.
class ShuffledKeys {
 public:
  ShuffledKeys(const char* prefix, size_t count) {
    std::vector<size_t> order(count);
    for (size_t i = 0; i < count; i++) order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937_64(kHashSeed));
    bytes_.resize(count * kKeyBytes + 1);
    keys_.reserve(count);
    for (size_t i = 0; i < count; i++) {
      char* at = bytes_.data() + i * kKeyBytes;
      std::snprintf(at, kKeyBytes + 1, "%s%012zu", prefix, order[i]);
      const std::string_view key(at, kKeyBytes);
      keys_.push_back({key, storage::hash_key(key, kHashSeed)});
    }
  }
  size_t size() const { return keys_.size(); }
  const Key& operator[](size_t i) const { return keys_[i]; }

 private:
  std::vector<char> bytes_;
  std::vector<Key> keys_;
};

struct Populated {
  explicit Populated(size_t count) : present("key:", count), absent("non:", count) {
    std::vector<const Key*> by_name;
    for (size_t i = 0; i < count; i++) by_name.push_back(&present[i]);
    std::sort(by_name.begin(), by_name.end(),
              [](const Key* a, const Key* b) { return a->bytes < b->bytes; });
    for (const Key* key : by_name) table.insert(key->hash, make_entry(key->bytes));
  }

  ShuffledKeys present;
  ShuffledKeys absent;
  Table table{kHashSeed};
};

// Google Benchmark calls a function several times: the table is built once a size.
Populated& populated(int64_t count) {
  static std::map<int64_t, std::unique_ptr<Populated>> by_count;
  std::unique_ptr<Populated>& slot = by_count[count];
  if (!slot) slot = std::make_unique<Populated>(static_cast<size_t>(count));
  return *slot;
}

void find_each(benchmark::State& state, const Table& table, const ShuffledKeys& keys) {
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(table.find(keys[i]));
    if (++i == keys.size()) i = 0;
  }
  state.SetItemsProcessed(state.iterations());
}

// Argument of all below: keys in the table.
void find_hit(benchmark::State& state) {
  Populated& p = populated(state.range(0));
  find_each(state, p.table, p.present);
}
BENCHMARK(find_hit)->Arg(1'000)->Arg(1'000'000);

void find_miss(benchmark::State& state) {
  Populated& p = populated(state.range(0));
  find_each(state, p.table, p.absent);
}
BENCHMARK(find_miss)->Arg(1'000)->Arg(1'000'000);

// As a batch of requests is served: ask for the memory of 16 keys, then find them.
void find_hit_prefetched(benchmark::State& state) {
  constexpr size_t kBatch = 16;
  Populated& p = populated(state.range(0));
  size_t first = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < kBatch; i++) p.table.prefetch_bucket(p.present[first + i].hash);
    for (size_t i = 0; i < kBatch; i++) p.table.prefetch_entry(p.present[first + i].hash);
    for (size_t i = 0; i < kBatch; i++)
      benchmark::DoNotOptimize(p.table.find(p.present[first + i]));
    first += kBatch;
    if (first + kBatch > p.present.size()) first = 0;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK(find_hit_prefetched)->Arg(1'000)->Arg(1'000'000);

// A table from nothing to its full size, splits included; the entries are made beforehand.
void insert(benchmark::State& state) {
  const ShuffledKeys& keys = populated(state.range(0)).present;
  std::vector<Entry*> entries(keys.size());
  for (auto _ : state) {
    state.PauseTiming();
    for (size_t i = 0; i < keys.size(); i++) entries[i] = make_entry(keys[i].bytes);
    auto table = std::make_unique<Table>(kHashSeed);
    state.ResumeTiming();
    for (size_t i = 0; i < keys.size(); i++) table->insert(keys[i].hash, entries[i]);
    state.PauseTiming();
    table.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(insert)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

// Takes an entry out and puts it back: a full table at rest, which never splits.
void erase_and_insert(benchmark::State& state) {
  Populated& p = populated(state.range(0));
  size_t i = 0;
  for (auto _ : state) {
    const Key& key = p.present[i];
    p.table.insert(key.hash, p.table.erase(p.table.find(key), key.hash));
    if (++i == p.present.size()) i = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(erase_and_insert)->Arg(1'000)->Arg(1'000'000);

// SCAN's walk over the whole table, ten entries a call.
void scan(benchmark::State& state) {
  Populated& p = populated(state.range(0));
  size_t visited = 0;
  for (auto _ : state) {
    storage::TablePosition position = 0;
    do {
      storage::ScanBudget budget{.entries = 10, .buckets = 100};
      position = p.table.scan(position, budget, [&](const Entry&) { visited++; });
    } while (position != 0);
  }
  state.SetItemsProcessed(static_cast<int64_t>(visited));
}
BENCHMARK(scan)->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

// What this thread has used of a processor, in seconds: unlike the time of day, it does not count
// what others did meanwhile.
double cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

// Inserts the next key, into an emptied table if there is none left. Returns the seconds that it
// took if that split a segment, else 0.
double insert_and_time_split(Table& table, const ShuffledKeys& keys, size_t& next) {
  if (next == keys.size()) {
    next = 0;
    while (table.destroy_some(keys.size())) {
    }
  }
  const Key& key = keys[next++];
  Entry* entry = make_entry(key.bytes);
  const size_t bytes = table.memory_bytes();
  const double start = cpu_seconds();
  table.insert(key.hash, entry);
  const double took = cpu_seconds() - start;
  return bytes != 0 && bytes != table.memory_bytes() ? took : 0;
}

// Only the insertions that split a segment are timed: the longest that a writer can hold its shard
// because of growth. A shard's table holds about a thousandth of all keys, so 10'000 stand for ten
// million in the server.
void split(benchmark::State& state) {
  const ShuffledKeys& keys = populated(state.range(0)).present;
  Table table(kHashSeed);
  size_t next = 0;
  double slowest = 0;
  for (auto _ : state) {
    double took = 0;
    while (took == 0) took = insert_and_time_split(table, keys, next);
    slowest = std::max(slowest, took);
    state.SetIterationTime(took);
  }
  state.counters["slowest_us"] = slowest * 1e6;
}
BENCHMARK(split)->Arg(10'000)->Arg(100'000)->UseManualTime()->Iterations(5'000);

}  // namespace
}  // namespace larder::bench
