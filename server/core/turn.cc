#include "server/core/turn.h"

#include <utility>

#include "server/core/session.h"

namespace larder::core {
namespace {

// Replies that may pile up before they are sent, and the buffer that is kept for them.
constexpr size_t kOutputBytesMax = 256 * 1024;

}  // namespace

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

Received Turn::parse_rest(Session& session, std::string_view bytes) {
  rest_.requests.clear();
  return parse(session, bytes, rest_);
}

void Turn::run() {
  for (size_t from = 0; from < parts_.size();) {
    const size_t end = parse_parts(from);
    run_parts(from, end);
    from = end;
  }
  parts_.clear();
}

// Fills the batch; answers the first part that found no room in it.
size_t Turn::parse_parts(size_t from) {
  batch_.requests.clear();
  size_t end = from;
  while (end < parts_.size() && !batch_.full()) {
    Part& part = parts_[end++];
    part.received = parse(*part.session, part.received.bytes, batch_);
  }
  return end;
}

void Turn::run_parts(size_t from, size_t end) {
  size_t completed = from;
  for (size_t i = from; i < end; i++) {
    parts_[i].session->run_received(std::move(parts_[i].received));
    if (output_.bytes_from(0) < kOutputBytesMax) continue;
    complete_parts(completed, i + 1);
    completed = i + 1;
  }
  complete_parts(completed, end);
}

void Turn::complete_parts(size_t from, size_t end) {
  for (size_t i = from; i < end; i++) parts_[i].session->complete_received();
  output_.truncate(0);
  output_.shrink_to(kOutputBytesMax);
}

void Turn::trim() {
  batch_.requests.clear();
  rest_.requests.clear();
}

}  // namespace larder::core
