// A multiset in order: whatever was put in and taken out, ranges are walked in order.
#include "storage/ordered_words.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace larder::storage {
namespace {

template <typename Word>
std::vector<Word> range(const OrderedWords<Word>& words, Word low, Word high) {
  std::vector<Word> found;
  words.each(low, high, [&](Word word) {
    found.push_back(word);
    return true;
  });
  return found;
}

TEST(OrderedWords, AgreesWithAMultiset) {
  std::mt19937 random(1);
  OrderedWords<uint32_t> words;
  std::multiset<uint32_t> model;
  for (int step = 0; step < 200'000; step++) {
    const bool growing = step / 20'000 % 2 == 0;
    // Few different low words, so that there are equal ones.
    const uint32_t word = random() % 4 == 0 ? 1 + random() % 20 : std::max<uint32_t>(1, random());
    if (model.empty() || random() % 10 < (growing ? 7u : 3u)) {
      words.insert(word);
      model.insert(word);
    } else {
      auto gone = model.lower_bound(word);
      if (gone == model.end()) gone = model.begin();
      words.erase(*gone);
      model.erase(gone);
    }
    ASSERT_EQ(words.size(), model.size());
    if (step % 1000 != 0) continue;
    const uint32_t low = std::max<uint32_t>(1, random());
    const uint32_t high = low + random() % 1'000'000'000;
    const std::vector<uint32_t> all(model.begin(), model.end());
    EXPECT_EQ(range<uint32_t>(words, 1, OrderedWords<uint32_t>::kMax), all);
    if (high < low) continue;
    EXPECT_EQ(range(words, low, high),
              std::vector<uint32_t>(model.lower_bound(low), model.upper_bound(high)));
  }
}

TEST(OrderedWords, HoldsAnyNumberOfEqualWords) {
  OrderedWords<uint32_t> words;
  for (int i = 0; i < 1000; i++) words.insert(OrderedWords<uint32_t>::kMax);
  EXPECT_EQ(range<uint32_t>(words, 1, OrderedWords<uint32_t>::kMax).size(), 1000u);
  for (int i = 0; i < 1000; i++) words.erase(OrderedWords<uint32_t>::kMax);
  EXPECT_TRUE(words.empty());
  EXPECT_EQ(words.memory_bytes(), 0u);
}

TEST(OrderedWords, TakesLittleMoreThanItsWords) {
  std::mt19937 random(2);
  OrderedWords<uint32_t> words;
  words.insert(7);
  EXPECT_EQ(words.memory_bytes(), 0u);
  for (size_t size = 1; size < 20'000; size++) {
    words.insert(std::max<uint32_t>(1, random()));
    if (size > 100) {
      EXPECT_LT(words.memory_bytes(), 7 * size);
    }
  }
}

}  // namespace
}  // namespace larder::storage
