// The same bytes, whole and cut into pieces, must give the same requests, the same error and the
// same rest; and whatever comes, the parser keeps what its header promises.
//
// Input: one byte says how many of the next bytes are sizes of pieces (one each, used in turn until
// the stream is through); the rest is the stream.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
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
  require(parser.bytes_missing(held.size()) <= static_cast<size_t>(limits.bulk_bytes_max) + 2,
          "more is missing than the limit allows");
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
  return 0;
}
