// CLIENT: what connections there are, and what one may do to others or have done to itself.
#include <algorithm>
#include <optional>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/client_attribute.h"
#include "server/core/container_help.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

// The kinds of connections that Redis tells apart. Larder has no replication, so that two stay
// empty.
enum class ClientType { kNormal, kMaster, kReplica, kPubsub };

std::optional<ClientType> parse_type(std::string_view text) {
  if (equals_ignoring_case(text, "NORMAL")) return ClientType::kNormal;
  if (equals_ignoring_case(text, "MASTER")) return ClientType::kMaster;
  if (equals_ignoring_case(text, "REPLICA")) return ClientType::kReplica;
  if (equals_ignoring_case(text, "SLAVE")) return ClientType::kReplica;
  if (equals_ignoring_case(text, "PUBSUB")) return ClientType::kPubsub;
  return std::nullopt;
}

bool is_of_type(const Client& client, ClientType type) {
  return type == (client.has(Client::kSubscribed) ? ClientType::kPubsub : ClientType::kNormal);
}

void client_id(Call& call) {
  call.reply().integer(static_cast<int64_t>(call.client().id()));
}

void client_getname(Call& call) {
  const std::string name = call.server().clients.name_of(call.client());
  if (name.empty()) return call.reply().null();
  call.reply().bulk(name);
}

void client_setname(Call& call) {
  const std::string_view name = call.argument(2);
  if (!is_client_attribute(name)) return call.fail(errors::kClientNameCharacters);
  call.server().clients.set_name(call.client(), name);
  call.reply().simple("OK");
}

void client_setinfo(Call& call) {
  const std::string_view attribute = call.argument(2);
  const std::string_view value = call.argument(3);
  const bool is_name = equals_ignoring_case(attribute, "LIB-NAME");
  if (!is_name && !equals_ignoring_case(attribute, "LIB-VER")) {
    return call.fail(errors::unrecognized_option(attribute));
  }
  if (!is_client_attribute(value)) return call.fail(errors::special_characters(attribute));
  Clients& clients = call.server().clients;
  if (is_name) {
    clients.set_library_name(call.client(), value);
  } else {
    clients.set_library_version(call.client(), value);
  }
  call.reply().simple("OK");
}

void client_info(Call& call) {
  const Clients& clients = call.server().clients;
  call.reply().verbatim(clients.describe_own(call.client(), call.now_ms()) + "\n");
}

std::string list_type(Call& call, std::optional<ClientType> type) {
  std::string lines;
  call.server().clients.each([&](const Client& client) {
    if (type && !is_of_type(client, *type)) return;
    lines += Clients::describe(client, call.now_ms());
    lines += '\n';
  });
  return lines;
}

// In the order asked for, and as often.
std::string list_ids(Call& call, Args& args) {
  std::string lines;
  while (!args.done()) {
    const int64_t id = args.integer(errors::kInvalidClientId);
    if (args.failed()) break;
    call.server().clients.with(static_cast<uint64_t>(id), [&](const Client& client) {
      lines += Clients::describe(client, call.now_ms());
      lines += '\n';
    });
  }
  return lines;
}

void client_list(Call& call) {
  Args args = call.args(2);
  std::string lines;
  if (args.done()) {
    lines = list_type(call, std::nullopt);
  } else if (args.left() == 2 && args.option("TYPE")) {
    const std::string_view name = args.next();
    const std::optional<ClientType> type = parse_type(name);
    if (!type) return call.fail(errors::unknown_client_type(name));
    lines = list_type(call, type);
  } else if (args.option("ID", 1)) {
    lines = list_ids(call, args);
  } else {
    args.fail(errors::kSyntax);
  }
  if (args.failed()) return call.fail(args.error());
  call.reply().verbatim(lines);
}

// Whom CLIENT KILL means: those that pass all the filters given.
struct KillFilter {
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<ClientType> type;
  uint64_t id = 0;  // 0: any
  bool skip_me = true;

  bool matches(const Client& client, const Client& me) const {
    return (!address || client.address().peer == *address) &&
           (!local_address || client.address().local == *local_address) &&
           (!type || is_of_type(client, *type)) && (id == 0 || client.id() == id) &&
           !(skip_me && &client == &me);
  }
};

bool read_skip_me(Args& args) {
  const std::string_view answer = args.next();
  const bool yes = equals_ignoring_case(answer, "YES");
  if (!yes && !equals_ignoring_case(answer, "NO")) args.fail(errors::kSyntax);
  return yes;
}

KillFilter read_kill_filter(Args& args) {
  KillFilter filter;
  while (!args.done()) {
    if (args.option("ID", 1)) {
      filter.id = static_cast<uint64_t>(args.integer(1, INT64_MAX, errors::kClientIdNotPositive));
    } else if (args.option("TYPE", 1)) {
      const std::string_view name = args.next();
      filter.type = parse_type(name);
      if (!filter.type) args.fail(errors::unknown_client_type(name));
    } else if (args.option("ADDR", 1)) {
      filter.address = args.next();
    } else if (args.option("LADDR", 1)) {
      filter.local_address = args.next();
    } else if (args.option("USER", 1)) {
      const std::string_view user = args.next();
      if (user != kDefaultUser) args.fail(errors::no_such_user(user));
    } else if (args.option("SKIPME", 1)) {
      filter.skip_me = read_skip_me(args);
    } else {
      args.fail(errors::kSyntax);
    }
  }
  return filter;
}

// Answers how many were closed. One's own connection gets its reply first.
int64_t kill(Call& call, const KillFilter& filter) {
  int64_t killed = 0;
  Client& me = call.client();
  call.server().clients.each([&](Client& client) {
    if (!filter.matches(client, me)) return;
    killed++;
    if (&client == &me) {
      me.set(Client::kCloseAfterReply);
    } else {
      client.request_close();
    }
  });
  return killed;
}

void client_kill(Call& call) {
  if (call.argument_count() == 3) {  // the old form: CLIENT KILL addr:port
    const KillFilter filter{.address = call.argument(2), .skip_me = false};
    if (kill(call, filter) == 0) return call.fail(errors::kNoSuchClient);
    return call.reply().simple("OK");
  }
  Args args = call.args(2);
  const KillFilter filter = read_kill_filter(args);
  if (args.failed()) return call.fail(args.error());
  call.reply().integer(kill(call, filter));
}

// ON or OFF; anything else is a syntax error.
void set_flag(Call& call, Client::Flag flag) {
  Args args = call.args(2);
  const bool on = args.option("ON");
  if (!on && !args.option("OFF")) return call.fail(errors::kSyntax);
  call.client().set(flag, on);
  call.reply().simple("OK");
}

void client_no_evict(Call& call) {
  set_flag(call, Client::kNoEvict);
}

void client_no_touch(Call& call) {
  set_flag(call, Client::kNoTouch);
}

void client_reply(Call& call) {
  Client& client = call.client();
  Args args = call.args(2);
  if (args.option("ON")) {
    client.set(Client::kReplyOff, false);
    client.set(Client::kReplySkip, false);
    call.reply().simple("OK");
  } else if (args.option("OFF")) {
    client.set(Client::kReplyOff);
  } else if (args.option("SKIP")) {
    if (!client.has(Client::kReplyOff)) client.set(Client::kReplySkipNext);
  } else {
    call.fail(errors::kSyntax);
  }
}

// An argument too many, in a subcommand whose arity allows it.
bool has_at_most(Call& call, size_t arguments) {
  if (call.argument_count() <= arguments) return true;
  call.fail(errors::unknown_subcommand_or_arity("client", call.argument(1)));
  return false;
}

// The moment `timeout_ms` from now, 0 for none.
int64_t read_pause_end(Args& args, int64_t now_ms) {
  const int64_t timeout_ms = args.integer(errors::kTimeoutNotInteger);
  if (timeout_ms < 0) args.fail(errors::kTimeoutNegative);
  if (timeout_ms > INT64_MAX - now_ms) args.fail(errors::kTimeoutOutOfRange);
  return args.failed() || timeout_ms == 0 ? 0 : now_ms + timeout_ms;
}

// A pause that still runs is never made shorter or laxer.
void extend(Pause& pause, int64_t until_ms, bool writes_only, int64_t now_ms) {
  const int64_t running_until_ms = pause.until_ms.load();
  if (running_until_ms > now_ms) {
    writes_only = writes_only && pause.writes_only.load();
    until_ms = std::max(until_ms, running_until_ms);
  }
  pause.writes_only.store(writes_only);
  pause.until_ms.store(until_ms);
}

void client_pause(Call& call) {
  if (!has_at_most(call, 4)) return;
  bool writes_only = false;
  if (call.argument_count() == 4) {  // looked at before the timeout, as in Redis
    writes_only = equals_ignoring_case(call.argument(3), "WRITE");
    if (!writes_only && !equals_ignoring_case(call.argument(3), "ALL")) {
      return call.fail(errors::kPauseMode);
    }
  }
  Args args = call.args(2);
  const int64_t until_ms = read_pause_end(args, call.now_ms());
  if (args.failed()) return call.fail(args.error());
  extend(call.server().pause, until_ms, writes_only, call.now_ms());
  call.reply().simple("OK");
}

void client_unpause(Call& call) {
  call.server().pause.until_ms.store(0);
  call.server().host->wake_paused();
  call.reply().simple("OK");
}

void client_unblock(Call& call) {
  if (!has_at_most(call, 4)) return;
  bool with_error = false;
  if (call.argument_count() == 4) {
    with_error = equals_ignoring_case(call.argument(3), "ERROR");
    if (!with_error && !equals_ignoring_case(call.argument(3), "TIMEOUT")) {
      return call.fail(errors::kUnblockReason);
    }
  }
  Args args = call.args(2);
  const int64_t id = args.integer();
  if (args.failed()) return call.fail(args.error());
  bool unblocked = false;
  call.server().clients.with(static_cast<uint64_t>(id), [&](Client& client) {
    // CLIENT PAUSE ends by time or by CLIENT UNPAUSE alone.
    unblocked = client.has(Client::kBlocked) && !client.has(Client::kHeld);
    if (unblocked) client.request_unblock(with_error);
  });
  call.reply().integer(unblocked ? 1 : 0);
}

constexpr uint32_t kPlain = kNoscript | kLoading | kStale | kKeepsCaching;

constexpr CommandRow kRows[] = {
    {.name = "client",
     .arity = -2,
     .flags = kKeepsCaching,
     .group = Group::kConnection,
     .since = "2.4.0",
     .complexity = "Depends on subcommand.",
     .syntax = "",
     .summary = "Looks at connections and changes what they may do."},
    {.name = "client|getname",
     .handler = client_getname,
     .arity = 2,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "2.6.9",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers the connection's name."},
    {.name = "client|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale | kKeepsCaching,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "5.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers these lines."},
    {.name = "client|id",
     .handler = client_id,
     .arity = 2,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "5.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers the connection's number, which no other connection gets again."},
    {.name = "client|info",
     .handler = client_info,
     .arity = 2,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers this connection's line of CLIENT LIST."},
    {.name = "client|kill",
     .handler = client_kill,
     .arity = -3,
     .flags = kPlain | kAdmin,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of client connections",
     .syntax = "<ip:port | <ID client-id | TYPE <NORMAL | MASTER | REPLICA | PUBSUB> | "
               "USER username | ADDR ip:port | LADDR ip:port | SKIPME <YES | NO>> ...>",
     .summary = "Closes the connections that pass all the filters given."},
    {.name = "client|list",
     .handler = client_list,
     .arity = -2,
     .flags = kPlain | kAdmin,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of client connections",
     .syntax = "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
     .summary = "Answers a line for each connection."},
    {.name = "client|no-evict",
     .handler = client_no_evict,
     .arity = 3,
     .flags = kPlain | kAdmin,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "7.0.0",
     .complexity = "O(1)",
     .syntax = "<ON | OFF>",
     .summary = "Spares the connection when others are closed to save memory."},
    {.name = "client|no-touch",
     .handler = client_no_touch,
     .arity = 3,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "7.2.0",
     .complexity = "O(1)",
     .syntax = "<ON | OFF>",
     .summary = "Whether this connection's reads leave no trace in how recently keys were used."},
    {.name = "client|pause",
     .handler = client_pause,
     .arity = -3,
     .flags = kPlain | kAdmin,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "2.9.50",
     .complexity = "O(1)",
     .syntax = "timeout [WRITE | ALL]",
     .summary = "Holds all commands back for so many milliseconds, or only those that write."},
    {.name = "client|reply",
     .handler = client_reply,
     .arity = 3,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "3.2.0",
     .complexity = "O(1)",
     .syntax = "<ON | OFF | SKIP>",
     .summary = "Whether commands are answered: all, none from now on, or not the next one."},
    {.name = "client|setinfo",
     .handler = client_setinfo,
     .arity = 4,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "7.2.0",
     .complexity = "O(1)",
     .syntax = "<LIB-NAME libname | LIB-VER libver>",
     .summary = "Says which client library speaks, or its version."},
    {.name = "client|setname",
     .handler = client_setname,
     .arity = 3,
     .flags = kPlain,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "2.6.9",
     .complexity = "O(1)",
     .syntax = "connection-name",
     .summary = "Gives the connection a name, or takes it away with an empty one."},
    {.name = "client|unblock",
     .handler = client_unblock,
     .arity = -3,
     .flags = kPlain | kAdmin,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "5.0.0",
     .complexity = "O(log N) where N is the number of client connections",
     .syntax = "client-id [TIMEOUT | ERROR]",
     .summary = "Ends the wait of a blocked client, as if its time were up or with an error."},
    {.name = "client|unpause",
     .handler = client_unpause,
     .arity = 2,
     .flags = kPlain | kAdmin,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.2.0",
     .complexity = "O(N) where N is the number of paused clients",
     .syntax = "",
     .summary = "Ends the pause that CLIENT PAUSE began."},
};

}  // namespace

core::Family client_commands() {
  return kRows;
}

}  // namespace larder::commands
