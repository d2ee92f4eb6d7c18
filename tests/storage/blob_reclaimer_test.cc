// Large values that are deleted: who frees them, and when.
#include "storage/blob_reclaimer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "storage/keyspace.h"
#include "storage/store.h"

namespace larder::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr size_t kLarge = 2 * BlobReclaimer::kBytesMin;

void set(Store& store, const std::string& name, size_t bytes) {
  const Key key = store.key(name);
  const LockedKeys locked = store.lock(key);
  Keyspace(locked, 0, kNow).put_string(key, std::string(bytes, 'v'), kNoExpiry);
}

void erase(Store& store, const std::string& name) {
  const Key key = store.key(name);
  const LockedKeys locked = store.lock(key);
  ASSERT_TRUE(Keyspace(locked, 0, kNow).erase(key));
}

TEST(BlobReclaimer, DeletedLargeValueWaitsForTheReclaimer) {
  BlobReclaimer reclaimer;
  Store store({});
  set(store, "large", kLarge);
  EXPECT_EQ(BlobReclaimer::waiting_bytes(), 0u);
  erase(store, "large");
  EXPECT_GE(BlobReclaimer::waiting_bytes(), kLarge);
  EXPECT_TRUE(reclaimer.free_waiting());
  EXPECT_EQ(BlobReclaimer::waiting_bytes(), 0u);
  EXPECT_FALSE(reclaimer.free_waiting());
}

TEST(BlobReclaimer, OverwrittenLargeValueWaitsWhateverReplacesIt) {
  BlobReclaimer reclaimer;
  Store store({});
  for (const size_t next : {size_t{3}, size_t{2000}, kLarge}) {
    set(store, "key", kLarge);
    set(store, "key", next);
    EXPECT_GE(BlobReclaimer::waiting_bytes(), kLarge) << next;
    reclaimer.free_waiting();
    erase(store, "key");
    reclaimer.free_waiting();
  }
}

TEST(BlobReclaimer, SmallerValueIsFreedAtOnce) {
  BlobReclaimer reclaimer;
  Store store({});
  set(store, "key", BlobReclaimer::kBytesMin / 2);
  erase(store, "key");
  EXPECT_EQ(BlobReclaimer::waiting_bytes(), 0u);
}

TEST(BlobReclaimer, ValueThatIsStillBeingReadIsNotTaken) {
  BlobReclaimer reclaimer;
  Store store({});
  set(store, "key", kLarge);
  Blob* blob = nullptr;
  {
    const Key key = store.key("key");
    const LockedKeys locked = store.lock(key);
    blob = Keyspace(locked, 0, kNow).find(key)->blob();
    blob->retain();
  }
  erase(store, "key");
  EXPECT_EQ(BlobReclaimer::waiting_bytes(), 0u);
  EXPECT_EQ(blob->view(), std::string(kLarge, 'v'));
  blob->release();
  EXPECT_GE(BlobReclaimer::waiting_bytes(), kLarge);
}

TEST(BlobReclaimer, WithoutOneLargeValuesAreFreedByWhoDeletesThem) {
  Store store({});
  set(store, "key", kLarge);
  erase(store, "key");
  EXPECT_EQ(BlobReclaimer::waiting_bytes(), 0u);
}

TEST(BlobReclaimer, StoppedThreadLeavesNothingBehindThatWasDeletedBefore) {
  constexpr size_t kThreads = 3;
  constexpr size_t kValues = 20;
  BlobReclaimer reclaimer;
  Store store({});
  std::thread freeing([&] { reclaimer.run(); });
  std::vector<std::thread> deleting;
  for (size_t t = 0; t < kThreads; t++) {
    deleting.emplace_back([&store, t] {
      for (size_t i = 0; i < kValues; i++) {
        const std::string name = std::to_string(t) + ":" + std::to_string(i);
        set(store, name, kLarge);
        erase(store, name);
      }
    });
  }
  for (std::thread& thread : deleting) thread.join();
  reclaimer.stop();
  freeing.join();
  EXPECT_EQ(BlobReclaimer::waiting_bytes(), 0u);
}

}  // namespace
}  // namespace larder::storage
