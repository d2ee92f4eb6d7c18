// Hit ratios of eviction policies on request traces: Larder's policies, decided by the code that
// the server uses, beside other policies and the optimum, all in process; or of a running server.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/hit_ratio/cache_model.h"
#include "bench/hit_ratio/server_replay.h"
#include "bench/hit_ratio/trace.h"

namespace larder::bench {
namespace {

constexpr std::string_view kUsage = R"(hit_ratio [options]
  --traces FOLDER      with traces as *.gz: lines "key size"       (default ../shared/traces)
  --only NAME,...      only these traces
  --sizes PERCENT,...  of the bytes of all distinct values         (default 1,5,10,25)
  --policies NAME,...  only these policies
With a server, which is emptied, instead of models:
  --server HOST:PORT   a numeric address
  --policy NAME        maxmemory-policy to set
  --copies N           copies of the trace side by side, pipelined (default 1)
  --pace N             requests a second, of all copies; 0: as fast as possible (default 0)
  --maxmemory BYTES    limit; without it, one that holds as many objects as --sizes says
Below some 10,000 objects the server's own buffers blur the limit: take more copies (16).
Models see requests a millisecond apart: --pace 1000 is the same for a server.
)";

struct Options {
  std::string traces = "../shared/traces";
  std::vector<std::string> only;
  std::vector<std::string> policies;
  std::vector<double> sizes = {1, 5, 10, 25};
  bool use_server = false;
  ReplayOptions replay;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    parts.emplace_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

template <typename Number>
Number number(std::string_view text, Number least) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least) {
    throw std::runtime_error("not a number that is allowed: " + std::string(text));
  }
  return value;
}

void set_server(const std::string& address, Options& options) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("--server takes HOST:PORT");
  options.use_server = true;
  options.replay.host = address.substr(0, colon);
  options.replay.port = number<int>(std::string_view(address).substr(colon + 1), 1);
}

void set_sizes(const std::string& text, Options& options) {
  options.sizes.clear();
  for (const std::string& part : split(text)) options.sizes.push_back(number<double>(part, 0.001));
}

void set_option(std::string_view name, const std::string& value, Options& options) {
  if (name == "--traces") {
    options.traces = value;
  } else if (name == "--only") {
    options.only = split(value);
  } else if (name == "--policies") {
    options.policies = split(value);
  } else if (name == "--sizes") {
    set_sizes(value, options);
  } else if (name == "--server") {
    set_server(value, options);
  } else if (name == "--policy") {
    options.replay.policy = value;
  } else if (name == "--copies") {
    options.replay.copies = number<uint32_t>(value, 1);
  } else if (name == "--pace") {
    options.replay.requests_per_second = number<double>(value, 0);
  } else if (name == "--maxmemory") {
    options.replay.maxmemory_bytes = number<uint64_t>(value, 1);
  } else {
    throw std::runtime_error("there is no option " + std::string(name) + "; --help lists them");
  }
}

bool wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<Trace> read_traces(const Options& options) {
  std::vector<std::string> paths;
  for (const auto& file : std::filesystem::directory_iterator(options.traces)) {
    const bool trace = file.path().extension() == ".gz";
    if (trace && wanted(options.only, file.path().stem().string())) paths.push_back(file.path());
  }
  if (paths.empty()) throw std::runtime_error("no such traces in " + options.traces);
  std::sort(paths.begin(), paths.end());
  std::vector<Trace> traces;
  traces.reserve(paths.size());
  for (const std::string& path : paths) traces.push_back(read_trace(path));
  return traces;
}

CacheSize cache_size(const Trace& trace, double percent) {
  const auto part = [&](uint64_t n) { return static_cast<double>(n) * percent / 100; };
  return {static_cast<uint64_t>(part(trace.distinct_bytes)),
          std::max<uint64_t>(static_cast<uint64_t>(part(trace.distinct_keys)), 1), trace.keys};
}

double hit_ratio(const Trace& trace, const ModelKind& kind, double percent) {
  const std::unique_ptr<CacheModel> cache = kind.make(cache_size(trace, percent));
  uint64_t hits = 0;
  for (uint32_t i = 0; i < trace.requests.size(); i++) {
    hits += cache->request(trace.requests[i], i) ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(trace.requests.size());
}

std::vector<ModelKind> chosen_models(const Options& options) {
  std::vector<ModelKind> models;
  for (const auto* list : {&policy_models(), &baseline_models()}) {
    for (const ModelKind& kind : *list) {
      if (wanted(options.policies, kind.name)) models.push_back(kind);
    }
  }
  if (models.empty()) throw std::runtime_error("no such policies");
  return models;
}

void print_head(const std::string& first, const std::vector<ModelKind>& models) {
  std::printf("\n| %s |", first.c_str());
  for (const ModelKind& kind : models) std::printf(" %s |", kind.name.c_str());
  std::printf("\n|---|");
  for (size_t i = 0; i < models.size(); i++) std::printf("--:|");
  std::printf("\n");
}

// A table for each size: a row a trace, a column a policy.
void compare_models(const std::vector<Trace>& traces, const Options& options) {
  const std::vector<ModelKind> models = chosen_models(options);
  for (const double percent : options.sizes) {
    char size[32];
    std::snprintf(size, sizeof size, "%g %%", percent);
    print_head(size, models);
    std::vector<double> sums(models.size(), 0);
    for (const Trace& trace : traces) {
      std::printf("| %s |", trace.name.c_str());
      for (size_t i = 0; i < models.size(); i++) {
        const double ratio = hit_ratio(trace, models[i], percent);
        sums[i] += ratio;
        std::printf(" %.3f |", ratio);
        std::fflush(stdout);
      }
      std::printf("\n");
    }
    std::printf("| mean |");
    for (const double sum : sums) std::printf(" %.3f |", sum / static_cast<double>(traces.size()));
    std::printf("\n");
  }
}

void measure_server(const std::vector<Trace>& traces, const Options& options) {
  std::printf("| trace | size | hit ratio | objects | maxmemory |\n|---|--:|--:|--:|--:|\n");
  for (const Trace& trace : traces) {
    for (const double percent : options.sizes) {
      const uint64_t objects = cache_size(trace, percent).objects;
      const ReplayResult result = replay(trace, objects, options.replay);
      std::printf("| %s | %g %% | %.3f | %llu | %llu |\n", trace.name.c_str(), percent,
                  result.hit_ratio, static_cast<unsigned long long>(result.objects),
                  static_cast<unsigned long long>(result.maxmemory_bytes));
      std::fflush(stdout);
    }
  }
}

void run(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); i += 2) {
    if (arguments[i] == "--help") {
      std::fputs(std::string(kUsage).c_str(), stdout);
      return;
    }
    if (i + 1 == arguments.size()) throw std::runtime_error(arguments[i] + " needs a value");
    set_option(arguments[i], arguments[i + 1], options);
  }
  const std::vector<Trace> traces = read_traces(options);
  if (options.use_server) {
    measure_server(traces, options);
  } else {
    compare_models(traces, options);
  }
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) {
  try {
    larder::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hit_ratio: %s\n", error.what());
    return 1;
  }
  return 0;
}
