// Publish/subscribe: who is subscribed to what, and sending messages to them.
//
// The register says for each channel and pattern which workers have subscribers to it, and how
// many. Who they are only their own worker knows (Subscribers::members). A message is encoded once
// and goes once into the queue of each worker that has subscribers (pushes.h); there it is handed
// to those who are subscribed at that moment. Subscribing and unsubscribing hand out first what was
// published before, so a client gets exactly the messages between the two, and PUBLISH counts
// exactly those who get its message.
//
// One mutex guards the register and is held while a message is put into the queues. So all workers
// see all messages in the same order. A channel that nobody listens to is found out without the
// mutex.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/core/pushes.h"
#include "server/core/subscriptions.h"
#include "storage/function_ref.h"

namespace larder::core {

class PubSub {
 public:
  // Of one connection, all kinds together: some 300 bytes each.
  static constexpr size_t kSubscriptionsMax = 1024 * 1024;
  // Subscriptions of a client that has gone which are ended at once; the rest follows in slices.
  static constexpr size_t kEndedAtOnce = 256;

  PubSub(Pushes& pushes, uint64_t hash_seed) : pushes_(pushes), hash_{hash_seed} {
    for (auto& topics : topics_) topics = Topics(0, hash_);
  }

  // Sends a message to the subscribers of a channel and of the patterns that match it; answers how
  // many there are, each as often as it gets the message. Any thread, also under a shard's lock
  // (the order is: shards, PubSub, PushQueue): it locks nothing that is held for long, does no I/O
  // and runs no client's code. Other threads' workers are woken when the calling worker's turn
  // ends. Throws std::bad_alloc.
  int64_t publish(std::string_view channel, std::string_view message);
  // The same for shard channels, which are names of their own and have no patterns.
  int64_t publish_to_shard(std::string_view channel, std::string_view message);
  // Whether a message to any channel could have a receiver: for whoever would have to put one
  // together first. Any thread, no lock.
  bool has_subscribers() const { return subscribed_.load(std::memory_order_relaxed) != 0; }

  // The client's worker's thread, with no lock held but shards' (of a transaction). False: it was,
  // or was not, subscribed already. When they return, what was published before is in the client's
  // own queue.
  bool subscribe(Client& client, TopicKind kind, std::string_view name);
  bool unsubscribe(Client& client, TopicKind kind, std::string_view name);
  // `ended` is told each name when it is done.
  void unsubscribe_all(Client& client, TopicKind kind,
                       storage::FunctionRef<void(std::string_view)> ended);
  // Ends all subscriptions without a word.
  void unsubscribe_all(Client& client);
  // Of a client that is about to be destroyed. What is left, if it is not null, must be given to
  // end_some() until that answers false; by then nothing is sent to the client any more, though
  // messages still count it.
  std::unique_ptr<Subscriptions> client_gone(Client& client);
  bool end_some(Subscriptions& left);

  // Any thread:
  size_t topics(TopicKind kind) const;
  size_t subscribers(TopicKind kind, std::string_view name) const;
  // The names that match the pattern; all, without one. Holds the mutex for as long as that takes.
  std::vector<std::string> names(TopicKind kind, std::optional<std::string_view> pattern) const;
  // Clients with a subscription.
  size_t clients() const { return clients_.load(std::memory_order_relaxed); }

 private:
  // One channel or pattern: its subscribers on each worker that has some.
  struct Topic {
    size_t count = 0;
    std::vector<std::shared_ptr<Subscribers>> workers;
  };
  using Topics = std::unordered_map<std::string, Topic, NameHash, std::equal_to<>>;

  Topics& of(TopicKind kind) { return topics_[static_cast<size_t>(kind)]; }
  const Topics& of(TopicKind kind) const { return topics_[static_cast<size_t>(kind)]; }
  bool may_have_receivers(TopicKind kind, std::string_view channel) const;
  std::atomic<uint32_t>& filter_of(TopicKind kind, std::string_view name);
  int64_t publish(TopicKind kind, std::string_view channel, std::string_view message);
  int64_t send(const Topic& topic, const PushText& text, bool from_pattern);
  // Both answer how many pushes were put into the worker's queue before.
  uint64_t enter(TopicKind kind, std::string_view name, size_t worker,
                 std::shared_ptr<Subscribers>& subscribers);
  uint64_t leave(TopicKind kind, Subscribers& subscribers);
  void end(Subscriptions& own, TopicKind kind, Subscriptions::Names::iterator at);
  void note(Client& client);

  Pushes& pushes_;
  const NameHash hash_;

  // How many channels' names fall into each place: 0 says that a name is not there.
  static constexpr size_t kFilterPlaces = 4096;
  std::array<std::atomic<uint32_t>, kFilterPlaces> filter_{};
  std::atomic<size_t> patterns_{0};
  std::atomic<size_t> subscribed_{0};  // channels, patterns and shard channels
  std::atomic<size_t> clients_{0};

  mutable std::mutex mutex_;
  std::array<Topics, kTopicKinds> topics_;  // guarded by mutex_
};

}  // namespace larder::core
