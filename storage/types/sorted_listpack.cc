#include "storage/types/sorted_listpack.h"

#include <array>
#include <charconv>

#include "storage/number.h"

namespace larder::storage::sorted_listpack {
namespace {

using listpack::Element;
using listpack::kNone;

double score_of(const Element& element) {
  if (element.is_integer) return static_cast<double>(element.integer);
  double score = 0;
  std::from_chars(element.text.data(), element.text.data() + element.text.size(), score);
  return score;
}

// A score as an element; text is written to `digits`. As in Redis, -0 becomes 0 here.
Element score_element(double score, char (&digits)[kDoubleTextMax]) {
  if (score == 0) return {.is_integer = true};
  return listpack::element_of({digits, write_double(score, digits)});
}

Position score_position(const Packed* list, Position member) {
  return listpack::next(list, member);
}

Position next_member(const Packed* list, Position member) {
  return listpack::next(list, score_position(list, member));
}

// The first member that belongs behind this one with that score, or kNone: behind all.
Position place_for(const Packed* list, std::string_view member, double score) {
  char digits[kIntegerTextMax];
  for (Position at = listpack::first(list); at != kNone; at = next_member(list, at)) {
    const double other = score_at(list, at);
    if (other > score) return at;
    if (other == score && listpack::get(list, at).string(digits) > member) return at;
  }
  return kNone;
}

// From `at` on, how many members in a row the condition is true for; `at` becomes the one behind.
template <typename Condition>
size_t count_while(const Packed* list, Position& at, const Condition& condition) {
  size_t count = 0;
  for (; at != kNone && condition(at); at = next_member(list, at)) count++;
  return count;
}

}  // namespace

size_t size(const Packed* list) {
  return listpack::count(list) / 2;
}

Position find(const Packed* list, std::string_view member) {
  return listpack::find(list, listpack::first(list), listpack::element_of(member), 1);
}

double score_at(const Packed* list, Position member) {
  return score_of(listpack::get(list, score_position(list, member)));
}

size_t rank_at(const Packed* list, Position member) {
  Position at = listpack::first(list);
  return count_while(list, at, [=](Position other) { return other != member; });
}

void insert(Packed*& list, std::string_view member, double score) {
  char digits[kDoubleTextMax];
  listpack::insert(list, place_for(list, member, score),
                   std::array{listpack::element_of(member), score_element(score, digits)});
}

void append(Packed*& list, std::string_view member, double score) {
  char digits[kDoubleTextMax];
  listpack::insert(list, kNone,
                   std::array{listpack::element_of(member), score_element(score, digits)});
}

void rescore(Packed*& list, Position member, double score) {
  char digits[kDoubleTextMax];
  char member_digits[kIntegerTextMax];
  const std::string_view text = listpack::get(list, member).string(member_digits);
  const Position place = place_for(list, text, score);
  if (place == member || place == next_member(list, member)) {
    listpack::replace(list, score_position(list, member), score_element(score, digits));
    return;
  }
  // In a copy, which is given up if there is no memory half-way. The text lies in the old one.
  OwnedPacked changed(list->copy());
  listpack::erase(changed.get(), member, 2);
  insert(changed.get(), text, score);
  Packed::destroy(list);
  list = changed.release();
}

void erase(Packed*& list, RankRange range) {
  if (range.empty()) return;
  listpack::erase(list, listpack::seek(list, static_cast<int64_t>(2 * range.first)),
                  2 * range.size());
}

void erase_at(Packed*& list, Position member) {
  listpack::erase(list, member, 2);
}

RankRange find(const Packed* list, const ScoreRange& range) {
  Position at = listpack::first(list);
  const size_t first =
      count_while(list, at, [&](Position m) { return !range.above_min(score_at(list, m)); });
  const size_t inside =
      count_while(list, at, [&](Position m) { return range.below_max(score_at(list, m)); });
  return {first, first + inside};
}

RankRange find(const Packed* list, const LexRange& range, Direction direction) {
  char digits[kIntegerTextMax];
  const auto member = [&](Position at) { return listpack::get(list, at).string(digits); };
  const size_t count = size(list);
  const Position first = listpack::first(list);
  const Position last = listpack::seek(list, -2);
  if (!range.above_min(member(last)) || !range.below_max(member(first))) return {};
  if (direction == Direction::kForward) {
    Position at = first;
    const size_t before =
        count_while(list, at, [&](Position m) { return !range.above_min(member(m)); });
    return {before,
            before + count_while(list, at, [&](Position m) { return range.below_max(member(m)); })};
  }
  const auto previous = [&](Position at) {
    const Position score = listpack::previous(list, at);
    return score == kNone ? kNone : listpack::previous(list, score);
  };
  size_t end = count;
  Position at = last;
  for (; at != kNone && !range.below_max(member(at)); at = previous(at)) end--;
  size_t begin = end;
  for (; at != kNone && range.above_min(member(at)); at = previous(at)) begin--;
  return {begin, end};
}

void each(const Packed* list, RankRange range, Direction direction, Visit visit) {
  if (range.empty()) return;
  char digits[kIntegerTextMax];
  const bool forward = direction == Direction::kForward;
  Position at =
      listpack::seek(list, static_cast<int64_t>(2 * (forward ? range.first : range.end - 1)));
  for (size_t left = range.size();; left--) {
    visit(listpack::get(list, at).string(digits), score_at(list, at));
    if (left == 1) return;
    at = forward ? next_member(list, at) : listpack::previous(list, listpack::previous(list, at));
  }
}

size_t bytes_max(std::string_view member) {
  constexpr size_t kHeadsMax = 2 * (5 + 5);  // of two elements, and their lengths behind
  return member.size() + kDoubleTextMax + kHeadsMax;
}

}  // namespace larder::storage::sorted_listpack
