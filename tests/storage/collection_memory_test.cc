// Sets, sorted sets and keys when memory runs out in the midst of a change: what there was is still
// there and whole, and who watches is told of what was changed.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/container.h"
#include "storage/garbage.h"
#include "storage/types/integer_set.h"
#include "storage/types/set_members.h"
#include "storage/types/sorted_listpack.h"
#include "tests/storage/failing_heap.h"

namespace larder::storage {
namespace {

class Changes : public Observer {
 public:
  void changed(size_t /*database*/, const Key& key, KeyChange /*change*/) override {
    told.emplace_back(key.bytes);
  }
  void flushed(size_t /*database*/) override {}
  void swapped(size_t /*database*/, size_t /*other*/) override {}

  std::vector<std::string> told;
};

class CollectionMemory : public testing::Test {
 protected:
  CollectionMemory() { store_.set_observer(&changes_); }
  ~CollectionMemory() override {
    for (const Key& key : {from_, to_}) db_.erase(key);
    Garbage::free_all();
  }

  // Long enough for blocks of the heap.
  static std::string text(char letter) { return std::string(9000, letter); }
  void add(const Key& key, std::string_view letters) {
    for (const char letter : letters) {
      const std::string member = text(letter);
      const std::string_view members[] = {member};
      ASSERT_TRUE(add_members(db_, key, members, limits_).ok());
    }
  }
  bool has(const Key& key, char letter) {
    const std::string member = text(letter);
    const Result<Set> set = find_set(db_, key);
    return set.value().contains(Member(member));
  }
  size_t size(const Key& key) { return find_set(db_, key).value().size(); }

  Changes changes_;
  Store store_{{.databases = 1, .hash_seed = 1, .concurrent = false}};
  const Key from_ = store_.key("from");
  const Key to_ = store_.key("to");
  LockedKeys locked_ = store_.lock_all();
  Keyspace db_{locked_, 0, 0};
  const SetLimits limits_{.listpack_members_max = 8, .listpack_member_bytes_max = 100'000};
};

TEST_F(CollectionMemory, MovedMemberIsInOneOfBothSets) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    for (const Key& key : {from_, to_}) db_.erase(key);
    add(from_, "abc");
    add(to_, "x");
    const std::string member = text('b');
    enough = succeeds_with(
        allocations, [&] { EXPECT_TRUE(move_member(db_, from_, to_, member, limits_).value()); });
    EXPECT_TRUE(has(from_, 'b') || has(to_, 'b'));
    EXPECT_TRUE(has(from_, 'a') && has(from_, 'c') && has(to_, 'x'));
  }
  EXPECT_FALSE(has(from_, 'b'));
}

TEST_F(CollectionMemory, HalfOfAnAdditionIsTold) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    db_.erase(from_);
    add(from_, "a");
    changes_.told.clear();
    const std::string more[] = {text('b'), text('c'), text('d')};
    const std::string_view members[] = {more[0], more[1], more[2]};
    enough = succeeds_with(
        allocations, [&] { EXPECT_EQ(add_members(db_, from_, members, limits_).value(), 3u); });
    EXPECT_TRUE(has(from_, 'a'));
    if (size(from_) > 1) {
      EXPECT_EQ(changes_.told, std::vector<std::string>{"from"});
    }
  }
  EXPECT_EQ(size(from_), 4u);
}

TEST_F(CollectionMemory, HalfOfARemovalIsTold) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    db_.erase(from_);
    add(from_, "abcdef");
    changes_.told.clear();
    const std::string gone[] = {text('b'), text('c')};
    const std::string_view members[] = {gone[0], gone[1]};
    enough = succeeds_with(allocations,
                           [&] { EXPECT_EQ(remove_members(db_, from_, members).value(), 2u); });
    EXPECT_TRUE(has(from_, 'a') && has(from_, 'f'));
    if (size(from_) < 6) {
      EXPECT_EQ(changes_.told, std::vector<std::string>{"from"});
    }
  }
  EXPECT_EQ(size(from_), 4u);
}

TEST_F(CollectionMemory, WiderIntegerIsPutInOrNothingChanges) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    OwnedPacked run(integer_set::create());
    for (int64_t i = 0; i < 5000; i++) integer_set::insert(run.get(), i);
    enough = succeeds_with(allocations, [&] { integer_set::insert(run.get(), int64_t{1} << 40); });
    EXPECT_EQ(integer_set::size(run.get()), enough ? 5001u : 5000u);
    EXPECT_EQ(integer_set::contains(run.get(), int64_t{1} << 40), enough);
    for (size_t i = 0; i < 5000; i++) {
      ASSERT_EQ(integer_set::at(run.get(), i), static_cast<int64_t>(i));
    }
  }
}

TEST_F(CollectionMemory, MemberGetsItsNewScoreOrKeepsTheOldOne) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    OwnedPacked list(listpack::create());
    for (const char letter : {'a', 'b', 'c'}) {
      sorted_listpack::append(list.get(), text(letter), letter);
    }
    enough = succeeds_with(allocations, [&] {
      sorted_listpack::rescore(list.get(), sorted_listpack::find(list.get(), text('a')), 1000);
    });
    ASSERT_EQ(sorted_listpack::size(list.get()), 3u);
    const auto at = sorted_listpack::find(list.get(), text('a'));
    EXPECT_EQ(sorted_listpack::rank_at(list.get(), at), enough ? 2u : 0u);
    EXPECT_EQ(sorted_listpack::score_at(list.get(), at), enough ? 1000 : 'a');
  }
}

TEST_F(CollectionMemory, RenamedKeyHasOneOfItsNames) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    for (const Key& key : {from_, to_}) db_.erase(key);
    add(from_, "ab");
    enough = succeeds_with(allocations, [&] { db_.move(from_, db_, to_); });
    EXPECT_EQ(size(from_) + size(to_), 2u);
  }
  EXPECT_EQ(size(to_), 2u);
}

// What is lost the leak checker of the preset asan finds, where the memory for the key's place in
// the table is counted as well.
TEST_F(CollectionMemory, CopyIsMadeOrLeavesNothing) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    for (const Key& key : {from_, to_}) db_.erase(key);
    add(from_, "ab");
    enough = succeeds_with(allocations, [&] { db_.copy(from_, db_, to_); });
    EXPECT_EQ(size(from_), 2u);
    EXPECT_EQ(size(to_), enough ? 2u : 0u);
  }
}

TEST_F(CollectionMemory, StringGrowsOrLeavesNothing) {
  bool enough = false;
  for (size_t allocations = 0; !enough; allocations++) {
    db_.erase(from_);
    enough = succeeds_with(allocations, [&] { db_.grow_string(from_, 10'000); });
    EXPECT_EQ(db_.find(from_) != nullptr, enough);
  }
}

}  // namespace
}  // namespace larder::storage
