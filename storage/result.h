// How the engine answers: a value or a code. The words for a code are chosen above, in
// server/core/errors; nothing in storage throws across its interface but std::bad_alloc.
#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

namespace larder::storage {

enum class Status : uint8_t {
  kOk,
  kNotFound,         // there is no such live key
  kWrongType,        // the key holds another type
  kNotInteger,       // the value is not a 64-bit integer
  kNotFloat,         // the value is not a number
  kOverflow,         // the result would leave the 64-bit range
  kNanOrInfinity,    // the result would not be finite
  kNotANumber,       // the result would be the sum of infinities of both signs
  kTooLong,          // the result would pass the limit on a string
  kExists,           // the target exists already
  kSameObject,       // source and target are the same
  kTooManyTags,      // the key would have more than it may
  kIndexOutOfRange,  // there is no element at this position
  kNotRateLimit,     // the string is not the state of a rate limit
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)), status_(Status::kOk) {}  // NOLINT: implicit by design
  Result(Status status) : value_(), status_(status) {                  // NOLINT: implicit by design
    assert(status != Status::kOk);
  }

  bool ok() const { return status_ == Status::kOk; }
  Status status() const { return status_; }
  const T& value() const { return assert(ok()), value_; }
  T& value() { return assert(ok()), value_; }

 private:
  T value_;
  Status status_;
};

}  // namespace larder::storage
