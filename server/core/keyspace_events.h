// Keyspace notifications: what happens to keys, published to whoever subscribes to
// `__keyspace@<db>__:<key>` (the message is the event's name) or `__keyevent@<db>__:<event>` (the
// message is the key), for the classes of events that the option notify-keyspace-events names.
//
// Handlers tell what they did, through Call::notify. What nobody commands is heard from the store:
// that keys expire, are evicted, created, and asked for in vain. All of it is published under the
// lock of the key's shard, so the events of one key come in the order in which they happened; like
// all messages, they are lost where there is no memory for them.
//
// Any thread. While the option is empty, an event costs one relaxed load.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/observer.h"

namespace larder::storage {
class Keyspace;
}

namespace larder::core {

class Config;
class KeyEvents;
class PubSub;

// The letters of notify-keyspace-events.
enum EventClass : uint32_t {
  kEventGeneric = 1u << 0,     // g
  kEventString = 1u << 1,      // $
  kEventList = 1u << 2,        // l
  kEventSet = 1u << 3,         // s
  kEventHash = 1u << 4,        // h
  kEventSortedSet = 1u << 5,   // z
  kEventExpired = 1u << 6,     // x
  kEventEvicted = 1u << 7,     // e
  kEventStream = 1u << 8,      // t: there are no streams
  kEventModule = 1u << 9,      // d: there are no modules
  kEventCreated = 1u << 10,    // n: not part of A, but not shown beside it
  kToKeyspace = 1u << 11,      // K: to channels named after keys
  kToKeyevent = 1u << 12,      // E: to channels named after events
  kEventMissed = 1u << 13,     // m
  kEventAll = (1u << 10) - 1,  // A
};

// Reads a set of classes from its letters; empty when done, else what is wrong. As text: in Redis'
// order.
std::string read_event_classes(std::string_view letters, int64_t& classes);
std::string event_classes_text(uint32_t classes);

constexpr std::string_view kEventClassesHelp =
    "What is published about keys. K: to __keyspace@<db>__:<key>, E: to "
    "__keyevent@<db>__:<event>.\n"
    "g: commands on all types, $: strings, l: lists, s: sets, h: hashes, z: sorted sets;\n"
    "x: expired, e: evicted; t, d: streams, modules (there are none); A: all these; n: new keys,\n"
    "m: keys that were read and are not there. Empty: nothing.";

class KeyspaceEvents final : public storage::Observer {
 public:
  // Follows the option in `config`, which must not be changed when this is gone.
  KeyspaceEvents(Config& config, KeyEvents& events, PubSub& pubsub);

  // Whether events of this class go to some channel.
  bool wants(EventClass kind) const {
    return (classes_.load(std::memory_order_relaxed) & kind) != 0;
  }
  bool any_wanted() const { return classes_.load(std::memory_order_relaxed) != 0; }
  // Publishes an event of a class that is wanted; true if somebody got it. The shard of the key is
  // locked.
  bool publish(EventClass kind, std::string_view event, size_t database, const storage::Key& key);

  // For commands that wait, which have no Call: the same as its functions of these names.
  void notify(EventClass kind, std::string_view event, size_t database, const storage::Key& key) {
    if (wants(kind)) publish(kind, event, database, key);
  }
  void notify_if_gone(storage::Keyspace& db, const storage::Key& key);
  // Whether the key is not there, and somebody might want to know.
  bool is_gone(storage::Keyspace& db, const storage::Key& key) const {
    return wants(kEventGeneric) && is_missing(db, key);
  }

  // storage::Observer, for KeyEvents:
  void changed(size_t database, const storage::Key& key, storage::KeyChange change) override;
  void flushed(size_t /*database*/) override {}
  void swapped(size_t /*database*/, size_t /*other*/) override {}
  void created(size_t database, const storage::Key& key) override;
  void missed(size_t database, const storage::Key& key) override;
  void fields_expired(size_t database, const storage::Key& key) override;

 private:
  // With the lock of Config, or while there is one thread.
  void follow(uint32_t classes);
  static bool is_missing(storage::Keyspace& db, const storage::Key& key);

  KeyEvents& events_;
  PubSub& pubsub_;
  std::atomic<uint32_t> classes_{0};  // nothing if neither kToKeyspace nor kToKeyevent is there
  bool hears_store_ = false;          // changed by follow() alone
};

}  // namespace larder::core
