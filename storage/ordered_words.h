// A multiset of numbers that stand in ascending order in an array with gaps, so that insertion,
// removal and search take constant time, and ranges are walked in order: ordered linear probing
// (Amble and Knuth, "Ordered hash tables", 1974). The numbers are to be evenly spread, as hashes
// are; 0 is none. A place in the order stays what it is however the set grows or shrinks.
//
// At 64 % to 80 % load a word takes 1.4 times its size on the average; a single one needs no memory
// beside the object.
//
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "storage/prefetch.h"

namespace larder::storage {

template <typename Word>
class OrderedWords {
 public:
  static constexpr Word kMax = std::numeric_limits<Word>::max();

  OrderedWords() = default;
  OrderedWords(const OrderedWords&) = delete;
  OrderedWords& operator=(const OrderedWords&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Of the array.
  size_t memory_bytes() const { return slots_ * sizeof(Word); }

  // Throws std::bad_alloc, and then has changed nothing.
  void insert(Word word) {
    assert(word != 0);
    if (size_ == 0 && slots_ == 0) {
      single_ = word;
    } else {
      if (slots_ == 0 || (size_ + 1) * kLoadParts > homes_ * kLoadOf) grow();
      while (!place(word)) grow();
    }
    size_++;
  }

  // Takes out one `word`, which is there.
  void erase(Word word) {
    size_--;
    if (slots_ == 0) {
      assert(single_ == word);
      return;
    }
    size_t at = home(word);
    while (many_[at] != word) at++;
    // What stands behind it and not at home moves up, so that nothing is parted from its home.
    for (; at + 1 < slots_ && many_[at + 1] != 0 && home(many_[at + 1]) <= at; at++) {
      many_[at] = many_[at + 1];
    }
    many_[at] = 0;
    if (size_ == 0 || size_ < homes_ / kSparse) shrink();
  }

  // Calls visit(word) for the words of [low, high], the lowest first, until it answers false.
  // `visit` must not change the set.
  template <typename Visit>
  void each(Word low, Word high, Visit&& visit) const {
    if (slots_ == 0) {
      if (size_ > 0 && single_ >= low && single_ <= high) visit(single_);
      return;
    }
    const size_t last = home(high);
    for (size_t at = home(low); at < slots_; at++) {
      const Word word = many_[at];
      if (word > high || (word == 0 && at >= last)) return;
      if (word != 0 && word >= low && !visit(word)) return;
    }
  }

  // Asks for the memory that a search for `word` will need.
  void prefetch(Word word) const {
    if (slots_ != 0) storage::prefetch(&many_[home(word)]);
  }

 private:
  static constexpr size_t kLoadOf = 4;  // at most four fifths of the homes are used
  static constexpr size_t kLoadParts = 5;
  static constexpr size_t kSparse = 3;

  size_t home(Word word) const {
    return static_cast<size_t>((static_cast<uint64_t>(word >> (8 * sizeof(Word) - 32)) * homes_) >>
                               32);
  }

  // False, and nothing changed, if the end of the array is too full.
  bool place(Word word) {
    size_t at = home(word);
    while (at < slots_ && many_[at] != 0 && many_[at] <= word) at++;
    size_t gap = at;
    while (gap < slots_ && many_[gap] != 0) gap++;
    if (gap == slots_) return false;
    std::copy_backward(&many_[at], &many_[gap], &many_[gap + 1]);
    many_[at] = word;
    return true;
  }

  void grow() { rebuild(homes_ + homes_ / 4 + 2); }
  void shrink() {
    if (size_ == 0) {
      many_.reset();
      homes_ = slots_ = 0;
      return;
    }
    try {
      rebuild(size_ + size_ / 2 + 1);
    } catch (const std::bad_alloc&) {  // then it stays large
    }
  }

  // Behind the last home there is room for words that are not at home.
  void rebuild(size_t homes) {
    for (size_t tail = homes / 16 + 1;; tail *= 2) {
      OrderedWords fresh;
      fresh.homes_ = static_cast<uint32_t>(homes);
      fresh.slots_ = static_cast<uint32_t>(homes + tail);
      fresh.many_ = std::make_unique<Word[]>(fresh.slots_);
      size_t free_from = 0;
      each(1, kMax, [&](Word word) {
        const size_t at = std::max(fresh.home(word), free_from);
        free_from = at + 1;
        if (at < fresh.slots_) fresh.many_[at] = word;
        return at < fresh.slots_;
      });
      if (free_from > fresh.slots_) continue;
      many_ = std::move(fresh.many_);
      homes_ = fresh.homes_;
      slots_ = fresh.slots_;
      return;
    }
  }

  std::unique_ptr<Word[]> many_;
  uint32_t homes_ = 0;
  uint32_t slots_ = 0;  // 0: a single word, if any, is here
  uint32_t size_ = 0;
  Word single_ = 0;
};

}  // namespace larder::storage
