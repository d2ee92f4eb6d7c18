#include "server/core/clients.h"

#include <fmt/format.h>

#include "server/core/command.h"
#include "server/core/tracking.h"
#include "server/core/watches.h"

namespace larder::core {
namespace {

std::string flag_letters(const Client& client) {
  std::string letters;
  if (client.has(Client::kMonitor)) letters += 'O';
  if (client.has(Client::kSubscribed)) letters += 'P';
  if (client.has(Client::kMulti)) letters += 'x';
  if (client.has(Client::kBlocked)) letters += 'b';
  if (const Tracker* tracker = client.tracker(); tracker != nullptr) {
    if (tracker->has(Tracker::kOn)) letters += 't';
    if (tracker->broken.load(std::memory_order_relaxed)) letters += 'R';
    if (tracker->has(Tracker::kBroadcast)) letters += 'B';
  }
  if (client.watch_broken()) letters += 'd';
  if (client.has(Client::kCloseAfterReply)) letters += 'c';
  if (client.has(Client::kUnixSocket)) letters += 'U';
  if (client.has(Client::kNoEvict)) letters += 'e';
  if (client.has(Client::kNoTouch)) letters += 'T';
  return letters.empty() ? "N" : letters;
}

Client::Names& names_of(Client& client) {
  if (client.names == nullptr) client.names = std::make_unique<Client::Names>();
  return *client.names;
}

}  // namespace

Client::Client(uint64_t id, size_t worker, Address address, int64_t now_ms)
    : id_(id),
      worker_(worker),
      address_(std::move(address)),
      created_ms_(now_ms),
      active_ms_(now_ms) {}

Client::~Client() = default;

void Client::set_watch_list(std::unique_ptr<WatchList> own) {
  watch_list_ = std::move(own);
}

std::unique_ptr<WatchList> Client::take_watch_list() {
  return std::move(watch_list_);
}

void Client::note_subscriptions() {
  for (size_t kind = 0; kind < kTopicKinds; kind++) {
    const size_t count = subscriptions_ ? subscriptions_->count(static_cast<TopicKind>(kind)) : 0;
    subscription_counts_[kind].store(count, std::memory_order_relaxed);
  }
}

void Clients::add(Client& client) {
  const std::lock_guard lock(mutex_);
  clients_.emplace(client.id(), &client);
  count_.store(clients_.size(), std::memory_order_relaxed);
}

void Clients::remove(Client& client) {
  const std::lock_guard lock(mutex_);
  clients_.erase(client.id());
  count_.store(clients_.size(), std::memory_order_relaxed);
}

size_t Clients::blocked() const {
  size_t n = 0;
  each([&](const Client& client) { n += client.has(Client::kBlocked) ? 1 : 0; });
  return n;
}

void Clients::each(storage::FunctionRef<void(Client&)> visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, client] : clients_) {
    if (!client->killed()) visit(*client);
  }
}

bool Clients::with(uint64_t id, storage::FunctionRef<void(Client&)> visit) const {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(id);
  if (found == clients_.end() || found->second->killed()) return false;
  visit(*found->second);
  return true;
}

void Clients::set_name(Client& client, std::string_view name) {
  const std::lock_guard lock(mutex_);
  names_of(client).name = name;
}

void Clients::set_library_name(Client& client, std::string_view name) {
  const std::lock_guard lock(mutex_);
  names_of(client).library_name = name;
}

void Clients::set_library_version(Client& client, std::string_view version) {
  const std::lock_guard lock(mutex_);
  names_of(client).library_version = version;
}

std::string Clients::name_of(const Client& client) const {
  const std::lock_guard lock(mutex_);
  return client.names != nullptr ? client.names->name : std::string();
}

int64_t Clients::redirection_of(const Client& client) {
  const Tracker* tracker = client.tracker();
  if (tracker == nullptr || !tracker->has(Tracker::kOn)) return -1;
  return static_cast<int64_t>(tracker->redirect.load(std::memory_order_relaxed));
}

std::string Clients::describe(const Client& client, int64_t now_ms) {
  const Client::Buffers buffers = client.buffers();
  static const Client::Names kNone;
  const Client::Names& names = client.names != nullptr ? *client.names : kNone;
  std::string command(client.last_command() != nullptr ? client.last_command()->name : "NULL");
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} "
      "multi={} qbuf={} qbuf-free={} argv-mem=0 multi-mem={} rbs=0 rbp=0 obl=0 oll={} "
      "omem={} tot-mem={} events=r cmd={} user=default redir={} resp={} lib-name={} lib-ver={}",
      client.id(), client.address().peer, client.address().local, client.address().descriptor,
      names.name, (now_ms - client.created_ms()) / 1000, (now_ms - client.active_ms()) / 1000,
      flag_letters(client), client.database(), client.subscription_count(TopicKind::kChannel),
      client.subscription_count(TopicKind::kPattern),
      client.subscription_count(TopicKind::kShardChannel), client.transaction().size(),
      buffers.query_bytes, buffers.query_free_bytes, client.transaction().argument_bytes(),
      buffers.output_bytes > 0 ? 1 : 0, buffers.output_bytes,
      buffers.total_bytes + client.kept_bytes(), command, redirection_of(client),
      static_cast<int>(client.resp()), names.library_name, names.library_version);
}

std::string Clients::describe_own(const Client& client, int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  return describe(client, now_ms);
}

}  // namespace larder::core
