#include "server/core/args.h"

#include "storage/number.h"

namespace larder::core {
namespace {

char upper_of(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
char lower_of(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

bool equals_ignoring_case(std::string_view text, std::string_view upper) {
  if (text.size() != upper.size()) return false;
  for (size_t i = 0; i < text.size(); i++) {
    if (upper_of(text[i]) != upper[i]) return false;
  }
  return true;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower_of(c);
  return out;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = upper_of(c);
  return out;
}

std::string_view Args::next() {
  if (failed()) return {};
  if (at_ >= arguments_.size()) return fail(errors::kSyntax), std::string_view();
  return arguments_[at_++];
}

std::span<const std::string_view> Args::take(size_t count) {
  if (failed()) return {};
  at_ += count;
  return arguments_.subspan(at_ - count, count);
}

int64_t Args::integer(std::string_view error) {
  const std::string_view text = next();
  int64_t value = 0;
  if (!failed() && !storage::parse_integer(text, value)) fail(error);
  return failed() ? 0 : value;
}

int64_t Args::integer(int64_t min, int64_t max, std::string_view error) {
  const int64_t value = integer(error);
  if (!failed() && (value < min || value > max)) fail(error);
  return failed() ? 0 : value;
}

double Args::real(std::string_view error) {
  const std::string_view text = next();
  double value = 0;
  if (!failed() && !storage::parse_double(text, value)) fail(error);
  return failed() ? 0 : value;
}

bool Args::option(std::string_view upper) {
  return option(upper, 0);
}

bool Args::option(std::string_view upper, size_t values) {
  if (left() < values + 1 || !equals_ignoring_case(arguments_[at_], upper)) return false;
  at_++;
  return true;
}

void Args::fail(std::string_view error) {
  if (error_.empty()) error_ = error;
}

}  // namespace larder::core
