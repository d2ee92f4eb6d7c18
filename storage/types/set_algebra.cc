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

void collect(OwnedSet& into, const MemberValue& value, const SetLimits& limits, uint64_t seed) {
  into->add(Member(value), limits, seed);
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
  const std::span<const Set> others = std::span(order).subspan(1);
  // A set less itself needs no look at its members.
  for (const Set& other : others) {
    if (other.object() == sets[0].object()) return;
  }
  if (searching_is_cheaper(order)) {
    return sets[0].each([&](const MemberValue& value) {
      const Member member(value);
      for (const Set& other : others) {
        if (other.contains(member)) return true;
      }
      return visit(value);
    });
  }
  OwnedSet rest(Set(sets[0].object().copy()));
  for (const Set& other : others) {
    other.each([&](const MemberValue& value) {
      rest->remove(Member(value));
      return rest->size() > 0;
    });
  }
  rest->each(visit);
}

Set intersection(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed) {
  const Set& smallest = *std::min_element(sets.begin(), sets.end(), smaller);
  if (smallest.size() == 0) return Set(Object());
  const bool likely_listpack = smallest.encoding() == Encoding::kListpack;
  const Encoding encoding = likely_listpack ? Encoding::kListpack : Encoding::kIntegers;
  OwnedSet result(Set::create(encoding, hash_seed));
  intersect(sets, [&](const MemberValue& value) {
    collect(result, value, limits, hash_seed);
    return true;
  });
  result->narrow(limits);
  return Set(result.release());
}

Set difference(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed) {
  OwnedSet result(Set::create(Encoding::kIntegers, hash_seed));
  subtract(sets, [&](const MemberValue& value) {
    collect(result, value, limits, hash_seed);
    return true;
  });
  return Set(result.release());
}

Set united(std::span<const Set> sets, const SetLimits& limits, uint64_t hash_seed) {
  OwnedSet result(Set::create(Encoding::kIntegers, hash_seed));
  for (const Set& set : sets) {
    set.each([&](const MemberValue& value) {
      collect(result, value, limits, hash_seed);
      return true;
    });
  }
  return Set(result.release());
}

}  // namespace larder::storage
