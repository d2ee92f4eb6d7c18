// Redis' glob patterns: * ? [set] [^set] [a-z] and \ to quote, over bytes. An empty text is matched
// by the empty pattern only.
#pragma once

#include <string_view>

namespace larder::storage {

enum class LetterCase { kExact, kIgnore };

// Time is bounded by pattern.size() * text.size() comparisons: a star that fails makes every
// earlier star fail too, so a hostile "*a*a*a*b" does not take exponential time.
bool glob_match(std::string_view pattern, std::string_view text,
                LetterCase letter_case = LetterCase::kExact);

}  // namespace larder::storage
