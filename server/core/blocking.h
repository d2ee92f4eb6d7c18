// Clients that wait for keys (BLPOP and its like), and how what they wait for gets to them.
//
// A command that finds nothing leaves a Waiter here, under the lock that showed it so, and from
// then on every change of its keys is heard (storage::Observer). Who changed one serves its waiters
// once its command, transaction or script is done, before its next one: in the order in which they
// came, each by its command's second attempt, under the lock of that command's keys. The reply is
// left with the waiter, and the waiter's loop is told to look.
//
// Locks, in this order:
//   serving_   one thread serves at a time; waiters leave under it too, so that one that is being
//              served does not go away
//   the store's, of the waiter's keys
//   mutex_     the queues; taken by add() and changed() under the store's lock, too
// Clients' lock is taken under serving_ when the store's are released. No lock of the store may be
// held by who calls serve() or remove().
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "server/core/clients.h"
#include "server/core/key_events.h"
#include "server/core/waiting_command.h"
#include "storage/store.h"

namespace larder::core {

class Output;

// A command that waits. Owned by its continuation, on the client's loop; while it is in the
// register, what is not constant belongs to who holds `serving_`.
struct Waiter {
  uint64_t client = 0;
  RespVersion resp = RespVersion::k2;
  size_t database = 0;
  std::vector<std::string> key_bytes;
  std::vector<storage::Key> keys;  // views of key_bytes: all that the command locks
  size_t awaited = 0;              // it waits for so many of them, from the first on
  std::unique_ptr<WaitingCommand> command;

  uint64_t order = 0;  // of arrival; guarded by mutex_

  std::string reply;  // whole; or, if there is one, the error
  std::string error;
  // Set last by who served it, who from then on touches it no more: any thread may look.
  std::atomic<bool> served{false};
};

class Blocking final : public storage::Observer {
 public:
  Blocking(storage::Store& store, KeyEvents& events, Clients& clients);
  ~Blocking() override;

  // Under the lock of the waiter's keys that showed that it has to wait.
  void add(Waiter& waiter);
  // Nobody touches the waiter any more, unless it was served before: see Waiter::served.
  void remove(Waiter& waiter);

  // Whether this or another thread may have something to serve.
  bool any_ready() const { return ready_count_.load(std::memory_order_relaxed) > 0; }
  // Serves those who wait for keys that this thread has changed. Keys that a script holds for long
  // stay ready, for the next call.
  void serve(int64_t now_ms);
  // The waiter was served, but its client has gone: what was taken for it goes back to its key in
  // the next call of serve(), by whichever thread.
  void give_back(std::unique_ptr<Waiter> waiter);

  // How many keys are waited for. Any thread.
  size_t awaited_keys() const { return awaited_keys_.load(std::memory_order_relaxed); }

  // storage::Observer, for KeyEvents:
  void changed(size_t database, const storage::Key& key, storage::KeyChange change) override;
  void flushed(size_t /*database*/) override {}
  void swapped(size_t database, size_t other) override;

 private:
  // A key of a database, and the same as a view, for looking one up.
  struct PlaceView {
    size_t database;
    std::string_view key;
    storage::KeyHash hash;
  };
  struct Place {
    size_t database;
    std::string key;
    storage::KeyHash hash;
    operator PlaceView() const { return {database, key, hash}; }  // NOLINT: implicit by design
  };
  struct PlaceHash {
    using is_transparent = void;
    size_t operator()(const PlaceView& place) const { return place.hash + place.database; }
  };
  struct PlaceEqual {
    using is_transparent = void;
    bool operator()(const PlaceView& a, const PlaceView& b) const {
      return a.hash == b.hash && a.database == b.database && a.key == b.key;
    }
  };
  struct Queue {
    std::map<uint64_t, Waiter*> waiters;  // by their order
    std::thread::id ready_for;            // who noted last that the key has changed
  };
  struct Ready {
    std::thread::id thread;  // who is to serve it
    Place place;
  };
  using Queues = std::unordered_map<Place, Queue, PlaceHash, PlaceEqual>;

  // Says of most keys that nobody waits for them, without a lock.
  static constexpr size_t kFilterSize = 4096;
  std::atomic<uint32_t>& filter(storage::KeyHash hash) { return filter_[hash % kFilterSize]; }

  void note_ready(const Place& place, Queue& queue);
  void count_ready();
  bool serve_some(std::vector<Ready>& ready, int64_t now_ms);
  void give_back_all(int64_t now_ms);
  std::vector<Ready> take_ready();
  void serve_key(const Place& place, int64_t now_ms);
  Waiter* next_waiter(const Place& place, uint64_t after, const storage::ValueType* type);
  bool attempt(Waiter& waiter, storage::Keyspace& db);
  void dequeue(Waiter& waiter);

  storage::Store& store_;
  KeyEvents& events_;
  Clients& clients_;

  std::array<std::atomic<uint32_t>, kFilterSize> filter_{};  // changed under mutex_
  std::atomic<size_t> ready_count_{0};   // of ready_ and returned_; changed under mutex_
  std::atomic<size_t> awaited_keys_{0};  // of queues_; changed under mutex_

  std::mutex serving_;
  const std::unique_ptr<Output> output_;  // what it refers to is guarded by serving_

  std::mutex mutex_;
  Queues queues_;             // guarded by mutex_, like what follows; none is empty
  std::vector<Ready> ready_;  // in the order of the changes
  std::vector<std::unique_ptr<Waiter>> returned_;  // give_back() has to be tried again
  uint64_t next_order_ = 1;
};

}  // namespace larder::core
