// WATCH: which clients watch which keys, and whether any of their keys has changed.
//
// Exact: what counts is the database and the name of a key, and that it changed, was removed,
// flushed or swapped away, or has expired since. What changes nothing leaves no trace. The store
// tells of changes under the lock of the key's shard (key_events.h), and a key is watched under the
// same lock: so nothing is missed between looking at a key and watching it.
//
// The register has parts, each with a mutex, by the keys' hashes. Locks: shards, then one part;
// nothing is locked under that. A change of a key that nobody watches is found out by one load.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "storage/clock.h"
#include "storage/entry.h"
#include "storage/observer.h"

namespace larder::storage {
class Keyspace;
class Store;
}  // namespace larder::storage

namespace larder::core {

class Client;
class KeyEvents;

// One key that a client watches. All but what the register says is constant.
struct Watch {
  Client* client;
  storage::KeyHash hash;
  size_t database;
  std::string key;
  bool existed;  // when it was watched; as long as it is linked, it still does
  // The register's, guarded by the mutex of the key's part: others that watch keys of this hash.
  bool linked = false;
  Watch* previous = nullptr;
  Watch* next = nullptr;
};

// The watches of one client, for Watches alone. The client's loop.
struct WatchList {
  std::deque<Watch> watches;         // deque: the register points to them
  int64_t first_end_ms = INT64_MAX;  // when the first of them expires
};

class Watches final : public storage::Observer {
 public:
  // Asks `events` to be told as long as anybody watches. `store` and `clock` are looked at when
  // databases are swapped.
  Watches(storage::Store& store, const storage::Clock& clock, KeyEvents& events);

  // The client's loop, with the key's shard locked. Watching it again changes nothing.
  void watch(Client& client, storage::Keyspace& db, const storage::Key& key);
  // Ends all watches. True: one of the keys has changed, or expired by `now_ms`. The client's loop,
  // with any locks of shards or none.
  bool unwatch_all(Client& client, int64_t now_ms);

  // storage::Observer:
  void changed(size_t database, const storage::Key& key, storage::KeyChange change) override;
  void flushed(size_t database) override;
  void swapped(size_t database, size_t other) override;

 private:
  struct Part {
    std::mutex mutex;
    std::unordered_map<storage::KeyHash, Watch*> first;  // guarded by mutex: a list for each hash
  };
  static constexpr size_t kParts = 64;
  static constexpr size_t kFilterBits = 12;
  static constexpr size_t kFilterPlaces = size_t{1} << kFilterBits;

  static size_t place_of(storage::KeyHash hash) {
    return static_cast<size_t>(hash >> (64 - kFilterBits));
  }
  Part& part_of(storage::KeyHash hash) { return parts_[hash % kParts]; }
  void link(Part& part, Watch& watch);
  void unlink(Part& part, Watch& watch);
  void break_watch(Part& part, Watch& watch);
  template <typename Condition>
  void break_all(Condition condition);
  bool exists(const Watch& watch, int64_t now_ms);

  storage::Store& store_;
  const storage::Clock& clock_;
  KeyEvents& events_;
  // How many watches there are of keys with these leading bits of the hash.
  std::array<std::atomic<uint32_t>, kFilterPlaces> filter_{};
  std::array<Part, kParts> parts_;
};

}  // namespace larder::core
