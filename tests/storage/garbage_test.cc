#include "storage/garbage.h"

#include <gtest/gtest.h>

#include "storage/container.h"
#include "storage/object.h"

namespace larder::storage {
namespace {

// A collection of nothing that says how much of it is left.
class Elements final : public Container {
 public:
  explicit Elements(size_t size, size_t& left) : size_(size), left_(left) { left_ = size; }
  ~Elements() override { left_ = 0; }

  Container* copy() const override { return new Elements(size_, left_); }
  size_t size() const override { return size_; }
  size_t memory_bytes() const override { return size_ * 10; }
  size_t recount_arena_bytes() const override { return 0; }
  bool free_some(size_t elements) override {
    size_ -= std::min(size_, elements);
    left_ = size_;
    return size_ > 0;
  }

 private:
  size_t size_;
  size_t& left_;
};

Object object_of(Container* container) {
  return {ValueType::kHash, Encoding::kTable, container};
}

TEST(Garbage, SmallCollectionIsFreedAtOnce) {
  size_t left = 0;
  object_of(new Elements(Garbage::kElementsMin, left)).destroy();
  EXPECT_EQ(left, 0u);
  EXPECT_FALSE(Garbage::waiting());
}

TEST(Garbage, LargeCollectionIsFreedInSlicesAndCountedUntilThen) {
  size_t first = 0;
  size_t second = 0;
  object_of(new Elements(1000, first)).destroy();
  object_of(new Elements(500, second)).destroy();
  EXPECT_EQ(Garbage::waiting_bytes(), 15'000u);
  EXPECT_TRUE(Garbage::free_some(300));  // of the last that came
  EXPECT_EQ(first, 1000u);
  EXPECT_EQ(second, 200u);
  EXPECT_EQ(Garbage::waiting_bytes(), 12'000u);
  EXPECT_TRUE(Garbage::free_some(300));
  EXPECT_EQ(second, 0u);
  EXPECT_EQ(Garbage::waiting_bytes(), 10'000u);
  Garbage::free_all();
  EXPECT_EQ(first, 0u);
  EXPECT_EQ(Garbage::waiting_bytes(), 0u);
  EXPECT_FALSE(Garbage::waiting());
}

}  // namespace
}  // namespace larder::storage
