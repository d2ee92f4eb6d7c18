// Small sorted sets, and the passage from small to large.
#include "storage/types/sorted_set.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/types/sorted_algebra.h"
#include "storage/types/sorted_listpack.h"

namespace larder::storage {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class SortedSetTest : public ::testing::Test {
 protected:
  template <typename Work>
  auto with_writer(Work work) {
    const LockedKeys locked = store_.lock(key_);
    Keyspace db(locked, 0, 1000);
    SortedSetWriter writer(db, key_, limits_);
    EXPECT_EQ(writer.open(), Status::kOk);
    auto result = work(writer);
    writer.finish();
    return result;
  }
  struct Tried {
    Status status = Status::kOk;
    Added added{};
  };
  Tried add(const std::string& member, double score, AddConditions conditions = {}) {
    return with_writer([&](SortedSetWriter& writer) {
      writer.prepare(1, member.size());
      const Result<Added> result = writer.add(member, score, conditions);
      return result.ok() ? Tried{Status::kOk, result.value()} : Tried{result.status()};
    });
  }
  bool remove(const std::string& member) {
    return with_writer([&](SortedSetWriter& writer) { return writer.remove(member); });
  }
  void remove(RankRange range) {
    with_writer([&](SortedSetWriter& writer) { return writer.remove(range), 0; });
  }
  template <typename Look>
  auto with_set(Look look) {
    const LockedKeys locked = store_.lock(key_);
    Keyspace db(locked, 0, 1000);
    return look(read_sorted_set(db, key_).value());
  }
  bool packed() {
    return with_set([](SortedSet set) { return set.table() == nullptr; });
  }
  std::string shown(RankRange range = {0, 1000000}, Direction direction = Direction::kForward) {
    return with_set([&](SortedSet set) {
      std::string text;
      range.end = std::min(range.end, set.size());
      set.each(range, direction, [&](std::string_view member, double score) {
        char digits[kDoubleTextMax];
        text += std::string(member) + "=" + std::string(digits, write_double(score, digits)) + " ";
      });
      return text;
    });
  }

  Store store_{{.databases = 1, .hash_seed = 3, .concurrent = false}};
  const Key key_ = store_.key("k");
  SortedSetLimits limits_;
};

TEST_F(SortedSetTest, OrdersByScoreThenMember) {
  add("b", 1);
  add("a", 1);
  add("10", 0.5);
  add("z", -kInfinity);
  add("9", 0.5);
  EXPECT_EQ(shown(), "z=-inf 10=0.5 9=0.5 a=1 b=1 ");
  EXPECT_EQ(shown({1, 4}, Direction::kBackward), "a=1 9=0.5 10=0.5 ");
}

TEST_F(SortedSetTest, RescoredMemberMovesBothWays) {
  for (const char* member : {"a", "b", "c", "d"}) add(member, member[0]);
  add("a", 200);
  add("d", 1.25);
  add("c", 99.5);
  EXPECT_EQ(shown(), "d=1.25 b=98 c=99.5 a=200 ");
  add("d", -1);
  add("a", 1e300);
  EXPECT_EQ(shown(), "d=-1 b=98 c=99.5 a=1e+300 ");
}

TEST_F(SortedSetTest, ConditionsKeepOrChange) {
  using Outcome = Added::Outcome;
  EXPECT_EQ(add("a", 1, {.only_new = true}).added.outcome, Outcome::kAdded);
  EXPECT_EQ(add("a", 2, {.only_new = true}).added.outcome, Outcome::kKept);
  EXPECT_EQ(add("a", 1).added.outcome, Outcome::kSame);
  EXPECT_EQ(add("a", 1, {.only_greater = true}).added.outcome, Outcome::kKept);
  EXPECT_EQ(add("a", 0, {.only_less = true}).added.outcome, Outcome::kChanged);
  EXPECT_EQ(add("b", 0, {.only_existing = true}).added.outcome, Outcome::kKept);
  EXPECT_EQ(add("a", 5, {.increment = true}).added.score, 5);
  add("a", kInfinity);
  EXPECT_EQ(add("a", -kInfinity, {.increment = true}).status, Status::kNotANumber);
  EXPECT_EQ(shown(), "a=inf ");
}

TEST_F(SortedSetTest, BecomesATableBeyondItsLimits) {
  for (size_t i = 0; i < limits_.packed_elements_max; i++) add(std::to_string(i), 1.5);
  EXPECT_TRUE(packed());
  add("5", 3);
  EXPECT_TRUE(packed()) << "nothing was added";
  const std::string before = shown();
  add(std::string(limits_.packed_member_bytes_max + 1, 'z'), 9);
  EXPECT_FALSE(packed());
  EXPECT_EQ(shown().substr(0, before.size()), before);
}

TEST_F(SortedSetTest, WithoutMembersIsErased) {
  add("a", 1);
  EXPECT_TRUE(remove("a"));
  EXPECT_FALSE(remove("a"));
  EXPECT_EQ(store_.size(0).keys, 0u);
  for (int i = 0; i < 500; i++) add(std::to_string(i), i);
  remove(RankRange{0, 500});
  EXPECT_EQ(store_.size(0).keys, 0u);
}

TEST_F(SortedSetTest, PackedRangesOfMembersOfDifferentScoresAreThoseOfRedis) {
  for (const auto& [member, score] : std::vector<std::pair<std::string, double>>{
           {"d", 1}, {"b", 2}, {"e", 3}, {"a", 4}, {"f", 5}}) {
    add(member, score);
  }
  using Kind = LexBound::Kind;
  const auto range_of = [&](LexBound min, LexBound max, Direction direction) {
    const RankRange range = with_set([&](SortedSet set) {
      return set.find(LexRange{min, max}, direction);
    });
    return range.empty() ? "" : std::to_string(range.first) + "-" + std::to_string(range.end);
  };
  const LexBound b{Kind::kIncluded, "b"};
  const LexBound e{Kind::kExcluded, "e"};
  EXPECT_EQ(range_of(b, e, Direction::kForward), "0-2");
  EXPECT_EQ(range_of({Kind::kIncluded, "b"}, {Kind::kHighest}, Direction::kBackward), "4-5");
  EXPECT_EQ(range_of({Kind::kIncluded, "c"}, e, Direction::kBackward), "");
  EXPECT_EQ(range_of({Kind::kLowest}, e, Direction::kBackward), "0-4");
  EXPECT_EQ(range_of({Kind::kHighest}, {Kind::kHighest}, Direction::kForward), "");
}

// Both kinds must answer alike, whatever is asked.
TEST_F(SortedSetTest, PackedAndTableAgree) {
  std::mt19937_64 random(11);
  Store other(StoreOptions{.databases = 1, .hash_seed = 5, .concurrent = false});
  const Key key = other.key("k");
  const LockedKeys locked = other.lock(key);
  Keyspace db(locked, 0, 1000);
  limits_.packed_elements_max = 1000;
  for (int i = 0; i < 20000; i++) {
    const std::string member =
        random() % 2 == 0 ? std::to_string(random() % 40) : "m" + std::to_string(random() % 40);
    const double score = static_cast<double>(random() % 50) / 4 - 3;
    SortedSetWriter table(db, key, {.packed_elements_max = 0});
    ASSERT_EQ(table.open(), Status::kOk);
    if (random() % 3 == 0) {
      ASSERT_EQ(table.remove(member), remove(member));
    } else {
      table.prepare(1, 0);
      ASSERT_EQ(table.add(member, score, {}).value().outcome, add(member, score).added.outcome);
    }
    table.finish();
    const SortedSet large = read_sorted_set(db, key).value();
    const RankRange ranks = large.find(ScoreRange{.min = score, .max = score + 2});
    const auto place = large.place(member);
    with_set([&](SortedSet small) {
      EXPECT_EQ(small.size(), large.size());
      const RankRange found = small.find(ScoreRange{.min = score, .max = score + 2});
      EXPECT_EQ(found.size(), ranks.size());
      EXPECT_EQ(small.place(member).has_value(), place.has_value());
      if (!place) return 0;
      EXPECT_EQ(small.place(member)->rank, place->rank);
      EXPECT_EQ(small.place(member)->score, place->score);
      return 0;
    });
  }
  EXPECT_TRUE(packed());
}

TEST(RankRangeTest, CountsFromBothEnds) {
  const auto of = [](int64_t start, int64_t stop) {
    const RankRange range = rank_range(start, stop, 5);
    return range.empty() ? "" : std::to_string(range.first) + "-" + std::to_string(range.end);
  };
  EXPECT_EQ(of(0, -1), "0-5");
  EXPECT_EQ(of(-2, 100), "3-5");
  EXPECT_EQ(of(-100, -100), "") << "not the first, as of GETRANGE";
  EXPECT_EQ(of(3, 2), "");
  EXPECT_EQ(of(5, 9), "");
  EXPECT_EQ(of(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()), "0-5");
}

}  // namespace
}  // namespace larder::storage
