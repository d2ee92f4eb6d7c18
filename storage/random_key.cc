#include "storage/random_key.h"

#include <array>
#include <random>

#include "storage/keyspace.h"

namespace larder::storage {
namespace {

class Picker {
 public:
  Picker(Store& store, const LockedKeys* held, size_t database, int64_t now_ms, uint64_t random)
      : store_(store), held_(held), database_(database), now_ms_(now_ms), random_(random) {
    for (size_t i = 0; i < Store::kShards; i++) {
      store_.with_shard(held_, i, [&](const LockedKeys& locked) {
        sizes_[i] = store_.table(locked, i, database_).size();
      });
      total_ += sizes_[i];
    }
  }

  bool empty() const { return total_ == 0; }

  // Nullopt if the entry drawn was dead, and is gone now, or another thread emptied the shard.
  std::optional<std::string> draw() {
    std::optional<std::string> drawn;
    const size_t shard = draw_shard();
    store_.with_shard(held_, shard, [&](const LockedKeys& locked) {
      const Entry* entry = store_.table(locked, shard, database_).random_entry(random_());
      if (entry == nullptr) return;
      drawn = entry->key();
      if (Keyspace(locked, database_, now_ms_).find(store_.key(*drawn)) == nullptr) drawn.reset();
    });
    return drawn;
  }

 private:
  // Each shard by the number of its keys.
  size_t draw_shard() {
    size_t rank = random_() % total_;
    size_t shard = 0;
    while (rank >= sizes_[shard]) rank -= sizes_[shard++];
    return shard;
  }

  Store& store_;
  const LockedKeys* held_;
  const size_t database_;
  const int64_t now_ms_;
  std::mt19937_64 random_;  // seeded for each pick
  std::array<size_t, Store::kShards> sizes_;
  size_t total_ = 0;
};

}  // namespace

RandomKey pick_random_key(Store& store, const LockedKeys* held, size_t database, int64_t now_ms,
                          uint64_t random, size_t dead_max) {
  Picker picker(store, held, database, now_ms, random);
  if (picker.empty()) return {.key = std::nullopt, .empty = true};
  for (size_t i = 0; i < dead_max; i++) {
    if (std::optional<std::string> key = picker.draw()) return {.key = std::move(key)};
  }
  return {};
}

}  // namespace larder::storage
