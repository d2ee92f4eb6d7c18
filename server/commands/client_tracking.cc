// CLIENT TRACKING and what belongs to it: the server tells a client which keys that it may have in
// a cache of its own have changed (server/core/tracking.h).
#include <optional>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/tracking.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

// Null if the client does not track.
const Tracker* tracker_that_is_on(const Client& client) {
  const Tracker* tracker = client.tracker();
  return tracker != nullptr && tracker->has(Tracker::kOn) ? tracker : nullptr;
}

uint64_t read_redirect(Call& call, Args& args, uint64_t before) {
  if (before != 0) args.fail(errors::kOneRedirection);
  const auto id = static_cast<uint64_t>(args.integer());
  if (args.failed()) return 0;
  if (!call.server().clients.with(id, [](const Client&) {})) {
    args.fail(errors::kNoRedirectionTarget);
  }
  return id;
}

TrackingOptions read_options(Call& call, Args& args) {
  TrackingOptions options;
  while (!args.done()) {
    if (args.option("REDIRECT", 1)) {
      options.redirect = read_redirect(call, args, options.redirect);
    } else if (args.option("BCAST")) {
      options.modes |= Tracker::kBroadcast;
    } else if (args.option("OPTIN")) {
      options.modes |= Tracker::kOptIn;
    } else if (args.option("OPTOUT")) {
      options.modes |= Tracker::kOptOut;
    } else if (args.option("NOLOOP")) {
      options.modes |= Tracker::kNoLoop;
    } else if (args.option("PREFIX", 1)) {
      options.prefixes.push_back(args.next());
    } else {
      args.fail(errors::kSyntax);
    }
  }
  return options;
}

// Whether the options can be had together, and by a client that tracks already as it does.
std::optional<std::string_view> conflict(const TrackingOptions& options, const Tracker* now) {
  const auto wants = [&](Tracker::Mode mode) { return (options.modes & mode) != 0; };
  const auto has = [&](Tracker::Mode mode) { return now != nullptr && now->has(mode); };
  const bool broadcasts = wants(Tracker::kBroadcast);
  if (!broadcasts && !options.prefixes.empty()) return errors::kPrefixWithoutBcast;
  if (now != nullptr && broadcasts != has(Tracker::kBroadcast)) return errors::kSwitchedBcast;
  if (broadcasts && (wants(Tracker::kOptIn) || wants(Tracker::kOptOut))) {
    return errors::kOptionsWithBcast;
  }
  if (wants(Tracker::kOptIn) && wants(Tracker::kOptOut)) return errors::kOptinAndOptout;
  if ((wants(Tracker::kOptIn) && has(Tracker::kOptOut)) ||
      (wants(Tracker::kOptOut) && has(Tracker::kOptIn))) {
    return errors::kSwitchedOptin;
  }
  return std::nullopt;
}

bool overlap(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

// What is wrong with the prefixes; empty if nothing is.
std::string wrong_prefix(const TrackingOptions& options, const Tracker* now) {
  const auto& given = options.prefixes;
  size_t count = given.size();
  size_t bytes = 0;
  for (const std::string_view prefix : given) bytes += prefix.size();
  if (now != nullptr) {
    count += now->prefixes.size();
    for (const std::string& existing : now->prefixes) bytes += existing.size();
  }
  if (count > Tracking::kPrefixesMax || bytes > Tracking::kPrefixBytesMax) {
    return std::string(errors::kTooManyPrefixes);
  }
  for (size_t i = 0; i < given.size(); i++) {
    if (now != nullptr) {
      for (const std::string& existing : now->prefixes) {
        if (overlap(existing, given[i])) {
          return errors::overlapping_prefix(given[i], existing, true);
        }
      }
    }
    for (size_t j = i + 1; j < given.size(); j++) {
      if (overlap(given[i], given[j])) return errors::overlapping_prefix(given[i], given[j], false);
    }
  }
  return "";
}

void client_tracking(Call& call) {
  Args args = call.args(3);
  const TrackingOptions options = read_options(call, args);
  if (args.failed()) return call.fail(args.error());
  Client& client = call.client();
  if (equals_ignoring_case(call.argument(2), "OFF")) {
    call.server().tracking.disable(client);
    return call.reply().simple("OK");
  }
  if (!equals_ignoring_case(call.argument(2), "ON")) return call.fail(errors::kSyntax);
  const Tracker* now = tracker_that_is_on(client);
  if (const auto error = conflict(options, now)) return call.fail(*error);
  const std::string error = wrong_prefix(options, now);
  if (!error.empty()) return call.fail(error);
  call.server().tracking.enable(client, options);
  call.reply().simple("OK");
}

void client_caching(Call& call) {
  const Tracker* tracker = tracker_that_is_on(call.client());
  if (tracker == nullptr) return call.fail(errors::kCachingWithoutTracking);
  const std::string_view answer = call.argument(2);
  const bool yes = equals_ignoring_case(answer, "YES");
  if (!yes && !equals_ignoring_case(answer, "NO")) return call.fail(errors::kSyntax);
  if (!tracker->has(yes ? Tracker::kOptIn : Tracker::kOptOut)) {
    return call.fail(yes ? errors::kCachingYes : errors::kCachingNo);
  }
  call.client().set(Client::kCaching);
  call.reply().simple("OK");
}

void client_getredir(Call& call) {
  call.reply().integer(Clients::redirection_of(call.client()));
}

std::vector<std::string_view> state_words(const Client& client, const Tracker* tracker) {
  if (tracker == nullptr) return {"off"};
  std::vector<std::string_view> words{"on"};
  const bool caching = client.has(Client::kCaching);
  if (tracker->has(Tracker::kBroadcast)) words.push_back("bcast");
  if (tracker->has(Tracker::kOptIn)) {
    words.push_back("optin");
    if (caching) words.push_back("caching-yes");
  }
  if (tracker->has(Tracker::kOptOut)) {
    words.push_back("optout");
    if (caching) words.push_back("caching-no");
  }
  if (tracker->has(Tracker::kNoLoop)) words.push_back("noloop");
  if (tracker->broken.load(std::memory_order_relaxed)) words.push_back("broken_redirect");
  return words;
}

void client_trackinginfo(Call& call) {
  const Tracker* tracker = tracker_that_is_on(call.client());
  const std::vector<std::string_view> words = state_words(call.client(), tracker);
  Reply& reply = call.reply();
  reply.map(3);
  reply.bulk("flags");
  reply.set(words.size());
  for (const std::string_view word : words) reply.bulk(word);
  reply.bulk("redirect");
  reply.integer(Clients::redirection_of(call.client()));
  reply.bulk("prefixes");
  reply.array(tracker != nullptr ? tracker->prefixes.size() : 0);
  if (tracker == nullptr) return;
  for (const std::string& prefix : tracker->prefixes) reply.bulk(prefix);
}

constexpr uint32_t kPlain = kNoscript | kLoading | kStale | kKeepsCaching;

constexpr CommandRow kRows[] = {
    {.name = "client|caching",
     .handler = client_caching,
     .arity = 3,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.0.0",
     .complexity = "O(1)",
     .syntax = "<YES | NO>",
     .summary = "Whether the keys that the next command or transaction reads are tracked."},
    {.name = "client|getredir",
     .handler = client_getredir,
     .arity = 2,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers which client gets this one's invalidation messages: 0 for itself, -1 for "
                "none."},
    {.name = "client|tracking",
     .handler = client_tracking,
     .arity = -3,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.0.0",
     .complexity = "O(1), with prefixes O(N*N) where N is their number",
     .syntax = "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] "
               "[OPTIN] [OPTOUT] [NOLOOP]",
     .summary = "Whether the connection is told when keys change that it may have cached."},
    {.name = "client|trackinginfo",
     .handler = client_trackinginfo,
     .arity = 2,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers how the connection's keys are tracked."},
};

}  // namespace

core::Family client_tracking_commands() {
  return kRows;
}

}  // namespace larder::commands
