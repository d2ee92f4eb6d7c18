// What it costs to make, change and read one entry.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <string>

#include "storage/entry.h"

namespace larder::bench {
namespace {

using storage::Blob;
using storage::Entry;
using storage::EntryShape;
using storage::ValueKind;

constexpr std::string_view kKey = "key:000000012345";
constexpr int64_t kExpireAtMs = 1'800'000'000'000;

struct Destroy {
  void operator()(Entry* entry) const { Entry::destroy(entry); }
};
using OwnedEntry = std::unique_ptr<Entry, Destroy>;

// A text of up to kInlineValueMax bytes lives in the entry, a longer one in a blob.
OwnedEntry make_string(size_t value_bytes, int64_t expire_at_ms = storage::kNoExpiry) {
  EntryShape shape{.key = kKey, .expire_at_ms = expire_at_ms};
  if (value_bytes > storage::kInlineValueMax) {
    shape.kind = ValueKind::kBlob;
    shape.blob = Blob::create(value_bytes, value_bytes);
    std::memset(shape.blob->data(), 'v', value_bytes);
    return OwnedEntry(Entry::create(shape));
  }
  shape.text_bytes = value_bytes;
  OwnedEntry entry(Entry::create(shape));
  std::memset(entry->text_bytes(), 'v', value_bytes);
  return entry;
}

OwnedEntry make_integer(int64_t value) {
  return OwnedEntry(Entry::create({.key = kKey, .kind = ValueKind::kInteger, .integer = value}));
}

// Argument: bytes of the value.
void create_and_destroy(benchmark::State& state) {
  for (auto _ : state) {
    const OwnedEntry entry = make_string(static_cast<size_t>(state.range(0)));
    benchmark::DoNotOptimize(entry.get());
  }
}
BENCHMARK(create_and_destroy)->Arg(3)->Arg(32)->Arg(200)->Arg(1024)->Arg(4096);

void create_and_destroy_with_expiry(benchmark::State& state) {
  for (auto _ : state) {
    const OwnedEntry entry = make_string(static_cast<size_t>(state.range(0)), kExpireAtMs);
    benchmark::DoNotOptimize(entry.get());
  }
}
BENCHMARK(create_and_destroy_with_expiry)->Arg(32);

// SET over a value of the same length: the block is used again.
void rewrite(benchmark::State& state) {
  const auto value_bytes = static_cast<size_t>(state.range(0));
  const OwnedEntry entry = make_string(value_bytes);
  const EntryShape shape{.key = kKey, .text_bytes = value_bytes};
  for (auto _ : state) {
    if (!entry->rewrite(shape)) state.SkipWithError("the block did not fit");
    std::memset(entry->text_bytes(), 'w', value_bytes);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(rewrite)->Arg(3)->Arg(32)->Arg(200);

void read_string(benchmark::State& state, const OwnedEntry& entry) {
  char digits[storage::kIntegerTextMax];
  for (auto _ : state) {
    benchmark::DoNotOptimize(entry.get());
    const std::string_view text = entry->string(digits);
    benchmark::DoNotOptimize(text.data());
    benchmark::ClobberMemory();
  }
}

void read_text(benchmark::State& state) {
  read_string(state, make_string(32));
}
BENCHMARK(read_text);

void read_blob(benchmark::State& state) {
  read_string(state, make_string(4096));
}
BENCHMARK(read_blob);

// Argument: the integer whose digits are written.
void read_integer(benchmark::State& state) {
  read_string(state, make_integer(state.range(0)));
}
BENCHMARK(read_integer)->Arg(7)->Arg(1'234'567'890'123);

void compare_key(benchmark::State& state) {
  const OwnedEntry entry = make_string(32);
  std::string key(kKey);
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.data());
    benchmark::DoNotOptimize(entry->key() == key);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(compare_key);

}  // namespace
}  // namespace larder::bench
