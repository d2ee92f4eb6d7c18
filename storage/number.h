// Numbers as text, exactly as strictly as Redis reads and writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace larder::storage {

// Reads a 64-bit integer in its only canonical spelling: no blank, no '+', no leading zero, no
// "-0". False if `text` is anything else.
bool parse_integer(std::string_view text, int64_t& value);

// Reads a finite or infinite number as C's strtod/strtold do, but with nothing in front or behind.
// False for "nan", an empty text and what is out of range.
bool parse_double(std::string_view text, double& value);
bool parse_long_double(std::string_view text, long double& value);

// Reads what strtod does from a C string: blanks in front, hexadecimal and what is out of range are
// allowed, nothing at all is 0, and a NUL ends the number. False for "nan" and for anything else
// behind the number. The bounds of ZRANGEBYSCORE are read so.
bool parse_double_loosely(std::string_view text, double& value);

// Longest text that the writers below produce.
inline constexpr size_t kIntegerTextMax = 20;
inline constexpr size_t kDoubleTextMax = 32;
inline constexpr size_t kLongDoubleTextMax = 5 * 1024;

// Decimal digits; `to` has room for kIntegerTextMax. Returns the length.
size_t write_integer(int64_t value, char* to);

// The shortest digits that read back as the same number, in the layout of Redis 7.2's d2string: an
// integer without a fraction, an exponent only for what would be long without ("1.5e+20", "1e-7"),
// "inf", "-inf", "nan", "-0". `to` has room for kDoubleTextMax. Returns the length.
size_t write_double(double value, char* to);

// The first 17 significant digits, as C's %.17g: "0.10000000000000001". Where Redis writes so, it
// is by the layout of its data only. `to` has room for kDoubleTextMax. Returns the length.
size_t write_double_17(double value, char* to);

// As INCRBYFLOAT answers: %.17Lf without trailing zeros and never "-0". `to` has room for
// kLongDoubleTextMax. Returns the length.
size_t write_long_double(long double value, char* to);

}  // namespace larder::storage
