#include "bench/hit_ratio/server_replay.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "bench/request_text.h"
#include "tests/support/test_client.h"

namespace larder::bench {
namespace {

using protocol::Reply;
using testing::TestClient;
using SteadyTime = std::chrono::steady_clock;

class Replay {
 public:
  Replay(const Trace& trace, const ReplayOptions& options)
      : trace_(trace),
        options_(options),
        client_(TestClient::tcp(options.host, options.port)),
        value_(largest(trace), 'v') {}

  ReplayResult run(uint64_t objects) {
    call({"CONFIG", "SET", "maxmemory", "0"});
    if (!options_.policy.empty()) call({"CONFIG", "SET", "maxmemory-policy", options_.policy});
    const uint64_t limit =
        options_.maxmemory_bytes > 0 ? options_.maxmemory_bytes : limit_for(objects);
    call({"FLUSHALL"});
    set_limit(limit);
    const uint64_t hits = replay_all();
    const auto requests = static_cast<double>(trace_.requests.size() * options_.copies);
    return {static_cast<double>(hits) / requests, keys_held(), limit};
  }

 private:
  static constexpr int kLimitRounds = 6;
  static constexpr double kLimitTolerance = 0.005;

  static size_t largest(const Trace& trace) {
    const auto by_size = [](const Request& a, const Request& b) { return a.size < b.size; };
    return std::max_element(trace.requests.begin(), trace.requests.end(), by_size)->size;
  }

  Reply read() {
    Reply reply = client_.read_reply();
    if (reply.is_error()) throw std::runtime_error("the server answered: " + reply.text);
    return reply;
  }
  Reply call(const std::vector<std::string>& arguments) {
    client_.request(arguments);
    return read();
  }
  void set_limit(uint64_t bytes) { call({"CONFIG", "SET", "maxmemory", std::to_string(bytes)}); }
  uint64_t keys_held() { return static_cast<uint64_t>(call({"DBSIZE"}).integer); }
  uint64_t used_memory() {
    const std::string text = call({"INFO", "memory"}).text;
    constexpr std::string_view kField = "used_memory:";
    const size_t at = text.find(kField);
    if (at == std::string::npos) throw std::runtime_error("INFO has no used_memory");
    return std::stoull(text.substr(at + kField.size()));
  }

  static std::string key_of(uint32_t key, uint64_t copy) {
    return "key:" + std::to_string(copy) + ":" + std::to_string(key);
  }
  void append_set(uint32_t key, uint64_t copy, uint32_t size) {
    append_request(out_, {"SET", key_of(key, copy), std::string_view(value_).substr(0, size)});
    sets_++;
  }
  void flush_sets() {
    client_.send(out_);
    for (; sets_ > 0; sets_--) read();
    out_.clear();
  }

  // Writes keys, with the sizes of the trace's keys in order, until `count` are written; in
  // pipelines as long as the replay's, since servers count the buffers of their clients.
  void write_keys(uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; i++) {
      // Beyond the trace's keys they begin again under another name.
      const uint32_t size = sizes_[i % sizes_.size()];
      append_set(static_cast<uint32_t>(i), options_.copies, size);
      if (sets_ >= options_.copies) flush_sets();
    }
    flush_sets();
  }

  void collect_sizes() {
    std::unordered_set<uint32_t> seen;
    for (const Request& request : trace_.requests) {
      if (seen.insert(request.key).second) sizes_.push_back(request.size);
    }
  }

  // Finds the maxmemory with which the server holds `objects` of each copy: first what they take
  // without a limit; then, since servers evict before or behind their limit, corrected by how many
  // it still holds after as many again were written.
  uint64_t limit_for(uint64_t objects) {
    collect_sizes();
    objects *= options_.copies;
    call({"FLUSHALL"});
    const uint64_t empty = used_memory();
    write_keys(0, objects);
    uint64_t limit = used_memory();
    for (int round = 0; round < kLimitRounds; round++) {
      set_limit(limit);
      write_keys((round + 1) * objects, objects);
      const auto off = static_cast<double>(objects) / static_cast<double>(keys_held());
      if (std::abs(off - 1) < kLimitTolerance) break;
      limit = empty + static_cast<uint64_t>(static_cast<double>(limit - empty) * off);
    }
    return limit;
  }

  uint64_t replay_all() {
    uint64_t hits = 0;
    const auto start = SteadyTime::now();
    for (size_t i = 0; i < trace_.requests.size(); i++) {
      if (options_.requests_per_second > 0) {
        const double seconds =
            static_cast<double>(i * options_.copies) / options_.requests_per_second;
        std::this_thread::sleep_until(start + std::chrono::duration_cast<SteadyTime::duration>(
                                                  std::chrono::duration<double>(seconds)));
      }
      hits += request_of_all_copies(trace_.requests[i]);
    }
    return hits;
  }

  uint64_t request_of_all_copies(const Request& request) {
    uint64_t hits = 0;
    for (uint64_t copy = 0; copy < options_.copies; copy++) {
      append_request(out_, {"GET", key_of(request.key, copy)});
    }
    client_.send(out_);
    out_.clear();
    for (uint64_t copy = 0; copy < options_.copies; copy++) {
      if (read().is_null()) {
        append_set(request.key, copy, request.size);
      } else {
        hits++;
      }
    }
    if (sets_ > 0) flush_sets();
    return hits;
  }

  const Trace& trace_;
  const ReplayOptions& options_;
  TestClient client_;
  const std::string value_;      // all values are the beginning of this
  std::vector<uint32_t> sizes_;  // of the trace's keys, in order of appearance
  std::string out_;
  size_t sets_ = 0;  // in out_
};

}  // namespace

ReplayResult replay(const Trace& trace, uint64_t objects, const ReplayOptions& options) {
  return Replay(trace, options).run(objects);
}

}  // namespace larder::bench
