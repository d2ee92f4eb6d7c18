// The requests that arrive in one turn of a loop, from all its connections: parsed as they are
// read, run together when everything that was ready has been read, or when a batch is full.
//
// So the cache misses of their keys overlap even where no client pipelines, and the system's code
// for reading and for sending each stay in the instruction cache for a while. A connection's
// requests keep their order, and nothing else happens between reading and running (net::Loop).
//
// Belongs to a worker; loop's thread only.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"
#include "server/core/dispatch.h"

namespace larder::core {

class Session;

// Requests with what is known of each before it is run.
struct PreparedBatch {
  protocol::RequestBatch requests;
  Dispatcher::Prepared prepared[protocol::RequestBatch::kRequestsMax];

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
  explicit Turn(Dispatcher& dispatcher) : dispatcher_(dispatcher) {}

  // Takes note of what the session received. Its run_received() is called with it, at once if the
  // batch is full, else by run(). `bytes` must stay until then.
  void add(Session& session, std::string_view bytes);
  // Parses on behind a full batch, for a session that is being run.
  Received parse_rest(Session& session, std::string_view bytes);
  // Runs all that was added.
  void run();

  // Gives back memory that large batches took.
  void trim();

 private:
  struct Part {
    Session* session;
    Received received;
  };
  Received parse(Session& session, std::string_view bytes, PreparedBatch& batch);

  Dispatcher& dispatcher_;
  PreparedBatch batch_;
  PreparedBatch rest_;
  std::vector<Part> parts_;
  bool running_ = false;
};

}  // namespace larder::core
