// Statistics by prefix: finding the prefix of a key, keeping rows, and counting what was there
// before a row.
#include "storage/prefix_stats.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/expiry.h"
#include "storage/keyspace.h"
#include "storage/prefix_walk.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

TEST(KeyPrefix, IsWhatStandsBeforeTheFirstSeparator) {
  const auto name = [](std::string_view key, char separator = ':') {
    const KeyPrefix prefix = find_prefix(key, separator, 7);
    return prefix.found ? std::string(prefix.name) : "(none)";
  };
  EXPECT_EQ(name("user:1:name"), "user");
  EXPECT_EQ(name("user"), "(none)");
  EXPECT_EQ(name(""), "(none)");
  EXPECT_EQ(name(":"), "");
  EXPECT_EQ(name(std::string("ab\0c", 4), '\0'), "ab");
  EXPECT_EQ(name("ab", '\0'), "(none)");
  EXPECT_EQ(name("p\xc3\xa4th/x", '/'), "p\xc3\xa4th");
}

TEST(KeyPrefix, OfAnyLengthUpToTheLimitAndItsHashDependsOnItAlone) {
  for (size_t size = 0; size <= kPrefixBytesMax + 2; size++) {
    const std::string name(size, 'n');
    const KeyPrefix alone = find_prefix(name + ":", ':', 7);
    ASSERT_EQ(alone.found, size <= kPrefixBytesMax) << size;
    for (size_t more = 0; more < 20; more++) {
      const std::string key = name + ":" + std::string(more, ':');
      const KeyPrefix prefix = find_prefix(key, ':', 7);
      ASSERT_EQ(prefix.found, alone.found);
      ASSERT_EQ(prefix.hash, alone.hash) << size << " " << more;
      if (prefix.found) {
        ASSERT_EQ(prefix.name, name);
      }
    }
  }
  EXPECT_NE(find_prefix("a:", ':', 7).hash, find_prefix("b:", ':', 7).hash);
  EXPECT_NE(find_prefix("a:", ':', 7).hash, find_prefix("a:", ':', 8).hash);
}

TEST(KeyPrefix, AgreesWithASearchByteByByte) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; i++) {
    std::string key(random() % 80, ' ');
    // Bytes that differ from the separator in few bits.
    for (char& c : key) c = "\x39\x3a\x3b\xba\x01\x00z"[random() % 20 == 0 ? 1 : random() % 7];
    for (char& c : key) c = c == ':' && random() % 4 != 0 ? 'x' : c;
    const size_t at = key.find(':');
    const KeyPrefix prefix = find_prefix(key, ':', 7);
    ASSERT_EQ(prefix.found, at <= kPrefixBytesMax);
    if (prefix.found) {
      ASSERT_EQ(prefix.name, key.substr(0, at));
    }
  }
}

TEST(PrefixSketch, KnowsTheBusyAmongMany) {
  PrefixSketch sketch;
  const auto add = [&](const std::string& name) {
    const std::string key = name + ":";
    sketch.add(0, find_prefix(key, ':', 7));
  };
  for (int i = 0; i < 10'000; i++) {
    add("rare" + std::to_string(i));
    if (i % 10 == 0) add("busy");
  }
  ASSERT_NE(sketch.busiest(), nullptr);
  const auto least = sketch.busiest()->count;
  EXPECT_GE(least, 10'000 / PrefixSketch::kNamesMax);
  sketch.clear();
  for (int i = 0; i < 1000; i++) {
    add("rare" + std::to_string(i));
    add("busy");
  }
  EXPECT_EQ(sketch.busiest()->text, "busy");
  sketch.remove(*sketch.busiest());
  EXPECT_NE(sketch.busiest()->text, "busy");
  for (int i = 0; i < 64; i++) sketch.decay();
  EXPECT_EQ(sketch.busiest(), nullptr);
}

class PrefixStatsTest : public ::testing::Test {
 protected:
  static constexpr size_t kRows = 3;
  PrefixStatsTest() { prefixes().configure(':', kRows, true); }

  PrefixStats& prefixes() { return store_.prefixes; }
  void set(const std::string& name, size_t database = 0, size_t bytes = 1) {
    const Key key = store_.key(name);
    const LockedKeys locked = store_.lock(key);
    Keyspace(locked, database, now_ms_).put_string(key, std::string(bytes, 'v'), kNoExpiry);
  }
  void read(const std::string& name, int times = 1, size_t database = 0) {
    const Key key = store_.key(name);
    const LockedKeys locked = store_.lock(key);
    for (int i = 0; i < times; i++) Keyspace(locked, database, now_ms_).read(key);
  }
  bool erase(const std::string& name, size_t database = 0) {
    const Key key = store_.key(name);
    const LockedKeys locked = store_.lock(key);
    return Keyspace(locked, database, now_ms_).erase(key);
  }
  // Whether rows were exchanged in the turn that is due.
  bool turn() {
    now_ms_ += PrefixStats::kTurnMs;
    if (!prefixes().turn(now_ms_)) return false;
    const LockedKeys all = store_.lock_all();
    prefixes().exchange();
    return prefixes().walking();
  }
  void walk() {
    PrefixWalker walker(store_);
    while (walker.step()) {
    }
  }
  std::map<std::string, PrefixCounts> report() {
    std::map<std::string, PrefixCounts> by_name;
    for (const auto& [name, counts] : prefixes().report()) by_name[name] = counts;
    return by_name;
  }
  int64_t count(const std::string& name, PrefixCount which) {
    return report().at(name)[static_cast<size_t>(which)];
  }
  int64_t keys(const std::string& name) { return count(name, PrefixCount::kKeys); }
  bool recount() { return recount_prefixes(store_, store_.lock_all()); }

  Store store_{{.databases = 2, .hash_seed = 5, .concurrent = true}};
  int64_t now_ms_ = kNow;
};

TEST_F(PrefixStatsTest, APrefixIsKeptFromItsFirstKeyOn) {
  read("user:1");
  EXPECT_TRUE(report().empty());
  set("user:1");
  set("user:2", 0, 2000);
  set("user:2");
  set("nothing");
  read("user:1", 3);
  read("user:9");
  EXPECT_EQ(report().size(), 1u);
  EXPECT_EQ(keys("user"), 2);
  EXPECT_EQ(count("user", PrefixCount::kSets), 3);
  EXPECT_EQ(count("user", PrefixCount::kHits), 3);
  EXPECT_EQ(count("user", PrefixCount::kMisses), 1);
  erase("user:1");
  EXPECT_EQ(keys("user"), 1);
  EXPECT_EQ(count("user", PrefixCount::kDeletes), 1);
  EXPECT_TRUE(recount());
}

TEST_F(PrefixStatsTest, DatabasesAreAddedUp) {
  set("a:1", 0);
  set("a:1", 1);
  set("b:1", 1);
  EXPECT_EQ(keys("a"), 2);
  {
    const LockedKeys all = store_.lock_all();
    store_.detach(all, 0);
  }
  EXPECT_EQ(keys("a"), 1);
  EXPECT_EQ(keys("b"), 1);
  {
    const LockedKeys all = store_.lock_all();
    store_.swap_databases(all, 0, 1);
  }
  EXPECT_TRUE(recount());
  EXPECT_TRUE(erase("a:1", 0));
  EXPECT_EQ(keys("a"), 0);
  EXPECT_TRUE(recount());
}

TEST_F(PrefixStatsTest, TheBusierGetsTheRowOfTheLeastBusy) {
  for (const char* name : {"a:1", "b:1", "c:1", "late:1", "late:2"}) set(name);
  EXPECT_EQ(report().size(), kRows);
  read("a:1", 100);
  read("b:1", 100);
  read("late:1", 1000);
  EXPECT_TRUE(turn());
  EXPECT_EQ(report().size(), kRows - 1);  // one of them is being counted
  EXPECT_FALSE(report().contains("c"));
  set("late:3");
  set("c:2");
  EXPECT_TRUE(recount());
  walk();
  EXPECT_EQ(keys("late"), 3);
  read("late:1");
  EXPECT_EQ(count("late", PrefixCount::kHits), 1);  // what was before its row is not known
  EXPECT_TRUE(recount());
}

TEST_F(PrefixStatsTest, WhoIsAsBusyStaysAndAnIdleTurnChangesNothing) {
  for (const char* name : {"a:1", "b:1", "c:1", "late:1"}) set(name);
  for (int i = 0; i < 1000; i++) {
    for (const char* name : {"a:1", "b:1", "c:1", "late:1"}) read(name);
  }
  EXPECT_FALSE(turn());
  EXPECT_FALSE(turn());
  EXPECT_TRUE(report().contains("c"));
}

TEST_F(PrefixStatsTest, AnotherSeparatorCountsAnewAndNoneCountsNothing) {
  for (int i = 0; i < 500; i++) set("a:b/" + std::to_string(i), i % 2 == 0 ? 0 : 1);
  prefixes().configure('/', kRows, false);
  EXPECT_TRUE(report().empty());
  set("a:b/late");
  set("c/1");
  walk();
  EXPECT_EQ(keys("a:b"), 501);
  EXPECT_EQ(keys("c"), 1);
  EXPECT_TRUE(recount());
  prefixes().configure(PrefixStats::kOff, kRows, false);
  EXPECT_TRUE(report().empty());
  erase("c/1");
  prefixes().configure('/', kRows, false);
  walk();
  EXPECT_EQ(report().size(), 1u);
  EXPECT_TRUE(prefixes().complete());
}

TEST_F(PrefixStatsTest, RowsMayBecomeFewerAndMore) {
  for (const char* name : {"a:1", "b:1", "c:1"}) set(name);
  read("b:1", 50);
  turn();
  prefixes().configure(':', 1, false);
  EXPECT_EQ(report().size(), 1u);
  EXPECT_EQ(keys("b"), 1);
  set("b:2");
  prefixes().configure(':', 200, false);
  EXPECT_EQ(keys("b"), 2);
  set("d:1");
  EXPECT_FALSE(turn());  // a walk looks for those that were refused a row
  walk();
  for (const char* name : {"a", "c", "d"}) EXPECT_EQ(keys(name), 1) << name;
  EXPECT_TRUE(prefixes().complete());
  EXPECT_TRUE(recount());
}

TEST_F(PrefixStatsTest, WalksRestLongerThanTheyTake) {
  prefixes().configure(':', 1, true);
  set("a:1");
  set("b:1");
  const auto busier = [&](const std::string& name) {
    for (int i = 0; i < 10; i++) read(name, 1000);
    return turn();
  };
  EXPECT_TRUE(busier("b:1"));
  EXPECT_FALSE(busier("a:1"));  // the walk took all of a turn
  walk();
  for (int i = 0; i < 10; i++) EXPECT_FALSE(busier("a:1")) << i;
  bool at_last = false;
  for (int i = 0; i < 10; i++) at_last |= busier("a:1");
  EXPECT_TRUE(at_last);
}

TEST_F(PrefixStatsTest, AResetKeepsKeysAndBytes) {
  set("a:1");
  read("a:1", 5);
  {
    const LockedKeys all = store_.lock_all();
    prefixes().reset();
  }
  EXPECT_EQ(count("a", PrefixCount::kHits), 0);
  EXPECT_EQ(count("a", PrefixCount::kSets), 0);
  EXPECT_EQ(keys("a"), 1);
  EXPECT_TRUE(recount());
}

// Keys of two shards, so that their tables have many segments and the walk stops inside them.
class PrefixWalkTest : public PrefixStatsTest {
 protected:
  static constexpr size_t kNames = 6000;
  PrefixWalkTest() {
    for (size_t i = 0; names_.size() < kNames; i++) {
      std::string name = "p" + std::to_string(i % 7) + ":" + std::to_string(i);
      const size_t shard = Store::shard_of(store_.key(name).hash);
      if (shard == 5 || shard == 900) names_.push_back(std::move(name));
    }
  }
  size_t draw(size_t n) { return random_() % n; }
  const std::string& any() { return names_[draw(kNames)]; }
  void change_some() {
    for (size_t i = draw(200); i > 0; i--) {
      const size_t database = draw(2);
      switch (draw(4)) {
        case 0:
          erase(any(), database);
          break;
        case 1:
          read(any(), 1, database);
          break;
        default:
          set(any(), database, draw(60));
          break;
      }
    }
  }
  void disturb() {
    const LockedKeys all = store_.lock_all();
    switch (draw(40)) {
      case 0:
        store_.detach(all, draw(2));
        break;
      case 1:
      case 2:
        store_.swap_databases(all, 0, 1);
        break;
      case 3:
        prefixes().configure(draw(3) == 0 ? PrefixStats::kOff : ':', 1 + draw(8), false);
        break;
      case 4:
        prefixes().configure(draw(2) == 0 ? '1' : ':', kRows, false);
        break;
      default:
        break;
    }
  }

  std::vector<std::string> names_;
  std::mt19937 random_{11};
};

TEST_F(PrefixWalkTest, CountsExactlyWhateverChangesMeanwhile) {
  PrefixWalker walker(store_);
  size_t walks = 0;
  for (int round = 0; round < 4000; round++) {
    change_some();
    if (draw(3) == 0) disturb();
    // What nobody keeps becomes busy, so that there is something to exchange.
    read("p" + std::to_string(draw(7)) + ":1", 200);
    if (!prefixes().walking()) now_ms_ += 1'000'000'000;  // it has rested long enough
    if (draw(4) == 0) walks += turn();
    walker.step();
    if (round % 20 == 0 || prefixes().walking()) {
      ASSERT_TRUE(recount()) << round;
    }
  }
  EXPECT_GT(walks, 50u);
  walk();
  EXPECT_TRUE(recount());
}

TEST_F(PrefixStatsTest, ThreadsCountTogether) {
  constexpr int kThreads = 4;
  constexpr int kSteps = 5000;
  std::vector<std::thread> threads;
  std::atomic<int> running{kThreads};
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([this, t, &running] {
      std::mt19937 random(static_cast<uint32_t>(t));
      for (int i = 0; i < kSteps; i++) {
        const std::string name = "p" + std::to_string(random() % (i % 100 < 50 ? 3 : 6)) + ":" +
                                 std::to_string(random() % 100);
        const uint32_t choice = random() % 4;
        if (choice == 0) {
          erase(name, random() % 2);
        } else if (choice == 1) {
          read(name, 20);
        } else {
          set(name, random() % 2, random() % 50);
        }
      }
      running--;
    });
  }
  PrefixWalker walker(store_);
  for (int64_t round = 0; running > 0; round++) {
    walker.step();
    if (prefixes().turn(now_ms_ + round * PrefixStats::kTurnMs)) {
      const LockedKeys all = store_.lock_all();
      prefixes().exchange();
    }
    if (round % 7 == 0) {
      const LockedKeys all = store_.lock_all();
      store_.swap_databases(all, 0, 1);
    }
    if (round % 50 == 0) {
      const LockedKeys all = store_.lock_all();
      prefixes().configure(round % 100 == 0 ? ':' : '1', 2 + static_cast<size_t>(round) % 9, false);
    }
    prefixes().report();
  }
  for (std::thread& thread : threads) thread.join();
  walk();
  EXPECT_TRUE(recount());
}

}  // namespace
}  // namespace larder::storage
