// Redis' glob patterns: * ? [set] [^set] [a-z] and \ to quote, over bytes. An empty text is matched
// by the empty pattern only.
#pragma once

#include <cstddef>
#include <string_view>

namespace larder::storage {

enum class LetterCase { kExact, kIgnore };

// Up to such a length of the pattern, a comparison takes some 0.5 ms and 30 ns for each byte of the
// text at the most; else pattern.size() * text.size() nanoseconds.
inline constexpr size_t kGlobBytesBounded = 1024;

// A star that fails makes every earlier star fail too, so a hostile "*a*a*a*b" does not take
// exponential time.
bool glob_match(std::string_view pattern, std::string_view text,
                LetterCase letter_case = LetterCase::kExact);

}  // namespace larder::storage
