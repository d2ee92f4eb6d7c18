#include "storage/entry.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "storage/entry_arena.h"
#include "storage/types/listpack.h"

namespace larder::storage {
namespace {

// The expiries that five bytes hold: from 2020 on.
constexpr int64_t kNarrowMin = 1'577'836'800'000;
constexpr int64_t kNarrowMax = kNarrowMin + (int64_t{1} << 40) - 1;
constexpr int64_t kExpiries[] = {kNoExpiry,
                                 0,
                                 1,
                                 1'700'000'000'000,
                                 kNarrowMin - 1,
                                 kNarrowMin,
                                 kNarrowMax,
                                 kNarrowMax + 1,
                                 std::numeric_limits<int64_t>::min() + 1,
                                 std::numeric_limits<int64_t>::max()};
constexpr size_t kKeySizes[] = {0, 1, 254, 255, 256, 70'000};

Blob* make_blob(std::string_view text) {
  Blob* blob = Blob::create(text.size(), text.size());
  std::memcpy(blob->data(), text.data(), text.size());
  return blob;
}

// A list with the text as its only element.
Object make_object(std::string_view text) {
  Packed* list = listpack::create();
  listpack::append(list, {.text = text});
  return {ValueType::kList, Encoding::kListpack, list};
}

// A shape with the value "text" of the kind's own sort: for an integer, its digits.
EntryShape shape_of(std::string_view key, ValueKind kind, std::string_view text,
                    int64_t expire_at_ms = kNoExpiry) {
  EntryShape shape{.key = key, .expire_at_ms = expire_at_ms, .kind = kind};
  switch (kind) {
    case ValueKind::kText:
      shape.text_bytes = text.size();
      break;
    case ValueKind::kInteger:
      EXPECT_TRUE(parse_integer(text, shape.integer));
      break;
    case ValueKind::kBlob:
      shape.blob = make_blob(text);
      break;
    case ValueKind::kObject:
      shape.object = make_object(text);
      break;
    case ValueKind::kNone:
      break;
  }
  return shape;
}

Entry* create(std::string_view key, ValueKind kind, std::string_view text,
              int64_t expire_at_ms = kNoExpiry) {
  Entry* entry = Entry::create(shape_of(key, kind, text, expire_at_ms));
  if (kind == ValueKind::kText) std::memcpy(entry->text_bytes(), text.data(), text.size());
  return entry;
}

void expect_entry(const Entry& entry, std::string_view key, ValueKind kind, std::string_view text,
                  int64_t expire_at_ms) {
  char digits[kIntegerTextMax];
  EXPECT_EQ(entry.key(), key);
  EXPECT_EQ(entry.kind(), kind);
  if (kind == ValueKind::kObject) {
    const Packed* list = entry.object().packed();
    EXPECT_EQ(entry.type(), ValueType::kList);
    EXPECT_EQ(listpack::count(list), 1u);
    EXPECT_EQ(listpack::get(list, listpack::first(list)).text, text);
  } else {
    EXPECT_EQ(entry.type(), ValueType::kString);
    EXPECT_EQ(entry.string(digits), text);
    EXPECT_EQ(entry.string_bytes(), text.size());
  }
  EXPECT_EQ(entry.has_expiry(), expire_at_ms != kNoExpiry);
  EXPECT_EQ(entry.expire_at_ms(), expire_at_ms);
}

struct Sample {
  ValueKind kind;
  std::string text;
};

const Sample kSamples[] = {
    {ValueKind::kText, ""},
    {ValueKind::kText, "value"},
    {ValueKind::kText, std::string(255, 'x')},
    {ValueKind::kText, std::string(256, 'x')},
    {ValueKind::kText, std::string(kInlineValueMax, 'x')},
    {ValueKind::kInteger, "0"},
    {ValueKind::kInteger, "-9223372036854775808"},
    {ValueKind::kInteger, "9223372036854775807"},
    {ValueKind::kBlob, std::string(kInlineValueMax + 1, 'x')},
    {ValueKind::kBlob, std::string(100'000, 'x')},
    {ValueKind::kObject, "value"},
    {ValueKind::kObject, std::string(20'000, 'x')},
};

TEST(Entry, KeepsEveryKindWithEveryKeySizeAndExpiry) {
  for (const Sample& sample : kSamples) {
    for (const size_t key_size : kKeySizes) {
      const std::string key(key_size, 'k');
      for (const int64_t expire_at_ms : kExpiries) {
        Entry* entry = create(key, sample.kind, sample.text, expire_at_ms);
        expect_entry(*entry, key, sample.kind, sample.text, expire_at_ms);
        EXPECT_FALSE(entry->modified());
        Entry::destroy(entry);
      }
    }
  }
}

TEST(Entry, TakesFewBytesBeyondKeyAndValue) {
  Entry* plain = create("key", ValueKind::kText, "value");
  Entry* dying = create("key", ValueKind::kText, "value", 1'700'000'000'000);
  EXPECT_EQ(plain->block_bytes(), 3 + 5 + 3u);
  EXPECT_EQ(dying->block_bytes(), plain->block_bytes() + 5);
  Entry::destroy(plain);
  Entry::destroy(dying);
  for (const auto& [number, bytes] : {std::pair{"-128", 1u},
                                      {"127", 1u},
                                      {"128", 2u},
                                      {"-32769", 4u},
                                      {"2147483647", 4u},
                                      {"2147483648", 8u}}) {
    Entry* integer = create("key", ValueKind::kInteger, number);
    EXPECT_EQ(integer->block_bytes(), 2 + 3 + bytes) << number;
    Entry::destroy(integer);
  }
}

TEST(Entry, WithoutAValueIsItsKeyAlone) {
  for (const size_t key_size : kKeySizes) {
    const std::string key(key_size, 'k');
    Entry* entry = create(key, ValueKind::kNone, "");
    EXPECT_EQ(entry->key(), key);
    EXPECT_EQ(entry->kind(), ValueKind::kNone);
    EXPECT_EQ(entry->block_bytes(), (key_size < 255 ? 2 : 6) + key_size);
    Entry::destroy(entry);
  }
}

TEST(Entry, ChangesAnIntegerInPlaceOnlyWhereItFits) {
  Entry* entry = create("k", ValueKind::kInteger, "300");
  EXPECT_TRUE(entry->set_integer(-32768));
  EXPECT_EQ(entry->integer(), -32768);
  EXPECT_FALSE(entry->set_integer(32768));
  EXPECT_EQ(entry->integer(), -32768);
  EXPECT_TRUE(entry->set_integer(1));
  expect_entry(*entry, "k", ValueKind::kInteger, "1", kNoExpiry);
  Entry::destroy(entry);
}

TEST(Entry, ChangesExpiryInPlaceOnlyWhereTheFieldFits) {
  Entry* without = create("k", ValueKind::kText, "v");
  EXPECT_TRUE(without->set_expire_at_ms(kNoExpiry));
  EXPECT_FALSE(without->set_expire_at_ms(5));
  Entry* narrow = create("k", ValueKind::kText, "v", kNarrowMin);
  EXPECT_TRUE(narrow->set_expire_at_ms(kNarrowMax));
  EXPECT_FALSE(narrow->set_expire_at_ms(kNarrowMax + 1));
  EXPECT_FALSE(narrow->set_expire_at_ms(kNarrowMin - 1));
  EXPECT_FALSE(narrow->set_expire_at_ms(kNoExpiry));
  expect_entry(*narrow, "k", ValueKind::kText, "v", kNarrowMax);
  Entry* wide = create("k", ValueKind::kText, "v", kNarrowMax + 1);
  EXPECT_TRUE(wide->set_expire_at_ms(7));
  expect_entry(*wide, "k", ValueKind::kText, "v", 7);
  for (Entry* entry : {without, narrow, wide}) Entry::destroy(entry);
}

TEST(Entry, RewritesAnyKindAsAnyKindOfTheSameSize) {
  for (const size_t key_size : kKeySizes) {
    const std::string key(key_size, 'k');
    for (const Sample& from : kSamples) {
      for (const Sample& to : kSamples) {
        for (const int64_t expire_at_ms : kExpiries) {
          Entry* entry = create(key, from.kind, from.text, 77);
          const size_t bytes = EntryArena::block_bytes(entry->block_bytes());
          const EntryShape shape = shape_of(key, to.kind, to.text, expire_at_ms);
          if (entry->rewrite(shape)) {
            if (to.kind == ValueKind::kText) {
              std::memcpy(entry->text_bytes(), to.text.data(), to.text.size());
            }
            expect_entry(*entry, key, to.kind, to.text, expire_at_ms);
            EXPECT_EQ(EntryArena::block_bytes(entry->block_bytes()), bytes);
          } else {
            expect_entry(*entry, key, from.kind, from.text, 77);
            if (shape.blob != nullptr) shape.blob->release();
            if (to.kind == ValueKind::kObject) Object(shape.object).destroy();
          }
          Entry::destroy(entry);
        }
      }
    }
  }
}

TEST(Entry, RewriteReleasesTheOldBlob) {
  Blob* old = make_blob("old");
  old->retain();
  Entry* entry = Entry::create({.key = "k", .kind = ValueKind::kBlob, .blob = old});
  EXPECT_FALSE(old->unique());
  EXPECT_TRUE(entry->rewrite(shape_of("k", ValueKind::kInteger, "9223372036854775807")));
  EXPECT_TRUE(old->unique());
  old->release();
  Entry::destroy(entry);
}

TEST(Entry, WithMovesTheValueToAnotherKeyAndExpiry) {
  for (const Sample& sample : kSamples) {
    for (const size_t key_size : kKeySizes) {
      const std::string key(key_size, 'n');
      for (const int64_t expire_at_ms : kExpiries) {
        Entry* old = create("old", sample.kind, sample.text, 5);
        Entry* moved = old->with(key, expire_at_ms, {});
        if (sample.kind == ValueKind::kBlob) {
          EXPECT_EQ(moved->blob(), old->blob());
        }
        Entry::destroy_block(old);
        expect_entry(*moved, key, sample.kind, sample.text, expire_at_ms);
        Entry::destroy(moved);
      }
    }
  }
}

TEST(Entry, CopySharesNothing) {
  for (const Sample& sample : kSamples) {
    Entry* original = create("k", sample.kind, sample.text, 5);
    Entry* copy = original->copy("other", {});
    if (sample.kind == ValueKind::kBlob) {
      EXPECT_NE(copy->blob(), original->blob());
      EXPECT_TRUE(original->blob()->unique());
    }
    Entry::destroy(original);
    expect_entry(*copy, "other", sample.kind, sample.text, 5);
    Entry::destroy(copy);
  }
}

TEST(Entry, KeepsTagsBehindEveryKindOfValue) {
  TagIdList tags;
  for (const TagId id : {7u, 0u, 0xffffffffu}) tags.add(id);
  for (const Sample& sample : kSamples) {
    Entry* plain = create("k", sample.kind, sample.text, 5);
    EXPECT_FALSE(plain->tagged());
    EXPECT_TRUE(plain->tags().empty());
    Entry* tagged = plain->with("key", 5, tags.ids());
    Entry::destroy_block(plain);
    expect_entry(*tagged, "key", sample.kind, sample.text, 5);
    EXPECT_TRUE(tagged->tagged());
    EXPECT_EQ(tagged->tags(), tags.ids());
    EXPECT_EQ(tagged->tags()[1], 7u);
    Entry* copy = tagged->copy("other", {});
    EXPECT_EQ(copy->block_bytes() + 13, tagged->block_bytes() + 2);  // the name is two bytes longer
    Entry::destroy(copy);
    Entry::destroy(tagged);
  }
}

TEST(Entry, RemembersThatItWasModified) {
  EntryShape shape{.key = "k", .text_bytes = 1, .modified = true};
  Entry* entry = Entry::create(shape);
  *entry->text_bytes() = 'v';
  Entry* moved = entry->with("n", 5, {});
  EXPECT_TRUE(entry->modified());
  EXPECT_TRUE(moved->modified());
  Entry::destroy(entry);
  Entry::destroy(moved);
}

}  // namespace
}  // namespace larder::storage
