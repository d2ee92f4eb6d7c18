// What happens to keys, told to those parts of the server that want to know: commands that wait for
// a key (blocking.h), and whoever else watches keys.
//
// There is one observer of the store, this one, and it is registered only while somebody wants to
// hear something: a server in which nobody waits or watches pays one load for each change. Each
// listener has a counter of its own, so that the wish of one costs the others nothing.
//
// Locks: want() and unwant() take `mutex_`, under which nothing else is locked; they may be called
// under a lock of the store, and are by those who must not miss a change after it. What is wanted
// under the lock of a key's shard hears of every change of that key after it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "storage/observer.h"
#include "storage/store.h"

namespace larder::core {

class KeyEvents final : public storage::Observer {
 public:
  enum class Listener : uint8_t { kBlocking, kWatch, kTracking, kNotifications };
  static constexpr size_t kListeners = 4;

  explicit KeyEvents(storage::Store& store) : store_(store) {}
  ~KeyEvents() override { store_.set_observer(nullptr); }

  // Who hears for `which`; what storage::Observer says of calls holds for its functions. Once,
  // while there is one thread; `observer` must outlive this.
  void set_listener(Listener which, storage::Observer& observer) {
    slot(which).observer = &observer;
  }

  // One reason more, or less, for `which` to be told. Any thread. After the last unwant() a call
  // may still be under way on another thread.
  void want(Listener which);
  void unwant(Listener which);
  // How many reasons there are. Any thread.
  size_t wanted(Listener which) const {
    return slots_[static_cast<size_t>(which)].wanted.load(std::memory_order_relaxed);
  }

  // storage::Observer, for the store:
  void changed(size_t database, const storage::Key& key, storage::KeyChange change) override;
  void flushed(size_t database) override;
  void swapped(size_t database, size_t other) override;
  void created(size_t database, const storage::Key& key) override;
  void missed(size_t database, const storage::Key& key) override;
  void fields_expired(size_t database, const storage::Key& key) override;

 private:
  struct Slot {
    storage::Observer* observer = nullptr;  // constant once the server runs
    std::atomic<size_t> wanted{0};          // changed under mutex_, read by any thread
  };
  // Calls a function of each listener that wants to hear.
  template <typename Tell>
  void tell(Tell call) const {
    for (const Slot& slot : slots_) {
      if (slot.wanted.load(std::memory_order_relaxed) > 0) call(*slot.observer);
    }
  }
  Slot& slot(Listener which) { return slots_[static_cast<size_t>(which)]; }

  storage::Store& store_;
  std::array<Slot, kListeners> slots_;
  std::mutex mutex_;
  size_t reasons_ = 0;  // guarded by mutex_: of all listeners together
};

}  // namespace larder::core
