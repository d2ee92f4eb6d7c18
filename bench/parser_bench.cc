// What it costs to turn bytes into requests. Reported per request (items) and per byte.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "bench/request_text.h"
#include "protocol/request_parser.h"

namespace larder::bench {
namespace {

using protocol::RequestBatch;
using protocol::RequestParser;

const std::string kKey = "key:000000012345";
const std::string kValue(32, 'v');

// Parses all of `bytes`, which holds complete requests only, in each iteration.
void parse_whole(benchmark::State& state, const std::string& bytes) {
  RequestParser parser;
  RequestBatch batch;
  size_t requests = 0;
  for (auto _ : state) {
    std::string_view left = bytes;
    while (!left.empty()) {
      batch.clear();
      const protocol::ParseResult result = parser.parse(left, batch, {});
      if (batch.size() == 0 || !result.error.empty()) {
        state.SkipWithError("the requests were not understood");
        return;
      }
      benchmark::DoNotOptimize(batch.arguments(0).data());
      requests += batch.size();
      left.remove_prefix(result.consumed);
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(requests));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}

// Argument: requests in the pipeline.
void parse_get(benchmark::State& state) {
  std::string bytes;
  for (int64_t i = 0; i < state.range(0); i++) append_request(bytes, {"GET", kKey});
  parse_whole(state, bytes);
}
BENCHMARK(parse_get)->Arg(1)->Arg(16)->Arg(256);

void parse_set(benchmark::State& state) {
  std::string bytes;
  for (int64_t i = 0; i < state.range(0); i++) append_request(bytes, {"SET", kKey, kValue});
  parse_whole(state, bytes);
}
BENCHMARK(parse_set)->Arg(1)->Arg(16)->Arg(256);

void parse_inline_get(benchmark::State& state) {
  std::string bytes;
  for (int64_t i = 0; i < state.range(0); i++) bytes += "GET " + kKey + "\r\n";
  parse_whole(state, bytes);
}
BENCHMARK(parse_inline_get)->Arg(1)->Arg(16);

// Argument: keys of one MGET.
void parse_many_arguments(benchmark::State& state) {
  std::vector<std::string_view> arguments(static_cast<size_t>(state.range(0)) + 1, kKey);
  arguments[0] = "MGET";
  std::string bytes;
  append_request(bytes, arguments);
  parse_whole(state, bytes);
}
BENCHMARK(parse_many_arguments)->Arg(10)->Arg(100)->Arg(10'000);

// One MGET that comes in pieces: the cost must grow with its bytes, not with their square.
// Arguments: keys, bytes a piece.
void parse_in_pieces(benchmark::State& state) {
  std::vector<std::string_view> arguments(static_cast<size_t>(state.range(0)) + 1, kKey);
  arguments[0] = "MGET";
  std::string bytes;
  append_request(bytes, arguments);
  const auto piece = static_cast<size_t>(state.range(1));
  RequestParser parser;
  RequestBatch batch;
  for (auto _ : state) {
    size_t consumed = 0;
    for (size_t have = piece; consumed == 0; have += piece) {
      batch.clear();
      consumed = parser.parse(std::string_view(bytes).substr(0, have), batch, {}).consumed;
    }
    benchmark::DoNotOptimize(consumed);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(parse_in_pieces)->Args({1, 1})->Args({100, 1})->Args({1000, 1})->Args({1000, 1000});

}  // namespace
}  // namespace larder::bench
