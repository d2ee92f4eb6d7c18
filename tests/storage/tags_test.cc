// Tags of keys: they go with their entries, whatever becomes of these, and deleting one takes all
// its keys away.
#include "storage/tags.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/evictor.h"
#include "storage/expiry.h"
#include "storage/keyspace.h"
#include "storage/tag_deletion.h"
#include "storage/tag_reaper.h"
#include "storage/tag_walk.h"

namespace larder::storage {
namespace {

using Names = std::vector<std::string_view>;
using Which = TagDeletion::Which;

constexpr int64_t kNow = 1'700'000'000'000;

class TagsTest : public ::testing::Test {
 protected:
  LockedKeys locked() { return store_.lock_all(); }
  Key key(const std::string& name) { return store_.key(names_.emplace_back(name)); }

  void set(const std::string& name, const Names& tags, int64_t expire_at_ms = kNoExpiry,
           size_t database = 0) {
    const LockedKeys all = locked();
    Keyspace(all, database, now_ms_).put_string(key(name), "v", expire_at_ms, {.names = tags});
  }
  bool exists(const std::string& name, size_t database = 0) {
    const LockedKeys all = locked();
    return Keyspace(all, database, now_ms_).find(key(name)) != nullptr;
  }
  std::set<std::string> tags(const std::string& name, size_t database = 0) {
    const LockedKeys all = locked();
    Keyspace db(all, database, now_ms_);
    std::set<std::string> found;
    const Key of = key(name);
    const Entry* entry = db.find(of);
    if (entry == nullptr) return found;
    for (size_t i = 0; i < entry->tags().size(); i++) {
      found.emplace(db.tag_name(of, entry->tags()[i]));
    }
    return found;
  }
  uint64_t remove(const Names& tags, Which which = Which::kAny, size_t database = 0) {
    TagDeletion deletion(store_, database, {tags.begin(), tags.end()}, which);
    while (!deletion.finished()) deletion.step(nullptr, now_ms_, nullptr);
    return deletion.keys();
  }
  uint64_t count(const std::string& tag, size_t database = 0) {
    uint64_t sum = 0;
    for (size_t i = 0; i < Store::kShards; i++) {
      sum += store_.table(store_.lock_shard(i), i, database).count_tagged(tag, now_ms_);
    }
    return sum;
  }
  std::multiset<std::string> scan(const std::string& tag, size_t database = 0, size_t part = 3) {
    std::multiset<std::string> found;
    ScanCursor cursor = 0;
    do {
      TagScanner scanner(store_, database, cursor);
      size_t entries = part;
      scanner.step(nullptr, tag, now_ms_, entries,
                   [&](const Entry& entry) { found.emplace(entry.key()); });
      cursor = scanner.cursor();
    } while (cursor != 0);
    return found;
  }
  void reap() {
    TagReaper reaper(store_, 0, 1);
    while (reaper.step()) {
    }
  }
  bool recount() {
    bool all_hold = true;
    for (size_t i = 0; i < Store::kShards; i++) {
      const LockedKeys shard = store_.lock_shard(i);
      for (size_t d = 0; d < store_.databases(); d++) {
        all_hold &= store_.table(shard, i, d).recount();
      }
    }
    return all_hold;
  }
  size_t doomed() {
    size_t sum = 0;
    for (size_t i = 0; i < Store::kShards; i++) {
      for (size_t d = 0; d < store_.databases(); d++) {
        sum += store_.table(store_.lock_shard(i), i, d).doomed();
      }
    }
    return sum;
  }

  Store store_{{.databases = 2, .concurrent = false}};
  std::list<std::string> names_;
  int64_t now_ms_ = kNow;
};

TEST_F(TagsTest, AKeyHasTheTagsThatItWasStoredWith) {
  set("k", {"b", "a", "b"});
  EXPECT_EQ(tags("k"), (std::set<std::string>{"a", "b"}));
  set("k", {});
  EXPECT_TRUE(tags("k").empty());
  EXPECT_EQ(count("a"), 0u);
  EXPECT_TRUE(recount());
}

TEST_F(TagsTest, ATagWithoutKeysLeavesNothing) {
  for (int i = 0; i < 1000; i++) set("k" + std::to_string(i), {"a", "b"});
  const LockedKeys all = locked();
  for (int i = 0; i < 1000; i++) Keyspace(all, 0, now_ms_).erase(key("k" + std::to_string(i)));
  for (size_t i = 0; i < Store::kShards; i++) {
    EXPECT_EQ(store_.table(all, i, 0).tags_if_any(), nullptr);
  }
}

TEST_F(TagsTest, DeletingATagHidesItsKeysAtOnceAndFreesThemLater) {
  for (int i = 0; i < 5000; i++) {
    set("k" + std::to_string(i), i % 2 == 0 ? Names{"even", "all"} : Names{"all"});
  }
  EXPECT_EQ(remove({"even"}), 2500u);
  EXPECT_FALSE(exists("k0"));  // which removes it
  EXPECT_TRUE(exists("k1"));
  EXPECT_EQ(count("all"), 2500u);
  EXPECT_EQ(scan("all").size(), 2500u);
  EXPECT_EQ(store_.size(0).keys, 2500u);
  EXPECT_EQ(doomed(), 2499u);
  set("new", {"even"});
  EXPECT_EQ(count("even"), 1u);
  EXPECT_TRUE(recount());
  reap();
  EXPECT_EQ(doomed(), 0u);
  EXPECT_EQ(store_.size(0).keys, 2501u);
  EXPECT_TRUE(exists("new"));
  EXPECT_TRUE(recount());
}

TEST_F(TagsTest, KeysOfADeletedTagDoNotCountAsExpiring) {
  for (int i = 0; i < 5000; i++) set("k" + std::to_string(i), {"t"}, kNow + 5000);
  for (int i = 0; i < 100; i++) set("left" + std::to_string(i), {}, kNow + 5000);
  remove({"t"});
  EXPECT_EQ(store_.size(0).volatile_keys, 100u);
  EXPECT_EQ(store_.size(0).mean_expire_at_ms, kNow + 5000);
}

TEST_F(TagsTest, CountsEachLiveKeyOnce) {
  set("both", {"a", "b"});
  set("a", {"a"});
  set("expired", {"a"}, kNow + 10);
  now_ms_ += 10;
  EXPECT_EQ(count("a"), 2u);
  EXPECT_EQ(remove({"a", "b", "a"}), 2u);
  EXPECT_EQ(remove({"a", "b"}), 0u);
}

TEST_F(TagsTest, DeletesThoseWithAllTags) {
  for (int i = 0; i < 3000; i++) {
    set("a" + std::to_string(i), {"a"});
    set("ab" + std::to_string(i), {"a", "b"});
  }
  EXPECT_EQ(remove({"a", "none"}, Which::kAll), 0u);
  EXPECT_EQ(remove({"a", "b"}, Which::kAll), 3000u);
  EXPECT_EQ(count("a"), 3000u);
  EXPECT_EQ(count("b"), 0u);
  EXPECT_TRUE(recount());
}

TEST_F(TagsTest, ADeletionFollowsItsKeysThroughASwap) {
  for (const Which which : {Which::kAny, Which::kAll}) {
    for (int i = 0; i < 3000; i++) {
      set("k" + std::to_string(i), {"a", "b"}, kNoExpiry, 0);
      set("k" + std::to_string(i), {"a", "b"}, kNoExpiry, 1);
    }
    std::map<size_t, int> told;
    const auto note = [&](size_t database, const Key&) { told[database]++; };
    TagDeletion::Tell tell(note);
    TagDeletion deletion(store_, 0, {"a", "b"}, which);
    const auto step_to = [&](size_t end) {
      while (!deletion.finished() && told[0] + told[1] < static_cast<int>(end)) {
        deletion.step(nullptr, now_ms_, &tell);
      }
    };
    step_to(1000);
    store_.swap_databases(locked(), 0, 1);
    step_to(9999);
    EXPECT_EQ(deletion.keys(), 3000u);
    EXPECT_EQ(count("a", 0), 3000u);
    EXPECT_EQ(count("a", 1), 0u);
    EXPECT_EQ(told[0] + told[1], 3000);
    EXPECT_GE(told[0], 1000);
    EXPECT_GT(told[1], 1000);
    EXPECT_TRUE(recount());
    store_.detach(locked(), 0);
    store_.detach(locked(), 1);
  }
}

// Keys that agree in all bits of the hash by which a tag knows its members: about one pair in
// 2^42 / n^2 / 2.
TEST_F(TagsTest, TellsKeysOfOneFragmentApart) {
  constexpr uint64_t kNumberBits = 22;
  std::vector<uint64_t> places;  // shard, fragment, and the number that is the key
  for (uint64_t i = 0; i >> kNumberBits == 0; i++) {
    const KeyHash hash = store_.key(std::to_string(i)).hash;
    const uint64_t place = static_cast<uint64_t>(Store::shard_of(hash)) << 32 | fragment_of(hash);
    places.push_back(place << kNumberBits | i);
  }
  std::sort(places.begin(), places.end());
  const auto same = std::adjacent_find(places.begin(), places.end(), [](uint64_t a, uint64_t b) {
    return a >> kNumberBits == b >> kNumberBits;
  });
  ASSERT_NE(same, places.end());
  const auto name = [](uint64_t place) {
    return std::to_string(place & ((uint64_t{1} << kNumberBits) - 1));
  };
  const std::vector<std::string> pair{name(same[0]), name(same[1])};
  set(pair[0], {"t", "u"});
  set(pair[1], {"t"});
  set("other", {"t"});
  EXPECT_EQ(count("t"), 3u);
  EXPECT_EQ(scan("t", 0, 1), (std::multiset<std::string>{pair[0], pair[1], "other"}));
  EXPECT_EQ(remove({"u", "t"}), 3u);
  EXPECT_TRUE(recount());
  reap();
  EXPECT_EQ(store_.size(0).keys, 0u);
  EXPECT_EQ(doomed(), 0u);
  set(pair[0], {"t"});
  set(pair[1], {"t"});
  set(pair[0], {});
  EXPECT_EQ(scan("t"), (std::multiset<std::string>{pair[1]}));
}

TEST_F(TagsTest, CostsAtMostTwelveBytesForEachOfManyKeys) {
  constexpr size_t kKeys = 200'000;
  for (size_t i = 0; i < kKeys; i++) set("k" + std::to_string(i), {"t"});
  size_t bytes = 0;
  for (size_t i = 0; i < Store::kShards; i++) {
    bytes += store_.table(store_.lock_shard(i), i, 0).tags_if_any()->memory_bytes();
  }
  // The record of the tag in each shard is what the first use of its name costs.
  constexpr size_t kRecordBytes = 300;
  const double for_each = static_cast<double>(bytes - Store::kShards * kRecordBytes) / kKeys;
  EXPECT_LT(for_each + sizeof(TagId), 12.0);
}

// --- Random operations beside a map.

struct Model {
  struct Item {
    std::set<std::string> tags;
    int64_t expire_at_ms = kNoExpiry;
    bool dead(int64_t now_ms) const { return expire_at_ms != kNoExpiry && expire_at_ms <= now_ms; }
  };
  using Database = std::map<std::string, Item>;
  Database databases[2];
};

class TagsModelTest : public TagsTest {
 protected:
  static constexpr int kSteps = 1'000'000;
  static constexpr int kKeys = 3000;

  uint32_t draw(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  std::string any_key() { return "key:" + std::to_string(draw(kKeys)); }
  std::string any_tag() { return "tag:" + std::to_string(draw(12)); }
  std::vector<std::string> any_tags() {
    std::vector<std::string> drawn(draw(4));
    for (std::string& tag : drawn) tag = any_tag();
    return drawn;
  }
  void forget_dead(Model::Database& database) {
    std::erase_if(database, [&](const auto& item) { return item.second.dead(now_ms_); });
  }
  bool live(size_t d, const std::string& name) {
    const auto found = model_.databases[d].find(name);
    if (found == model_.databases[d].end()) return false;
    if (!found->second.dead(now_ms_)) return true;
    model_.databases[d].erase(found);
    return false;
  }

  void store_one(size_t d) {
    const std::string name = any_key();
    const std::vector<std::string> given = any_tags();
    const int64_t expire_at_ms = draw(3) == 0 ? now_ms_ + 1 + draw(500) : kNoExpiry;
    set(name, {given.begin(), given.end()}, expire_at_ms, d);
    model_.databases[d][name] = {{given.begin(), given.end()}, expire_at_ms};
  }
  void change_tags(size_t d) {
    const std::string name = any_key();
    const std::vector<std::string> given = any_tags();
    const Names views(given.begin(), given.end());
    const bool adding = draw(2) == 0;
    size_t changed = 0;
    if (live(d, name)) {
      std::set<std::string>& has = model_.databases[d][name].tags;
      for (const std::string& tag : given)
        changed += adding ? has.insert(tag).second : has.erase(tag);
    }
    const LockedKeys all = locked();
    Keyspace db(all, d, now_ms_);
    EXPECT_EQ(adding ? db.add_tags(key(name), views).value() : db.remove_tags(key(name), views),
              changed);
  }
  void move_or_copy(size_t d) {
    const std::string from = any_key();
    const std::string to = any_key();
    const size_t target = draw(2);
    if (!live(d, from) || (from == to && target == d)) return;
    const LockedKeys all = locked();
    Keyspace db(all, d, now_ms_);
    Keyspace into(all, target, now_ms_);
    const bool moving = draw(2) == 0;
    if (moving) {
      db.move(key(from), into, key(to));
    } else {
      db.copy(key(from), into, key(to));
    }
    model_.databases[target][to] = model_.databases[d][from];
    if (moving) model_.databases[d].erase(from);
  }
  void delete_tags(size_t d) {
    const std::vector<std::string> given = any_tags();
    if (given.empty()) return;
    const Which which = draw(3) == 0 ? Which::kAll : Which::kAny;
    forget_dead(model_.databases[d]);
    const auto carried = [&](const auto& item) {
      const auto has = [&](const std::string& tag) { return item.second.tags.contains(tag); };
      return which == Which::kAll ? std::all_of(given.begin(), given.end(), has)
                                  : std::any_of(given.begin(), given.end(), has);
    };
    const size_t expected = std::erase_if(model_.databases[d], carried);
    EXPECT_EQ(remove({given.begin(), given.end()}, which, d), expected);
  }
  void expire_or_change(size_t d) {
    const std::string name = any_key();
    const LockedKeys all = locked();
    Keyspace db(all, d, now_ms_);
    const bool is_live = live(d, name);
    if (draw(2) == 0) {
      const int64_t at_ms = draw(2) == 0 ? kNoExpiry : now_ms_ + 1 + draw(300);
      EXPECT_EQ(db.set_expiry(key(name), at_ms), is_live);
      if (is_live) model_.databases[d][name].expire_at_ms = at_ms;
    } else if (is_live) {
      const size_t size = db.find(key(name))->string_bytes();
      db.grow_string(key(name), size + draw(3));
    }
  }
  // All that runs in the background, and what concerns whole databases.
  void upkeep() {
    switch (draw(6)) {
      case 0: {
        ExpirySweeper sweeper(store_, 0, 1);
        while (sweeper.step(now_ms_).more) {
        }
        break;
      }
      case 1:
        reap();
        break;
      case 2: {
        TagReaper reaper(store_, 0, 1);
        reaper.step();  // and no further
        break;
      }
      case 3: {
        const LockedKeys all = locked();
        store_.swap_databases(all, 0, 1);
        std::swap(model_.databases[0], model_.databases[1]);
        break;
      }
      case 4:
        if (draw(20) != 0) break;
        store_.detach(locked(), 1);
        model_.databases[1].clear();
        break;
      default:
        now_ms_ += draw(100);
        break;
    }
  }
  void compare(size_t d) {
    forget_dead(model_.databases[d]);
    std::map<std::string, std::multiset<std::string>> members;
    for (const auto& [name, item] : model_.databases[d]) {
      ASSERT_EQ(tags(name, d), item.tags) << name;
      for (const std::string& tag : item.tags) members[tag].insert(name);
    }
    for (int i = 0; i < 12; i++) {
      const std::string tag = "tag:" + std::to_string(i);
      EXPECT_EQ(count(tag, d), members[tag].size());
      EXPECT_EQ(scan(tag, d), members[tag]);
    }
    size_t seen = 0;
    KeyScanner scanner(store_, d);
    ScanBudget budget{1'000'000, 1'000'000'000};
    scanner.step(nullptr, now_ms_, budget, [&](const Entry& entry) {
      seen += model_.databases[d].contains(std::string(entry.key()));
    });
    EXPECT_EQ(seen, model_.databases[d].size());
    names_.clear();
  }

  std::mt19937 random_{42};
  Model model_;
};

TEST_F(TagsModelTest, AgreesWithAMapWhateverIsDone) {
  for (int step = 1; step <= kSteps && !HasFailure(); step++) {
    const size_t d = draw(4) == 0 ? 1 : 0;
    const uint32_t choice = draw(1000);
    if (choice < 600) {
      store_one(d);
    } else if (choice < 720) {
      change_tags(d);
    } else if (choice < 840) {
      move_or_copy(d);
    } else if (choice < 940) {
      expire_or_change(d);
    } else if (choice < 944) {
      delete_tags(d);
    } else {
      upkeep();
    }
    if (step % 30'000 != 0) continue;
    EXPECT_TRUE(recount());
    compare(0);
    compare(1);
    EXPECT_TRUE(recount());
  }
}

TEST_F(TagsTest, SurviveEviction) {
  store_.eviction().set_kind(EvictionKind::kAllkeysRandom, 0);
  for (int i = 0; i < 3000; i++) set("k" + std::to_string(i), {i % 3 == 0 ? "a" : "b"});
  remove({"a"});
  Evictor evictor(store_, 0);
  for (int i = 0; i < 1500; i++) evictor.evict(5, now_ms_);
  EXPECT_TRUE(recount());
  EXPECT_EQ(count("b"), store_.size(0).keys);
  EXPECT_EQ(scan("b").size(), store_.size(0).keys);
  while (evictor.evict(5, now_ms_).outcome != Evictor::Outcome::kNothing) {
  }
  EXPECT_EQ(doomed(), 0u);
  EXPECT_EQ(count("b"), 0u);
}

}  // namespace
}  // namespace larder::storage
