#include "storage/glob.h"

#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace larder::storage {
namespace {

// A set of states, of which each stands before an element of the pattern or at its end.
class States {
 public:
  static constexpr size_t kMost = kGlobBytesBounded;  // elements
  static constexpr size_t kBits = 64;
  static constexpr size_t kWords = kMost / kBits + 1;

  bool has(size_t state) const { return (words_[state / kBits] >> state % kBits & 1) != 0; }
  void add(size_t state) { words_[state / kBits] |= uint64_t{1} << state % kBits; }
  // Those that accept what comes go to the next one, and those that loop may stay.
  void advance(const States& accepting, const States& looping) {
    uint64_t carried = 0;
    for (size_t i = 0; i < words_.size(); i++) {
      const uint64_t moved = words_[i] & accepting.words_[i];
      words_[i] = (words_[i] & looping.words_[i]) | moved << 1 | carried;
      carried = moved >> (kBits - 1);
    }
  }

 private:
  std::array<uint64_t, kWords> words_{};
};

class Matcher {
 public:
  Matcher(std::string_view pattern, std::string_view text, LetterCase letter_case)
      : pattern_(pattern), text_(text), ignore_case_(letter_case == LetterCase::kIgnore) {}

  // As in Redis, not even "*" matches nothing.
  bool match() const { return text_.empty() ? pattern_.empty() : match_by_stars(); }

 private:
  // Only the last star needs to be tried again: what an earlier one could take instead, the last
  // one can take too.
  bool match_by_stars() const {
    size_t p = 0;
    size_t t = 0;
    size_t star_p = std::string_view::npos;
    size_t star_t = 0;
    size_t in_vain = 0;  // bytes of the pattern that were compared, behind stars that go on
    while (t < text_.size()) {
      size_t next_p = p;
      if (p < pattern_.size() && pattern_[p] == '*') {
        star_p = ++p;
        star_t = t;
      } else if (p < pattern_.size() && match_one(next_p, text_[t])) {
        p = next_p;
        t++;
      } else if (star_p != std::string_view::npos) {
        in_vain += next_p - star_p;
        if (in_vain > by_states_price()) return match_by_states();
        p = star_p;
        t = ++star_t;
      } else {
        return false;
      }
    }
    while (p < pattern_.size() && pattern_[p] == '*') p++;
    return p == pattern_.size();
  }

  // In such bytes, roughly.
  size_t by_states_price() const {
    if (pattern_.size() > States::kMost) return std::numeric_limits<size_t>::max();
    return kBytes * pattern_.size() + States::kWords / 2 * text_.size();
  }

  // Goes over the text once, with all places of the pattern at which one may be by then, as the
  // bits of a number: the shift-and algorithm of Baeza-Yates and Gonnet, "A new approach to text
  // searching", 1992.
  bool match_by_states() const {
    std::array<States, kBytes> accepting;  // by the byte that comes next: 34 KiB
    States looping;                        // in front of an element: a star
    size_t elements = 0;
    for (size_t p = 0; p < pattern_.size(); elements++) {
      for (; p < pattern_.size() && pattern_[p] == '*'; p++) looping.add(elements);
      if (p == pattern_.size()) break;
      size_t behind = p;
      for (size_t byte = 0; byte < kBytes; byte++) {
        behind = p;
        if (match_one(behind, static_cast<char>(byte))) accepting[byte].add(elements);
      }
      p = behind;
    }
    States states;
    states.add(0);
    for (const char c : text_) {
      states.advance(accepting[static_cast<unsigned char>(c)], looping);
    }
    return states.has(elements);
  }

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

  static constexpr size_t kBytes = 256;

  std::string_view pattern_;
  std::string_view text_;
  bool ignore_case_;
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, LetterCase letter_case) {
  return Matcher(pattern, text, letter_case).match();
}

}  // namespace larder::storage
