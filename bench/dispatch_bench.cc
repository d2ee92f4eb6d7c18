// What a command costs inside the server: from the bytes of a batch to the bytes of its replies,
// with everything between but sockets. Reported per command (items).
#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/request_text.h"
#include "protocol/request_parser.h"
#include "server/core/output.h"
#include "tests/support/in_process.h"

namespace larder::bench {
namespace {

using core::Dispatcher;
using protocol::RequestBatch;

constexpr size_t kKeys = 1'000'000;
constexpr size_t kPipelines = 4096;  // different ones, so that the keys asked for stay random

std::string key_name(uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "key:%012llu", static_cast<unsigned long long>(number));
  return text;
}

// A server in process that reads what a connection would have read.
class Served {
 public:
  Served() : dispatcher_(in_process_.server(), 0) {
    const std::string value(32, 'v');
    for (size_t i = 0; i < kKeys; i++) in_process_.run({"SET", key_name(i), value});
  }

  // Runs all requests in `bytes`. Returns how many, 0 if one was answered with an error.
  size_t serve(std::string_view bytes) {
    size_t commands = 0;
    while (!bytes.empty()) {
      batch_.clear();
      bytes.remove_prefix(parser_.parse(bytes, batch_, {}).consumed);
      Dispatcher::Prepared prepared[RequestBatch::kRequestsMax];
      dispatcher_.start_timing();
      for (size_t i = 0; i < batch_.size(); i++) {
        prepared[i] = dispatcher_.prepare(batch_.arguments(i), 0);
      }
      const int64_t now_ms = in_process_.clock().now_ms();
      for (size_t i = 0; i < batch_.size(); i++) {
        dispatcher_.prefetch({prepared, batch_.size()}, i);
        dispatcher_.run(in_process_.client(), batch_.arguments(i), prepared[i], out_, now_ms);
      }
      commands += batch_.size();
    }
    benchmark::DoNotOptimize(out_.text().data());
    if (out_.size() == 0 || out_.text()[0] == '-') commands = 0;
    out_.truncate(0);
    return commands;
  }

 private:
  testing::InProcess in_process_;
  Dispatcher dispatcher_;
  protocol::RequestParser parser_;
  RequestBatch batch_;
  core::Output out_;
};

// Filling it takes a moment: all benchmarks share it.
Served& served() {
  static Served server;
  return server;
}

// Serves pipelines that `append` writes for random key names, `pipeline` requests each.
template <typename Append>
void serve_pipelines(benchmark::State& state, int64_t pipeline, Append append) {
  std::mt19937_64 random(1);
  std::vector<std::string> pipelines(kPipelines);
  for (std::string& bytes : pipelines) {
    for (int64_t i = 0; i < pipeline; i++) {
      append(bytes, [&] { return key_name(random() % kKeys); });
    }
  }
  Served& server = served();
  size_t commands = 0;
  size_t next = 0;
  for (auto _ : state) {
    const size_t ran = server.serve(pipelines[next]);
    if (ran == 0) {
      state.SkipWithError("the server answered with an error");
      return;
    }
    commands += ran;
    next = (next + 1) % kPipelines;
  }
  state.SetItemsProcessed(static_cast<int64_t>(commands));
}

// Argument: requests in one pipeline.
void get(benchmark::State& state) {
  serve_pipelines(state, state.range(0), [](std::string& bytes, auto key) {
    append_request(bytes, {"GET", key()});
  });
}
BENCHMARK(get)->Arg(1)->Arg(16)->Arg(64);

void get_missing(benchmark::State& state) {
  serve_pipelines(state, state.range(0), [](std::string& bytes, auto key) {
    append_request(bytes, {"GET", "no" + key()});
  });
}
BENCHMARK(get_missing)->Arg(1)->Arg(16);

void set(benchmark::State& state) {
  const std::string value(32, 'w');
  serve_pipelines(state, state.range(0), [&](std::string& bytes, auto key) {
    append_request(bytes, {"SET", key(), value});
  });
}
BENCHMARK(set)->Arg(1)->Arg(16)->Arg(64);

void ping(benchmark::State& state) {
  serve_pipelines(state, state.range(0),
                  [](std::string& bytes, auto) { append_request(bytes, {"PING"}); });
}
BENCHMARK(ping)->Arg(1)->Arg(16);

// Argument: keys of one MGET.
void mget(benchmark::State& state) {
  serve_pipelines(state, 1, [&](std::string& bytes, auto key) {
    std::vector<std::string> words{"MGET"};
    for (int64_t i = 0; i < state.range(0); i++) words.push_back(key());
    append_request(bytes, std::vector<std::string_view>(words.begin(), words.end()));
  });
}
BENCHMARK(mget)->Arg(10)->Arg(100);

}  // namespace
}  // namespace larder::bench
