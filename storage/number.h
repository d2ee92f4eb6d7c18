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

// Longest text that the writers below produce.
inline constexpr size_t kIntegerTextMax = 20;
inline constexpr size_t kLongDoubleTextMax = 5 * 1024;

// Decimal digits; `to` has room for kIntegerTextMax. Returns the length.
size_t write_integer(int64_t value, char* to);

// As INCRBYFLOAT answers: %.17Lf without trailing zeros and never "-0". `to` has room for
// kLongDoubleTextMax. Returns the length.
size_t write_long_double(long double value, char* to);

}  // namespace larder::storage
