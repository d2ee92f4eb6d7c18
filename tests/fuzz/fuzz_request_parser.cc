// The same bytes, whole, cut into pieces, and with bulk strings received elsewhere, must give the
// same requests, the same error and the same rest; and whatever comes, the parser keeps what its
// header promises.
//
// Input: one byte says how many of the next bytes are sizes of pieces (one each, used in turn until
// the stream is through); the rest is the stream.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"

namespace {

using larder::protocol::kLineBytesMax;
using larder::protocol::ParseResult;
using larder::protocol::ParserLimits;
using larder::protocol::RequestBatch;
using larder::protocol::RequestParser;

struct Outcome {
  std::vector<std::vector<std::string>> requests;
  std::string error;
  std::string rest;
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_request_parser: %s\n", what);
  std::abort();
}

// One call of parse() and its promises; false once nothing more can be read from `held`.
bool parse_once(RequestParser& parser, std::string& held, const ParserLimits& limits,
                Outcome& outcome) {
  RequestBatch batch;
  const ParseResult result = parser.parse(held, batch, limits);
  require(batch.size() <= RequestBatch::kRequestsMax, "a batch is too long");
  require(result.consumed <= held.size(), "more was consumed than there is");
  size_t before = 0;
  for (size_t i = 0; i < batch.size(); i++) {
    require(!batch.arguments(i).empty(), "a request is empty");
    require(batch.end_offset(i) > before, "requests do not follow each other");
    before = batch.end_offset(i);
    outcome.requests.emplace_back(batch.arguments(i).begin(), batch.arguments(i).end());
  }
  require(before <= result.consumed, "a request lies behind what was consumed");
  held.erase(0, result.consumed);
  outcome.error = result.error;
  if (const auto bulk = parser.unfinished_bulk(held.size())) {
    require(bulk->size <= static_cast<size_t>(limits.bulk_bytes_max),
            "a bulk string is longer than the limit allows");
    require(bulk->held < bulk->size && bulk->held <= held.size(), "more is held than there is");
  }
  return outcome.error.empty() && batch.size() == RequestBatch::kRequestsMax;
}

Outcome feed(std::string_view stream, const std::vector<uint8_t>& sizes,
             const ParserLimits& limits) {
  RequestParser parser;
  Outcome outcome;
  size_t at = 0;
  for (size_t i = 0; at < stream.size() && outcome.error.empty(); i++) {
    const size_t size = sizes.empty() ? stream.size() : sizes[i % sizes.size()] + size_t{1};
    const std::string_view piece = stream.substr(at, size);
    outcome.rest += piece;
    at += piece.size();
    while (parse_once(parser, outcome.rest, limits, outcome)) {
    }
  }
  return outcome;
}

// Receives each bulk string that does not come whole into memory of its own, and every request with
// such a one a second time, as if it could not be run at first.
class Placing {
 public:
  Placing(Outcome& outcome, const ParserLimits& limits) : outcome_(outcome), limits_(limits) {}

  void receive(std::string_view piece) {
    while (!piece.empty() && outcome_.error.empty()) {
      const std::string_view part = piece.substr(0, missing_ > 0 ? missing_ : piece.size());
      piece.remove_prefix(part.size());
      (missing_ > 0 ? places_.back() : outcome_.rest) += part;
      if (missing_ == 0) {
        parse();
      } else if (missing_ -= part.size(); missing_ == 0) {
        parser_.place(places_.back().data());
      }
    }
  }

 private:
  void parse() {
    if (!places_.empty()) {
      RequestBatch batch;
      if (parser_.parse(outcome_.rest, batch, limits_).consumed > 0) parser_.reset();
    }
    const size_t before = outcome_.requests.size();
    while (parse_once(parser_, outcome_.rest, limits_, outcome_)) {
      forget();
    }
    if (outcome_.requests.size() > before) forget();
    const auto bulk = parser_.unfinished_bulk(outcome_.rest.size());
    if (!bulk || !outcome_.error.empty()) return;
    const size_t front = outcome_.rest.size() - bulk->held;
    places_.push_back(outcome_.rest.substr(front));
    places_.back().reserve(bulk->size);
    outcome_.rest.resize(front);
    missing_ = bulk->size - bulk->held;
  }

  void forget() {
    parser_.forget_placed();
    places_.clear();
  }

  Outcome& outcome_;
  const ParserLimits& limits_;
  RequestParser parser_;
  std::deque<std::string> places_;
  size_t missing_ = 0;  // of the last place
};

Outcome feed_placing(std::string_view stream, const std::vector<uint8_t>& sizes,
                     const ParserLimits& limits) {
  Outcome outcome;
  Placing connection(outcome, limits);
  size_t at = 0;
  for (size_t i = 0; at < stream.size(); i++) {
    const size_t size = sizes.empty() ? stream.size() : sizes[i % sizes.size()] + size_t{1};
    connection.receive(stream.substr(at, size));
    at += size;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const bool authenticated = (data[0] & 0x80) == 0;
  const size_t pieces = std::min<size_t>(data[0] & 0x0f, size - 1);
  const std::vector<uint8_t> sizes(data + 1, data + 1 + pieces);
  // A longer line is taken when it comes at once and refused when it comes in pieces, as in Redis.
  const size_t stream_size = std::min(size - 1 - pieces, kLineBytesMax);
  const std::string_view stream(reinterpret_cast<const char*>(data + 1 + pieces), stream_size);
  const ParserLimits limits{.bulk_bytes_max = 1'000'000, .authenticated = authenticated};

  const Outcome whole = feed(stream, {}, limits);
  const Outcome cut = feed(stream, sizes, limits);
  require(cut.requests == whole.requests, "the requests depend on the cuts");
  require(cut.error == whole.error, "the error depends on the cuts");
  require(!whole.error.empty() || cut.rest == whole.rest, "the rest depends on the cuts");
  const Outcome placed = feed_placing(stream, sizes, limits);
  require(placed.requests == whole.requests, "the requests depend on where their strings are");
  require(placed.error == whole.error, "the error depends on where the strings are");
  return 0;
}
