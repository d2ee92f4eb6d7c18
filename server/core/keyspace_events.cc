#include "server/core/keyspace_events.h"

#include <fmt/format.h>

#include <iterator>
#include <new>

#include "server/core/config.h"
#include "server/core/key_events.h"
#include "server/core/pubsub.h"
#include "storage/keyspace.h"

namespace larder::core {
namespace {

struct Letter {
  char letter;
  EventClass meaning;
};
// In the order in which they are shown.
constexpr Letter kLetters[] = {
    {'g', kEventGeneric}, {'$', kEventString},    {'l', kEventList},    {'s', kEventSet},
    {'h', kEventHash},    {'z', kEventSortedSet}, {'x', kEventExpired}, {'e', kEventEvicted},
    {'t', kEventStream},  {'d', kEventModule},    {'n', kEventCreated}, {'K', kToKeyspace},
    {'E', kToKeyevent},   {'m', kEventMissed},
};

// What the store tells of.
constexpr uint32_t kOfStore =
    kEventExpired | kEventEvicted | kEventCreated | kEventMissed | kEventHash | kEventGeneric;

}  // namespace

std::string read_event_classes(std::string_view letters, int64_t& classes) {
  uint32_t found = 0;
  for (const char c : letters) {
    uint32_t meaning = c == 'A' ? uint32_t{kEventAll} : 0;
    for (const Letter& known : kLetters) {
      if (known.letter == c) meaning = known.meaning;
    }
    if (meaning == 0) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
    found |= meaning;
  }
  classes = found;
  return "";
}

std::string event_classes_text(uint32_t classes) {
  const bool all = (classes & kEventAll) == kEventAll;
  // Redis does not show n beside A, though it is not part of it.
  if (all) classes &= ~static_cast<uint32_t>(kEventAll | kEventCreated);
  std::string text = all ? "A" : "";
  for (const Letter& known : kLetters) {
    if ((classes & known.meaning) != 0) text += known.letter;
  }
  return text;
}

KeyspaceEvents::KeyspaceEvents(Config& config, KeyEvents& events, PubSub& pubsub)
    : events_(events), pubsub_(pubsub) {
  events_.set_listener(KeyEvents::Listener::kNotifications, *this);
  const auto read = [&config] {
    return static_cast<uint32_t>(config.values.notify_event_classes.load());
  };
  follow(read());
  config.on_change("notify-keyspace-events", [this, read] {
    follow(read());
    return std::string();
  });
}

void KeyspaceEvents::follow(uint32_t classes) {
  if ((classes & (kToKeyspace | kToKeyevent)) == 0) classes = 0;
  classes_.store(classes, std::memory_order_relaxed);
  const bool hears = (classes & kOfStore) != 0;
  if (hears == hears_store_) return;
  hears_store_ = hears;
  if (hears) {
    events_.want(KeyEvents::Listener::kNotifications);
  } else {
    events_.unwant(KeyEvents::Listener::kNotifications);
  }
}

bool KeyspaceEvents::publish(EventClass kind, std::string_view event, size_t database,
                             const storage::Key& key) {
  const uint32_t classes = classes_.load(std::memory_order_relaxed);
  if ((classes & kind) == 0 || !pubsub_.has_subscribers()) return false;
  int64_t receivers = 0;
  // The change is made: who asked for it must not hear of a failure, and in the midst of the store
  // nobody could.
  try {
    fmt::memory_buffer channel;
    if ((classes & kToKeyspace) != 0) {
      fmt::format_to(std::back_inserter(channel), "__keyspace@{}__:{}", database, key.bytes);
      receivers += pubsub_.publish({channel.data(), channel.size()}, event);
    }
    if ((classes & kToKeyevent) != 0) {
      channel.clear();
      fmt::format_to(std::back_inserter(channel), "__keyevent@{}__:{}", database, event);
      receivers += pubsub_.publish({channel.data(), channel.size()}, key.bytes);
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  return receivers > 0;
}

bool KeyspaceEvents::is_missing(storage::Keyspace& db, const storage::Key& key) {
  return db.find(key, storage::Keyspace::Access::kPeek) == nullptr;
}

void KeyspaceEvents::notify_if_gone(storage::Keyspace& db, const storage::Key& key) {
  if (is_gone(db, key)) publish(kEventGeneric, "del", db.database(), key);
}

void KeyspaceEvents::changed(size_t database, const storage::Key& key, storage::KeyChange change) {
  switch (change) {
    case storage::KeyChange::kExpired:
      return notify(kEventExpired, "expired", database, key);
    case storage::KeyChange::kEvicted:
      return notify(kEventEvicted, "evicted", database, key);
    case storage::KeyChange::kFieldsExpired:
      notify(kEventHash, "hexpired", database, key);
      return notify(kEventGeneric, "del", database, key);
    case storage::KeyChange::kWritten:
    case storage::KeyChange::kRemoved:
      return;  // commands say what they did
  }
}

void KeyspaceEvents::created(size_t database, const storage::Key& key) {
  notify(kEventCreated, "new", database, key);
}

void KeyspaceEvents::missed(size_t database, const storage::Key& key) {
  notify(kEventMissed, "keymiss", database, key);
}

void KeyspaceEvents::fields_expired(size_t database, const storage::Key& key) {
  notify(kEventHash, "hexpired", database, key);
}

}  // namespace larder::core
