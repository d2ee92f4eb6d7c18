// A cursor over the arguments of one command. A handler reads everything it needs, then asks once
// whether something was wrong: the first error is kept and everything after it reads as 0 or empty.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "server/core/errors.h"

namespace larder::core {

// Compares without regard to the case of ASCII letters. `upper` is in upper case.
bool equals_ignoring_case(std::string_view text, std::string_view upper);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

class Args {
 public:
  // `arguments` with the command's name first; the cursor starts at `first`.
  explicit Args(std::span<const std::string_view> arguments, size_t first = 1)
      : arguments_(arguments), at_(first) {}

  bool done() const { return failed() || at_ >= arguments_.size(); }
  size_t left() const { return failed() ? 0 : arguments_.size() - at_; }
  size_t position() const { return at_; }

  // The next argument, a syntax error if there is none.
  std::string_view next();
  // The next `count`, which are there, or none after an error.
  std::span<const std::string_view> take(size_t count);
  std::string_view peek() const { return done() ? std::string_view() : arguments_[at_]; }

  // The next argument as a canonical 64-bit integer, within [min, max]; `error` if it is not.
  int64_t integer(std::string_view error = errors::kNotInteger);
  int64_t integer(int64_t min, int64_t max, std::string_view error = errors::kNotInteger);
  double real(std::string_view error = errors::kNotFloat);

  // Takes the next argument if it is this word (given in upper case), in any case of letters.
  bool option(std::string_view upper);
  // The same for a word that must be followed by at least `values` more arguments; without them it
  // is not taken, and a handler's final else makes that the syntax error that Redis answers.
  bool option(std::string_view upper, size_t values);

  // Latches an error; only the first is kept.
  void fail(std::string_view error);
  bool failed() const { return !error_.empty(); }
  std::string_view error() const { return error_; }

 private:
  std::span<const std::string_view> arguments_;
  size_t at_;
  std::string error_;
};

}  // namespace larder::core
