// CLIENT TRACKING: which clients may have which keys in a cache of their own, and telling them when
// that cache is stale.
//
// Two ways. A client in the usual mode is remembered for each key that it reads, in a table of keys
// with their readers; the first change of the key takes it out of the table and tells them all. A
// client in broadcasting mode is told of every change of keys that begin with its prefixes, once a
// turn of the loop that changes them, all keys in one message.
//
// Nothing is missed: a read is remembered before the lock of the key's shard is let go
// (DatabaseLock), and changes are told under that lock (key_events.h), so a change either comes
// before the read, which then sees it, or finds the reader in the table. And no message overtakes
// the reply with the old value: pushes are handed out behind the command being run.
//
// Names count, not databases: in which of them a key changed is not asked, as in Redis.
//
// Locks: shards, then one of mutex_, a Part's or a Batch's, then targets_mutex_, then
// PushQueue::mutex_; Part's and KeyEvents::mutex_ also under mutex_, targets_mutex_ also under the
// lock of Clients.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/core/subscriptions.h"
#include "storage/observer.h"

namespace larder::core {

class Client;
class Clients;
class Config;
class KeyEvents;
class Pushes;

// A client that others' messages are sent to instead. Lives as long as somebody redirects to it.
struct RedirectTarget {
  const uint64_t client;
  const size_t worker;
  bool gone;  // guarded by Tracking's targets_mutex_
};

// What a client said by CLIENT TRACKING. There is one from its first time on, until the client has
// gone and no key's readers name it any more.
struct Tracker {
  enum Mode : uint32_t {
    kOn = 1u << 0,
    kBroadcast = 1u << 1,
    kOptIn = 1u << 2,
    kOptOut = 1u << 3,
    kNoLoop = 1u << 4,  // does not hear of its own changes
  };

  Tracker(uint64_t its_client, size_t its_worker) : client(its_client), worker(its_worker) {}
  bool has(Mode mode) const { return (modes.load(std::memory_order_relaxed) & mode) != 0; }

  const uint64_t client;
  const size_t worker;
  // Any thread may read these; all but `broken` are written by the client's loop.
  std::atomic<uint32_t> modes{0};
  std::atomic<uint64_t> redirect{0};  // a client's id; 0: to itself
  std::atomic<bool> broken{false};    // a message found that client gone
  std::atomic<bool> gone{false};
  std::shared_ptr<RedirectTarget> target;       // guarded by Tracking's targets_mutex_
  std::set<std::string, std::less<>> prefixes;  // the client's loop
};

struct TrackingOptions {
  uint32_t modes = 0;     // Tracker::Mode without kOn
  uint64_t redirect = 0;  // a client's id; 0: none
  std::vector<std::string_view> prefixes;
};

class Tracking final : public storage::Observer {
 public:
  // Of one client: each change of keys is compared with all prefixes.
  static constexpr size_t kPrefixesMax = 1024;
  static constexpr size_t kPrefixBytesMax = 1024 * 1024;  // of all of them

  Tracking(KeyEvents& events, const Clients& clients, Pushes& pushes, const Config& config,
           uint64_t hash_seed, size_t workers);
  ~Tracking() override;

  // Whether any client tracks keys. Any thread.
  bool in_use() const { return clients_on_.load(std::memory_order_relaxed) != 0; }

  // The client's loop. Options are compatible with each other and the client's present ones;
  // prefixes are added to those it has. Throws std::bad_alloc.
  void enable(Client& client, const TrackingOptions& options);
  void disable(Client& client);
  // Of a client that is about to be destroyed and has left the register.
  void client_gone(Client& client);

  // The client's loop: it has read `keys`, whose shards are still locked if there was anything to
  // read. A client that memory is too short to remember is closed, which empties its cache.
  void remember(Client& client, std::span<const std::string_view> keys) noexcept;
  // Whether what this client, which has the flag kTracksReads, reads now is to be remembered.
  static bool wants_reads(const Client& client);

  // The thread runs a command of this client from now on; of nobody.
  static void begin_command(uint64_t client);
  static void end_command() { command_ = {}; }

  // At the end of each turn of a worker: sends what it has to broadcast, and does a slice of what
  // may take long. True: there is more of that.
  bool settle(size_t worker);
  // There are keys to be freed, though perhaps no client tracks any more.
  bool dropping() const { return dropping_.load(std::memory_order_relaxed); }

  // Any thread:
  size_t clients() const { return clients_on_.load(std::memory_order_relaxed); }
  size_t keys() const;
  size_t items() const;  // readers of all keys
  size_t prefixes() const { return prefix_count_.load(std::memory_order_relaxed); }

  // storage::Observer:
  void changed(size_t database, const storage::Key& key, storage::KeyChange change) override;
  void flushed(size_t database) override;
  void swapped(size_t database, size_t other) override;

 private:
  class Message;
  using TrackerRef = std::shared_ptr<Tracker>;
  using Readers = std::vector<TrackerRef>;  // by ascending id
  using Keys = std::unordered_map<std::string, Readers, NameHash, std::equal_to<>>;
  struct Part {
    std::mutex mutex;
    Keys keys;                     // guarded by mutex
    std::atomic<size_t> size{0};   // of keys; written under mutex, as is
    std::atomic<size_t> items{0};  // the number of readers
  };
  // The keys that a worker has changed in this turn, with the client that was the last to do it.
  struct Batch {
    std::mutex mutex;
    std::map<std::string, uint64_t, std::less<>> keys;  // guarded by mutex
    std::atomic<bool> any{false};
  };
  // The command that a thread runs.
  struct Command {
    uint64_t client = 0;
    bool told_of_flush = false;
  };
  static constexpr size_t kParts = 64;
  static constexpr size_t kBatchKeysMax = 4096;  // sent in the middle of a turn
  static constexpr size_t kEvictedAtOnce = 200;
  static constexpr size_t kFreedAtOnce = 500;

  Part& part_of(std::string_view key) { return parts_[hash_(key) % kParts]; }
  void add_reader(Part& part, const TrackerRef& reader, std::string_view key);
  Readers take_readers(Part& part, Keys::iterator at);
  // `changed_by`: a client's id; 0: nobody's.
  void invalidate(std::string_view key, const Readers& readers, uint64_t changed_by);
  void add_to_batch(std::string_view key, uint64_t by_client);
  void broadcast(size_t worker);
  bool keep_to_limit();
  bool evict_one();
  void drop_keys();
  bool free_dropped();
  void tell_all_of_flush();
  void redirect(Tracker& own, uint64_t to);
  void leave_prefixes(Tracker& own);
  void tell(Tracker& to, const Message& message);

  KeyEvents& events_;
  const Clients& clients_;
  Pushes& pushes_;
  const Config& config_;
  const NameHash hash_;
  static thread_local Command command_;

  std::array<Part, kParts> parts_;
  std::vector<Batch> batches_;  // one a worker

  std::atomic<size_t> clients_on_{0};
  std::atomic<size_t> prefix_count_{0};
  std::atomic<bool> dropping_{false};  // there is something in dropped_
  std::mutex mutex_;
  // Guarded by mutex_: those that are on; those in broadcasting mode; keys of old, to be freed.
  std::map<uint64_t, TrackerRef> on_;
  std::map<std::string, std::map<uint64_t, TrackerRef>, std::less<>> prefixes_;
  std::vector<Keys> dropped_;

  std::mutex targets_mutex_;
  std::unordered_map<uint64_t, std::weak_ptr<RedirectTarget>> targets_;  // guarded by it
  std::atomic<size_t> target_count_{0};
};

}  // namespace larder::core
