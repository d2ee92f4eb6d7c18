#include "server/core/pubsub.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/core/client.h"
#include "storage/glob.h"

namespace larder::core {
namespace {

constexpr std::string_view kMessageHead = ">3\r\n$7\r\nmessage\r\n";
constexpr std::string_view kShardMessageHead = ">3\r\n$8\r\nsmessage\r\n";

std::string bulk_head(size_t bytes) {
  return fmt::format("${}\r\n", bytes);
}

// Channel and message stand behind a head of their own for patterns.
PushText encode(TopicKind kind, std::string_view channel, std::string_view message) {
  PushText text;
  text.body = join({kind == TopicKind::kShardChannel ? kShardMessageHead : kMessageHead,
                    bulk_head(channel.size()), channel, "\r\n", bulk_head(message.size()), message,
                    "\r\n"});
  return text;
}

storage::BlobRef pattern_head(TopicKind kind, std::string_view pattern) {
  if (kind != TopicKind::kPattern) return {};
  return join({">4\r\n$8\r\npmessage\r\n", bulk_head(pattern.size()), pattern, "\r\n"});
}

}  // namespace

Subscribers::Subscribers(TopicKind kind, std::string_view its_name, size_t its_worker)
    : name(its_name), worker(its_worker), head(pattern_head(kind, its_name)) {}

Subscriptions::Subscriptions(Client& client, uint64_t hash_seed) : client_(&client) {
  names_.fill(Names(0, NameHash{hash_seed}));
}

size_t Subscriptions::total() const {
  return count(TopicKind::kChannel) + count(TopicKind::kPattern) + count(TopicKind::kShardChannel);
}

size_t Subscriptions::memory_bytes() const {
  constexpr size_t kNodeBytes = sizeof(Names::value_type) + 2 * sizeof(void*);
  size_t bytes = sizeof(Subscriptions);
  for (const Names& names : names_) {
    bytes +=
        names.size() * (kNodeBytes + sizeof(Subscriptions*)) + names.bucket_count() * sizeof(void*);
  }
  return bytes;
}

// ------------------------------------------------------------------------------------- publishing

std::atomic<uint32_t>& PubSub::filter_of(TopicKind kind, std::string_view name) {
  return filter_[(hash_(name) + static_cast<size_t>(kind)) % kFilterPlaces];
}

bool PubSub::may_have_receivers(TopicKind kind, std::string_view channel) const {
  if (!has_subscribers()) return false;
  if (kind == TopicKind::kChannel && patterns_.load(std::memory_order_relaxed) != 0) return true;
  const size_t place = (hash_(channel) + static_cast<size_t>(kind)) % kFilterPlaces;
  return filter_[place].load(std::memory_order_relaxed) != 0;
}

int64_t PubSub::publish(std::string_view channel, std::string_view message) {
  return publish(TopicKind::kChannel, channel, message);
}

int64_t PubSub::publish_to_shard(std::string_view channel, std::string_view message) {
  return publish(TopicKind::kShardChannel, channel, message);
}

int64_t PubSub::publish(TopicKind kind, std::string_view channel, std::string_view message) {
  if (!may_have_receivers(kind, channel)) return 0;
  const PushText text = encode(kind, channel, message);  // a long copy: not under the mutex
  const std::lock_guard lock(mutex_);
  int64_t receivers = 0;
  if (const auto found = of(kind).find(channel); found != of(kind).end()) {
    receivers += send(found->second, text, false);
  }
  if (kind == TopicKind::kShardChannel) return receivers;
  for (const auto& [pattern, topic] : of(TopicKind::kPattern)) {
    if (storage::glob_match(pattern, channel)) receivers += send(topic, text, true);
  }
  return receivers;
}

int64_t PubSub::send(const Topic& topic, const PushText& text, bool from_pattern) {
  for (const std::shared_ptr<Subscribers>& subscribers : topic.workers) {
    PushText own = text.share();
    if (from_pattern) {
      own.head = storage::BlobRef::share(*subscribers->head);
      own.body_begin = kMessageHead.size();
    }
    pushes_.send(subscribers->worker, {.text = std::move(own), .subscribers = subscribers});
  }
  return static_cast<int64_t>(topic.count);
}

// ------------------------------------------------------------------------------------ subscribing

uint64_t PubSub::enter(TopicKind kind, std::string_view name, size_t worker,
                       std::shared_ptr<Subscribers>& subscribers) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = of(kind).try_emplace(std::string(name));
  Topic& topic = found->second;
  if (is_new) {
    subscribed_.fetch_add(1, std::memory_order_relaxed);
    filter_of(kind, name).fetch_add(1, std::memory_order_relaxed);
    if (kind == TopicKind::kPattern) patterns_.fetch_add(1, std::memory_order_relaxed);
  }
  const auto own = std::find_if(topic.workers.begin(), topic.workers.end(),
                                [=](const auto& some) { return some->worker == worker; });
  if (own != topic.workers.end()) {
    subscribers = *own;
  } else {
    subscribers = std::make_shared<Subscribers>(kind, name, worker);
    topic.workers.push_back(subscribers);
  }
  subscribers->count++;
  topic.count++;
  return pushes_.queue(worker).added();
}

uint64_t PubSub::leave(TopicKind kind, Subscribers& subscribers) {
  const std::lock_guard lock(mutex_);
  const auto found = of(kind).find(subscribers.name);
  Topic& topic = found->second;
  topic.count--;
  if (--subscribers.count == 0) {
    std::erase_if(topic.workers, [&](const auto& some) { return some.get() == &subscribers; });
  }
  if (topic.workers.empty()) {
    of(kind).erase(found);
    subscribed_.fetch_sub(1, std::memory_order_relaxed);
    filter_of(kind, subscribers.name).fetch_sub(1, std::memory_order_relaxed);
    if (kind == TopicKind::kPattern) patterns_.fetch_sub(1, std::memory_order_relaxed);
  }
  return pushes_.queue(subscribers.worker).added();
}

bool PubSub::subscribe(Client& client, TopicKind kind, std::string_view name) {
  if (client.subscriptions() == nullptr) {
    client.set_subscriptions(std::make_unique<Subscriptions>(client, hash_.seed));
  }
  Subscriptions& own = *client.subscriptions();
  if (own.of(kind).contains(name)) return false;
  std::shared_ptr<Subscribers> subscribers;
  const uint64_t before = enter(kind, name, client.worker(), subscribers);
  pushes_.queue(client.worker()).hand_out(before);
  const std::string_view kept_name = subscribers->name;
  subscribers->members.push_back(&own);
  const size_t position = subscribers->members.size() - 1;
  own.of(kind).emplace(kept_name, Subscriptions::Entry{std::move(subscribers), position});
  note(client);
  return true;
}

// The last member takes the place of the one that leaves.
void PubSub::end(Subscriptions& own, TopicKind kind, Subscriptions::Names::iterator at) {
  const std::shared_ptr<Subscribers> subscribers = at->second.subscribers;
  pushes_.queue(subscribers->worker).hand_out(leave(kind, *subscribers));
  Subscriptions* last = subscribers->members.back();
  last->of(kind).find(subscribers->name)->second.position = at->second.position;
  subscribers->members[at->second.position] = last;
  subscribers->members.pop_back();
  own.of(kind).erase(at);
}

bool PubSub::unsubscribe(Client& client, TopicKind kind, std::string_view name) {
  Subscriptions* own = client.subscriptions();
  if (own == nullptr) return false;
  const auto found = own->of(kind).find(name);
  if (found == own->of(kind).end()) return false;
  end(*own, kind, found);
  note(client);
  return true;
}

void PubSub::unsubscribe_all(Client& client, TopicKind kind,
                             storage::FunctionRef<void(std::string_view)> ended) {
  Subscriptions* own = client.subscriptions();
  if (own == nullptr) return;
  while (own->count(kind) != 0) {
    const auto first = own->of(kind).begin();
    const std::shared_ptr<Subscribers> subscribers = first->second.subscribers;  // has the name
    end(*own, kind, first);
    note(client);
    ended(subscribers->name);
  }
}

void PubSub::unsubscribe_all(Client& client) {
  for (size_t kind = 0; kind < kTopicKinds; kind++) {
    unsubscribe_all(client, static_cast<TopicKind>(kind), [](std::string_view) {});
  }
}

std::unique_ptr<Subscriptions> PubSub::client_gone(Client& client) {
  std::unique_ptr<Subscriptions> own = client.take_subscriptions();
  if (own == nullptr) return nullptr;
  if (own->total() != 0) clients_.fetch_sub(1, std::memory_order_relaxed);
  own->client_gone();
  return end_some(*own) ? std::move(own) : nullptr;
}

bool PubSub::end_some(Subscriptions& left) {
  size_t ended = 0;
  for (size_t i = 0; i < kTopicKinds; i++) {
    const auto kind = static_cast<TopicKind>(i);
    for (; left.count(kind) != 0; ended++) {
      if (ended == kEndedAtOnce) return true;
      end(left, kind, left.of(kind).begin());
    }
  }
  return false;
}

// What others may see of it.
void PubSub::note(Client& client) {
  const Subscriptions& own = *client.subscriptions();
  const bool before = client.has(Client::kSubscribed);
  const bool now = own.total() != 0;
  client.note_subscriptions();
  if (now == before) return;
  client.set(Client::kSubscribed, now);
  now ? clients_.fetch_add(1, std::memory_order_relaxed)
      : clients_.fetch_sub(1, std::memory_order_relaxed);
}

// ---------------------------------------------------------------------------------------- asking

size_t PubSub::topics(TopicKind kind) const {
  const std::lock_guard lock(mutex_);
  return of(kind).size();
}

size_t PubSub::subscribers(TopicKind kind, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = of(kind).find(name);
  return found == of(kind).end() ? 0 : found->second.count;
}

std::vector<std::string> PubSub::names(TopicKind kind,
                                       std::optional<std::string_view> pattern) const {
  std::vector<std::string> matching;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, topic] : of(kind)) {
    if (!pattern || storage::glob_match(*pattern, name)) matching.push_back(name);
  }
  return matching;
}

}  // namespace larder::core
