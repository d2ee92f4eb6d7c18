// Tags under several threads: keys that are stored, renamed, copied and erased while tags are
// deleted and the dead are swept, reaped and evicted.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/expiry.h"
#include "storage/keyspace.h"
#include "storage/tag_deletion.h"
#include "storage/tag_reaper.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int kSteps = 20'000;

class TagsThreads : public ::testing::Test {
 protected:
  void change_keys(uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < kSteps; i++) {
      const std::string from_name = "key:" + std::to_string(random() % 300);
      const std::string to_name = "key:" + std::to_string(random() % 300);
      const std::array<Key, 2> keys{store_.key(from_name), store_.key(to_name)};
      const std::string tag = "tag:" + std::to_string(random() % 3);
      const std::array<std::string_view, 2> names{tag, "all"};
      const LockedKeys locked = store_.lock(keys);
      Keyspace db(locked, 0, kNow + i / 100);
      const int64_t expire_at_ms = random() % 4 == 0 ? db.now_ms() + random() % 20 + 1 : kNoExpiry;
      db.put_string(keys[0], "v", expire_at_ms, {.names = names});
      if (from_name == to_name) continue;
      if (random() % 3 == 0) {
        db.move(keys[0], db, keys[1]);
      } else if (random() % 3 == 0) {
        db.copy(keys[0], db, keys[1]);
      } else if (random() % 3 == 0) {
        db.erase(keys[1]);
      }
    }
  }
  void delete_tags() {
    for (int i = 0; i < kSteps / 200; i++) {
      const std::string tag = "tag:" + std::to_string(i % 3);
      const auto which = i % 5 == 0 ? TagDeletion::Which::kAll : TagDeletion::Which::kAny;
      const std::vector<std::string> names =
          i % 2 == 0 ? std::vector{tag} : std::vector<std::string>{tag, "all"};
      TagDeletion deletion(store_, 0, names, which);
      while (!deletion.finished()) deletion.step(nullptr, kNow, nullptr);
    }
  }
  void clean_up(size_t worker, const std::atomic<bool>& over) {
    TagReaper reaper(store_, worker, 2);
    ExpirySweeper sweeper(store_, worker, 2);
    while (!over) {
      reaper.step();
      sweeper.step(kNow + kSteps / 200);
    }
  }

  Store store_{{.databases = 2, .concurrent = true}};
};

TEST_F(TagsThreads, LeaveTheTablesRight) {
  std::atomic<bool> over{false};
  std::vector<std::thread> changing;
  for (uint32_t i = 0; i < 2; i++) changing.emplace_back([this, i] { change_keys(i); });
  changing.emplace_back([this] { delete_tags(); });
  std::vector<std::thread> cleaning;
  for (size_t i = 0; i < 2; i++) cleaning.emplace_back([this, i, &over] { clean_up(i, over); });
  for (std::thread& thread : changing) thread.join();
  over = true;
  for (std::thread& thread : cleaning) thread.join();
  size_t tagged = 0;
  for (size_t i = 0; i < Store::kShards; i++) {
    const LockedKeys shard = store_.lock_shard(i);
    const Table& table = store_.table(shard, i, 0);
    EXPECT_TRUE(table.recount());
    tagged += table.count_tagged("all", kNow);
  }
  EXPECT_EQ(tagged, store_.size(0).keys);
}

// What is renamed, copied and swapped past a deletion goes as well: behind it there is nothing
// left.
TEST_F(TagsThreads, NothingEscapesADeletion) {
  constexpr int kKeys = 200;
  constexpr int kRounds = 10;
  const std::array<std::string_view, 1> names{"t"};
  for (int round = 0; round < kRounds; round++) {
    for (int i = 0; i < kKeys; i++) {
      const std::string name = std::to_string(i);
      const Key key = store_.key(name);
      const LockedKeys locked = store_.lock(key);
      Keyspace(locked, 0, kNow).put_string(key, "v", kNoExpiry, {.names = names});
    }
    const auto which = round % 2 == 0 ? TagDeletion::Which::kAny : TagDeletion::Which::kAll;
    TagDeletion deletion(store_, 0, {"t", "t"}, which);
    std::atomic<bool> over{false};
    std::atomic<int> tries{0};
    std::thread renaming([&] {
      std::mt19937 random(static_cast<uint32_t>(round));
      size_t database = 0;  // where the keys are
      for (; !over; tries++) {
        if (random() % 32 == 0) {
          store_.swap_databases(store_.lock_all(), 0, 1);
          database = 1 - database;
        }
        const std::string from_name = std::to_string(random() % kKeys);
        const std::string to_name = std::to_string(random() % kKeys);
        const std::array<Key, 2> keys{store_.key(from_name), store_.key(to_name)};
        const LockedKeys locked = store_.lock(keys);
        Keyspace db(locked, database, kNow);
        if (from_name == to_name || db.find(keys[0]) == nullptr) continue;
        if (random() % 2 == 0) {
          db.move(keys[0], db, keys[1]);
        } else {
          db.copy(keys[0], db, keys[1]);
        }
      }
    });
    for (int step = 0; !deletion.finished(); step++) {
      deletion.step(nullptr, kNow, nullptr);
      // The other thread is to have its turns between the shards.
      if (step % 64 != 0) continue;
      for (const int seen = tries; tries < seen + 5;) std::this_thread::yield();
    }
    over = true;
    renaming.join();
    ASSERT_EQ(store_.size(0).keys + store_.size(1).keys, 0u) << round;
  }
}

}  // namespace
}  // namespace larder::storage
