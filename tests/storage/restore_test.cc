// The bytes of dumps, and values that come out of damaged ones. tests/commands/dump_test.cc
// compares with Redis.
#include "storage/types/restore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "storage/crc64.h"
#include "storage/dump_bytes.h"
#include "storage/garbage.h"
#include "storage/lzf.h"
#include "storage/types/dump.h"
#include "storage/types/dump_types.h"
#include "storage/types/list.h"
#include "storage/types/set_members.h"
#include "tests/support/damage.h"

namespace larder::storage {
namespace {

TEST(Crc64, IsJonesReflected) {
  EXPECT_EQ(crc64("123456789"), 0xe9c6d914c4b8d9caU);
  EXPECT_EQ(crc64(""), 0U);
  // As many bytes at once as may be, or one by one.
  std::string bytes;
  for (int i = 0; i < 100; i++) bytes += static_cast<char>(i * 7);
  uint64_t before = crc64(bytes);
  bytes[99] = static_cast<char>(bytes[99] ^ 1);
  EXPECT_NE(crc64(bytes), before);
}

TEST(Lzf, UnpacksLiteralsAndRepetitions) {
  std::string out;
  ASSERT_TRUE(unpack_lzf(std::string_view("\x02"
                                          "abc"
                                          "\x20\x02",
                                          6),
                         6, out));
  EXPECT_EQ(out, "abcabc");
  ASSERT_TRUE(unpack_lzf(std::string_view("\x00"
                                          "a"
                                          "\xe0\xff\x00",
                                          5),
                         265, out));
  EXPECT_EQ(out, std::string(265, 'a'));
}

TEST(Lzf, RefusesWhatLeavesItsBounds) {
  std::string out;
  EXPECT_FALSE(unpack_lzf("", 0, out));
  EXPECT_FALSE(unpack_lzf(std::string_view("\x02"
                                           "ab",
                                           3),
                          3, out));                                   // too few literals
  EXPECT_FALSE(unpack_lzf(std::string_view("\x20\x00", 2), 3, out));  // before the start
  EXPECT_FALSE(unpack_lzf(std::string_view("\x00"
                                           "a\x20\x00",
                                           4),
                          3, out));  // beyond the end
  EXPECT_FALSE(unpack_lzf(std::string_view("\x00"
                                           "a\x20\x00",
                                           4),
                          5, out));  // too short
  EXPECT_FALSE(unpack_lzf(std::string_view("\x00"
                                           "a\x20",
                                           3),
                          4, out));  // no distance
  EXPECT_FALSE(unpack_lzf(std::string_view("\x00"
                                           "a\xe0",
                                           3),
                          4, out));  // no length
  EXPECT_FALSE(unpack_lzf(std::string_view("\x00"
                                           "a",
                                           2),
                          size_t{1} << 40, out));  // no memory
}

TEST(DumpReader, BoundsWhatIsUnpackedTogether) {
  // 265 bytes of five, again and again.
  std::string packed;
  for (int i = 0; i < 30; i++)
    packed += std::string(
        "\xc3\x05\x41\x09\x00"
        "a"
        "\xe0\xff\x00",
        9);
  DumpReader in(packed, 300);
  std::string scratch;
  int strings = 0;
  while (in.string(scratch).size() == 265) strings++;
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(strings, 300 * static_cast<int>(DumpReader::kUnpackedStringsMax) / 265);
}

class Restore : public ::testing::Test {
 protected:
  static constexpr int64_t kNowMs = 1'700'000'000'000;

  Restored read(const std::string& dump) {
    return restore_value(dump, limits_, store_.hash_seed(), kNowMs);
  }

  // Reads what may be damaged; what comes out of it nevertheless is a sound value.
  void survive(std::string content) {
    append_dump_footer(content, kDumpVersionMax);
    Restored restored = read(content);
    ASSERT_NE(restored.fault, RestoreFault::kFooter);
    if (restored.fault != RestoreFault::kNone || !restored.value.exists()) return;
    const LockedKeys locked = store_.lock(key_);
    Keyspace db(locked, 0, kNowMs);
    restored.value.put(db, key_, kNoExpiry);
    sound_++;
    Entry* entry = db.find(key_);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(read(dump_value(db, key_, *entry)).fault, RestoreFault::kNone);
    change(db, *entry);
    db.erase(key_);
  }

  void change(Keyspace& db, const Entry& entry) {
    const std::string_view members[] = {"a", "17", "new"};
    if (entry.type() == ValueType::kList) {
      EXPECT_TRUE(insert_into_list(db, key_, true, "a", "17", limits_.list).ok());
      EXPECT_TRUE(remove_from_list(db, key_, -1, "a", limits_.list).ok());
    } else if (entry.type() == ValueType::kSet) {
      EXPECT_TRUE(add_members(db, key_, members, limits_.set).ok());
      EXPECT_TRUE(remove_members(db, key_, members).ok());
    } else if (entry.type() == ValueType::kSortedSet) {
      SortedSetWriter writer(db, key_, limits_.sorted_set);
      ASSERT_EQ(writer.open(), Status::kOk);
      EXPECT_TRUE(writer.add("new", 1, {}).ok());
      writer.remove(RankRange{0, 1});
      writer.finish();
    }
  }

  RestoreLimits limits_{.list = ListLimit(-2), .string_bytes_max = 1 << 20};
  Store store_{StoreOptions{.databases = 1, .hash_seed = 7, .concurrent = false}};
  const Key key_ = store_.key("k");
  size_t sound_ = 0;
};

// What was packed.
const std::string kListpack(
    "\x11\0\0\0\4\0\x81"
    "f\2\x0c\1\x81"
    "n\2\x0d\1\xff",
    17);
const std::string kTriple(
    "\x0e\0\0\0\3\0\x81"
    "f\2\x0c\1\0\1\xff",
    14);
const std::string kZiplist(
    "\x12\0\0\0\x0d\0\0\0\2\0\0\1"
    "f\3\xc0\x10\x20\xff",
    18);
const std::string kIntset("\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x05\x00", 12);
const std::string kZipmap(
    "\x01\x01"
    "f\x02\x01"
    "vv.\xff",
    9);
const std::string kEarliest("\x00\x68\xe5\xcf\x8b\x01\x00\x00", 8);  // kNowMs

// Every type, with every kind of string in it.
std::vector<std::string> contents() {
  std::string strings;  // six of them, all different
  for (const std::string_view text : {"a", "17", "-300", "70000"})
    append_dump_string(strings, text);
  strings += std::string(
      "\xc3\x05\x41\x09\x00"
      "a"
      "\xe0\xff\x00",
      9);
  append_dump_string(strings, "12345678901");
  const auto body = [](std::string_view bytes) {
    std::string out;
    append_dump_string(out, bytes);
    return out;
  };
  const auto type = [](DumpType of) { return std::string(1, static_cast<char>(of)); };
  return {type(DumpType::kString) + strings,
          type(DumpType::kList) + "\x06" + strings,
          type(DumpType::kSet) + "\x06" + strings,
          type(DumpType::kHash) + "\x03" + strings,
          type(DumpType::kSortedSet) + std::string("\x02\x01"
                                                   "a1234567?\x01"
                                                   "b7654321@",
                                                   21),
          type(DumpType::kSortedSetText) +
              "\x02\x01"
              "a\x03"
              "1.5\x01"
              "b\xfe",
          type(DumpType::kHashZipmap) + body(kZipmap),
          type(DumpType::kListZiplist) + body(kZiplist),
          type(DumpType::kSetIntset) + body(kIntset),
          type(DumpType::kSortedSetZiplist) + body(kZiplist),
          type(DumpType::kHashZiplist) + body(kZiplist),
          type(DumpType::kListQuicklist) + "\x02" + body(kZiplist) + body(kZiplist),
          type(DumpType::kHashListpack) + body(kListpack),
          type(DumpType::kSortedSetListpack) + body(kListpack),
          type(DumpType::kListNodes) + "\x03\x02" + body(kListpack) +
              "\x01\x01"
              "a\x02" +
              body(kListpack),
          type(DumpType::kSetListpack) + body(kListpack),
          type(DumpType::kHashTimed) + kEarliest +
              std::string("\2\0\1"
                          "a\1"
                          "1\x09\1"
                          "b\1"
                          "2",
                          11),
          type(DumpType::kHashListpackTimed) + kEarliest + body(kTriple)};
}

// A list of one node.
std::string list_of(const std::string& elements, size_t count) {
  std::string node(6, '\0');
  node += elements + '\xff';
  const auto bytes = static_cast<uint32_t>(node.size());
  const auto stored = static_cast<uint16_t>(std::min<size_t>(count, 0xffff));
  std::memcpy(node.data(), &bytes, sizeof bytes);
  std::memcpy(node.data() + sizeof bytes, &stored, sizeof stored);
  std::string content =
      std::string(1, static_cast<char>(DumpType::kListNodes)) + std::string("\1\2");
  append_dump_string(content, node);
  append_dump_footer(content, kDumpVersionMax);
  return content;
}

TEST_F(Restore, ElementsInLongerFormsAreFound) {
  const std::string elements(
      "\xf1\x05\0\3"
      "\xe0\x03"
      "abc\5"
      "\xf0\x03\0\0\0"
      "xyz\x08",
      19);
  const LockedKeys locked = store_.lock(key_);
  Keyspace db(locked, 0, kNowMs);
  Restored restored = read(list_of(elements, 3));
  ASSERT_EQ(restored.fault, RestoreFault::kNone);
  restored.value.put(db, key_, kNoExpiry);
  for (const std::string_view element : {"5", "abc", "xyz"}) {
    EXPECT_EQ(remove_from_list(db, key_, 0, element, limits_.list).value(), 1U) << element;
  }
  EXPECT_EQ(db.find(key_), nullptr);
}

TEST_F(Restore, NodesAreNoLargerThanTheyMayBe) {
  constexpr size_t kElements = 70'000;
  std::string elements;
  for (size_t i = 0; i < kElements; i++) elements += std::string("\7\1", 2);
  const LockedKeys locked = store_.lock(key_);
  Keyspace db(locked, 0, kNowMs);
  Restored restored = read(list_of(elements, kElements));
  ASSERT_EQ(restored.fault, RestoreFault::kNone);
  restored.value.put(db, key_, kNoExpiry);
  const auto& nodes = static_cast<const ListNodes&>(*db.find(key_)->object().container());
  EXPECT_EQ(nodes.size(), kElements);
  for (size_t i = 0; i < nodes.nodes(); i++) {
    EXPECT_FALSE(limits_.list.exceeded(nodes.node(i)->bytes(), listpack::count(nodes.node(i))));
  }
  db.erase(key_);
  Garbage::free_all();
}

TEST_F(Restore, TakesEveryForm) {
  size_t forms = 0;
  for (const std::string& content : contents()) {
    survive(content);
    EXPECT_EQ(sound_, ++forms) << static_cast<int>(content[0]);
    sound_ = forms;
  }
}

TEST_F(Restore, SurvivesDamageUnderARightChecksum) {
  std::mt19937 random(11);
  const std::vector<std::string> all = contents();
  for (int i = 0; i < 100'000; i++) {
    std::string content = all[random() % all.size()];
    testing::damage(content, random);
    survive(std::move(content));
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(sound_, 1000U);
}

TEST_F(Restore, SurvivesTruncationEverywhere) {
  for (const std::string& content : contents()) {
    for (size_t bytes = 0; bytes < content.size(); bytes++) survive(content.substr(0, bytes));
  }
}

TEST_F(Restore, SurvivesRandomBytes) {
  std::mt19937 random(12);
  for (int i = 0; i < 50'000; i++) {
    std::string content(1, static_cast<char>(random() % 27));
    for (size_t bytes = random() % 40; bytes > 0; bytes--) {
      content += static_cast<char>(random() % 4 == 0 ? random() : random() % 5);
    }
    survive(std::move(content));
  }
}

}  // namespace
}  // namespace larder::storage
