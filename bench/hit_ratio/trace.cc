#include "bench/hit_ratio/trace.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace larder::bench {
namespace {

constexpr uint32_t kKeyMax = 1U << 28;

std::string read_file(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::string text;
  std::vector<char> chunk(1 << 20);
  int n = 0;
  while ((n = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()))) > 0) {
    text.append(chunk.data(), static_cast<size_t>(n));
  }
  if (n < 0) throw std::runtime_error("cannot read " + path);
  return text;
}

bool parse_line(std::string_view line, Request& request) {
  const char* end = line.data() + line.size();
  const auto key = std::from_chars(line.data(), end, request.key);
  if (key.ec != std::errc() || key.ptr == end || *key.ptr != ' ') return false;
  const auto size = std::from_chars(key.ptr + 1, end, request.size);
  return size.ec == std::errc() && size.ptr == end && request.key < kKeyMax;
}

void link_uses(Trace& trace) {
  std::vector<uint32_t> next_use(trace.keys, Request::kNever);
  for (size_t i = trace.requests.size(); i-- > 0;) {
    Request& request = trace.requests[i];
    request.next_use = next_use[request.key];
    next_use[request.key] = static_cast<uint32_t>(i);
  }
  for (uint32_t key = 0; key < trace.keys; key++) {
    if (next_use[key] == Request::kNever) continue;
    trace.distinct_keys++;
    trace.distinct_bytes += trace.requests[next_use[key]].size;
  }
}

}  // namespace

double Trace::hit_ratio_max() const {
  return 1 - static_cast<double>(distinct_keys) / static_cast<double>(requests.size());
}

Trace read_trace(const std::string& path) {
  const std::string text = read_file(path);
  Trace trace;
  trace.name = std::filesystem::path(path).stem().string();
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    Request request{};
    if (!parse_line(line, request)) {
      throw std::runtime_error(path + ": not a request: " + std::string(line));
    }
    trace.keys = std::max(trace.keys, request.key + 1);
    trace.requests.push_back(request);
  }
  if (trace.requests.empty()) throw std::runtime_error(path + ": no requests");
  link_uses(trace);
  return trace;
}

}  // namespace larder::bench
