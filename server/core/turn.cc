#include "server/core/turn.h"

#include <cassert>
#include <utility>

#include "server/core/session.h"

namespace larder::core {

Received Turn::parse(Session& session, std::string_view bytes, PreparedBatch& batch) {
  Received received{.bytes = bytes, .batch = &batch, .first = batch.requests.size()};
  received.parsed = session.parse(bytes, batch.requests);
  received.end = batch.requests.size();
  received.batch_full = batch.full();
  for (size_t i = received.first; i < received.end; i++) {
    batch.prepared[i] = dispatcher_.prepare(batch.requests.arguments(i), session.database());
  }
  return received;
}

void Turn::add(Session& session, std::string_view bytes) {
  assert(!running_);
  parts_.push_back({&session, parse(session, bytes, batch_)});
  if (batch_.full()) run();
}

Received Turn::parse_rest(Session& session, std::string_view bytes) {
  rest_.requests.clear();
  Received received = parse(session, bytes, rest_);
  dispatcher_.prefetch(rest_.prepared, rest_.requests.size());
  return received;
}

void Turn::run() {
  if (parts_.empty()) return;
  running_ = true;
  dispatcher_.prefetch(batch_.prepared, batch_.requests.size());
  for (Part& part : parts_) part.session->run_received(std::move(part.received));
  parts_.clear();
  batch_.requests.clear();
  running_ = false;
}

void Turn::trim() {
  rest_.requests.clear();
}

}  // namespace larder::core
