#include "storage/types/lcs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace larder::storage {
namespace {

// By trying every subsequence of `a`.
size_t brute_force_size(std::string_view a, std::string_view b) {
  size_t best = 0;
  for (uint32_t chosen = 0; chosen < (1u << a.size()); chosen++) {
    size_t size = 0;
    size_t at = 0;
    bool found = true;
    for (size_t i = 0; i < a.size() && found; i++) {
      if (((chosen >> i) & 1) == 0) continue;
      at = b.find(a[i], at);
      found = at != std::string_view::npos;
      at++;
      size++;
    }
    if (found) best = std::max(best, size);
  }
  return best;
}

std::string random_text(std::mt19937& random, size_t size_max) {
  std::string text(random() % (size_max + 1), 'a');
  for (char& c : text) c = static_cast<char>('a' + random() % 3);
  return text;
}

TEST(Lcs, IsAsLongAsTheLongestOfAllSubsequences) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; round++) {
    const std::string a = random_text(random, 10);
    const std::string b = random_text(random, 14);
    const size_t size = brute_force_size(a, b);
    ASSERT_EQ(lcs_size(a, b), size) << a << " " << b;
    ASSERT_EQ(lcs_size(b, a), size) << a << " " << b;
    ASSERT_EQ(longest_common(a, b).text.size(), size) << a << " " << b;
  }
}

TEST(Lcs, MatchesSpellTheTextInBothStringsAndDoNotTouch) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; round++) {
    const std::string a = random_text(random, 60);
    const std::string b = random_text(random, 60);
    Lcs found = longest_common(a, b);
    std::reverse(found.matches.begin(), found.matches.end());
    std::string in_a;
    std::string in_b;
    const LcsMatch* previous = nullptr;
    for (const LcsMatch& match : found.matches) {
      ASSERT_EQ(match.b.last - match.b.first + 1, match.size());
      in_a += a.substr(match.a.first, match.size());
      in_b += b.substr(match.b.first, match.size());
      if (previous != nullptr) {
        ASSERT_GT(match.a.first, previous->a.last);
        ASSERT_GT(match.b.first, previous->b.last);
        ASSERT_FALSE(match.a.first == previous->a.last + 1 &&
                     match.b.first == previous->b.last + 1);
      }
      previous = &match;
    }
    ASSERT_EQ(in_a, found.text);
    ASSERT_EQ(in_b, found.text);
  }
}

TEST(Lcs, FindsTheOneThatRedisFinds) {
  const Lcs found = longest_common("ohmytext", "mynewtext");
  EXPECT_EQ(found.text, "mytext");
  ASSERT_EQ(found.matches.size(), 2u);
  EXPECT_EQ(found.matches[0].a.first, 4u);
  EXPECT_EQ(found.matches[0].b.last, 8u);
  EXPECT_EQ(found.matches[1].a.first, 2u);
  EXPECT_EQ(found.matches[1].b.first, 0u);
  EXPECT_EQ(longest_common("ab", "ba").text, "b");
  EXPECT_EQ(longest_common("", "abc").text, "");
}

TEST(Lcs, TableSizeSaturates) {
  EXPECT_EQ(lcs_table_bytes(0, 0), 4u);
  EXPECT_EQ(lcs_table_bytes(9, 99), 4000u);
  EXPECT_EQ(lcs_table_bytes(size_t{1} << 32, size_t{1} << 32), std::numeric_limits<size_t>::max());
}

}  // namespace
}  // namespace larder::storage
