#include "storage/number.h"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace larder::storage {
namespace {

// Longest number that is worth reading; Redis refuses longer ones too (MAX_LONG_DOUBLE_CHARS).
constexpr size_t kNumberTextMax = 5 * 1024;

template <typename Float, Float (*Convert)(const char*, char**)>
bool parse_float(std::string_view text, Float& value) {
  if (text.empty() || text.size() >= kNumberTextMax) return false;
  if (std::isspace(static_cast<unsigned char>(text[0]))) return false;
  char copy[kNumberTextMax];
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  char* end = nullptr;
  errno = 0;
  const Float number = Convert(copy, &end);
  if (end != copy + text.size() || std::isnan(number)) return false;
  if (errno == ERANGE && (std::isinf(number) || number == 0)) return false;
  value = number;
  return true;
}

}  // namespace

bool parse_integer(std::string_view text, int64_t& value) {
  if (text.empty() || text.size() > kIntegerTextMax) return false;
  const bool negative = text[0] == '-';
  if (negative && text.size() == 1) return false;
  const char first = text[negative ? 1 : 0];
  if (first == '0' ? text.size() != 1 : (first < '1' || first > '9')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_double(std::string_view text, double& value) {
  return parse_float<double, std::strtod>(text, value);
}

bool parse_long_double(std::string_view text, long double& value) {
  return parse_float<long double, std::strtold>(text, value);
}

size_t write_integer(int64_t value, char* to) {
  return static_cast<size_t>(std::to_chars(to, to + kIntegerTextMax, value).ptr - to);
}

size_t write_long_double(long double value, char* to) {
  size_t size = static_cast<size_t>(std::snprintf(to, kLongDoubleTextMax, "%.17Lf", value));
  if (std::memchr(to, '.', size) != nullptr) {
    while (to[size - 1] == '0') size--;
    if (to[size - 1] == '.') size--;
  }
  if (size == 2 && to[0] == '-' && to[1] == '0') {
    to[0] = '0';
    size = 1;
  }
  return size;
}

}  // namespace larder::storage
