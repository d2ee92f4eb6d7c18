#include "storage/types/list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "storage/container.h"
#include "storage/garbage.h"
#include "storage/memory_recount.h"

namespace larder::storage {
namespace {

using Strings = std::vector<std::string>;

// One list, changed through the functions under test, and what should be in it.
class ListTest : public testing::Test {
 protected:
  explicit ListTest(int64_t limit = -2) : limit_(limit) {}

  Entry* entry() { return db_.find(key_); }

  void push(ListEnd end, const Strings& values) {
    const std::vector<std::string_view> views(values.begin(), values.end());
    ASSERT_EQ(push_list(db_, key_, end, views, limit_).value(), model_.size() + values.size());
    for (const std::string& value : values) {
      if (end == ListEnd::kHead) {
        model_.push_front(value);
      } else {
        model_.push_back(value);
      }
    }
  }

  void expect_equal() {
    if (model_.empty()) {
      ASSERT_EQ(entry(), nullptr);
      return;
    }
    ASSERT_EQ(list_size(*entry()), model_.size());
    Strings forwards;
    Strings backwards;
    char digits[kIntegerTextMax];
    for (ListCursor c(*entry(), 0); !c.done(); c.next()) {
      forwards.emplace_back(c.get().string(digits));
    }
    for (ListCursor c(*entry(), -1); !c.done(); c.previous()) {
      backwards.emplace_back(c.get().string(digits));
    }
    std::reverse(backwards.begin(), backwards.end());
    const Strings expected(model_.begin(), model_.end());
    ASSERT_EQ(forwards, expected);
    ASSERT_EQ(backwards, expected);
    expect_sound();
  }

  // No node is empty or larger than it may be, and the memory is counted right.
  void expect_sound() {
    const Object list = entry()->object();
    if (list.is_packed()) return;
    const auto& nodes = static_cast<const ListNodes&>(*list.container());
    size_t block_bytes = nodes.recount_arena_bytes();
    for (size_t i = 0; i < nodes.nodes(); i++) {
      const Packed* pack = nodes.node(i);
      ASSERT_TRUE(listpack::is_valid(pack->data(), pack->bytes()));
      const size_t elements = listpack::count(pack);
      ASSERT_GT(elements, 0u);
      ASSERT_TRUE(elements == 1 || !limit_.exceeded(pack->bytes(), elements));
    }
    ASSERT_EQ(nodes.memory_bytes(), block_bytes + heap_bytes_of_container());
  }
  static size_t heap_bytes_of_container() { return ListNodes().memory_bytes(); }

  Encoding encoding() { return entry()->object().encoding(); }

  Store store_{{.databases = 1, .hash_seed = 1, .concurrent = false}};
  Key key_ = store_.key("list");
  LockedKeys locked_ = store_.lock(key_);
  Keyspace db_{locked_, 0, 0};
  ListLimit limit_;
  std::deque<std::string> model_;
};

// What happens to lists at random, beside a deque to which the same happens.
class RandomList : public ListTest, public testing::WithParamInterface<int64_t> {
 protected:
  RandomList() : ListTest(GetParam()) {}

  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  std::string value() {
    switch (below(12)) {
      case 0:
        return std::string(below(3000), 'x');
      case 1:
        return std::string(8000 + below(2000), 'L');
      case 2:
        return std::to_string(static_cast<int64_t>(random_()));
      default:
        return std::to_string(below(8));
    }
  }

  void take(ListEnd end, size_t count) {
    Strings taken;
    char digits[kIntegerTextMax];
    pop_list(db_, key_, *entry(), end, count, limit_,
             [&](const listpack::Element& e) { taken.emplace_back(e.string(digits)); });
    Strings expected;
    for (size_t i = 0; i < count && !model_.empty(); i++) {
      expected.push_back(end == ListEnd::kHead ? model_.front() : model_.back());
      if (end == ListEnd::kHead) {
        model_.pop_front();
      } else {
        model_.pop_back();
      }
    }
    ASSERT_EQ(taken, expected);
  }

  void set_somewhere() {
    const auto size = static_cast<int64_t>(model_.size());
    const int64_t at = static_cast<int64_t>(below(2 * model_.size())) - size;
    const std::string put = value();
    ASSERT_EQ(set_list_element(db_, key_, at, put, limit_), Status::kOk);
    model_[static_cast<size_t>(at < 0 ? at + size : at)] = put;
  }

  void insert_somewhere() {
    const bool behind = below(2) == 0;
    const std::string pivot = below(8) == 0 ? "none such" : model_[below(model_.size())];
    const std::string put = value();
    const auto found = std::find(model_.begin(), model_.end(), pivot);
    const bool there = found != model_.end();
    if (there) model_.insert(behind ? found + 1 : found, put);
    ASSERT_EQ(insert_into_list(db_, key_, behind, pivot, put, limit_).value(),
              there ? static_cast<int64_t>(model_.size()) : -1);
  }

  void remove_some() {
    const std::string wanted = model_[below(model_.size())];
    const int64_t count = static_cast<int64_t>(below(7)) - 3;
    size_t left = count == 0 ? SIZE_MAX : static_cast<size_t>(std::abs(count));
    size_t removed = 0;
    const bool backward = count < 0;
    if (backward) std::reverse(model_.begin(), model_.end());
    for (auto at = model_.begin(); at != model_.end() && left > 0;) {
      if (*at != wanted) {
        ++at;
        continue;
      }
      at = model_.erase(at);
      left--;
      removed++;
    }
    if (backward) std::reverse(model_.begin(), model_.end());
    ASSERT_EQ(remove_from_list(db_, key_, count, wanted, limit_).value(), removed);
  }

  void trim_some() {
    const auto size = static_cast<int64_t>(model_.size());
    const int64_t first = static_cast<int64_t>(below(1 + model_.size() / 4));
    const int64_t last = size - 1 - static_cast<int64_t>(below(1 + model_.size() / 4));
    ASSERT_EQ(trim_list(db_, key_, first, below(2) == 0 ? last : last - size, limit_), Status::kOk);
    const std::deque<std::string> all = std::move(model_);
    model_.clear();
    for (int64_t i = first; i <= last; i++) model_.push_back(all[static_cast<size_t>(i)]);
  }

  void move_around() {
    const ListMove ends{below(2) == 0 ? ListEnd::kHead : ListEnd::kTail,
                        below(2) == 0 ? ListEnd::kHead : ListEnd::kTail};
    ASSERT_TRUE(move_list_element(db_, key_, key_, ends, limit_, [](const auto&) {}).value());
    const std::string moved = ends.from == ListEnd::kHead ? model_.front() : model_.back();
    if (ends.from == ListEnd::kHead) {
      model_.pop_front();
    } else {
      model_.pop_back();
    }
    if (ends.to == ListEnd::kHead) {
      model_.push_front(moved);
    } else {
      model_.push_back(moved);
    }
  }

  void step() {
    const ListEnd end = below(2) == 0 ? ListEnd::kHead : ListEnd::kTail;
    const size_t draw = below(20);
    if (model_.empty() || draw < 8) {
      Strings values(1 + below(20));
      for (std::string& one : values) one = value();
      return push(end, values);
    }
    if (draw < 11) return take(end, below(4) == 0 ? below(40) : 1);
    if (draw < 13) return set_somewhere();
    if (draw < 16) return insert_somewhere();
    if (draw < 17) return remove_some();
    if (draw < 18) return trim_some();
    move_around();
  }

  std::mt19937_64 random_{static_cast<uint64_t>(GetParam() + 100)};
};

TEST_P(RandomList, DoesWhatADequeDoes) {
  for (int i = 0; i < 1500; i++) {
    step();
    if (i % 10 == 0) expect_equal();
    ASSERT_FALSE(HasFatalFailure()) << "step " << i;
  }
  expect_equal();
}

INSTANTIATE_TEST_SUITE_P(Limits, RandomList, testing::Values(-2, -1, -5, 1, 2, 7, 128, 0, -9));

TEST_F(ListTest, BecomesNodesWhereTheLimitWouldBePassed) {
  push(ListEnd::kTail, Strings(79, std::string(100, 'x')));
  EXPECT_EQ(encoding(), Encoding::kListpack);
  push(ListEnd::kTail, {std::string(200, 'x')});
  EXPECT_EQ(encoding(), Encoding::kNodes);
  expect_equal();
}

TEST_F(ListTest, BecomesAListpackAgainAtHalfTheLimit) {
  push(ListEnd::kTail, Strings(90, std::string(100, 'x')));
  pop_list(db_, key_, *entry(), ListEnd::kTail, 30, limit_, [](const auto&) {});
  EXPECT_EQ(encoding(), Encoding::kNodes);
  pop_list(db_, key_, *entry(), ListEnd::kTail, 25, limit_, [](const auto&) {});
  EXPECT_EQ(encoding(), Encoding::kListpack);
}

TEST_F(ListTest, FindsEveryIndexOfALongList) {
  Strings values(20'000);
  for (size_t i = 0; i < values.size(); i++) values[i] = "element " + std::to_string(i);
  push(ListEnd::kTail, values);
  char digits[kIntegerTextMax];
  for (size_t i = 0; i < values.size(); i += 37) {
    const auto at = static_cast<int64_t>(i);
    const auto size = static_cast<int64_t>(values.size());
    EXPECT_EQ(ListCursor(*entry(), at).get().string(digits), values[i]);
    EXPECT_EQ(ListCursor(*entry(), at - size).get().string(digits), values[i]);
  }
  EXPECT_TRUE(ListCursor(*entry(), 20'000).done());
  EXPECT_TRUE(ListCursor(*entry(), -20'001).done());
}

TEST_F(ListTest, ACopySharesNothing) {
  push(ListEnd::kTail, Strings(500, std::string(100, 'x')));
  const Key other = store_.key("other");
  const LockedKeys both = store_.lock_all();
  Keyspace db(both, 0, 0);
  db.copy(key_, db, other);
  pop_list(db, other, *db.find(other), ListEnd::kHead, 499, limit_, [](const auto&) {});
  EXPECT_EQ(list_size(*db.find(other)), 1u);
  expect_equal();
}

TEST_F(ListTest, FreesALongListInSlices) {
  push(ListEnd::kTail, Strings(5000, std::string(100, 'x')));
  EXPECT_TRUE(db_.erase(key_));
  EXPECT_TRUE(Garbage::waiting());
  EXPECT_TRUE(Garbage::free_some(500));
  while (Garbage::free_some(500)) {
  }
  EXPECT_FALSE(Garbage::waiting());
}

TEST(ListRangeTest, CutsToWhatThereIs) {
  const auto range = [](int64_t first, int64_t last) {
    const ListRange r = list_range(5, first, last);
    return std::to_string(r.first) + "+" + std::to_string(r.size);
  };
  EXPECT_EQ(range(0, -1), "0+5");
  EXPECT_EQ(range(-3, 10), "2+3");
  EXPECT_EQ(range(-100, 1), "0+2");
  EXPECT_EQ(range(3, 1), "0+0");
  EXPECT_EQ(range(5, 9), "0+0");
  EXPECT_EQ(range(INT64_MIN, INT64_MAX), "0+5");
}

}  // namespace
}  // namespace larder::storage
