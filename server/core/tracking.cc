#include "server/core/tracking.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "server/core/clients.h"
#include "server/core/config.h"
#include "server/core/key_events.h"
#include "server/core/pushes.h"
#include "server/core/random_bits.h"

namespace larder::core {

// What an invalidation says: some keys, or that there is nothing left of all. Encoded when the
// first one wants it: as a push, or, for a subscriber in RESP2, as a message of a channel.
class Tracking::Message {
 public:
  Message() : in_resp3_("_\r\n"), in_resp2_("$-1\r\n") {}
  explicit Message(std::span<const std::string_view> keys) {
    in_resp3_ = fmt::format("*{}\r\n", keys.size());
    for (const std::string_view key : keys) {
      in_resp3_ += fmt::format("${}\r\n", key.size());
      in_resp3_ += key;
      in_resp3_ += "\r\n";
    }
  }

  PushText push() const { return encoded(push_, ">2\r\n$10\r\ninvalidate\r\n", in_resp3_); }
  PushText published() const {
    return encoded(published_, ">3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n",
                   in_resp2_.empty() ? in_resp3_ : in_resp2_);
  }

 private:
  static PushText encoded(std::optional<PushText>& text, std::string_view head,
                          std::string_view value) {
    if (!text) {
      text.emplace();
      text->body = join({head, value});
    }
    return text->share();
  }

  std::string in_resp3_;
  std::string in_resp2_;  // empty: the same
  mutable std::optional<PushText> push_;
  mutable std::optional<PushText> published_;
};

namespace {

PushText redirection_broken(uint64_t target) {
  PushText text;
  text.body = join({">2\r\n$21\r\ntracking-redir-broken\r\n:", fmt::format("{}\r\n", target)});
  return text;
}

Push push_for(uint64_t client, PushText text, PushAudience audience) {
  return {.text = std::move(text), .subscribers = {}, .client = client, .audience = audience};
}

}  // namespace

thread_local Tracking::Command Tracking::command_;

Tracking::Tracking(KeyEvents& events, const Clients& clients, Pushes& pushes, const Config& config,
                   uint64_t hash_seed, size_t workers)
    : events_(events),
      clients_(clients),
      pushes_(pushes),
      config_(config),
      hash_{hash_seed},
      batches_(workers) {
  for (Part& part : parts_) part.keys = Keys(0, hash_);
  events.set_listener(KeyEvents::Listener::kTracking, *this);
}

Tracking::~Tracking() = default;

// --------------------------------------------------------------------------------- on and off

void Tracking::redirect(Tracker& own, uint64_t to) {
  std::shared_ptr<RedirectTarget> target;
  if (to != 0) {
    // Under the lock of Clients, so that a client that goes away finds its entry.
    clients_.with(to, [&](const Client& client) {
      const std::lock_guard lock(targets_mutex_);
      std::weak_ptr<RedirectTarget>& known = targets_[to];
      target = known.lock();
      if (target == nullptr) {
        target = std::make_shared<RedirectTarget>(RedirectTarget{to, client.worker(), false});
        known = target;
      }
      target_count_.store(targets_.size(), std::memory_order_relaxed);
    });
    if (target == nullptr) {
      target = std::make_shared<RedirectTarget>(RedirectTarget{to, 0, true});
    }
  }
  const std::lock_guard lock(targets_mutex_);
  own.target = std::move(target);
  own.redirect.store(to, std::memory_order_relaxed);
  own.broken.store(false, std::memory_order_relaxed);
}

void Tracking::enable(Client& client, const TrackingOptions& options) {
  if (client.tracker() == nullptr) {
    client.set_tracker(std::make_shared<Tracker>(client.id(), client.worker()));
  }
  const TrackerRef own = client.shared_tracker();
  const bool broadcasts = (options.modes & Tracker::kBroadcast) != 0;
  // What was changed before in this turn is none of its business.
  if (broadcasts) broadcast(client.worker());
  redirect(*own, options.redirect);
  own->modes.store(options.modes | Tracker::kOn, std::memory_order_relaxed);
  client.set(Client::kTracksReads, !broadcasts);
  const std::lock_guard lock(mutex_);
  if (on_.try_emplace(own->client, own).second) {
    events_.want(KeyEvents::Listener::kTracking);
    clients_on_.store(on_.size(), std::memory_order_relaxed);
  }
  if (!broadcasts) return;
  const auto add = [&](std::string_view prefix) {
    if (own->prefixes.emplace(prefix).second) {
      prefixes_[std::string(prefix)].emplace(own->client, own);
    }
  };
  if (options.prefixes.empty()) add("");
  for (const std::string_view prefix : options.prefixes) add(prefix);
  prefix_count_.store(prefixes_.size(), std::memory_order_relaxed);
}

// Under mutex_.
void Tracking::leave_prefixes(Tracker& own) {
  for (const std::string& prefix : own.prefixes) {
    const auto found = prefixes_.find(prefix);
    if (found == prefixes_.end()) continue;
    found->second.erase(own.client);
    if (found->second.empty()) prefixes_.erase(found);
  }
  own.prefixes.clear();
  prefix_count_.store(prefixes_.size(), std::memory_order_relaxed);
}

// When nobody is left, what others had read is of no use to anyone, and writers need no longer ask.
void Tracking::disable(Client& client) {
  Tracker* own = client.tracker();
  if (own == nullptr || !own->has(Tracker::kOn)) return;
  own->modes.store(0, std::memory_order_relaxed);
  own->broken.store(false, std::memory_order_relaxed);
  client.set(Client::kTracksReads, false);
  client.set(Client::kCaching, false);
  const std::lock_guard lock(mutex_);
  leave_prefixes(*own);
  on_.erase(own->client);
  clients_on_.store(on_.size(), std::memory_order_relaxed);
  events_.unwant(KeyEvents::Listener::kTracking);
  if (on_.empty()) drop_keys();
}

void Tracking::client_gone(Client& client) {
  disable(client);
  if (Tracker* own = client.tracker(); own != nullptr) {
    own->gone.store(true, std::memory_order_relaxed);
  }
  if (target_count_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(targets_mutex_);
  const auto found = targets_.find(client.id());
  if (found == targets_.end()) return;
  if (const auto target = found->second.lock(); target != nullptr) target->gone = true;
  targets_.erase(found);
  target_count_.store(targets_.size(), std::memory_order_relaxed);
}

// ------------------------------------------------------------------------------------- reading

bool Tracking::wants_reads(const Client& client) {
  const Tracker& own = *client.tracker();
  const bool caching = client.has(Client::kCaching);
  return own.has(Tracker::kOptIn) ? caching : !(own.has(Tracker::kOptOut) && caching);
}

// Under the part's mutex. Clients that have gone stay among a key's readers until it changes, but
// not at the price of more room for them.
void Tracking::add_reader(Part& part, const TrackerRef& reader, std::string_view key) {
  auto at = part.keys.find(key);
  if (at == part.keys.end()) at = part.keys.emplace(std::string(key), Readers{}).first;
  Readers& readers = at->second;
  const auto before = [](const TrackerRef& one, uint64_t id) { return one->client < id; };
  auto place = std::lower_bound(readers.begin(), readers.end(), reader->client, before);
  if (place != readers.end() && (*place)->client == reader->client) return;
  size_t removed = 0;
  if (readers.size() == readers.capacity()) {
    removed = std::erase_if(readers, [](const TrackerRef& one) { return one->gone.load(); });
    place = std::lower_bound(readers.begin(), readers.end(), reader->client, before);
  }
  readers.insert(place, reader);
  part.items.store(part.items.load() + 1 - removed, std::memory_order_relaxed);
  part.size.store(part.keys.size(), std::memory_order_relaxed);
}

void Tracking::remember(Client& client, std::span<const std::string_view> keys) noexcept {
  try {
    const TrackerRef reader = client.shared_tracker();
    for (const std::string_view key : keys) {
      Part& part = part_of(key);
      const std::lock_guard lock(part.mutex);
      add_reader(part, reader, key);
    }
  } catch (const std::bad_alloc&) {
    client.set(Client::kCloseAfterReply);
  }
}

// ------------------------------------------------------------------------------------ changing

void Tracking::begin_command(uint64_t client) {
  command_ = {.client = client};
}

// Under the part's mutex.
Tracking::Readers Tracking::take_readers(Part& part, Keys::iterator at) {
  Readers readers = std::move(at->second);
  part.keys.erase(at);
  part.size.store(part.keys.size(), std::memory_order_relaxed);
  part.items.store(part.items.load() - readers.size(), std::memory_order_relaxed);
  return readers;
}

void Tracking::changed(size_t /*database*/, const storage::Key& key, storage::KeyChange change) {
  // Nobody in particular lets keys expire, or evicts them.
  const bool by_client =
      change == storage::KeyChange::kWritten || change == storage::KeyChange::kRemoved;
  const uint64_t changed_by = by_client ? command_.client : 0;
  if (prefix_count_.load(std::memory_order_relaxed) != 0) add_to_batch(key.bytes, changed_by);
  Part& part = part_of(key.bytes);
  if (part.size.load(std::memory_order_relaxed) == 0) return;
  Readers readers;
  {
    const std::lock_guard lock(part.mutex);
    const auto found = part.keys.find(key.bytes);
    if (found == part.keys.end()) return;
    readers = take_readers(part, found);
  }
  invalidate(key.bytes, readers, changed_by);
}

void Tracking::invalidate(std::string_view key, const Readers& readers, uint64_t changed_by) {
  const Message message(std::span(&key, 1));
  for (const TrackerRef& reader : readers) {
    if (!reader->has(Tracker::kOn) || reader->has(Tracker::kBroadcast)) continue;
    if (reader->has(Tracker::kNoLoop) && reader->client == changed_by) continue;
    tell(*reader, message);
  }
}

void Tracking::tell(Tracker& to, const Message& message) {
  using enum PushAudience;
  if (to.redirect.load(std::memory_order_relaxed) == 0) {
    return pushes_.send(to.worker, push_for(to.client, message.push(), kResp3));
  }
  const std::lock_guard lock(targets_mutex_);
  if (to.target == nullptr) return;  // its client has just ended the redirection
  const RedirectTarget& target = *to.target;
  if (target.gone) {
    to.broken.store(true, std::memory_order_relaxed);
    return pushes_.send(to.worker, push_for(to.client, redirection_broken(target.client), kResp3));
  }
  pushes_.send(target.worker, push_for(target.client, message.push(), kResp3));
  pushes_.send(target.worker, push_for(target.client, message.published(), kSubscribedResp2));
}

// All shards are locked, for each database in turn; one message for each command is enough.
void Tracking::flushed(size_t /*database*/) {
  if (command_.client != 0 && command_.told_of_flush) return;
  command_.told_of_flush = true;
  tell_all_of_flush();
}

void Tracking::swapped(size_t /*database*/, size_t /*other*/) {
  tell_all_of_flush();
}

void Tracking::tell_all_of_flush() {
  const Message everything;
  const std::lock_guard lock(mutex_);
  drop_keys();
  for (const auto& [id, tracker] : on_) tell(*tracker, everything);
}

// ---------------------------------------------------------------------------------- broadcasting

void Tracking::add_to_batch(std::string_view key, uint64_t by_client) {
  const size_t worker = Pushes::of_this_thread();
  Batch& batch = batches_[worker];
  {
    const std::lock_guard lock(batch.mutex);
    batch.any.store(true, std::memory_order_relaxed);
    const auto at = batch.keys.lower_bound(key);
    if (at != batch.keys.end() && at->first == key) {
      at->second = by_client;
    } else {
      batch.keys.emplace_hint(at, key, by_client);
    }
    if (batch.keys.size() < kBatchKeysMax) return;
  }
  broadcast(worker);
}

void Tracking::broadcast(size_t worker) {
  Batch& batch = batches_[worker];
  if (!batch.any.load(std::memory_order_relaxed)) return;
  decltype(batch.keys) changes;
  {
    const std::lock_guard lock(batch.mutex);
    changes.swap(batch.keys);
    batch.any.store(false, std::memory_order_relaxed);
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [prefix, listeners] : prefixes_) {
    const auto begin = changes.lower_bound(prefix);
    if (begin == changes.end() || !begin->first.starts_with(prefix)) continue;
    // `but_of`: a client whose own changes are left out.
    const auto keys = [&, &start = prefix](uint64_t but_of) {
      std::vector<std::string_view> found;
      for (auto at = begin; at != changes.end() && at->first.starts_with(start); ++at) {
        if (but_of == 0 || at->second != but_of) found.push_back(at->first);
      }
      return found;
    };
    const Message all(keys(0));
    for (const auto& [id, listener] : listeners) {
      if (!listener->has(Tracker::kNoLoop)) {
        tell(*listener, all);
      } else if (const auto others = keys(id); !others.empty()) {
        tell(*listener, Message(others));
      }
    }
  }
}

// ---------------------------------------------------------------------------------------- limits

size_t Tracking::keys() const {
  size_t n = 0;
  for (const Part& part : parts_) n += part.size.load(std::memory_order_relaxed);
  return n;
}

size_t Tracking::items() const {
  size_t n = 0;
  for (const Part& part : parts_) n += part.items.load(std::memory_order_relaxed);
  return n;
}

bool Tracking::settle(size_t worker) {
  broadcast(worker);
  bool more = in_use() && keep_to_limit();
  if (dropping_.load(std::memory_order_relaxed)) more = free_dropped() || more;
  return more;
}

// True: there are still too many keys.
bool Tracking::keep_to_limit() {
  const auto keys_max =
      static_cast<size_t>(config_.values.tracking_keys_max.load(std::memory_order_relaxed));
  if (keys_max == 0) return false;
  size_t left = keys();
  for (size_t i = 0; i < kEvictedAtOnce && left > keys_max; i++, left--) {
    if (!evict_one()) return false;
  }
  return left > keys_max;
}

// Whoever has read the key is told as if it had changed. False: there is none.
bool Tracking::evict_one() {
  constexpr size_t kBucketsTried = 64;
  const uint64_t random = random_bits();
  for (size_t i = 0; i < kParts; i++) {
    Part& part = parts_[(random + i) % kParts];
    if (part.size.load(std::memory_order_relaxed) == 0) continue;
    std::string key;
    Readers readers;
    {
      const std::lock_guard lock(part.mutex);
      if (part.keys.empty()) continue;
      const size_t buckets = part.keys.bucket_count();
      size_t bucket = (random / kParts) % buckets;
      for (size_t tried = 1; tried < kBucketsTried && part.keys.bucket_size(bucket) == 0; tried++) {
        bucket = (bucket + 1) % buckets;
      }
      const bool found = part.keys.bucket_size(bucket) != 0;
      const auto at = found ? part.keys.find(part.keys.begin(bucket)->first) : part.keys.begin();
      key = at->first;
      readers = take_readers(part, at);
    }
    invalidate(key, readers, 0);
    return true;
  }
  return false;
}

// Under mutex_. To free a million keys takes a while: settle() does it.
void Tracking::drop_keys() {
  for (Part& part : parts_) {
    const std::lock_guard lock(part.mutex);
    if (part.keys.empty()) continue;
    dropped_.push_back(std::move(part.keys));
    part.keys = Keys(0, hash_);
    part.size.store(0, std::memory_order_relaxed);
    part.items.store(0, std::memory_order_relaxed);
    dropping_.store(true, std::memory_order_relaxed);
  }
}

// True: there is more.
bool Tracking::free_dropped() {
  Keys keys;
  {
    const std::lock_guard lock(mutex_);
    if (dropped_.empty()) return false;
    keys = std::move(dropped_.back());
    dropped_.pop_back();
  }
  for (size_t i = 0; i < kFreedAtOnce && !keys.empty(); i++) keys.erase(keys.begin());
  const std::lock_guard lock(mutex_);
  if (!keys.empty()) dropped_.push_back(std::move(keys));
  dropping_.store(!dropped_.empty(), std::memory_order_relaxed);
  return !dropped_.empty();
}

}  // namespace larder::core
