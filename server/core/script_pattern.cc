#include "server/core/script_pattern.h"

#include <cctype>
#include <cstring>

namespace larder::core::script {
namespace {

constexpr char kEscape = '%';

// How many bytes are looked through, or compared, in the time of one step.
constexpr std::ptrdiff_t kSetBytesPerStep = 8;
constexpr size_t kComparedBytesPerStep = 64;

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// Of a class like %a; `name` in lower case.
bool in_class(unsigned char c, char name) {
  switch (name) {
    case 'a':
      return std::isalpha(c) != 0;
    case 'c':
      return std::iscntrl(c) != 0;
    case 'd':
      return std::isdigit(c) != 0;
    case 'l':
      return std::islower(c) != 0;
    case 'p':
      return std::ispunct(c) != 0;
    case 's':
      return std::isspace(c) != 0;
    case 'u':
      return std::isupper(c) != 0;
    case 'w':
      return std::isalnum(c) != 0;
    case 'x':
      return std::isxdigit(c) != 0;
    default:
      return c == 0;  // 'z'
  }
}

// What stands behind a '%': a class, its complement in upper case, or a character for itself.
bool matches_escaped(unsigned char c, char name) {
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(name)));
  if (std::memchr("acdlpsuwxz", lower, 10) == nullptr) return c == static_cast<unsigned char>(name);
  return in_class(c, lower) != is_upper(name);
}

// Of comparing a byte with an item: with a set of a million bytes that takes a while.
size_t steps_of(const char* item, const char* behind) {
  return 1 + static_cast<size_t>((behind - item) / kSetBytesPerStep);
}

}  // namespace

const char* PatternMatch::match_at(const char* at) {
  level_ = 0;
  depth_ = 0;
  return match(at, pattern_begin_);
}

void PatternMatch::count_steps(size_t steps) {
  steps_ += steps;
  if (steps_ < kStepsPerTick) return;
  steps_ = 0;
  tick_();
}

// Behind the item's character, class or set; its repetition may follow.
const char* PatternMatch::item_end(const char* item) const {
  const char* at = item + 1;
  if (*item == kEscape) {
    if (at == pattern_end_) throw PatternError{"malformed pattern (ends with '%')"};
    return at + 1;
  }
  if (*item != '[') return at;
  if (at < pattern_end_ && *at == '^') at++;
  do {  // a ']' that comes first stands for itself
    if (at == pattern_end_) throw PatternError{"malformed pattern (missing ']')"};
    if (*at++ == kEscape && at < pattern_end_) at++;
  } while (at == pattern_end_ || *at != ']');
  return at + 1;
}

// `set` is at its '[', `last` at its ']'.
bool PatternMatch::matches_set(unsigned char c, const char* set, const char* last) const {
  const bool wanted = set[1] != '^';
  const char* at = wanted ? set + 1 : set + 2;
  for (; at < last; at++) {
    const auto first = static_cast<unsigned char>(*at);
    if (*at == kEscape) {
      at++;
      if (matches_escaped(c, *at)) return wanted;
    } else if (at + 2 < last && at[1] == '-') {
      at += 2;
      if (first <= c && c <= static_cast<unsigned char>(*at)) return wanted;
    } else if (first == c) {
      return wanted;
    }
  }
  return !wanted;
}

bool PatternMatch::matches_one(const char* at, const char* item, const char* behind) const {
  if (at == end_) return false;
  const auto c = static_cast<unsigned char>(*at);
  switch (*item) {
    case '.':
      return true;
    case kEscape:
      return matches_escaped(c, item[1]);
    case '[':
      return matches_set(c, item, behind - 1);
    default:
      return *at == *item;
  }
}

// The rest of the pattern from `item` on.
const char* PatternMatch::match(const char* at, const char* item) {
  if (++depth_ > kDepthMax) throw PatternError{"pattern too complex"};
  const char* const found = match_item(at, item);
  depth_--;
  return found;
}

// Goes from item to item where there is but one way to go on, and leaves the others to recursion.
const char* PatternMatch::match_item(const char* at, const char* item) {
  while (item < pattern_end_) {
    count_steps(1);
    const char next = item + 1 < pattern_end_ ? item[1] : '\0';
    if (*item == '(') {
      return next == ')' ? open_capture(at, item + 2, kPosition)
                         : open_capture(at, item + 1, kOpen);
    }
    if (*item == ')') return close_capture(at, item + 1);
    if (*item == '$' && item + 1 == pattern_end_) return at == end_ ? at : nullptr;
    if (*item == kEscape && next == 'b') {
      at = match_balance(at, item + 2);
      if (at == nullptr) return nullptr;
      item += 4;
      continue;
    }
    if (*item == kEscape && next == 'f') {
      const char* const set = item + 2;
      if (set >= pattern_end_ || *set != '[') {
        throw PatternError{"missing '[' after '%f' in pattern"};
      }
      item = item_end(set);
      count_steps(steps_of(set, item));
      if (!matches_frontier(at, set, item)) return nullptr;
      continue;
    }
    if (*item == kEscape && next >= '0' && next <= '9') {
      at = match_back_reference(at, next);
      if (at == nullptr) return nullptr;
      item += 2;
      continue;
    }
    const char* const behind = item_end(item);
    count_steps(steps_of(item, behind));
    const bool matches = matches_one(at, item, behind);
    switch (behind < pattern_end_ ? *behind : '\0') {
      case '*':
        return match_greedy(at, item, behind);
      case '+':
        return matches ? match_greedy(at + 1, item, behind) : nullptr;
      case '-':
        return match_lazy(at, item, behind);
      case '?':
        if (matches) {
          if (const char* found = match(at + 1, behind + 1)) return found;
        }
        item = behind + 1;
        continue;
      default:
        if (!matches) return nullptr;
        at++;
        item = behind;
    }
  }
  return at;
}

const char* PatternMatch::match_greedy(const char* at, const char* item, const char* behind) {
  const char* last = at;
  const size_t steps = steps_of(item, behind);
  for (; matches_one(last, item, behind); last++) count_steps(steps);
  for (;; last--) {
    if (const char* found = match(last, behind + 1)) return found;
    if (last == at) return nullptr;
  }
}

const char* PatternMatch::match_lazy(const char* at, const char* item, const char* behind) {
  const size_t steps = steps_of(item, behind);
  for (;; at++) {
    count_steps(steps);
    if (const char* found = match(at, behind + 1)) return found;
    if (!matches_one(at, item, behind)) return nullptr;
  }
}

// %bxy: from an x to the y that closes it.
const char* PatternMatch::match_balance(const char* at, const char* item) {
  if (pattern_end_ - item < 2) throw PatternError{"unbalanced pattern"};
  if (at == end_ || *at != item[0]) return nullptr;
  size_t open = 1;
  while (++at < end_) {
    count_steps(1);
    if (*at == item[1]) {
      if (--open == 0) return at + 1;
    } else if (*at == item[0]) {
      open++;
    }
  }
  return nullptr;
}

bool PatternMatch::matches_frontier(const char* at, const char* set, const char* behind) const {
  const auto before = static_cast<unsigned char>(at == begin_ ? '\0' : at[-1]);
  const auto after = static_cast<unsigned char>(at == end_ ? '\0' : *at);
  return !matches_set(before, set, behind - 1) && matches_set(after, set, behind - 1);
}

const char* PatternMatch::open_capture(const char* at, const char* item, std::ptrdiff_t kind) {
  if (level_ >= kCapturesMax) throw PatternError{"too many captures"};
  captures_[level_++] = {at, kind};
  const char* const found = match(at, item);
  if (found == nullptr) level_--;
  return found;
}

const char* PatternMatch::close_capture(const char* at, const char* item) {
  size_t open = level_;
  do {
    if (open == 0) throw PatternError{"invalid pattern capture"};
  } while (captures_[--open].size != kOpen);
  captures_[open].size = at - captures_[open].begin;
  const char* const found = match(at, item);
  if (found == nullptr) captures_[open].size = kOpen;
  return found;
}

const char* PatternMatch::match_back_reference(const char* at, char digit) {
  const int index = digit - '1';
  if (index < 0 || static_cast<size_t>(index) >= level_ ||
      captures_[static_cast<size_t>(index)].size == kOpen) {
    throw PatternError{"invalid capture index"};
  }
  const Capture& capture = captures_[static_cast<size_t>(index)];
  if (capture.size < 0 || capture.size > end_ - at) return nullptr;
  const auto size = static_cast<size_t>(capture.size);
  count_steps(size / kComparedBytesPerStep);
  return std::memcmp(capture.begin, at, size) == 0 ? at + size : nullptr;
}

}  // namespace larder::core::script
