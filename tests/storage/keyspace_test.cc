// What a command may do with keys: dead keys stay unseen, expiries survive or not, hits are
// counted.
#include "storage/keyspace.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <utility>

#include "storage/types/listpack.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

// A store with one thread, all of it locked, at a time that the test chooses.
class KeyspaceTest : public ::testing::Test {
 protected:
  Keyspace db(size_t database = 0) { return {locked_, database, now_ms_}; }
  Key key(const std::string& name) { return store_.key(names_.emplace_back(name)); }

  void put(const std::string& name, const std::string& value, int64_t expire_at_ms = kNoExpiry) {
    db().put_string(key(name), value, expire_at_ms);
  }
  std::optional<std::string> value(const std::string& name, size_t database = 0) {
    const Entry* entry = db(database).find(key(name));
    if (entry == nullptr) return std::nullopt;
    char digits[kIntegerTextMax];
    return std::string(entry->string(digits));
  }
  std::optional<int64_t> expiry(const std::string& name, size_t database = 0) {
    const Entry* entry = db(database).find(key(name));
    if (entry == nullptr) return std::nullopt;
    return entry->expire_at_ms();
  }
  ValueKind kind(const std::string& name) { return db().find(key(name))->kind(); }

  Store store_{{.databases = 3, .concurrent = false}};
  LockedKeys locked_ = store_.lock_all();
  std::list<std::string> names_;
  int64_t now_ms_ = kNow;
};

TEST_F(KeyspaceTest, KeepsAStringInTheFormThatFits) {
  put("i", "123");
  put("t", "0123");
  put("t1024", std::string(1024, 'x'));
  put("b", std::string(1025, 'x'));
  EXPECT_EQ(kind("i"), ValueKind::kInteger);
  EXPECT_EQ(kind("t"), ValueKind::kText);
  EXPECT_EQ(kind("t1024"), ValueKind::kText);
  EXPECT_EQ(kind("b"), ValueKind::kBlob);
  EXPECT_EQ(value("i"), "123");
  EXPECT_EQ(value("t"), "0123");
  EXPECT_EQ(value("b"), std::string(1025, 'x'));
}

TEST_F(KeyspaceTest, PutReplacesValueAndExpiry) {
  const std::string values[] = {"1", "v", "w", std::string(300, 'x'), std::string(5000, 'y')};
  for (const std::string& before : values) {
    for (const std::string& after : values) {
      for (const int64_t expire_at_ms : {kNoExpiry, kNow + 5, kNow + 6}) {
        put("k", before, kNow + 5);
        put("k", after, expire_at_ms);
        EXPECT_EQ(value("k"), after);
        EXPECT_EQ(expiry("k"), expire_at_ms);
      }
    }
  }
  EXPECT_EQ(store_.size(0, &locked_).keys, 1u);
}

TEST_F(KeyspaceTest, ADeadKeyIsRemovedByWhoMeetsIt) {
  put("k", "v", kNow + 10);
  now_ms_ = kNow + 9;
  EXPECT_EQ(value("k"), "v");
  now_ms_ = kNow + 10;
  EXPECT_EQ(store_.size(0, &locked_).keys, 1u);
  EXPECT_EQ(value("k"), std::nullopt);
  EXPECT_EQ(store_.size(0, &locked_).keys, 0u);
  EXPECT_EQ(store_.counters().expired, 1u);
  EXPECT_FALSE(db().erase(key("k")));
  EXPECT_FALSE(db().set_expiry(key("k"), kNow + 100));
}

TEST_F(KeyspaceTest, OnlyReadCountsHitsAndMisses) {
  put("k", "v");
  db().find(key("k"));
  db().find(key("none"));
  EXPECT_EQ(store_.counters().hits + store_.counters().misses, 0u);
  db().read(key("k"));
  db().read(key("none"));
  db().read(key("none"));
  EXPECT_EQ(store_.counters().hits, 1u);
  EXPECT_EQ(store_.counters().misses, 2u);
}

TEST_F(KeyspaceTest, SetExpiryChangesEveryWidth) {
  const std::string values[] = {"1", "v", std::string(300, 'x'), std::string(5000, 'y')};
  const int64_t times[] = {kNow + 1, kNoExpiry, int64_t{1} << 48,
                           kNow + 2, kNoExpiry, std::numeric_limits<int64_t>::max()};
  for (const std::string& text : values) {
    put("k", text);
    for (const int64_t at_ms : times) {
      EXPECT_TRUE(db().set_expiry(key("k"), at_ms));
      EXPECT_EQ(expiry("k"), at_ms);
      EXPECT_EQ(value("k"), text);
    }
  }
}

TEST_F(KeyspaceTest, AnExpiryThatHasPassedDeletes) {
  put("k", "v");
  EXPECT_TRUE(db().set_expiry(key("k"), kNow));
  EXPECT_EQ(value("k"), std::nullopt);
  EXPECT_EQ(store_.counters().expired, 0u);  // deleted, not expired
}

TEST_F(KeyspaceTest, GrowStringKeepsBytesAndExpiry) {
  put("k", "12", kNow + 5);
  std::string wanted = "12";
  for (const size_t size : {2, 3, 255, 256, 1024, 1025, 5000, 5001}) {
    char* bytes = db().grow_string(key("k"), size);
    wanted.resize(size, '\0');
    EXPECT_EQ(std::string(bytes, size), wanted);
    bytes[size - 1] = 'x';
    wanted[size - 1] = 'x';
    EXPECT_EQ(value("k"), wanted);
    EXPECT_EQ(expiry("k"), kNow + 5);
    EXPECT_TRUE(db().find(key("k"))->modified());
  }
  db().grow_string(key("new"), 3);
  EXPECT_EQ(value("new"), std::string(3, '\0'));
}

TEST_F(KeyspaceTest, GrowStringLeavesABlobAloneThatSomebodyElseReads) {
  put("k", std::string(2000, 'a'));
  db().grow_string(key("k"), 2001);
  Blob* blob = db().find(key("k"))->blob();
  blob->retain();
  char* bytes = db().grow_string(key("k"), 2002);
  bytes[0] = 'b';
  EXPECT_EQ(blob->view().substr(0, 2000), std::string(2000, 'a'));
  EXPECT_EQ(blob->size(), 2001u);
  blob->release();
}

TEST_F(KeyspaceTest, PutBlobSharesIt) {
  BlobRef blob(Blob::create(50'000, 50'000));
  std::memset(blob->data(), 'a', blob->size());
  put("k", "old", kNow + 5);
  db().put_blob(key("k"), *blob, kNoExpiry);
  EXPECT_EQ(db().find(key("k"))->blob(), blob.get());
  EXPECT_EQ(value("k"), std::string(50'000, 'a'));
  EXPECT_EQ(expiry("k"), kNoExpiry);
  EXPECT_FALSE(db().find(key("k"))->modified());
  EXPECT_FALSE(blob->unique());
  db().grow_string(key("k"), 50'001)[0] = 'b';
  EXPECT_EQ(blob->view(), std::string(50'000, 'a'));
  EXPECT_TRUE(blob->unique());
  db().put_blob(key("k"), *blob, kNow + 9);
  EXPECT_EQ(expiry("k"), kNow + 9);
  EXPECT_TRUE(db().erase(key("k")));
  EXPECT_TRUE(blob->unique());
}

TEST_F(KeyspaceTest, MoveTakesValueAndExpiryAlong) {
  for (const std::string& text : {std::string("1"), std::string("v"), std::string(5000, 'y')}) {
    put("a", text, kNow + 5);
    put("b", "old");
    Keyspace here = db();
    here.move(key("a"), here, key("b"));
    EXPECT_EQ(value("a"), std::nullopt);
    EXPECT_EQ(value("b"), text);
    EXPECT_EQ(expiry("b"), kNow + 5);
    Keyspace there = here.in_database(2);
    here.move(key("b"), there, key("b"));
    EXPECT_EQ(value("b"), std::nullopt);
    EXPECT_EQ(value("b", 2), text);
    EXPECT_EQ(expiry("b", 2), kNow + 5);
  }
}

TEST_F(KeyspaceTest, CopyIsIndependent) {
  put("a", std::string(5000, 'a'), kNow + 5);
  Keyspace here = db();
  here.copy(key("a"), here, key("b"));
  Keyspace there = here.in_database(1);
  here.copy(key("a"), there, key("a"));
  db().grow_string(key("a"), 5001)[0] = 'x';
  EXPECT_EQ(value("b"), std::string(5000, 'a'));
  EXPECT_EQ(value("a", 1), std::string(5000, 'a'));
  EXPECT_EQ(expiry("b"), kNow + 5);
}

TEST_F(KeyspaceTest, KeysOfAnyLength) {
  for (const size_t size : {0, 254, 255, 256, 70'000}) {
    const std::string name(size, 'k');
    put(name, "v", kNow + 5);
    EXPECT_EQ(value(name), "v");
    EXPECT_TRUE(db().set_expiry(key(name), kNoExpiry));
    EXPECT_EQ(value(name), "v");
    EXPECT_TRUE(db().erase(key(name)));
    EXPECT_EQ(value(name), std::nullopt);
  }
}

// What an observer was told, a word a change.
class Told final : public Observer {
 public:
  void changed(size_t database, const Key& key, KeyChange change) override {
    constexpr const char* kWords[] = {"written", "removed", "expired", "evicted"};
    add(kWords[static_cast<size_t>(change)] + std::string(" ") + std::string(key.bytes), database);
  }
  void flushed(size_t database) override { add("flushed", database); }
  void swapped(size_t database, size_t other) override {
    add("swapped " + std::to_string(other), database);
  }
  std::string take() { return std::exchange(text_, ""); }

 private:
  void add(const std::string& what, size_t database) {
    text_ += (text_.empty() ? "" : ", ") + what + " " + std::to_string(database);
  }
  std::string text_;
};

TEST_F(KeyspaceTest, ObserverIsToldOfEveryChange) {
  Told told;
  store_.set_observer(&told);
  put("k", "1");
  put("k", "text");
  db().set_integer(key("i"), *(put("i", "1"), db().find(key("i"))), 2);
  EXPECT_EQ(told.take(), "written k 0, written k 0, written i 0, written i 0");
  db().set_expiry(key("k"), kNow + 10);
  db().set_expiry(key("k"), kNow + 20);
  EXPECT_EQ(told.take(), "written k 0, written k 0");
  Keyspace other = db(1);
  db().copy(key("k"), other, key("c"));
  db().move(key("k"), other, key("m"));
  EXPECT_EQ(told.take(), "written c 1, removed k 0, written m 1");
  now_ms_ += 20;
  EXPECT_EQ(value("m", 1), std::nullopt);
  EXPECT_FALSE(db().erase(key("k")));
  EXPECT_TRUE(db().erase(key("i")));
  EXPECT_EQ(told.take(), "expired m 1, removed i 0");
  store_.swap_databases(locked_, 1, 2);
  store_.detach(locked_, 2);
  EXPECT_EQ(told.take(), "swapped 2 1, flushed 2");
  store_.set_observer(nullptr);
  put("k", "1");
  EXPECT_EQ(told.take(), "");
}

TEST_F(KeyspaceTest, CollectionIsKeptMovedCopiedAndReplaced) {
  Packed* list = listpack::create();
  listpack::append(list, listpack::element_of("a"));
  db().put_object(key("l"), {ValueType::kList, Encoding::kListpack, list}, kNow + 10);
  Entry* entry = db().find(key("l"));
  EXPECT_EQ(entry->type(), ValueType::kList);
  EXPECT_EQ(entry->expire_at_ms(), kNow + 10);
  list = entry->object().packed();
  for (int i = 0; i < 100; i++) listpack::append(list, listpack::element_of("another"));
  db().set_object(key("l"), *entry, {ValueType::kList, Encoding::kListpack, list});
  Keyspace here = db();
  db().copy(key("l"), here, key("c"));
  db().move(key("l"), here, key("m"));
  EXPECT_EQ(listpack::count(db().find(key("c"))->object().packed()), 101u);
  EXPECT_EQ(listpack::count(db().find(key("m"))->object().packed()), 101u);
  EXPECT_NE(db().find(key("c"))->object().packed(), db().find(key("m"))->object().packed());
  put("c", "text");
  EXPECT_EQ(value("c"), "text");
  EXPECT_TRUE(db().erase(key("m")));
}

}  // namespace
}  // namespace larder::storage
