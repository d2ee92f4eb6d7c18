// A request trace: gzip or plain text, one request a line, "key size", where keys are small numbers
// and size is the number of bytes of the value.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace larder::bench {

struct Request {
  static constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
  uint32_t key;
  uint32_t size;               // bytes of the value
  uint32_t next_use = kNever;  // index of the next request for the same key
};

struct Trace {
  std::string name;
  std::vector<Request> requests;
  uint32_t keys = 0;            // all keys are below this
  uint32_t distinct_keys = 0;   // of which so many occur
  uint64_t distinct_bytes = 0;  // values of all keys, each once, as large as when first asked for

  // What an infinite cache hits, of 1.
  double hit_ratio_max() const;
};

// Throws std::runtime_error if the file cannot be read or a line is not as above.
Trace read_trace(const std::string& path);

}  // namespace larder::bench
