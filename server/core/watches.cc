#include "server/core/watches.h"

#include <algorithm>

#include "server/core/client.h"
#include "server/core/key_events.h"
#include "storage/keyspace.h"

namespace larder::core {

Watches::Watches(storage::Store& store, const storage::Clock& clock, KeyEvents& events)
    : store_(store), clock_(clock), events_(events) {
  events.set_listener(KeyEvents::Listener::kWatch, *this);
}

// Under the part's mutex.
void Watches::link(Part& part, Watch& watch) {
  Watch*& first = part.first[watch.hash];
  watch.next = first;
  if (first != nullptr) first->previous = &watch;
  first = &watch;
  watch.linked = true;
  filter_[place_of(watch.hash)].fetch_add(1, std::memory_order_relaxed);
}

// Under the part's mutex.
void Watches::unlink(Part& part, Watch& watch) {
  if (watch.next != nullptr) watch.next->previous = watch.previous;
  if (watch.previous != nullptr) {
    watch.previous->next = watch.next;
  } else if (watch.next != nullptr) {
    part.first[watch.hash] = watch.next;
  } else {
    part.first.erase(watch.hash);
  }
  watch.previous = watch.next = nullptr;
  watch.linked = false;
  filter_[place_of(watch.hash)].fetch_sub(1, std::memory_order_relaxed);
}

// Under the part's mutex. The client need not hear of this key again.
void Watches::break_watch(Part& part, Watch& watch) {
  watch.client->set_watch_broken(true);
  unlink(part, watch);
}

void Watches::watch(Client& client, storage::Keyspace& db, const storage::Key& key) {
  const storage::Entry* entry = db.find(key, storage::Keyspace::Access::kPeek);
  WatchList* list = client.watch_list();
  if (list == nullptr) {
    client.set_watch_list(std::make_unique<WatchList>());
    list = client.watch_list();
    events_.want(KeyEvents::Listener::kWatch);
  }
  Part& part = part_of(key.hash);
  const std::lock_guard lock(part.mutex);
  const auto found = part.first.find(key.hash);
  Watch* same = found != part.first.end() ? found->second : nullptr;
  while (same != nullptr &&
         (same->client != &client || same->database != db.database() || same->key != key.bytes)) {
    same = same->next;
  }
  if (same != nullptr) return;
  Watch& added = list->watches.emplace_back(
      Watch{&client, key.hash, db.database(), std::string(key.bytes), entry != nullptr});
  link(part, added);
  if (entry != nullptr && entry->has_expiry()) {
    list->first_end_ms = std::min(list->first_end_ms, entry->expire_at_ms());
  }
  client.note_watched_bytes(client.watched_bytes() + sizeof(Watch) + added.key.capacity());
}

bool Watches::unwatch_all(Client& client, int64_t now_ms) {
  const std::unique_ptr<WatchList> list = client.take_watch_list();
  if (list == nullptr) return false;
  for (Watch& watch : list->watches) {
    Part& part = part_of(watch.hash);
    const std::lock_guard lock(part.mutex);
    if (watch.linked) unlink(part, watch);
  }
  events_.unwant(KeyEvents::Listener::kWatch);
  client.note_watched_bytes(0);
  const bool broken = client.watch_broken() || list->first_end_ms <= now_ms;
  client.set_watch_broken(false);
  return broken;
}

// That a key is removed which had expired when it was watched is no change: nobody could see it.
void Watches::changed(size_t database, const storage::Key& key, storage::KeyChange change) {
  if (filter_[place_of(key.hash)].load(std::memory_order_relaxed) == 0) return;
  const bool expired =
      change == storage::KeyChange::kExpired || change == storage::KeyChange::kFieldsExpired;
  Part& part = part_of(key.hash);
  const std::lock_guard lock(part.mutex);
  const auto found = part.first.find(key.hash);
  Watch* watch = found != part.first.end() ? found->second : nullptr;
  while (watch != nullptr) {
    Watch* next = watch->next;
    const bool meant = watch->database == database && watch->key == key.bytes;
    if (meant && (watch->existed || !expired)) {
      break_watch(part, *watch);
    }
    watch = next;
  }
}

// All shards are locked.
template <typename Condition>
void Watches::break_all(Condition condition) {
  for (Part& part : parts_) {
    const std::lock_guard lock(part.mutex);
    for (auto at = part.first.begin(); at != part.first.end();) {
      Watch* watch = (at++)->second;  // breaking the last one of a list removes it from the map
      while (watch != nullptr) {
        Watch* next = watch->next;
        if (condition(*watch)) break_watch(part, *watch);
        watch = next;
      }
    }
  }
}

void Watches::flushed(size_t database) {
  break_all([&](const Watch& watch) { return watch.existed && watch.database == database; });
}

// A key that is in neither database has not changed, nor has one that is there but has expired.
void Watches::swapped(size_t database, size_t other) {
  const int64_t now_ms = clock_.now_ms();
  break_all([&](const Watch& watch) {
    if (watch.database != database && watch.database != other) return false;
    return watch.existed || exists(watch, now_ms);
  });
}

// All shards are locked.
bool Watches::exists(const Watch& watch, int64_t now_ms) {
  storage::Table& table = store_.shard(storage::Store::shard_of(watch.hash)).table(watch.database);
  const storage::Slot slot = table.find({watch.key, watch.hash});
  return slot && !table.dead(*slot.entry(), now_ms);
}

}  // namespace larder::core
