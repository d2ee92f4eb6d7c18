// Every function on bits against a model that looks at one bit at a time.
#include "storage/types/bits.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace larder::storage {
namespace {

using Bits = std::vector<bool>;

Bits bits_of(std::string_view bytes) {
  Bits bits;
  for (const char byte : bytes) {
    for (int i = 7; i >= 0; i--) bits.push_back(((static_cast<uint8_t>(byte) >> i) & 1) != 0);
  }
  return bits;
}

// Mostly long runs of one bit, so that the word-wise searches have something to skip.
std::string random_bytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, random() % 2 == 0 ? '\0' : '\xff');
  const size_t changes = random() % 4;
  for (size_t i = 0; i < changes && size > 0; i++) {
    bytes[random() % size] = static_cast<char>(random());
  }
  return bytes;
}

IndexRange random_range(std::mt19937_64& random, uint64_t size) {
  const uint64_t first = random() % size;
  return {first, first + random() % (size - first)};
}

TEST(Bits, CountAndFindAgreeWithLookingAtEveryBit) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; round++) {
    const std::string bytes = random_bytes(random, 1 + random() % 60);
    const Bits bits = bits_of(bytes);
    const IndexRange range = random_range(random, bits.size());
    const bool wanted = random() % 2 == 0;
    uint64_t ones = 0;
    std::optional<uint64_t> first;
    for (uint64_t i = range.first; i <= range.last; i++) {
      if (bits[i]) ones++;
      if (!first && bits[i] == wanted) first = i;
    }
    ASSERT_EQ(count_bits(bytes, range), ones);
    ASSERT_EQ(find_bit(bytes, wanted, range), first) << range.first << ".." << range.last;
    ASSERT_EQ(count_bits(bytes), count_bits(bytes, {0, bits.size() - 1}));
  }
}

TEST(Bits, SetBitChangesThatBitAlone) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; round++) {
    std::string bytes = random_bytes(random, 1 + random() % 9);
    Bits bits = bits_of(bytes);
    const uint64_t at = random() % bits.size();
    bits[at] = round % 2 == 0;
    set_bit(bytes, at, round % 2 == 0);
    ASSERT_EQ(bits_of(bytes), bits);
    ASSERT_EQ(bit_at(bytes, at), round % 2 == 0);
  }
  EXPECT_FALSE(bit_at("\xff", 8));
}

TEST(Bits, CombineFillsShorterSourcesUpWithZeros) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; round++) {
    std::vector<std::string> sources(1 + random() % 4);
    size_t size = 0;
    for (std::string& source : sources) {
      source.resize(random() % 40);
      for (char& byte : source) byte = static_cast<char>(random());
      size = std::max(size, source.size());
    }
    std::string all_and(size, '\0');
    std::string all_or = all_and;
    std::string all_xor = all_and;
    for (size_t i = 0; i < size; i++) {
      const auto byte = [&](size_t source) {
        return i < sources[source].size() ? sources[source][i] : '\0';
      };
      all_and[i] = all_or[i] = all_xor[i] = byte(0);
      for (size_t source = 1; source < sources.size(); source++) {
        all_and[i] = static_cast<char>(all_and[i] & byte(source));
        all_or[i] = static_cast<char>(all_or[i] | byte(source));
        all_xor[i] = static_cast<char>(all_xor[i] ^ byte(source));
      }
    }
    const std::vector<std::string_view> views(sources.begin(), sources.end());
    ASSERT_EQ(combine_bits(BitOperation::kAnd, views), all_and);
    ASSERT_EQ(combine_bits(BitOperation::kOr, views), all_or);
    ASSERT_EQ(combine_bits(BitOperation::kXor, views), all_xor);
    std::string all_not = sources[0];
    for (char& byte : all_not) byte = static_cast<char>(~byte);
    ASSERT_EQ(combine_bits(BitOperation::kNot, views), all_not);
  }
}

BitFieldType random_type(std::mt19937_64& random) {
  const bool is_signed = random() % 2 == 0;
  return {is_signed, static_cast<uint8_t>(1 + random() % (is_signed ? 64 : 63))};
}

int64_t model_field(const Bits& bits, BitFieldType type, uint64_t at) {
  uint64_t raw = 0;
  for (uint64_t i = at; i < at + type.width; i++) raw = raw * 2 + (i < bits.size() && bits[i]);
  const bool negative = type.is_signed && ((raw >> (type.width - 1)) & 1) != 0;
  if (negative && type.width < 64) raw |= ~uint64_t{0} << type.width;
  return static_cast<int64_t>(raw);
}

TEST(BitField, ReadsBitsInOrderAndZerosBehindTheEnd) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 20'000; round++) {
    std::string bytes(random() % 20, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const BitFieldType type = random_type(random);
    const uint64_t at = random() % 200;
    ASSERT_EQ(read_field(bytes, type, at), model_field(bits_of(bytes), type, at));
  }
}

TEST(BitField, WriteChangesTheFieldAlone) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 20'000; round++) {
    std::string bytes(20, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const BitFieldType type = random_type(random);
    const uint64_t at = random() % (20 * 8 - type.width + 1);
    const uint64_t value = random();
    Bits bits = bits_of(bytes);
    for (unsigned i = 0; i < type.width; i++) {
      bits[at + i] = ((value >> (type.width - 1 - i)) & 1) != 0;
    }
    write_field(bytes, type, at, static_cast<int64_t>(value));
    ASSERT_EQ(bits_of(bytes), bits);
  }
}

TEST(BitField, OverflowRulesHoldForEveryValueOfSmallFields) {
  for (const BitFieldType type : {BitFieldType{true, 4}, BitFieldType{false, 4}}) {
    const int min = type.is_signed ? -8 : 0;
    const int max = min + 15;
    for (int value = min; value <= max; value++) {
      for (int by = -40; by <= 40; by++) {
        const int sum = value + by;
        const bool fits = sum >= min && sum <= max;
        const int wrapped = min + (((sum - min) % 16) + 16) % 16;
        EXPECT_EQ(add_to_field(type, value, by, FieldOverflow::kWrap), wrapped);
        EXPECT_EQ(add_to_field(type, value, by, FieldOverflow::kSaturate),
                  std::clamp(sum, min, max));
        EXPECT_EQ(add_to_field(type, value, by, FieldOverflow::kFail),
                  fits ? std::optional<int64_t>(sum) : std::nullopt);
      }
    }
  }
}

TEST(BitField, OverflowAtTheEdgesOf64Bits) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const BitFieldType i64{true, 64};
  const BitFieldType u63{false, 63};
  EXPECT_EQ(add_to_field(i64, kMax, 1, FieldOverflow::kWrap), kMin);
  EXPECT_EQ(add_to_field(i64, kMax, 1, FieldOverflow::kSaturate), kMax);
  EXPECT_EQ(add_to_field(i64, kMin, -1, FieldOverflow::kSaturate), kMin);
  EXPECT_EQ(add_to_field(i64, kMin, -1, FieldOverflow::kFail), std::nullopt);
  EXPECT_EQ(add_to_field(i64, kMin, kMax, FieldOverflow::kFail), -1);
  EXPECT_EQ(add_to_field(u63, kMax, kMax, FieldOverflow::kWrap), kMax - 1);
  EXPECT_EQ(add_to_field(u63, kMax, kMax, FieldOverflow::kSaturate), kMax);
  EXPECT_EQ(add_to_field({true, 8}, 100, kMax, FieldOverflow::kSaturate), 127);
  EXPECT_EQ(add_to_field({true, 8}, -100, kMin, FieldOverflow::kSaturate), -128);
}

TEST(BitField, NegativeValueIsTooLargeForAnUnsignedField) {
  const BitFieldType u8{false, 8};
  EXPECT_EQ(add_to_field(u8, -1, 0, FieldOverflow::kWrap), 255);
  EXPECT_EQ(add_to_field(u8, -200, 0, FieldOverflow::kSaturate), 255);
  EXPECT_EQ(add_to_field(u8, -1, 0, FieldOverflow::kFail), std::nullopt);
}

TEST(Range, ClampsToWhatIsThere) {
  const auto range = [](int64_t start, int64_t end, uint64_t size) {
    const auto clamped = clamp_range(start, end, size);
    return clamped ? std::pair<int64_t, int64_t>(clamped->first, clamped->last)
                   : std::pair<int64_t, int64_t>(-1, -1);
  };
  using Pair = std::pair<int64_t, int64_t>;
  EXPECT_EQ(range(0, -1, 5), Pair(0, 4));
  EXPECT_EQ(range(-3, -2, 5), Pair(2, 3));
  EXPECT_EQ(range(-100, 100, 5), Pair(0, 4));
  EXPECT_EQ(range(0, -100, 5), Pair(0, 0));
  EXPECT_EQ(range(-6, -7, 5), Pair(0, 0));
  EXPECT_EQ(range(3, 2, 5), Pair(-1, -1));
  EXPECT_EQ(range(5, 9, 5), Pair(-1, -1));
  EXPECT_EQ(range(0, 0, 0), Pair(-1, -1));
  EXPECT_EQ(range(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), 5),
            Pair(0, 4));
  EXPECT_FALSE(ordered_range(-6, -7, 5));
  EXPECT_TRUE(ordered_range(0, -100, 5));
}

}  // namespace
}  // namespace larder::storage
