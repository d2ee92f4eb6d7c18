#include "storage/types/set.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/garbage.h"
#include "storage/types/set_table.h"

namespace larder::storage {
namespace {

constexpr uint64_t kSeed = 7;

std::string text_of(const MemberValue& value) {
  char digits[kIntegerTextMax];
  return std::string(value.string(digits));
}

std::set<std::string> members(const Set& set) {
  std::set<std::string> found;
  set.each([&](const MemberValue& value) {
    EXPECT_TRUE(found.insert(text_of(value)).second) << text_of(value);
    return true;
  });
  return found;
}

// Large sets are freed later, by whoever runs loops; here nobody does.
class FreesGarbage : public testing::Environment {
  void TearDown() override { Garbage::free_all(); }
};
[[maybe_unused]] const auto* const kFreesGarbage =
    testing::AddGlobalTestEnvironment(new FreesGarbage);

bool add(OwnedSet& set, const std::string& member, const SetLimits& limits = {}) {
  return set->add(Member(member), limits, kSeed);
}

// Members that each encoding keeps in another way, and that look alike.
std::string draw_member(std::mt19937_64& random) {
  static const std::vector<std::string> kEdges = {
      "",       "0",          "-0",          "00",          "32767",
      "32768",  "-32769",     "2147483648",  "-2147483649", "9223372036854775807",
      "\xff",   "\xff\x01",   "\xfe",        "\xfe\xff",    "-9223372036854775808",
      "\xff\1", "\xfe\xfe\1", "\xff\xff\1x", " 1",          "9223372036854775808"};
  const uint64_t kind = random() % 4;
  if (kind == 0) return kEdges[random() % kEdges.size()];
  if (kind == 1) return std::to_string(static_cast<int64_t>(random()) >> random() % 64);
  if (kind == 2) return "m" + std::to_string(random() % 400);
  return std::string(random() % 80, static_cast<char>(random() % 256));
}

// --- Every encoding, whatever the thresholds, against a model.

class SetOfAnyKind : public testing::TestWithParam<SetLimits> {};

TEST_P(SetOfAnyKind, HasWhatWasAddedAndNotRemoved) {
  std::mt19937_64 random(1);
  OwnedSet set(Set::create(Encoding::kIntegers, kSeed));
  std::set<std::string> expected;
  for (int step = 0; step < 6000; step++) {
    const std::string member = draw_member(random);
    if (random() % 3 != 0) {
      ASSERT_EQ(add(set, member, GetParam()), expected.insert(member).second) << member;
    } else {
      ASSERT_EQ(set->remove(Member(member)), expected.erase(member) == 1) << member;
    }
    ASSERT_EQ(set->size(), expected.size());
    ASSERT_EQ(set->contains(Member(member)), expected.contains(member));
    if (step % 100 == 0) {
      ASSERT_EQ(members(*set), expected);
    }
  }
  const Object copy = set->object().copy();
  EXPECT_EQ(members(Set(copy)), expected);
  Object(copy).destroy();
}

INSTANTIATE_TEST_SUITE_P(Limits, SetOfAnyKind,
                         testing::Values(SetLimits{}, SetLimits{0, 0, 0},
                                         SetLimits{1 << 20, 1 << 20, 1 << 20},
                                         SetLimits{4, 1 << 20, 8}));

TEST(Set, IntegersStayARunUpToTheLimit) {
  OwnedSet set(Set::create(Encoding::kIntegers, kSeed));
  for (int i = 0; i < 512; i++) add(set, std::to_string(i * 1000));
  EXPECT_EQ(set->encoding(), Encoding::kIntegers);
  add(set, "7000");  // there already
  EXPECT_EQ(set->encoding(), Encoding::kIntegers);
  add(set, "-1");
  EXPECT_EQ(set->encoding(), Encoding::kTable);
}

TEST(Set, TextAmongFewIntegersMakesAListpack) {
  OwnedSet set(Set::create(Encoding::kIntegers, kSeed));
  for (int i = 0; i < 127; i++) add(set, std::to_string(i));
  add(set, "a");
  EXPECT_EQ(set->encoding(), Encoding::kListpack);
  add(set, "a");
  EXPECT_EQ(set->encoding(), Encoding::kListpack);
  add(set, "b");
  EXPECT_EQ(set->encoding(), Encoding::kTable);
  EXPECT_EQ(set->size(), 129u);
}

TEST(Set, TextAmongManyIntegersMakesATable) {
  OwnedSet set(Set::create(Encoding::kIntegers, kSeed));
  for (int i = 0; i < 128; i++) add(set, std::to_string(i));
  add(set, "a");
  EXPECT_EQ(set->encoding(), Encoding::kTable);
}

TEST(Set, LongMemberMakesATable) {
  OwnedSet set(Set::create(Encoding::kListpack, kSeed));
  add(set, std::string(64, 'x'));
  EXPECT_EQ(set->encoding(), Encoding::kListpack);
  add(set, std::string(65, 'x'));
  EXPECT_EQ(set->encoding(), Encoding::kTable);
}

TEST(Set, WhatIsToComeDecidesTheFirstEncoding) {
  const SetLimits limits;
  const auto encoding = [&](const char* first, size_t count) {
    return OwnedSet(Set::create_for(Member(first), count, limits, kSeed))->encoding();
  };
  EXPECT_EQ(encoding("1", 512), Encoding::kIntegers);
  EXPECT_EQ(encoding("1", 513), Encoding::kTable);
  EXPECT_EQ(encoding("a", 128), Encoding::kListpack);
  EXPECT_EQ(encoding("a", 129), Encoding::kTable);
}

TEST(Set, MissingOneIsEmpty) {
  const Set none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_FALSE(none.contains(Member("a")));
  EXPECT_TRUE(members(none).empty());
}

// --- Random members.

struct Kind {
  Encoding encoding;
  int size;
};

class RandomMembers : public testing::TestWithParam<Kind> {
 protected:
  RandomMembers() : set_(Set::create(GetParam().encoding, kSeed)) {
    const SetLimits limits{1 << 20, 1 << 20, 64};
    for (int i = 0; i < GetParam().size; i++) add(set_, std::to_string(i), limits);
  }

  // Draws by `draw` until each member should have come 200 times, and expects none to have come
  // less than half or more than twice as often: ten standard deviations are 140.
  template <typename Draw>
  void expect_even(Draw draw) {
    std::map<std::string, int> times;
    int drawn = 0;
    while (drawn < 200 * GetParam().size) {
      draw([&](const MemberValue& value) {
        times[text_of(value)]++;
        drawn++;
      });
    }
    EXPECT_EQ(times.size(), set_->size());
    for (const auto& [member, count] : times) {
      EXPECT_GT(count, 100) << member;
      EXPECT_LT(count, 400) << member;
    }
  }

  std::mt19937_64 random_{42};
  OwnedSet set_;
};

TEST_P(RandomMembers, EachOneHasTheSameChance) {
  expect_even([&](auto visit) { visit(set_->random(random_())); });
}

TEST_P(RandomMembers, SamplesOfAnySizeAreEvenAndWithoutRepetition) {
  const size_t size = set_->size();
  for (const size_t count : {size_t{1}, size / 4, size / 2, size - 1, size, size + 9}) {
    if (count == 0) continue;
    expect_even([&](auto visit) {
      std::set<std::string> drawn;
      set_->sample(
          count, [&] { return random_(); },
          [&](const MemberValue& value) {
            EXPECT_TRUE(drawn.insert(text_of(value)).second);
            visit(value);
          });
      EXPECT_EQ(drawn.size(), std::min(count, size));
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomMembers,
                         testing::Values(Kind{Encoding::kIntegers, 40},
                                         Kind{Encoding::kListpack, 30}, Kind{Encoding::kTable, 8},
                                         Kind{Encoding::kTable, 900}));

// --- Tables.

TEST(SetTable, ScanOfAChangingOneVisitsWhatStays) {
  SetTable table(kSeed);
  for (int i = 0; i < 5000; i++) table.insert(Member("s" + std::to_string(i)));
  std::set<std::string> seen;
  TablePosition at = 0;
  int step = 0;
  do {
    ScanBudget budget{20, 1000};
    at = table.scan(at, budget, [&](const MemberValue& value) { seen.insert(text_of(value)); });
    for (int i = 0; i < 20; i++) table.insert(Member("n" + std::to_string(step * 20 + i)));
    step++;
  } while (at != 0);
  for (int i = 0; i < 5000; i++) EXPECT_TRUE(seen.contains("s" + std::to_string(i)));
  EXPECT_GT(step, 50);
}

TEST(SetTable, GivesBackMemoryWhenMembersLeave) {
  SetTable table(kSeed);
  const size_t empty = table.memory_bytes();
  for (int i = 0; i < 50'000; i++) table.insert(Member(std::to_string(i)));
  const size_t full = table.memory_bytes();
  EXPECT_LT(full, empty + 50'000 * 26);  // 6 bytes in a block of 8, and its share of the segments
  for (int i = 0; i < 49'990; i++) ASSERT_TRUE(table.erase(Member(std::to_string(i))));
  EXPECT_TRUE(table.recount());
  EXPECT_EQ(table.size(), 10u);
  EXPECT_LT(table.memory_bytes(), 20'000u);
  for (int i = 49'990; i < 50'000; i++) ASSERT_TRUE(table.contains(Member(std::to_string(i))));
}

TEST(SetTable, IsFreedInSlices) {
  SetTable table(kSeed);
  for (int i = 0; i < 20'000; i++) table.insert(Member("m" + std::to_string(i)));
  size_t before = table.memory_bytes();
  int slices = 0;
  while (table.free_some(1000)) {
    ASSERT_LT(table.memory_bytes(), before);
    before = table.memory_bytes();
    slices++;
  }
  EXPECT_GT(slices, 5);
}

TEST(SetTable, EachStopsWhenTold) {
  SetTable table(kSeed);
  for (int i = 0; i < 1000; i++) table.insert(Member(std::to_string(i)));
  int visited = 0;
  table.each([&](const MemberValue&) { return ++visited < 10; });
  EXPECT_EQ(visited, 10);
}

}  // namespace
}  // namespace larder::storage
