#include "storage/types/listpack.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace larder::storage {
namespace {

// A listpack and the strings that should be in it.
class Listpack : public testing::Test {
 protected:
  ~Listpack() override { Packed::destroy(list_); }

  void append(const std::string& string) {
    listpack::append(list_, listpack::element_of(string));
    expected_.push_back(string);
  }

  std::string at(listpack::Position position) const {
    char digits[kIntegerTextMax];
    return std::string(listpack::get(list_, position).string(digits));
  }

  void expect_equal() const {
    ASSERT_TRUE(listpack::is_valid(list_->data(), list_->bytes()));
    ASSERT_EQ(listpack::count(list_), expected_.size());
    std::vector<std::string> forwards;
    std::vector<std::string> backwards;
    for (auto p = listpack::first(list_); p != listpack::kNone; p = listpack::next(list_, p)) {
      forwards.push_back(at(p));
    }
    for (auto p = listpack::last(list_); p != listpack::kNone; p = listpack::previous(list_, p)) {
      backwards.insert(backwards.begin(), at(p));
    }
    ASSERT_EQ(forwards, expected_);
    ASSERT_EQ(backwards, expected_);
  }

  Packed* list_ = listpack::create();
  std::vector<std::string> expected_;
};

TEST_F(Listpack, KeepsEveryKindOfElement) {
  for (const int64_t edge :
       {int64_t{0}, int64_t{127}, int64_t{128}, int64_t{-1}, int64_t{4095}, int64_t{4096},
        int64_t{-4096}, int64_t{-4097}, int64_t{32767}, int64_t{-32769}, int64_t{8388607},
        int64_t{-8388609}, int64_t{2147483647}, int64_t{-2147483649},
        std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    append(std::to_string(edge));
  }
  for (const size_t bytes : {0, 1, 63, 64, 126, 127, 4095, 4096, 16380, 16382, 16383, 70'000}) {
    append(std::string(bytes, 'x'));
  }
  for (const char* text : {"-0", "01", "+1", " 1", "1 ", "9223372036854775808"}) append(text);
  expect_equal();
}

TEST_F(Listpack, IsWrittenAsRedisDoes) {
  for (const char* string : {"a", "1", "-1", "4096", ""}) append(string);
  const std::string bytes(reinterpret_cast<const char*>(list_->data()), list_->bytes());
  EXPECT_EQ(bytes, std::string("\x15\0\0\0\x05\0", 6) + std::string("\x81\x61\x02") +
                       std::string("\x01\x01") + std::string("\xdf\xff\x02") +
                       std::string("\xf1\0\x10\x03", 4) + std::string("\x80\x01\xff"));
}

TEST_F(Listpack, FindsWholeElementsOnly) {
  for (const char* string : {"abc", "ab", "12", "1", "b", "12x"}) append(string);
  const auto first = listpack::first(list_);
  for (const std::string& string : expected_) {
    const auto found = listpack::find(list_, first, listpack::element_of(string));
    ASSERT_NE(found, listpack::kNone) << string;
    EXPECT_EQ(at(found), string);
  }
  EXPECT_EQ(listpack::find(list_, first, listpack::element_of("a")), listpack::kNone);
  EXPECT_EQ(listpack::find(list_, first, listpack::element_of("ab"), 1), listpack::kNone);
  EXPECT_NE(listpack::find(list_, first, listpack::element_of("12"), 1), listpack::kNone);
}

TEST_F(Listpack, SeeksFromBothEnds) {
  for (int i = 0; i < 50; i++) append(std::to_string(i * 1000));
  for (int i = 0; i < 50; i++) {
    EXPECT_EQ(at(listpack::seek(list_, i)), expected_[static_cast<size_t>(i)]);
    EXPECT_EQ(at(listpack::seek(list_, i - 50)), expected_[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(listpack::seek(list_, 50), listpack::kNone);
  EXPECT_EQ(listpack::seek(list_, -51), listpack::kNone);
}

TEST_F(Listpack, ChangesAnywhere) {
  std::mt19937 random(7);
  const auto any_string = [&] {
    if (random() % 2 == 0) return std::to_string(static_cast<int32_t>(random()) >> random() % 32);
    return std::string(random() % (random() % 20 == 0 ? 5000 : 80), 'y');
  };
  for (int step = 0; step < 4000; step++) {
    const size_t index = random() % (expected_.size() + 1);
    const auto where = expected_.begin() + static_cast<std::ptrdiff_t>(index);
    const auto position = listpack::seek(list_, static_cast<int64_t>(index));
    const std::string string = any_string();
    if (index == expected_.size() || random() % 3 == 0) {
      EXPECT_EQ(at(listpack::insert(list_, position, listpack::element_of(string))), string);
      expected_.insert(where, string);
    } else if (random() % 2 == 0) {
      EXPECT_EQ(at(listpack::replace(list_, position, listpack::element_of(string))), string);
      *where = string;
    } else {
      const size_t many = std::min<size_t>(random() % 4, expected_.size() - index);
      listpack::erase(list_, position, many);
      expected_.erase(where, where + static_cast<std::ptrdiff_t>(many));
    }
    if (step % 40 == 0) expect_equal();
  }
  expect_equal();
}

TEST_F(Listpack, CountsMoreElementsThanItsFieldHolds) {
  for (int i = 0; i < 65'540; i++) append("1");
  EXPECT_EQ(listpack::count(list_), 65'540u);
  listpack::erase(list_, listpack::first(list_), 10);
  EXPECT_EQ(listpack::count(list_), 65'530u);
}

TEST_F(Listpack, DamagedOneIsNotValid) {
  for (const char* string : {"hello", "12", "-70000", "a longer string than the others are"}) {
    append(string);
  }
  const std::vector<uint8_t> good(list_->data(), list_->data() + list_->bytes());
  for (size_t bytes = 0; bytes < good.size(); bytes++) {
    EXPECT_FALSE(listpack::is_valid(good.data(), bytes));
  }
  std::mt19937 random(3);
  for (int i = 0; i < 5000; i++) {
    std::vector<uint8_t> bad = good;
    bad[random() % bad.size()] = static_cast<uint8_t>(random());
    if (!listpack::is_valid(bad.data(), bad.size())) continue;
    Packed* read = Packed::create(bad.size());  // it may be another one, but it can be walked
    std::copy(bad.begin(), bad.end(), read->data());
    for (auto p = listpack::last(read); p != listpack::kNone; p = listpack::previous(read, p)) {
      (void)listpack::get(read, p);
    }
    Packed::destroy(read);
  }
}

}  // namespace
}  // namespace larder::storage
