#include "storage/types/set_algebra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace larder::storage {
namespace {

constexpr uint64_t kSeed = 7;
const SetLimits kLimits;

using Members = std::set<std::string>;

std::string text_of(const MemberValue& value) {
  char digits[kIntegerTextMax];
  return std::string(value.string(digits));
}

// Collects what is visited; nothing may come twice.
Members visited_by(auto visit_all) {
  Members found;
  visit_all([&](const MemberValue& value) {
    EXPECT_TRUE(found.insert(text_of(value)).second);
    return true;
  });
  return found;
}

Members members(const Set& set) {
  return visited_by([&](auto visit) { set.each(visit); });
}

// A few sets of the same names, some missing, some small and some large.
class SomeSets {
 public:
  explicit SomeSets(std::mt19937_64& random) {
    const size_t count = 1 + random() % 5;
    for (size_t i = 0; i < count; i++) {
      expected.emplace_back();
      if (random() % 8 == 0) {
        sets.emplace_back();
        continue;
      }
      owned_.push_back(std::make_unique<OwnedSet>(Set::create(Encoding::kIntegers, kSeed)));
      fill(**owned_.back(), random);
      sets.push_back(**owned_.back());
    }
    if (random() % 8 == 0) {
      sets.push_back(sets[0]);
      expected.push_back(expected[0]);
    }
  }

  std::vector<Set> sets;
  std::vector<Members> expected;

 private:
  void fill(Set& set, std::mt19937_64& random) {
    static constexpr size_t kSizes[] = {1, 5, 60, 200, 1000};
    const size_t size = kSizes[random() % 5];
    const bool texts = random() % 2 == 0;
    for (size_t i = 0; i < size; i++) {
      const uint64_t number = random() % (size + size / 4 + 1);
      const std::string member = (texts && number % 3 == 0 ? "m" : "") + std::to_string(number);
      set.add(Member(member), kLimits, kSeed);
      expected.back().insert(member);
    }
  }

  std::vector<std::unique_ptr<OwnedSet>> owned_;
};

TEST(SetAlgebra, AgreesWithTheModel) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; round++) {
    const SomeSets some(random);
    Members all = some.expected[0];
    Members common = some.expected[0];
    Members rest = some.expected[0];
    for (size_t i = 1; i < some.expected.size(); i++) {
      const Members& other = some.expected[i];
      all.insert(other.begin(), other.end());
      std::erase_if(common, [&](const auto& member) { return !other.contains(member); });
      std::erase_if(rest, [&](const auto& member) { return other.contains(member); });
    }
    ASSERT_EQ(visited_by([&](auto visit) { intersect(some.sets, visit); }), common);
    ASSERT_EQ(visited_by([&](auto visit) { subtract(some.sets, visit); }), rest);
    ASSERT_EQ(members(*OwnedSet(intersection(some.sets, kLimits, kSeed))), common);
    ASSERT_EQ(members(*OwnedSet(difference(some.sets, kLimits, kSeed))), rest);
    ASSERT_EQ(members(*OwnedSet(united(some.sets, kLimits, kSeed))), all);
    for (size_t i = 0; i < some.sets.size(); i++) {
      ASSERT_EQ(members(some.sets[i]), some.expected[i]) << "an operand was changed";
    }
  }
}

OwnedSet range(int first, int count, const char* prefix = "") {
  OwnedSet set(Set::create(Encoding::kIntegers, kSeed));
  for (int i = first; i < first + count; i++) {
    set->add(Member(prefix + std::to_string(i)), kLimits, kSeed);
  }
  return OwnedSet(Set(set.release()));
}

TEST(SetAlgebra, IntersectionOfIntegersIsARunAgain) {
  OwnedSet mixed = range(0, 100);
  mixed->add(Member("x"), kLimits, kSeed);
  OwnedSet large = range(50, 2000);
  const std::vector<Set> sets = {*mixed, *large};
  ASSERT_EQ(mixed->encoding(), Encoding::kListpack);
  ASSERT_EQ(large->encoding(), Encoding::kTable);
  EXPECT_EQ(OwnedSet(intersection(sets, kLimits, kSeed))->encoding(), Encoding::kIntegers);
}

TEST(SetAlgebra, IntersectionStopsWhenTold) {
  OwnedSet a = range(0, 1000, "m");
  OwnedSet b = range(0, 1000, "m");
  const std::vector<Set> sets = {*a, *b};
  int visited = 0;
  intersect(sets, [&](const MemberValue&) { return ++visited < 3; });
  EXPECT_EQ(visited, 3);
}

}  // namespace
}  // namespace larder::storage
