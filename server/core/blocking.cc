#include "server/core/blocking.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "server/core/output.h"
#include "server/core/tracking.h"
#include "storage/keyspace.h"

namespace larder::core {

using storage::Key;
using storage::ValueType;

Blocking::Blocking(storage::Store& store, KeyEvents& events, Clients& clients)
    : store_(store), events_(events), clients_(clients), output_(std::make_unique<Output>()) {
  events_.set_listener(KeyEvents::Listener::kBlocking, *this);
}

Blocking::~Blocking() = default;

// --------------------------------------------------------------------------------------- Waiting

void Blocking::add(Waiter& waiter) {
  events_.want(KeyEvents::Listener::kBlocking);
  const std::lock_guard lock(mutex_);
  waiter.order = next_order_++;
  for (size_t i = 0; i < waiter.awaited; i++) {
    const Key& key = waiter.keys[i];
    auto queue = queues_.find(PlaceView{waiter.database, key.bytes, key.hash});
    if (queue == queues_.end()) {
      queue =
          queues_.emplace(Place{waiter.database, std::string(key.bytes), key.hash}, Queue{}).first;
      filter(key.hash).fetch_add(1, std::memory_order_relaxed);
    }
    queue->second.waiters.emplace(waiter.order, &waiter);
  }
  awaited_keys_.store(queues_.size(), std::memory_order_relaxed);
}

void Blocking::remove(Waiter& waiter) {
  if (waiter.served.load(std::memory_order_acquire)) return;
  const std::lock_guard serving(serving_);
  if (!waiter.served.load(std::memory_order_relaxed)) dequeue(waiter);
}

void Blocking::dequeue(Waiter& waiter) {
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < waiter.awaited; i++) {
      const Key& key = waiter.keys[i];
      const auto queue = queues_.find(PlaceView{waiter.database, key.bytes, key.hash});
      if (queue == queues_.end()) continue;  // a key that was named twice
      queue->second.waiters.erase(waiter.order);
      if (!queue->second.waiters.empty()) continue;
      queues_.erase(queue);
      filter(key.hash).fetch_sub(1, std::memory_order_relaxed);
    }
    awaited_keys_.store(queues_.size(), std::memory_order_relaxed);
  }
  events_.unwant(KeyEvents::Listener::kBlocking);
}

// --------------------------------------------------------------------------------------- Hearing

// Whoever waits for the key was in the filter before this thread got the lock of the key's shard.
void Blocking::changed(size_t database, const Key& key, storage::KeyChange change) {
  if (change != storage::KeyChange::kWritten) return;
  if (filter(key.hash).load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  const auto queue = queues_.find(PlaceView{database, key.bytes, key.hash});
  if (queue != queues_.end()) note_ready(queue->first, queue->second);
}

void Blocking::swapped(size_t database, size_t other) {
  const std::lock_guard lock(mutex_);
  for (auto& [place, queue] : queues_) {
    if (place.database == database || place.database == other) note_ready(place, queue);
  }
}

// Under mutex_.
void Blocking::note_ready(const Place& place, Queue& queue) {
  const std::thread::id self = std::this_thread::get_id();
  if (queue.ready_for == self) return;  // it stands there already
  queue.ready_for = self;
  ready_.push_back({self, place});
  count_ready();
}

// --------------------------------------------------------------------------------------- Serving

// Under mutex_.
void Blocking::count_ready() {
  ready_count_.store(ready_.size() + returned_.size(), std::memory_order_relaxed);
}

// To serve may make other keys ready: BLMOVE's target.
void Blocking::serve(int64_t now_ms) {
  Tracking::end_command();  // what follows is not the doing of who made keys ready
  give_back_all(now_ms);
  for (std::vector<Ready> ready = take_ready(); !ready.empty(); ready = take_ready()) {
    if (!serve_some(ready, now_ms)) break;
  }
  Tracking::end_command();
}

// False: a script holds keys for long, and what was not served is ready again.
bool Blocking::serve_some(std::vector<Ready>& ready, int64_t now_ms) {
  const std::lock_guard serving(serving_);
  for (size_t i = 0; i < ready.size(); i++) {
    try {
      serve_key(ready[i].place, now_ms);
    } catch (const storage::HeldForLong&) {
      const std::lock_guard lock(mutex_);
      for (; i < ready.size(); i++) {
        const auto queue = queues_.find(PlaceView(ready[i].place));
        if (queue != queues_.end()) note_ready(queue->first, queue->second);
      }
      return false;
    }
  }
  return true;
}

void Blocking::give_back(std::unique_ptr<Waiter> waiter) {
  const std::lock_guard lock(mutex_);
  returned_.push_back(std::move(waiter));
  count_ready();
}

void Blocking::give_back_all(int64_t now_ms) {
  std::vector<std::unique_ptr<Waiter>> returned;
  {
    const std::lock_guard lock(mutex_);
    returned.swap(returned_);
    count_ready();
  }
  for (std::unique_ptr<Waiter>& waiter : returned) {
    try {
      const storage::LockedKeys locked = store_.lock(waiter->keys);
      storage::Keyspace db(locked, waiter->database, now_ms);
      waiter->command->give_back(db, waiter->keys);
    } catch (const storage::HeldForLong&) {
      const std::lock_guard lock(mutex_);
      returned_.push_back(std::move(waiter));
      count_ready();
    }
  }
}

std::vector<Blocking::Ready> Blocking::take_ready() {
  const std::thread::id self = std::this_thread::get_id();
  std::vector<Ready> own;
  const std::lock_guard lock(mutex_);
  const auto others = std::stable_partition(ready_.begin(), ready_.end(),
                                            [&](const Ready& one) { return one.thread != self; });
  own.assign(std::make_move_iterator(others), std::make_move_iterator(ready_.end()));
  ready_.erase(others, ready_.end());
  count_ready();
  for (const Ready& one : own) {
    const auto queue = queues_.find(PlaceView(one.place));
    if (queue != queues_.end() && queue->second.ready_for == self) queue->second.ready_for = {};
  }
  return own;
}

void Blocking::serve_key(const Place& place, int64_t now_ms) {
  const Key key{place.key, place.hash};
  std::optional<ValueType> type;
  uint64_t last = 0;
  while (Waiter* waiter = next_waiter(place, last, type ? &*type : nullptr)) {
    {
      const storage::LockedKeys locked = store_.lock(waiter->keys);
      storage::Keyspace db(locked, place.database, now_ms);
      const storage::Entry* entry = db.find(key, storage::Keyspace::Access::kPeek);
      if (entry == nullptr) return;  // nothing is left for those behind
      if (entry->type() != type) {
        type = entry->type();
        last = 0;  // among those who were passed over may be some that want this type
        if (waiter->command->type() != *type) continue;
      }
      last = waiter->order;
      if (!attempt(*waiter, db)) continue;
    }
    dequeue(*waiter);
    const uint64_t client = waiter->client;
    waiter->served.store(true, std::memory_order_release);
    clients_.with(client, [](Client& who) { who.request_wake(); });
  }
}

// The first in the queue behind `after`, of those who want this type if one is given.
Waiter* Blocking::next_waiter(const Place& place, uint64_t after, const ValueType* type) {
  const std::lock_guard lock(mutex_);
  const auto queue = queues_.find(PlaceView(place));
  if (queue == queues_.end()) return nullptr;
  const auto& waiters = queue->second.waiters;
  for (auto at = waiters.upper_bound(after); at != waiters.end(); ++at) {
    if (type == nullptr || at->second->command->type() == *type) return at->second;
  }
  return nullptr;
}

bool Blocking::attempt(Waiter& waiter, storage::Keyspace& db) {
  constexpr size_t kOutputKeptBytes = 64 * 1024;
  output_->truncate(0);
  Reply reply = output_->reply(waiter.resp);
  Tracking::begin_command(waiter.client);
  if (!waiter.command->attempt(db, waiter.keys, reply)) return false;
  assert(output_->held(0, output_->size()).empty());
  if (reply.errors() > 0) {
    waiter.error = reply.last_error();
  } else {
    waiter.reply = output_->text();
  }
  output_->truncate(0);
  output_->shrink_to(kOutputKeptBytes);
  return true;
}

}  // namespace larder::core
