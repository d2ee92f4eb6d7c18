#include "server/core/key_events.h"

#include <cassert>

namespace larder::core {

void KeyEvents::want(Listener which) {
  const std::lock_guard lock(mutex_);
  assert(slot(which).observer != nullptr);
  slot(which).wanted.fetch_add(1, std::memory_order_relaxed);
  if (reasons_++ == 0) store_.set_observer(this);
}

void KeyEvents::unwant(Listener which) {
  const std::lock_guard lock(mutex_);
  assert(slot(which).wanted.load(std::memory_order_relaxed) > 0);
  slot(which).wanted.fetch_sub(1, std::memory_order_relaxed);
  if (--reasons_ == 0) store_.set_observer(nullptr);
}

void KeyEvents::changed(size_t database, const storage::Key& key, storage::KeyChange change) {
  tell([&](storage::Observer& listener) { listener.changed(database, key, change); });
}

void KeyEvents::flushed(size_t database) {
  tell([&](storage::Observer& listener) { listener.flushed(database); });
}

void KeyEvents::swapped(size_t database, size_t other) {
  tell([&](storage::Observer& listener) { listener.swapped(database, other); });
}

void KeyEvents::created(size_t database, const storage::Key& key) {
  tell([&](storage::Observer& listener) { listener.created(database, key); });
}

void KeyEvents::missed(size_t database, const storage::Key& key) {
  tell([&](storage::Observer& listener) { listener.missed(database, key); });
}

void KeyEvents::fields_expired(size_t database, const storage::Key& key) {
  tell([&](storage::Observer& listener) { listener.fields_expired(database, key); });
}

}  // namespace larder::core
