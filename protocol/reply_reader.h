// Reads replies, RESP2 or RESP3, into a tree of values: for tests, benchmarks and whatever else
// must look into a reply that was already written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::protocol {

struct Reply {
  enum class Type {
    kSimple,
    kError,
    kInteger,
    kBulk,
    kNull,
    kArray,
    kMap,
    kSet,
    kPush,
    kDouble,
    kBoolean,
    kVerbatim,
    kBigNumber
  };
  Type type = Type::kNull;
  std::string text;     // simple, error, bulk, double, verbatim (without "txt:"), big number
  int64_t integer = 0;  // integer, boolean
  std::vector<Reply> elements;  // array, set, push; a map's keys and values in turn

  bool is_error() const { return type == Type::kError; }
  bool is_null() const { return type == Type::kNull; }

  // One line for people and test output, e.g. [1, "a", (nil)], and >["message", "c", "m"] for a
  // push.
  std::string to_string() const;
};

// Reads the reply at the front of `bytes`. Returns its length in bytes, 0 if it is incomplete,
// nullopt if the bytes are no reply or nest deeper than kReplyDepthMax.
std::optional<size_t> read_reply(std::string_view bytes, Reply& reply);

}  // namespace larder::protocol
