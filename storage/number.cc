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

// A number's digits without a point, and where the point belongs.
struct Decimal {
  char digits[kDoubleTextMax];
  int count = 0;
  int exponent = 0;  // of the last digit: the number is digits * 10^exponent
};

// The shortest digits that read back as `value`, which is finite and positive.
Decimal shortest(double value) {
  char text[kDoubleTextMax];
  const char* end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  Decimal decimal;
  const char* at = text;
  for (; *at != 'e'; at++) {
    if (*at != '.') decimal.digits[decimal.count++] = *at;
  }
  at += at[1] == '+' ? 2 : 1;
  std::from_chars(at, end, decimal.exponent);
  decimal.exponent -= decimal.count - 1;
  return decimal;
}

char* put(char* to, const char* bytes, int count) {
  std::memcpy(to, bytes, static_cast<size_t>(count));
  return to + count;
}

char* put_zeros(char* to, int count) {
  std::memset(to, '0', static_cast<size_t>(count));
  return to + count;
}

// "12.5", "0.00125"; the exponent is negative.
char* put_fraction(char* to, const Decimal& decimal) {
  const int whole = decimal.count + decimal.exponent;  // digits in front of the point
  if (whole <= 0) {
    to = put_zeros(put(to, "0.", 2), -whole);
    return put(to, decimal.digits, decimal.count);
  }
  to = put(to, decimal.digits, whole);
  *to++ = '.';
  return put(to, decimal.digits + whole, decimal.count - whole);
}

// "1.25e+30"; `exponent` is that of the first digit.
char* put_scientific(char* to, const Decimal& decimal, int exponent) {
  *to++ = decimal.digits[0];
  if (decimal.count > 1) {
    *to++ = '.';
    to = put(to, decimal.digits + 1, decimal.count - 1);
  }
  *to++ = 'e';
  *to++ = exponent < 0 ? '-' : '+';
  return std::to_chars(to, to + 4, std::abs(exponent)).ptr;
}

// As fpconv (https://github.com/night-shift/fpconv), by which Redis 7.2 prints, decides it: up to
// six zeros are written out, and small numbers down to four places behind the point.
char* put_decimal(char* to, const Decimal& decimal) {
  const int first = decimal.exponent + decimal.count - 1;  // exponent of the first digit
  if (decimal.exponent >= 0 && first < decimal.count + 7) {
    return put_zeros(put(to, decimal.digits, decimal.count), decimal.exponent);
  }
  if (decimal.exponent < 0 && (decimal.exponent > -7 || std::abs(first) < 4)) {
    return put_fraction(to, decimal);
  }
  return put_scientific(to, decimal, first);
}

size_t write_infinity(double value, char* to) {
  const std::string_view text = value > 0 ? "inf" : "-inf";
  std::memcpy(to, text.data(), text.size());
  return text.size();
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
  // Faster than strtod, without its rarer forms and its rules about what is out of range.
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool in_range = std::isfinite(number) && (number != 0 || text == "0");
  if (error == std::errc() && end == text.data() + text.size() && in_range) {
    value = number;
    return true;
  }
  return parse_float<double, std::strtod>(text, value);
}

bool parse_long_double(std::string_view text, long double& value) {
  return parse_float<long double, std::strtold>(text, value);
}

bool parse_double_loosely(std::string_view text, double& value) {
  if (text.size() >= kNumberTextMax) return false;
  char copy[kNumberTextMax];
  text.copy(copy, text.size());  // memcpy() must not be given the null of an empty text
  copy[text.size()] = '\0';
  char* end = nullptr;
  const double number = std::strtod(copy, &end);
  if (*end != '\0' || std::isnan(number)) return false;
  value = number;
  return true;
}

size_t write_integer(int64_t value, char* to) {
  return static_cast<size_t>(std::to_chars(to, to + kIntegerTextMax, value).ptr - to);
}

size_t write_double(double value, char* to) {
  constexpr double kWholeMax = 4611686018427387904.0;  // 2^62: beyond, Redis uses exponents
  if (std::isnan(value)) return std::memcpy(to, "nan", 3), 3;
  if (std::isinf(value)) return write_infinity(value, to);
  if (value == 0) return std::signbit(value) ? (std::memcpy(to, "-0", 2), 2) : (*to = '0', 1);
  if (std::abs(value) <= kWholeMax && value == std::trunc(value)) {
    return write_integer(static_cast<int64_t>(value), to);
  }
  char* at = to;
  if (value < 0) *at++ = '-';
  return static_cast<size_t>(put_decimal(at, shortest(std::abs(value))) - to);
}

size_t write_double_17(double value, char* to) {
  if (std::isinf(value)) return write_infinity(value, to);
  return static_cast<size_t>(std::snprintf(to, kDoubleTextMax, "%.17g", value));
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
