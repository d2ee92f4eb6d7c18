#include "storage/types/set_algebra.h"

#include <algorithm>
#include <vector>

namespace larder::storage {
namespace {

bool smaller(const Set& a, const Set& b) {
  return a.size() < b.size();
}

// The sets that have members, but for the first, which stays where it is. The largest of the others
// come first: they are the most likely to have a member.
std::vector<Set> largest_first(std::span<const Set> sets) {
  std::vector<Set> order(sets.begin(), sets.end());
  order.erase(std::remove_if(order.begin() + 1, order.end(),
                             [](const Set& set) { return set.size() == 0; }),
              order.end());
  std::stable_sort(order.begin() + 1, order.end(),
                   [](const Set& a, const Set& b) { return smaller(b, a); });
  return order;
}

// Whether looking for each member of the first set in all others is less work than taking all their
// members out of a copy of it. The search ends at the first set that has the member: half of them,
// it is assumed.
bool searching_is_cheaper(std::span<const Set> sets) {
  size_t members = 0;
  for (const Set& set : sets) members += set.size();
  return sets[0].size() * sets.size() / 2 <= members;
}

// Adds the members of a set to a result.
void add_all(OwnedSet& into, const Set& set, const SetLimits& limits, uint64_t seed) {
  set.each([&](const MemberValue& value) {
    into->add(Member(value), limits, seed);
    return true;
  });
}

// Takes the members of other sets out of `rest`, which is none of them.
void remove_all(OwnedSet& rest, std::span<const Set> others) {
  for (const Set& other : others) {
    other.each([&](const MemberValue& value) {
      rest->remove(Member(value));
      return rest->size() > 0;
    });
    if (rest->size() == 0) return;
  }
}

// Visits the members of the first set that a search in the others does not find.
void search(std::span<const Set> order, FunctionRef<bool(const MemberValue&)> visit) {
  const std::span<const Set> others = order.subspan(1);
  order[0].each([&](const MemberValue& value) {
    const Member member(value);
    for (const Set& other : others) {
      if (other.contains(member)) return true;
    }
    return visit(value);
  });
}

// A set less itself needs no look at its members.
bool subtracts_itself(std::span<const Set> order) {
  return std::any_of(order.begin() + 1, order.end(),
                     [&](const Set& other) { return other.object() == order[0].object(); });
}

}  // namespace

void intersect(std::span<const Set> sets, FunctionRef<bool(const MemberValue&)> visit) {
  std::vector<Set> order(sets.begin(), sets.end());
  std::stable_sort(order.begin(), order.end(), smaller);
  if (order[0].size() == 0) return;
  const std::span<const Set> others = std::span(order).subspan(1);
  order[0].each([&](const MemberValue& value) {
    const Member member(value);
    for (const Set& other : others) {
      if (!other.contains(member)) return true;
    }
    return visit(value);
  });
}

void subtract(std::span<const Set> sets, FunctionRef<bool(const MemberValue&)> visit) {
  if (sets[0].size() == 0) return;
  const std::vector<Set> order = largest_first(sets);
  if (subtracts_itself(order)) return;
  if (searching_is_cheaper(order)) return search(order, visit);
  OwnedSet rest(Set(sets[0].object().copy()));
  remove_all(rest, std::span(order).subspan(1));
  rest->each(visit);
}

Set intersection(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed) {
  const Set& smallest = *std::min_element(sets.begin(), sets.end(), smaller);
  if (smallest.size() == 0) return Set(Object());
  const bool likely_listpack = smallest.encoding() == Encoding::kListpack;
  const Encoding encoding = likely_listpack ? Encoding::kListpack : Encoding::kIntegers;
  OwnedSet result(Set::create(encoding, hash_seed));
  intersect(sets, [&](const MemberValue& value) {
    result->add(Member(value), limits, hash_seed);
    return true;
  });
  result->narrow(limits);
  return Set(result.release());
}

// What takes members out of a copy makes that copy by adding them all: the encoding that the
// result has shows what it once was.
Set difference(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed) {
  OwnedSet result(Set::create(Encoding::kIntegers, hash_seed));
  if (sets[0].size() == 0) return Set(result.release());
  const std::vector<Set> order = largest_first(sets);
  if (subtracts_itself(order)) return Set(result.release());
  if (searching_is_cheaper(order)) {
    search(order, [&](const MemberValue& value) {
      result->add(Member(value), limits, hash_seed);
      return true;
    });
  } else {
    add_all(result, order[0], limits, hash_seed);
    remove_all(result, std::span(order).subspan(1));
  }
  return Set(result.release());
}

Set united(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed) {
  OwnedSet result(Set::create(Encoding::kIntegers, hash_seed));
  for (const Set& set : sets) add_all(result, set, limits, hash_seed);
  return Set(result.release());
}

}  // namespace larder::storage
