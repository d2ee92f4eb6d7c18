// The requests that arrive in one turn of a loop, from all its connections: read first, then
// parsed, then run, then answered, each of these for many connections in a row.
//
// So the cache misses of their keys overlap even where no client pipelines, and neither the
// system's code for reading and sending nor ours is pushed out of the caches by the other between
// any two commands. A connection's requests keep their order, and nothing else happens between
// reading and running (net::Loop::after_reads).
//
// Belongs to a worker; loop's thread only.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"
#include "server/core/dispatch.h"
#include "server/core/output.h"

namespace larder::core {

class Session;

// Requests with what is known of each before it is run.
struct PreparedBatch {
  protocol::RequestBatch requests;
  Dispatcher::Prepared prepared[protocol::RequestBatch::kRequestsMax];

  std::span<const Dispatcher::Prepared> parsed() const { return {prepared, requests.size()}; }
  bool full() const { return requests.size() == protocol::RequestBatch::kRequestsMax; }
};

// What one connection has in a batch: the requests from `first` up to `end`, parsed from the front
// of `bytes`.
struct Received {
  std::string_view bytes;
  PreparedBatch* batch = nullptr;
  size_t first = 0;
  size_t end = 0;
  protocol::ParseResult parsed;
  bool batch_full = false;  // there may be further requests in `bytes`
};

class Turn {
 public:
  // `output` is where sessions write their replies to.
  Turn(Dispatcher& dispatcher, Output& output) : dispatcher_(dispatcher), output_(output) {}

  // Takes note of what the session received; run() will have it run. `bytes` must stay until then.
  void add(Session& session, std::string_view bytes) { parts_.push_back({&session, {bytes}}); }
  // Calls run_received() and complete_received() of every session that was added.
  void run();
  // Parses on behind a full batch, for a session that is being run.
  Received parse_rest(Session& session, std::string_view bytes);

  // Gives back memory that large batches took.
  void trim();

 private:
  struct Part {
    Session* session;
    Received received;
  };
  Received parse(Session& session, std::string_view bytes, PreparedBatch& batch);
  size_t parse_parts(size_t from);
  void run_parts(size_t from, size_t end);
  void complete_parts(size_t from, size_t end);

  Dispatcher& dispatcher_;
  Output& output_;
  PreparedBatch batch_;
  PreparedBatch rest_;
  std::vector<Part> parts_;
};

}  // namespace larder::core
