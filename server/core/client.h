// One connection as commands see it. Sessions (server/core/session.h) are the real ones; tests in
// process have their own.
//
// Members stand by what protects them. A client belongs to one loop; other threads may look at it
// only under the lock of Clients, and then only at what is constant, atomic or guarded by that
// lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/core/reply.h"
#include "server/core/subscriptions.h"
#include "server/core/transaction.h"

namespace larder::storage {
class Blob;
}

namespace larder::core {

struct CommandRow;
struct PushText;
struct Tracker;
struct WatchList;

class Client {
 public:
  enum Flag : uint32_t {
    kAuthenticated = 1u << 0,
    kMonitor = 1u << 1,
    kBlocked = 1u << 2,  // waits inside a command, or held by CLIENT PAUSE
    kUnixSocket = 1u << 3,
    kNoEvict = 1u << 4,
    kNoTouch = 1u << 5,
    kCloseAfterReply = 1u << 6,
    kReplyOff = 1u << 7,       // CLIENT REPLY OFF
    kReplySkipNext = 1u << 8,  // CLIENT REPLY SKIP was just said
    kReplySkip = 1u << 9,      // the command being run gets no reply
    kHeld = 1u << 10,          // by CLIENT PAUSE
    kSubscribed = 1u << 11,    // to a channel or pattern: kept by PubSub
    kPublished = 1u << 12,     // a command of this turn had receivers
    kMulti = 1u << 13,         // between MULTI and what ends it
    kTracksReads = 1u << 14,   // CLIENT TRACKING without BCAST: kept by Tracking
    kCaching = 1u << 15,       // CLIENT CACHING was said, for the next command or transaction
  };

  struct Address {
    std::string peer;  // "127.0.0.1:50123", "[::1]:50123" or "/path/socket:0"
    std::string local;
    int descriptor = -1;
  };

  // `worker`: the index of the one that serves it.
  Client(uint64_t id, size_t worker, Address address, int64_t now_ms);
  virtual ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Constant after construction: any thread.
  uint64_t id() const { return id_; }
  size_t worker() const { return worker_; }
  const Address& address() const { return address_; }
  int64_t created_ms() const { return created_ms_; }

  // Changed by the client's loop, read by any thread.
  size_t database() const { return database_.load(std::memory_order_relaxed); }
  void set_database(size_t index) { database_.store(index, std::memory_order_relaxed); }
  RespVersion resp() const { return resp_.load(std::memory_order_relaxed); }
  void set_resp(RespVersion version) { resp_.store(version, std::memory_order_relaxed); }
  bool has(Flag flag) const { return (flags_.load(std::memory_order_relaxed) & flag) != 0; }
  // Whether it is in none of the modes in which requests are treated in ways of their own.
  bool ordinary() const {
    constexpr uint32_t kModes =
        kMonitor | kReplyOff | kReplySkipNext | kReplySkip | kSubscribed | kMulti | kCaching;
    return (flags_.load(std::memory_order_relaxed) & kModes) == 0;
  }
  void set(Flag flag, bool on = true) {
    const uint32_t flags = flags_.load(std::memory_order_relaxed);
    flags_.store(on ? flags | flag : flags & ~flag, std::memory_order_relaxed);
  }
  // Another client ended this one: none of its requests is begun any more. Any thread.
  bool killed() const { return killed_.load(std::memory_order_acquire); }
  int64_t active_ms() const { return active_ms_.load(std::memory_order_relaxed); }
  const CommandRow* last_command() const { return last_command_.load(std::memory_order_relaxed); }
  void note_command(const CommandRow* row, int64_t now_ms) {
    last_command_.store(row, std::memory_order_relaxed);
    note_active(now_ms);
  }
  void note_active(int64_t now_ms) { active_ms_.store(now_ms, std::memory_order_relaxed); }
  // How many channels, patterns or shard channels it is subscribed to.
  size_t subscription_count(TopicKind kind) const {
    return subscription_counts_[static_cast<size_t>(kind)].load(std::memory_order_relaxed);
  }
  void note_subscriptions();
  // A key that it watches has changed: any thread that Watches lets.
  bool watch_broken() const { return watch_broken_.load(std::memory_order_relaxed); }
  void set_watch_broken(bool broken) { watch_broken_.store(broken, std::memory_order_relaxed); }
  size_t watched_bytes() const { return watched_bytes_.load(std::memory_order_relaxed); }
  void note_watched_bytes(size_t bytes) { watched_bytes_.store(bytes, std::memory_order_relaxed); }
  // What it keeps of requests: queued commands and watched keys. Counts as input not yet run.
  size_t kept_bytes() const { return transaction_.memory_bytes() + watched_bytes(); }
  const Transaction& transaction() const { return transaction_; }
  // What it said by CLIENT TRACKING; null if it never did. Any thread, under the lock of Clients.
  Tracker* tracker() const { return tracker_.load(std::memory_order_acquire); }

  // What it says of itself, null if nothing. Guarded by the lock of Clients: use
  // Clients::set_name() and its like.
  struct Names {
    std::string name;
    std::string library_name;
    std::string library_version;
  };
  std::unique_ptr<Names> names;

  // What the connection holds, in bytes. Any thread, under the lock of Clients.
  struct Buffers {
    size_t query_bytes = 0;
    size_t query_free_bytes = 0;
    size_t output_bytes = 0;
    size_t total_bytes = 0;
  };
  virtual Buffers buffers() const = 0;

  // Asks the client's loop to close the connection; returns at once, killed() by then. Any thread,
  // under the lock of Clients.
  virtual void request_close() = 0;
  // Asks the client's loop to wake a blocked command. Any thread, under the lock of Clients.
  virtual void request_unblock(bool with_error) = 0;
  // Asks the client's loop to resume a waiting command. Any thread, under the lock of Clients.
  virtual void request_wake() = 0;

  // The blob that an argument of the request being run was received into, null if it was not:
  // whoever wants to keep the argument can share it. The client's loop.
  virtual storage::Blob* blob_of(std::string_view /*argument*/) { return nullptr; }

  // What it is subscribed to, for PubSub alone; null if it never was. The client's loop.
  Subscriptions* subscriptions() { return subscriptions_.get(); }
  void set_subscriptions(std::unique_ptr<Subscriptions> own) { subscriptions_ = std::move(own); }
  std::unique_ptr<Subscriptions> take_subscriptions() { return std::move(subscriptions_); }

  // What it has queued. The client's loop.
  Transaction& transaction() { return transaction_; }
  void end_transaction() {
    transaction_.end();
    set(kMulti, false);
  }

  // What it watches, for Watches alone; null if nothing. The client's loop.
  WatchList* watch_list() { return watch_list_.get(); }
  void set_watch_list(std::unique_ptr<WatchList> own);
  std::unique_ptr<WatchList> take_watch_list();

  // The same for Tracking, which makes it once. The client's loop.
  const std::shared_ptr<Tracker>& shared_tracker() const { return own_tracker_; }
  void set_tracker(std::shared_ptr<Tracker> own) {
    own_tracker_ = std::move(own);
    tracker_.store(own_tracker_.get(), std::memory_order_release);
  }

  // Sends the text when no reply is under way; takes a reference to it. For PushQueue, on the
  // client's loop; subscribes and destroys nobody.
  virtual void add_push(const PushText& text) = 0;
  // Puts the pushes that wait into the output of the command being run, where it is now: only
  // between whole replies. The client's loop.
  virtual void write_pushes() = 0;

 protected:
  void set_killed() { killed_.store(true, std::memory_order_release); }

 private:
  const uint64_t id_;
  const size_t worker_;
  const Address address_;
  const int64_t created_ms_;

  std::atomic<size_t> database_{0};
  std::atomic<RespVersion> resp_{RespVersion::k2};
  std::atomic<uint32_t> flags_{0};
  std::atomic<bool> killed_{false};
  std::atomic<int64_t> active_ms_;
  std::atomic<const CommandRow*> last_command_{nullptr};
  std::array<std::atomic<size_t>, kTopicKinds> subscription_counts_{};

  std::atomic<Tracker*> tracker_{nullptr};
  std::atomic<bool> watch_broken_{false};
  std::atomic<size_t> watched_bytes_{0};
  Transaction transaction_;  // but for its sizes, the client's loop

  std::unique_ptr<Subscriptions> subscriptions_;  // the client's loop
  std::unique_ptr<WatchList> watch_list_;         // the client's loop
  std::shared_ptr<Tracker> own_tracker_;          // the client's loop
};

}  // namespace larder::core
