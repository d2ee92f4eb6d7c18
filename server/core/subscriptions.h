// Who gets the messages of a channel or a pattern, seen from both sides. PubSub (pubsub.h) is what
// changes these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/blob.h"
#include "storage/key_hash.h"

namespace larder::core {

class Client;
class Subscriptions;

enum class TopicKind : uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr size_t kTopicKinds = 3;

// Seeded, so that nobody can choose names that collide.
struct NameHash {
  using is_transparent = void;
  uint64_t seed = 0;
  size_t operator()(std::string_view name) const { return storage::hash_key(name, seed); }
};

// The subscribers of one channel or pattern on one worker.
struct Subscribers {
  Subscribers(TopicKind kind, std::string_view its_name, size_t its_worker);

  const std::string name;
  const size_t worker;
  // What the messages of a pattern begin with; null for a channel.
  const storage::BlobRef head;
  // How many members there are or are about to be, without those that are leaving. Guarded by
  // PubSub's mutex.
  size_t count = 0;
  // The worker's thread only.
  std::vector<Subscriptions*> members;
};

// What one client is subscribed to. The thread of its worker only.
class Subscriptions {
 public:
  struct Entry {
    std::shared_ptr<Subscribers> subscribers;
    size_t position;  // in its members
  };
  // The names are those in Subscribers.
  using Names = std::unordered_map<std::string_view, Entry, NameHash, std::equal_to<>>;

  Subscriptions(Client& client, uint64_t hash_seed);

  // Null when the client has gone and this is being emptied.
  Client* client() const { return client_; }
  void client_gone() { client_ = nullptr; }

  Names& of(TopicKind kind) { return names_[static_cast<size_t>(kind)]; }
  size_t count(TopicKind kind) const { return names_[static_cast<size_t>(kind)].size(); }
  size_t total() const;
  // About: the tables' nodes and the clients' share of the lists.
  size_t memory_bytes() const;

 private:
  Client* client_;
  std::array<Names, kTopicKinds> names_;
};

}  // namespace larder::core
