// Turns a connection's bytes into requests: RESP arrays of bulk strings and inline commands.
//
// The parser copies nothing. It is given contiguous bytes, answers with views into them, and says
// how many bytes the complete requests took. What is left (an incomplete request) is kept by the
// caller and given again, in front of what came later. The parser remembers how far it had come in
// those bytes, so a peer that sends one byte at a time costs linear time, not quadratic.
//
// A large bulk string need not be kept with the rest: the caller may receive it into a buffer of
// its own (unfinished_bulk(), place()). What it gives to parse() then leaves the string's bytes
// out.
//
// One parser belongs to one connection and is used by that connection's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/limits.h"

namespace larder::protocol {

// The requests of one read, in order. Views point into the bytes given to parse(), to where the
// caller placed a bulk string, or, for inline requests, into storage of the batch: all must outlive
// their use. Reuse one batch a loop: clear() keeps its memory.
class RequestBatch {
 public:
  // Most requests parsed at once: enough to overlap cache misses, few enough to stay in L1.
  static constexpr size_t kRequestsMax = 32;

  size_t size() const { return size_; }
  std::span<const std::string_view> arguments(size_t i) const {
    return {arguments_.data() + requests_[i].first, requests_[i].count};
  }
  // Offset of the first byte behind request i in the bytes given to parse().
  size_t end_offset(size_t i) const { return requests_[i].end_offset; }

  void clear();

  // Bytes held on the heap for arguments, of whatever requests.
  size_t memory_bytes() const { return arguments_.capacity() * sizeof(std::string_view); }

 private:
  friend class RequestParser;
  struct Request {
    uint32_t first;
    uint32_t count;
    size_t end_offset;
  };
  std::vector<std::string_view> arguments_;
  std::array<Request, kRequestsMax> requests_;
  size_t size_ = 0;
  std::deque<std::string> texts_;  // deque: growing moves no string, views stay valid
};

struct ParserLimits {
  int64_t bulk_bytes_max = kBulkBytesMaxDefault;
  bool authenticated = true;
};

struct ParseResult {
  size_t consumed = 0;  // bytes of complete requests
  // Text after "Protocol error: ", good as long as the batch; empty when all is well. Requests in
  // front of the error are in the batch; nothing behind it can be understood, so the connection
  // must be closed after replying.
  std::string_view error;
};

class RequestParser {
 public:
  // Appends complete requests to the batch until it holds kRequestsMax. Empty requests ("*0", an
  // empty line) are consumed without a trace, as in Redis.
  ParseResult parse(std::string_view bytes, RequestBatch& batch, const ParserLimits& limits);

  // The bulk string that is being received: `size` bytes, never more than the limit on them, the
  // first `held` of which are the last of the `bytes_held` bytes that parse() left over. Nullopt if
  // there is none, if only its line end is missing, or if it has been placed.
  struct UnfinishedBulk {
    size_t size;
    size_t held;

    bool operator==(const UnfinishedBulk&) const = default;
  };
  std::optional<UnfinishedBulk> unfinished_bulk(size_t bytes_held) const;
  // The caller has received all bytes of that bulk string to `data`, and from now on gives those in
  // front of it and those behind it (its line end first) without them. They must stay there until
  // forget_placed(), which is called once the request is done with and before a string of another
  // one is placed.
  void place(const char* data) { kept_->placed.push_back({kept_->at.offset, data}); }
  void forget_placed();

  // Forgets how far the incomplete request was read: its bytes will be given again from their
  // start, or, if strings have been placed and not forgotten, those of the request they belong to.
  void reset();

  // Bytes held on the heap between calls.
  size_t memory_bytes() const;

 private:
  enum class Step { kDone, kNeedMore, kError };
  // How far a request has been read; offsets count from its first byte.
  struct Position {
    size_t offset = 0;
    int64_t arguments_left = -1;  // -1: the "*" line has not been read
    int64_t bulk_bytes = -1;      // -1: the "$" line of the next argument has not been read
  };
  struct Argument {
    size_t offset;  // kPlacedFlag and an index: in Kept::placed
    size_t size;
  };
  static constexpr size_t kPlacedFlag = ~(SIZE_MAX >> 1);
  struct Placed {
    size_t offset;  // of its line end in the request's bytes, without those that are placed
    const char* data;
  };
  // What is known of an incomplete request.
  struct Kept {
    Position at;
    std::vector<Argument> arguments;
    std::vector<Placed> placed;  // in order; those up to placed_next have been read
    size_t placed_next = 0;

    bool places_left() const { return placed_next < placed.size(); }
  };
  // One request being read: what there is, what comes of it, how far it was read.
  struct Reading {
    std::string_view bytes;
    RequestBatch& batch;
    const ParserLimits& limits;
    Position at;
    std::string_view error{};
  };

  static size_t parse_plain(std::string_view bytes, RequestBatch& batch);
  Step parse_one(Reading& reading);
  Step parse_arguments(Reading& reading);
  void keep(const Reading& reading, size_t first, size_t first_placed);
  void restore_arguments(const Reading& reading, size_t first) const;
  void forget_position();
  static Step parse_inline(Reading& reading);
  static Step parse_count(Reading& reading);
  static Step parse_bulk(Reading& reading);
  Step parse_placed(Reading& reading);
  static Step read_bulk_size(Reading& reading);
  static Step read_header(Reading& reading, const char* too_big, int64_t& value, bool& valid);
  static Step fail(Reading& reading, std::string_view text);

  std::unique_ptr<Kept> kept_;  // null between complete requests
};

}  // namespace larder::protocol
