// Lua's patterns (Lua 5.1 reference manual, 5.4.1), matched by backtracking as there, but with a
// word to say every so many steps: a pattern like ".-.-.-.-b" can take years over a text of some
// thousand bytes, and Lua's own matcher cannot be interrupted.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "storage/function_ref.h"

namespace larder::core::script {

// Why a pattern is refused, in Lua's words.
struct PatternError {
  const char* text;
};

class PatternMatch {
 public:
  static constexpr size_t kCapturesMax = 32;
  static constexpr int kDepthMax = 200;  // of items that may have to be tried again
  static constexpr size_t kStepsPerTick = 20'000;

  struct Capture {
    const char* begin;
    std::ptrdiff_t size;  // or kOpen, kPosition
  };
  static constexpr std::ptrdiff_t kOpen = -1;
  static constexpr std::ptrdiff_t kPosition = -2;

  // `tick` may throw. The views must outlive this.
  PatternMatch(std::string_view subject, std::string_view pattern,
               storage::FunctionRef<void()> tick)
      : begin_(subject.data()),
        end_(subject.data() + subject.size()),
        pattern_begin_(pattern.data()),
        pattern_end_(pattern.data() + pattern.size()),
        tick_(tick) {}

  // Matches the pattern at this place of the subject; the match's end, null if there is none.
  // Throws PatternError.
  const char* match_at(const char* at);

  // Work of so many steps is being done, here or with a match; a step is a few nanoseconds.
  void count_steps(size_t steps);

  // Of the last match.
  size_t captures() const { return level_; }
  const Capture& capture(size_t i) const { return captures_[i]; }

 private:
  const char* match(const char* at, const char* item);
  const char* match_item(const char* at, const char* item);
  const char* match_greedy(const char* at, const char* item, const char* behind);
  const char* match_lazy(const char* at, const char* item, const char* behind);
  const char* match_balance(const char* at, const char* item);
  const char* open_capture(const char* at, const char* item, std::ptrdiff_t kind);
  const char* close_capture(const char* at, const char* item);
  const char* match_back_reference(const char* at, char digit);
  bool matches_frontier(const char* at, const char* set, const char* behind) const;
  bool matches_one(const char* at, const char* item, const char* behind) const;
  bool matches_set(unsigned char c, const char* set, const char* last) const;
  const char* item_end(const char* item) const;

  const char* const begin_;
  const char* const end_;
  const char* const pattern_begin_;
  const char* const pattern_end_;
  storage::FunctionRef<void()> tick_;
  size_t steps_ = 0;  // since the last tick
  int depth_ = 0;
  size_t level_ = 0;
  std::array<Capture, kCapturesMax> captures_;
};

}  // namespace larder::core::script
