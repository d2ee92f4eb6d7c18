// How pushes get to clients, on whichever loop they live: messages of channels, invalidations.
//
// Each worker has a PushQueue. Any thread adds to it, at any time, also under locks: adding takes
// only a mutex that nothing else is locked under, sends nothing, and runs none of the receivers'
// code. The worker's thread hands out what is there, in the order of adding, at the end of each
// turn and after each command of a client; from then on the push is in the client's own queue
// (Client::add_push), which keeps it behind the replies that are under way and in front of those
// that follow.
//
// So the pushes of one thread reach each client in the order in which they were added, and so do
// those of several threads if something else (a mutex, a reply that the second waited for) says
// which was first.
#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "server/core/push_text.h"

namespace larder::core {

class Client;
struct Subscribers;

// Whom a push is for, by the version of the protocol that they speak, and, in RESP2, by whether
// they have subscribed to something and so expect messages.
enum class PushAudience : uint8_t { kAll, kResp2, kResp3, kSubscribedResp2 };

struct Push {
  PushText text;
  std::shared_ptr<const Subscribers> subscribers;  // all of these, or if it is null
  uint64_t client = 0;                             // the one with this id
  PushAudience audience = PushAudience::kAll;
};

// The pushes for the clients of one worker.
class PushQueue {
 public:
  using FindClient = std::function<Client*(uint64_t id)>;

  // Before anything is added: how the worker finds its client with an id, null if there is none.
  void set_lookup(FindClient find) { find_ = std::move(find); }

  // Any thread. True: nothing was waiting before, so the worker must be told.
  bool add(Push push);
  // How many were ever added.
  uint64_t added() const;
  // So much waits, here or in the clients' queues, that whoever adds more should wait.
  bool behind() const {
    return waiting_.load(std::memory_order_relaxed) > kWaitingMax ||
           waiting_bytes_.load(std::memory_order_relaxed) +
                   unsent_bytes_.load(std::memory_order_relaxed) >
               kUnsentBytesMax;
  }

  // The worker's thread:
  bool waiting() const { return any_added() || given_ < taken_.size(); }
  // Hands out what is there, up to the push that was added as number `up_to`.
  void hand_out(uint64_t up_to = UINT64_MAX);
  // What its clients' own queues hold, all together.
  void note_unsent(size_t bytes) { unsent_bytes_.store(bytes, std::memory_order_relaxed); }

 private:
  static constexpr size_t kWaitingMax = 4096;
  static constexpr size_t kUnsentBytesMax = 4 * 1024 * 1024;

  bool any_added() const { return waiting_.load(std::memory_order_relaxed) != 0; }
  void take();
  void give(const Push& push) const;

  FindClient find_;

  // The worker's thread's:
  std::vector<Push> taken_;
  size_t given_ = 0;           // of taken_
  uint64_t taken_before_ = 0;  // pushes before the first of taken_

  // Written under mutex_.
  std::atomic<size_t> waiting_{0};
  std::atomic<size_t> waiting_bytes_{0};

  std::atomic<size_t> unsent_bytes_{0};
  mutable std::mutex mutex_;
  std::vector<Push> added_;   // guarded by mutex_
  uint64_t added_count_ = 0;  // guarded by mutex_
};

// The queues of all workers.
class Pushes {
 public:
  static constexpr size_t kWorkersMax = 128;

  explicit Pushes(size_t workers);

  // Before any thread runs: what makes a worker hand out soon. It is called from any thread,
  // perhaps under locks.
  void set_waker(std::function<void(size_t worker)> wake) { wake_ = std::move(wake); }

  PushQueue& queue(size_t worker) { return *queues_[worker]; }
  // Any thread, also under a shard's lock.
  void send(size_t worker, Push push);
  // Any thread: whether some worker is behind with handing out or sending.
  bool behind() const;

  // Makes the calling thread the one of that worker, which must then look at its queue, and call
  // wake_others(), at the end of each turn: nobody else is woken before, so that a batch of
  // commands wakes each other worker once, and none under a lock.
  void belong_to(size_t worker);
  void belong_to_none();
  // The worker that the calling thread belongs to, 0 if none.
  static size_t of_this_thread() { return own_ != nullptr ? own_->worker : 0; }
  // The worker's thread: wakes those that something was sent to.
  void wake_others();
  // The worker's thread, in the middle of a command, also under locks: where somebody is behind,
  // wakes the others and hands out what is for this worker. It may close clients that do not read.
  void relieve();

 private:
  struct Own {  // of a worker's thread
    size_t worker;
    bool any = false;
    std::bitset<kWorkersMax> to_wake;
  };
  static thread_local Own* own_;

  std::vector<std::unique_ptr<PushQueue>> queues_;
  std::vector<Own> owns_;
  std::function<void(size_t)> wake_;
};

}  // namespace larder::core
