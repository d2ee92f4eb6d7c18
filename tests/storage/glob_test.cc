#include "storage/glob.h"

#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace larder::storage {
namespace {

TEST(Glob, StarsSetsAndQuotes) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a*c", "abbbc"));
  EXPECT_TRUE(glob_match("h[a-c^]llo", "hbllo"));
  EXPECT_TRUE(glob_match("h[^e]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
  EXPECT_TRUE(glob_match("\\*", "*"));
  EXPECT_FALSE(glob_match("\\*", "a"));
  EXPECT_TRUE(glob_match("KEY:?", "key:1", LetterCase::kIgnore));
}

TEST(Glob, HostilePatternTakesBoundedTime) {
  std::string pattern;
  for (int i = 0; i < 50; i++) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

// Elements of random patterns, as what they match of "ab"; a star matches anything.
struct Element {
  std::string_view text;
  std::string_view matches;
};
constexpr Element kElements[] = {{"a", "a"},    {"b", "b"},   {"?", "ab"},      {"[ab]", "ab"},
                                 {"[^a]", "b"}, {"\\a", "a"}, {"[x-z]", ""},    {"[b-b]", "b"},
                                 {"A", "a"},    {"*", "*"},   {"[*\\]a]", "a"}, {"a", "a"}};

// Which prefixes of the text the elements match, element by element.
bool matches_slowly(const std::vector<Element>& elements, std::string_view text) {
  std::vector<bool> reached(text.size() + 1);
  reached[0] = true;
  for (const Element& element : elements) {
    const bool star = element.matches == "*";
    std::vector<bool> next(text.size() + 1);
    next[0] = star && reached[0];
    for (size_t i = 0; i < text.size(); i++) {
      const bool fits = element.matches.find(text[i]) != std::string_view::npos;
      next[i + 1] = star ? next[i] || reached[i + 1] : reached[i] && fits;
    }
    reached = next;
  }
  return reached.back();
}

// Long texts, and patterns that nearly match them everywhere, so that both ways to match are taken.
TEST(Glob, MatchesWhatItsDefinitionDoes) {
  std::minstd_rand random(1);
  int matched = 0;
  for (int round = 0; round < 1000; round++) {
    std::vector<Element> elements;
    std::string pattern;
    for (uint32_t left = random() % 100; left > 0; left--) {
      const bool any = random() % 20 == 0;
      elements.push_back(any ? kElements[random() % std::size(kElements)]
                             : kElements[random() % 30 == 0 ? 9 : 2]);
      pattern += elements.back().text;
    }
    std::string text(1 + random() % 3000, 'a');
    for (char& c : text) c = random() % 10 == 0 ? 'b' : 'a';
    const bool expected = matches_slowly(elements, text);
    matched += expected ? 1 : 0;
    ASSERT_EQ(glob_match(pattern, text, LetterCase::kIgnore), expected) << pattern;
  }
  EXPECT_GT(matched, 50);
}

TEST(Glob, LongPatternsMatchLongTexts) {
  const std::string text = std::string(300'000, 'a') + "b";
  const std::string run(1000, 'a');
  EXPECT_TRUE(glob_match("*" + run + "b", text));
  EXPECT_TRUE(glob_match("*" + run + "b*", text));
  EXPECT_FALSE(glob_match("*" + run + "bb*", text));
  EXPECT_FALSE(glob_match("*" + run + "ba*c", text));
  EXPECT_TRUE(glob_match("*" + run + "?", text));
  EXPECT_FALSE(glob_match("*[" + std::string(1000, 'c') + "]*", text));
  EXPECT_TRUE(
      glob_match("*" + run + run + "b", text.substr(290'000)));  // too long for the quick way
}

}  // namespace
}  // namespace larder::storage
