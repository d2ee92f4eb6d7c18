// Replays a trace against a running server, cache-aside: GET, and SET if there was nothing. Any
// server that speaks RESP will do, as long as it knows INFO, DBSIZE, FLUSHALL and CONFIG SET; it is
// emptied.
#pragma once

#include <cstdint>
#include <string>

#include "bench/hit_ratio/trace.h"

namespace larder::bench {

struct ReplayOptions {
  std::string host = "127.0.0.1";  // a numeric address
  int port = 6379;
  std::string policy;  // for maxmemory-policy; empty leaves it as it is
  // So many independent copies of the trace are replayed in step, each with keys of its own: a
  // request of all copies is one pipeline, and each copy still sees strictly one request after the
  // other. 1 is a request a round trip.
  uint32_t copies = 1;
  double requests_per_second = 0;  // of all copies; 0: as fast as it goes
  uint64_t maxmemory_bytes = 0;    // 0: the limit is set so that the server holds `objects`
};

struct ReplayResult {
  double hit_ratio = 0;
  uint64_t objects = 0;          // in the server at the end
  uint64_t maxmemory_bytes = 0;  // that it had
};

// `objects`: how many the server shall hold for one copy; not used with a maxmemory. Throws
// std::runtime_error if the server cannot be reached or answers with an error.
ReplayResult replay(const Trace& trace, uint64_t objects, const ReplayOptions& options);

}  // namespace larder::bench
