// Publish/subscribe: messages to whoever listens just then.
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

// -------------------------------------------------------------------------------- subscribing

// What the count in a confirmation counts: channels and patterns together, shard channels alone.
size_t shown_count(const Client& client, TopicKind kind) {
  if (kind == TopicKind::kShardChannel) return client.subscription_count(kind);
  return client.subscription_count(TopicKind::kChannel) +
         client.subscription_count(TopicKind::kPattern);
}

// One for each name: the only replies that have no command of their own.
void confirm(Call& call, std::string_view what, TopicKind kind, std::string_view name) {
  Reply& reply = call.reply();
  reply.push(3);
  reply.bulk(what);
  reply.bulk(name);
  reply.integer(static_cast<int64_t>(shown_count(call.client(), kind)));
}

// What was published before a subscription ended stands in front of its confirmation: behind it, a
// client of RESP2 would take it for the reply to its next command. In the reply of a transaction
// there is no place for it.
void show_earlier_pushes(Call& call) {
  if (call.held() == nullptr) call.client().write_pushes();
}

void subscribe(Call& call, std::string_view what, TopicKind kind) {
  Client& client = call.client();
  const size_t before = client.subscriptions() != nullptr ? client.subscriptions()->total() : 0;
  if (before + call.argument_count() - 1 > PubSub::kSubscriptionsMax) {
    return call.fail(errors::kTooManySubscriptions);
  }
  for (const std::string_view name : call.arguments().subspan(1)) {
    call.server().pubsub.subscribe(client, kind, name);
    show_earlier_pushes(call);
    confirm(call, what, kind, name);
  }
}

void unsubscribe(Call& call, std::string_view what, TopicKind kind) {
  Client& client = call.client();
  PubSub& pubsub = call.server().pubsub;
  for (const std::string_view name : call.arguments().subspan(1)) {
    pubsub.unsubscribe(client, kind, name);
    show_earlier_pushes(call);
    confirm(call, what, kind, name);
  }
  if (call.argument_count() > 1) return;
  if (client.subscription_count(kind) == 0) {
    call.reply().push(3);
    call.reply().bulk(what);
    call.reply().null();
    return call.reply().integer(static_cast<int64_t>(shown_count(client, kind)));
  }
  pubsub.unsubscribe_all(client, kind, [&](std::string_view name) {
    show_earlier_pushes(call);
    confirm(call, what, kind, name);
  });
}

void subscribe(Call& call) {
  subscribe(call, "subscribe", TopicKind::kChannel);
}

void unsubscribe(Call& call) {
  unsubscribe(call, "unsubscribe", TopicKind::kChannel);
}

void psubscribe(Call& call) {
  subscribe(call, "psubscribe", TopicKind::kPattern);
}

void punsubscribe(Call& call) {
  unsubscribe(call, "punsubscribe", TopicKind::kPattern);
}

void ssubscribe(Call& call) {
  if (call.held() != nullptr) return call.fail(errors::not_in_transaction("SSUBSCRIBE"));
  subscribe(call, "ssubscribe", TopicKind::kShardChannel);
}

void sunsubscribe(Call& call) {
  unsubscribe(call, "sunsubscribe", TopicKind::kShardChannel);
}

// --------------------------------------------------------------------------------- publishing

void answer_receivers(Call& call, int64_t receivers) {
  if (receivers > 0) call.client().set(Client::kPublished);
  call.reply().integer(receivers);
}

void publish(Call& call) {
  answer_receivers(call, call.server().pubsub.publish(call.argument(1), call.argument(2)));
}

void spublish(Call& call) {
  answer_receivers(call, call.server().pubsub.publish_to_shard(call.argument(1), call.argument(2)));
}

// -------------------------------------------------------------------------------------- asking

void write_names(Call& call, TopicKind kind) {
  if (call.argument_count() > 3) {
    return call.fail(errors::unknown_subcommand_or_arity("pubsub", call.argument(1)));
  }
  std::optional<std::string_view> pattern;
  if (call.argument_count() == 3) pattern = call.argument(2);
  const std::vector<std::string> names = call.server().pubsub.names(kind, pattern);
  call.reply().array(names.size());
  for (const std::string& name : names) call.reply().bulk(name);
}

void write_counts(Call& call, TopicKind kind) {
  const auto names = call.arguments().subspan(2);
  call.reply().array(2 * names.size());
  for (const std::string_view name : names) {
    call.reply().bulk(name);
    call.reply().integer(static_cast<int64_t>(call.server().pubsub.subscribers(kind, name)));
  }
}

void pubsub_channels(Call& call) {
  write_names(call, TopicKind::kChannel);
}

void pubsub_numsub(Call& call) {
  write_counts(call, TopicKind::kChannel);
}

void pubsub_numpat(Call& call) {
  call.reply().integer(static_cast<int64_t>(call.server().pubsub.topics(TopicKind::kPattern)));
}

void pubsub_shardchannels(Call& call) {
  write_names(call, TopicKind::kShardChannel);
}

void pubsub_shardnumsub(Call& call) {
  write_counts(call, TopicKind::kShardChannel);
}

constexpr uint32_t kAsks = kPubsub | kLoading | kStale;
constexpr uint32_t kSubscribes = kAsks | kNoscript | kWhileSubscribed | kAnswersByPush;
constexpr uint32_t kPublishes = kAsks | kFast | kHeldLikeWrite;

constexpr KeySpecs kShardChannelNames = all_keys(kNotKey);
constexpr KeySpecs kShardChannelName = one_key(kNotKey);

constexpr CommandRow kRows[] = {
    {.name = "psubscribe",
     .handler = psubscribe,
     .arity = -2,
     .flags = kSubscribes,
     .group = Group::kPubsub,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of patterns given",
     .syntax = "pattern [pattern ...]",
     .summary = "Listens to the channels whose names match a pattern."},
    {.name = "publish",
     .handler = publish,
     .arity = 3,
     .flags = kPublishes,
     .group = Group::kPubsub,
     .since = "2.0.0",
     .complexity = "O(N+M) where N is the number of the channel's subscribers and M that of all "
                   "patterns",
     .syntax = "channel message",
     .summary = "Sends a message to a channel and answers how many get it."},
    {.name = "pubsub",
     .arity = -2,
     .group = Group::kPubsub,
     .since = "2.8.0",
     .complexity = "Depends on the subcommand.",
     .syntax = "",
     .summary = "Tells who listens."},
    {.name = "pubsub|channels",
     .handler = pubsub_channels,
     .arity = -2,
     .flags = kAsks,
     .group = Group::kPubsub,
     .since = "2.8.0",
     .complexity = "O(N) where N is the number of channels; holds publishers back meanwhile",
     .syntax = "[pattern]",
     .summary = "Answers the channels that somebody listens to, or those matching a pattern."},
    {.name = "pubsub|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .group = Group::kPubsub,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers these lines."},
    {.name = "pubsub|numpat",
     .handler = pubsub_numpat,
     .arity = 2,
     .flags = kAsks,
     .group = Group::kPubsub,
     .since = "2.8.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers how many different patterns are listened to."},
    {.name = "pubsub|numsub",
     .handler = pubsub_numsub,
     .arity = -2,
     .flags = kAsks,
     .group = Group::kPubsub,
     .since = "2.8.0",
     .complexity = "O(N) where N is the number of channels given",
     .syntax = "[channel [channel ...]]",
     .summary = "Answers how many listen to each channel, without those who do by a pattern."},
    {.name = "pubsub|shardchannels",
     .handler = pubsub_shardchannels,
     .arity = -2,
     .flags = kAsks,
     .group = Group::kPubsub,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels; holds publishers back meanwhile",
     .syntax = "[pattern]",
     .summary = "Answers the shard channels that somebody listens to."},
    {.name = "pubsub|shardnumsub",
     .handler = pubsub_shardnumsub,
     .arity = -2,
     .flags = kAsks,
     .group = Group::kPubsub,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels given",
     .syntax = "[shardchannel [shardchannel ...]]",
     .summary = "Answers how many listen to each shard channel."},
    {.name = "punsubscribe",
     .handler = punsubscribe,
     .arity = -1,
     .flags = kSubscribes,
     .group = Group::kPubsub,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of patterns given, or all that are listened to",
     .syntax = "[pattern [pattern ...]]",
     .summary = "Stops listening by the patterns, or by all."},
    {.name = "spublish",
     .handler = spublish,
     .arity = 3,
     .flags = kPublishes,
     .keys = kShardChannelName,
     .group = Group::kPubsub,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of the channel's subscribers",
     .syntax = "shardchannel message",
     .summary = "Sends a message to a shard channel and answers how many get it."},
    {.name = "ssubscribe",
     .handler = ssubscribe,
     .arity = -2,
     .flags = kSubscribes,
     .keys = kShardChannelNames,
     .group = Group::kPubsub,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels given",
     .syntax = "shardchannel [shardchannel ...]",
     .summary = "Listens to shard channels."},
    {.name = "subscribe",
     .handler = subscribe,
     .arity = -2,
     .flags = kSubscribes,
     .group = Group::kPubsub,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of channels given",
     .syntax = "channel [channel ...]",
     .summary = "Listens to channels."},
    {.name = "sunsubscribe",
     .handler = sunsubscribe,
     .arity = -1,
     .flags = kSubscribes,
     .keys = kShardChannelNames,
     .group = Group::kPubsub,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of channels given, or all that are listened to",
     .syntax = "[shardchannel [shardchannel ...]]",
     .summary = "Stops listening to the shard channels, or to all."},
    {.name = "unsubscribe",
     .handler = unsubscribe,
     .arity = -1,
     .flags = kSubscribes,
     .group = Group::kPubsub,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of channels given, or all that are listened to",
     .syntax = "[channel [channel ...]]",
     .summary = "Stops listening to the channels, or to all."},
};

}  // namespace

core::Family pubsub_commands() {
  return kRows;
}

}  // namespace larder::commands
