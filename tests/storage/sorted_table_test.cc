#include "storage/types/sorted_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/entry_arena.h"

namespace larder::storage {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint64_t kSeed = 42;

// The same set kept by the standard library.
class Model {
 public:
  using Member = std::pair<double, std::string>;

  void put(const std::string& member, double score) {
    remove(member);
    scores_[member] = score;
    order_.insert({score, member});
  }
  void remove(const std::string& member) {
    const auto at = scores_.find(member);
    if (at == scores_.end()) return;
    order_.erase({at->second, member});
    scores_.erase(at);
  }
  const std::map<std::string, double>& scores() const { return scores_; }
  const std::set<Member>& order() const { return order_; }
  size_t rank(const Member& bound) const {
    return static_cast<size_t>(std::distance(order_.begin(), order_.lower_bound(bound)));
  }

 private:
  std::map<std::string, double> scores_;
  std::set<Member> order_;
};

std::vector<Model::Member> listed(const SortedTable& table, RankRange range,
                                  Direction direction = Direction::kForward) {
  std::vector<Model::Member> found;
  table.each(range, direction, [&](std::string_view member, double score) {
    found.emplace_back(score, std::string(member));
  });
  return found;
}

std::vector<Model::Member> listed(const SortedTable& table) {
  return listed(table, {0, table.size()});
}

void expect_equal(const SortedTable& table, const Model& model) {
  ASSERT_TRUE(table.recount());
  ASSERT_EQ(listed(table), std::vector<Model::Member>(model.order().begin(), model.order().end()));
}

// One random change of a table and its model after the other.
class Changes {
 public:
  Changes(uint64_t seed, size_t members, size_t scores)
      : random_(seed), members_(members), scores_(scores) {}

  void change(SortedTable& table, Model& model) {
    const std::string member = "member:" + std::to_string(random_() % members_);
    Entry* entry = table.find(member);
    ASSERT_EQ(entry != nullptr, model.scores().contains(member));
    const uint64_t draw = random_() % 10;
    if (entry == nullptr) {
      if (draw < 4 || growing_) add(table, model, member);
    } else if (draw < 4) {
      table.remove(*entry);
      model.remove(member);
    } else if (draw < 9) {
      const double score = draw < 7 ? SortedTable::score_of(*entry) + 1 : draw_score();
      table.rescore(*entry, score);
      model.put(member, score);
    }
    if (random_() % 4096 == 0) growing_ = !growing_;
    if (random_() % 1024 == 0) remove_range(table, model);
  }

 private:
  double draw_score() {
    const uint64_t draw = random_() % 100;
    if (draw == 0) return -kInfinity;
    if (draw == 1) return kInfinity;
    return static_cast<double>(random_() % scores_) / 4;
  }

  void add(SortedTable& table, Model& model, const std::string& member) {
    const double score = draw_score();
    table.add(member, score);
    model.put(member, score);
  }

  void remove_range(SortedTable& table, Model& model) {
    if (table.size() == 0) return;
    const size_t first = random_() % table.size();
    const RankRange range{first, std::min<size_t>(table.size(), first + random_() % 200)};
    for (const auto& [score, member] : listed(table, range)) model.remove(member);
    table.remove(range);
  }

  std::mt19937_64 random_;
  size_t members_;
  size_t scores_;
  bool growing_ = true;
};

void expect_ranks(const SortedTable& table, const Model& model, std::mt19937_64& random) {
  if (table.size() == 0) return;
  auto at = model.order().begin();
  std::advance(at, random() % model.order().size());
  const auto& [score, member] = *at;
  EXPECT_EQ(table.rank_of(*table.find(member)), model.rank(*at));
  const RankRange from = table.find(ScoreRange{.min = score, .max = kInfinity});
  EXPECT_EQ(from.first, model.rank({score, ""}));
  EXPECT_EQ(from.end, model.order().size());
  const RankRange below = table.find(ScoreRange{.min = -kInfinity, .max = score, .max_open = true});
  EXPECT_EQ(below.first, 0u);
  EXPECT_EQ(below.end, model.rank({score, ""}));
  const RankRange open = table.find(ScoreRange{.min = score, .max = score, .min_open = true});
  EXPECT_TRUE(open.empty());
}

TEST(SortedTable, AgreesWithAModelOverAMillionChanges) {
  for (const size_t members : {30, 3000, 60000}) {
    for (const size_t scores : {1, 50, 1000000}) {
      SortedTable table(kSeed);
      Model model;
      Changes changes(members * 31 + scores, members, scores);
      std::mt19937_64 random(members + scores);
      for (int i = 0; i < 120000; i++) {
        changes.change(table, model);
        if (HasFatalFailure()) return;
        if (i % 4000 == 0) expect_ranks(table, model, random);
      }
      expect_equal(table, model);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(SortedTable, ManyEqualScoresAreOrderedByMember) {
  SortedTable table(kSeed);
  Model model;
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; i++) {
    std::string member(random() % 12, '\0');
    for (char& c : member) c = static_cast<char>(random());
    if (table.find(member) == nullptr) table.add(member, 0);
    model.put(member, 0);
  }
  expect_equal(table, model);
  for (int i = 0; i < 1000; i++) {
    std::string low(random() % 3, static_cast<char>(random()));
    std::string high(random() % 3, static_cast<char>(random()));
    using Kind = LexBound::Kind;
    const LexRange range{{Kind::kIncluded, low}, {Kind::kExcluded, high}};
    const RankRange found = table.find(range);
    EXPECT_EQ(found.first, model.rank({0, low}));
    EXPECT_EQ(found.end, model.rank({0, high}));
  }
}

TEST(SortedTable, ScoresInOrderFillTheNodes) {
  for (const int direction : {1, -1}) {
    SortedTable table(kSeed);
    constexpr size_t kMembers = 50000;
    for (size_t i = 0; i < kMembers; i++) {
      table.add("m" + std::to_string(i), static_cast<double>(i) * direction);
    }
    ASSERT_TRUE(table.recount());
    const size_t without_tree = [&] {
      SortedTable loaded(kSeed);
      for (size_t i = 0; i < kMembers; i++) loaded.load("m" + std::to_string(i), 0);
      return loaded.memory_bytes();
    }();
    const double tree_bytes = static_cast<double>(table.memory_bytes() - without_tree) / kMembers;
    EXPECT_LT(tree_bytes, 18) << "an item has 16 bytes";
  }
}

TEST(SortedTable, WalksBackward) {
  SortedTable table(kSeed);
  for (int i = 0; i < 5000; i++) table.add("m" + std::to_string(i), i % 97);
  std::vector<Model::Member> forward = listed(table, {100, 4321});
  std::reverse(forward.begin(), forward.end());
  EXPECT_EQ(listed(table, {100, 4321}, Direction::kBackward), forward);
  EXPECT_TRUE(listed(table, {5, 5}, Direction::kBackward).empty());
}

TEST(SortedTable, CopySharesNothing) {
  SortedTable table(kSeed);
  for (int i = 0; i < 3000; i++) table.add("m" + std::to_string(i), i / 7.0);
  const std::unique_ptr<Container> copied(table.copy());
  auto& copy = static_cast<SortedTable&>(*copied);
  const auto before = listed(table);
  EXPECT_EQ(listed(copy), before);
  EXPECT_TRUE(copy.recount());
  copy.remove(RankRange{0, 2999});
  EXPECT_EQ(listed(table), before);
  EXPECT_EQ(copy.size(), 1u);
}

TEST(SortedTable, LoadedInAnyOrderIsPutInOrder) {
  SortedTable table(kSeed);
  Model model;
  for (int i = 0; i < 3000; i++) {
    const std::string member = std::to_string(i * 7919 % 3001);
    table.load(member, i % 11);
    model.put(member, i % 11);
  }
  SortedTable::set_loaded_score(*table.find("17"), 99);
  model.put("17", 99);
  table.put_in_order();
  expect_equal(table, model);
}

TEST(SortedTable, TakesAndGivesBackWhatItCounts) {
  const size_t before = EntryArena::use().block_bytes;
  {
    SortedTable table(kSeed);
    for (int i = 0; i < 10000; i++) table.add("m" + std::to_string(i), i * 31 % 1009);
    table.remove(RankRange{10, 5000});
    const size_t arena = EntryArena::use().block_bytes - before;
    EXPECT_EQ(table.recount_arena_bytes(), arena);
    EXPECT_GE(table.memory_bytes(), arena);
    EXPECT_LE(table.memory_bytes(), arena + 4096);
  }
  EXPECT_EQ(EntryArena::use().block_bytes, before);
}

TEST(SortedTable, WhatIsLeftOfALargeOneIsSmall) {
  SortedTable table(kSeed);
  for (int i = 0; i < 20'000; i++) table.add(std::to_string(i), i);
  table.remove(RankRange{5, 19'995});
  EXPECT_LT(table.memory_bytes(), 10'000u);
  EXPECT_TRUE(table.recount());
}

TEST(SortedTable, IsFreedInSlices) {
  const size_t before = EntryArena::use().block_bytes;
  auto table = std::make_unique<SortedTable>(kSeed);
  for (int i = 0; i < 20000; i++) table->add("m" + std::to_string(i), i);
  size_t left = table->memory_bytes();
  int slices = 0;
  while (table->free_some(500)) {
    EXPECT_LT(table->memory_bytes(), left);
    left = table->memory_bytes();
    slices++;
  }
  EXPECT_GT(slices, 30);
  EXPECT_EQ(EntryArena::use().block_bytes, before);
}

TEST(SortedTable, ScoreOfAnySizeIsChangedInPlace) {
  SortedTable table(kSeed);
  for (const double score : {0.0, 2.0, -0.0, 1e-310, kInfinity, -1.5, 0.0}) {
    if (Entry* entry = table.find("m")) {
      table.rescore(*entry, score);
    } else {
      table.add("m", score);
    }
    EXPECT_EQ(SortedTable::score_of(*table.find("m")), score);
    EXPECT_TRUE(table.recount());
  }
}

}  // namespace
}  // namespace larder::storage
