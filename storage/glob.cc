#include "storage/glob.h"

#include <cctype>
#include <utility>

namespace larder::storage {
namespace {

class Matcher {
 public:
  Matcher(std::string_view pattern, std::string_view text, LetterCase letter_case)
      : pattern_(pattern), text_(text), ignore_case_(letter_case == LetterCase::kIgnore) {}

  // Only the last star needs to be tried again: what an earlier one could take instead, the last
  // one can take too.
  bool match() {
    if (text_.empty()) return pattern_.empty();  // as in Redis: not even "*" matches nothing
    size_t p = 0;
    size_t t = 0;
    size_t star_p = std::string_view::npos;
    size_t star_t = 0;
    while (t < text_.size()) {
      size_t next_p = p;
      if (p < pattern_.size() && pattern_[p] == '*') {
        star_p = ++p;
        star_t = t;
      } else if (p < pattern_.size() && match_one(next_p, text_[t])) {
        p = next_p;
        t++;
      } else if (star_p != std::string_view::npos) {
        p = star_p;
        t = ++star_t;
      } else {
        return false;
      }
    }
    while (p < pattern_.size() && pattern_[p] == '*') p++;
    return p == pattern_.size();
  }

 private:
  unsigned char fold(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return ignore_case_ ? static_cast<unsigned char>(std::tolower(byte)) : byte;
  }

  // Matches one byte against the pattern's element at p and moves p behind that element.
  bool match_one(size_t& p, char c) const {
    switch (pattern_[p]) {
      case '?':
        p++;
        return true;
      case '[':
        return match_set(p, c);
      case '\\':
        if (p + 1 < pattern_.size()) p++;
        [[fallthrough]];
      default:
        return fold(pattern_[p++]) == fold(c);
    }
  }

  // A set without its ']' ends with the pattern, as in Redis.
  bool match_set(size_t& p, char c) const {
    const unsigned char byte = fold(c);
    p++;
    const bool negated = p < pattern_.size() && pattern_[p] == '^';
    if (negated) p++;
    bool found = false;
    for (; p < pattern_.size(); p++) {
      if (pattern_[p] == '\\' && p + 1 < pattern_.size()) {
        found |= fold(pattern_[++p]) == byte;
      } else if (pattern_[p] == ']') {
        break;
      } else if (p + 2 < pattern_.size() && pattern_[p + 1] == '-') {
        unsigned char low = fold(pattern_[p]);
        unsigned char high = fold(pattern_[p + 2]);
        if (low > high) std::swap(low, high);
        found |= byte >= low && byte <= high;
        p += 2;
      } else {
        found |= fold(pattern_[p]) == byte;
      }
    }
    if (p < pattern_.size()) p++;
    return found != negated;
  }

  std::string_view pattern_;
  std::string_view text_;
  bool ignore_case_;
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, LetterCase letter_case) {
  return Matcher(pattern, text, letter_case).match();
}

}  // namespace larder::storage
