// Lists when memory runs out in the midst of a change: whatever is done then, the key must lead to
// a list that is whole, and no element may be lost that was not to be changed.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/container.h"
#include "storage/garbage.h"
#include "storage/types/list.h"
#include "tests/storage/failing_heap.h"

namespace larder::storage {
namespace {

using Strings = std::vector<std::string>;

// Long enough for blocks of the heap. One letter each, so that they are easily told apart.
std::string element(char letter) {
  return std::string(9000, letter);
}

class ListMemory : public testing::TestWithParam<int64_t> {
 protected:
  ~ListMemory() override {
    Keyspace(locked_, 0, 0).erase(key_);
    Garbage::free_all();
  }

  void make(std::string_view letters) {
    db_.erase(key_);
    if (letters.empty()) return;
    const Strings values = elements(letters);
    const std::vector<std::string_view> views(values.begin(), values.end());
    ASSERT_TRUE(push_list(db_, key_, ListEnd::kTail, views, limit_).ok());
  }
  static Strings elements(std::string_view letters) {
    Strings values;
    for (const char letter : letters) values.push_back(element(letter));
    return values;
  }

  // The first letters of what is in the list, read in both directions.
  std::string letters() {
    Entry* entry = db_.find(key_);
    if (entry == nullptr) return {};
    std::string forwards;
    std::string backwards;
    for (ListCursor c(*entry, 0); !c.done(); c.next()) forwards += c.get().text.substr(0, 1);
    for (ListCursor c(*entry, -1); !c.done(); c.previous()) backwards += c.get().text.substr(0, 1);
    EXPECT_EQ(forwards, std::string(backwards.rbegin(), backwards.rend()));
    EXPECT_EQ(list_size(*entry), forwards.size());
    expect_counted(entry->object());
    return forwards;
  }
  static void expect_counted(Object list) {
    if (list.is_packed()) return;
    const size_t rest = ListNodes().memory_bytes();
    EXPECT_EQ(list.memory_bytes(), list.recount_arena_bytes() + rest);
  }

  // Does `change` to a list of these letters with memory for 0, 1, 2 ... allocations until that is
  // enough. Answers what was in the list after each.
  template <typename Change>
  Strings results(std::string_view before, Change change) {
    Strings seen;
    for (size_t allocations = 0;; allocations++) {
      make(before);
      const bool enough = succeeds_with(allocations, change);
      seen.push_back(letters());
      if (enough) return seen;
    }
  }
  // The same where each change is made or not made, as a whole.
  template <typename Change>
  void expect_all_or_nothing(std::string_view before, Change change, std::string_view after) {
    const Strings seen = results(before, change);
    EXPECT_GT(seen.size(), 1u) << "it never ran out of memory";
    for (size_t i = 0; i + 1 < seen.size(); i++) EXPECT_EQ(seen[i], before);
    EXPECT_EQ(seen.back(), after);
  }

  void push(ListEnd end, std::string_view letters) {
    const Strings values = elements(letters);
    const std::vector<std::string_view> views(values.begin(), values.end());
    EXPECT_TRUE(push_list(db_, key_, end, views, limit_).ok());
  }

  Store store_{{.databases = 1, .hash_seed = 1, .concurrent = false}};
  const Key key_ = store_.key("list");
  LockedKeys locked_ = store_.lock(key_);
  Keyspace db_{locked_, 0, 0};
  const ListLimit limit_{GetParam()};
};

// Up to seven elements in one listpack or node, or up to three.
INSTANTIATE_TEST_SUITE_P(Forms, ListMemory, testing::Values(-5, -4));

TEST_P(ListMemory, PushKeepsWhatWasPushedBefore) {
  const Strings seen = results("abc", [&] { push(ListEnd::kTail, "defgh"); });
  EXPECT_EQ(seen.front(), "abc");
  EXPECT_EQ(seen.back(), "abcdefgh");
  for (const std::string& letters : seen) EXPECT_EQ(std::string("abcdefgh").find(letters), 0u);
}

TEST_P(ListMemory, PushAtHeadKeepsWhatWasPushedBefore) {
  const Strings seen = results("abc", [&] { push(ListEnd::kHead, "defgh"); });
  EXPECT_EQ(seen.front(), "abc");
  EXPECT_EQ(seen.back(), "hgfedabc");
}

TEST_P(ListMemory, NewListIsMadeOrNot) {
  expect_all_or_nothing(
      "", [&] { push(ListEnd::kTail, "defghijkl"); }, "defghijkl");
}

TEST_P(ListMemory, PutListIsMadeOrNot) {
  const Strings values = elements("defghijkl");
  const std::vector<std::string_view> views(values.begin(), values.end());
  expect_all_or_nothing(
      "abc", [&] { put_list(db_, key_, views, limit_); }, "defghijkl");
}

TEST_P(ListMemory, InsertionIsMadeOrNot) {
  const std::string pivot = element('b');
  const std::string value = element('x');
  expect_all_or_nothing(
      "abcdef", [&] { EXPECT_TRUE(insert_into_list(db_, key_, false, pivot, value, limit_).ok()); },
      "axbcdef");
}

TEST_P(ListMemory, RotationIsMadeOrNot) {
  const auto rotate = [&](ListEnd from, ListEnd to) {
    EXPECT_TRUE(move_list_element(db_, key_, key_, {from, to}, limit_, [](const auto&) {}).ok());
  };
  const auto forwards = [&] { rotate(ListEnd::kHead, ListEnd::kTail); };
  const auto backwards = [&] { rotate(ListEnd::kTail, ListEnd::kHead); };
  expect_all_or_nothing("abcdefghi", forwards, "bcdefghia");
  expect_all_or_nothing("abcdefghi", backwards, "iabcdefgh");
}

TEST_P(ListMemory, RotationOfOneListpackNeedsNoMemory) {
  make("abc");
  const ListMove ends{ListEnd::kTail, ListEnd::kHead};
  EXPECT_TRUE(succeeds_with(0, [&] {
    EXPECT_TRUE(move_list_element(db_, key_, key_, ends, limit_, [](const auto&) {}).ok());
  }));
  EXPECT_EQ(letters(), "cab");
}

TEST_P(ListMemory, RemovalRemovesSomeOrAll) {
  const std::string value = element('b');
  const auto remove = [&] { EXPECT_TRUE(remove_from_list(db_, key_, 0, value, limit_).ok()); };
  for (const std::string& letters : results("abcbdbebf", remove)) {
    std::string others;
    for (const char letter : letters) {
      if (letter != 'b') others += letter;
    }
    EXPECT_EQ(others, "acdef");
  }
}

TEST_P(ListMemory, TrimTakesFromTheEndsOnly) {
  const auto trim = [&] { EXPECT_EQ(trim_list(db_, key_, 2, -3, limit_), Status::kOk); };
  for (const std::string& letters : results("abcdefgh", trim)) {
    EXPECT_NE(std::string("abcdefgh").find(letters), std::string::npos);
    EXPECT_NE(letters.find("cdef"), std::string::npos);
  }
}

TEST_P(ListMemory, ReplacementIsMadeOrNot) {
  for (const size_t bytes : {20000, 60000}) {
    const std::string value(bytes, 'x');
    for (int64_t position = 0; position < 6; position++) {
      std::string after = "abcdef";
      after[static_cast<size_t>(position)] = 'x';
      const auto replace = [&] {
        EXPECT_EQ(set_list_element(db_, key_, position, value, limit_), Status::kOk);
      };
      expect_all_or_nothing("abcdef", replace, after);
    }
  }
}

}  // namespace
}  // namespace larder::storage
