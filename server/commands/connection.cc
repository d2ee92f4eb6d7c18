// Commands about the connection itself: who speaks, in which version of the protocol, to which
// database. CLIENT and its subcommands are in client.cc.
#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/client_attribute.h"
#include "server/core/version.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

void ping(Call& call) {
  if (call.argument_count() > 2) return call.fail(errors::wrong_arity("ping"));
  if (call.client().has(Client::kSubscribed) && call.client().resp() == RespVersion::k2) {
    call.reply().array(2);  // so that it cannot be taken for a message, nor one for its reply
    call.reply().bulk("pong");
    return call.reply().bulk(call.argument_count() == 2 ? call.argument(1) : "");
  }
  if (call.argument_count() == 2) return call.reply().bulk(call.argument(1));
  call.reply().simple("PONG");
}

void echo(Call& call) {
  call.reply().bulk(call.argument(1));
}

// Takes as long for a password that is wrong from its first byte as for one that is nearly right,
// so that its time tells nothing but the length.
bool same_password(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); i++) {
    const char other = wanted.empty() ? '\0' : wanted[i % wanted.size()];
    difference |= static_cast<unsigned char>(given[i] ^ other);
  }
  return difference == 0;
}

// There is one user, `default`; without a password set, any will do for it.
bool authenticate(Call& call, std::string_view user, std::string_view password) {
  const std::string wanted = call.config().values.requirepass.get();
  const bool right = wanted.empty() || same_password(password, wanted);
  if (user != kDefaultUser || !right) return call.fail(errors::kWrongPassword), false;
  call.client().set(Client::kAuthenticated);
  return true;
}

void auth(Call& call) {
  for (size_t i = 1; i < call.argument_count(); i++) call.redact(i);
  if (call.argument_count() > 3) return call.fail(errors::kSyntax);
  const bool named = call.argument_count() == 3;
  if (!named && call.config().values.requirepass.get().empty()) {
    return call.fail(errors::kAuthWithoutPassword);
  }
  const std::string_view user = named ? call.argument(1) : kDefaultUser;
  if (authenticate(call, user, call.argument(named ? 2 : 1))) call.reply().simple("OK");
}

struct HelloOptions {
  int64_t version = 0;  // 0: keep the one in use
  std::optional<std::string_view> user;
  std::string_view password;
  std::optional<std::string_view> name;
};

// Reads the options up to the first error, which Redis reports before it looks at the password.
HelloOptions read_hello(Call& call, Args& args) {
  HelloOptions options;
  if (args.done()) return options;
  options.version = args.integer(errors::kProtocolNotInteger);
  if (!args.failed() && options.version != 2 && options.version != 3) {
    args.fail(errors::kUnsupportedProtocol);
  }
  while (!args.done()) {
    if (args.option("AUTH", 2)) {
      call.redact(args.position());
      call.redact(args.position() + 1);
      options.user = args.next();
      options.password = args.next();
    } else if (args.option("SETNAME", 1)) {
      options.name = args.next();
      if (!is_client_attribute(*options.name)) args.fail(errors::kClientNameCharacters);
    } else {
      args.fail(errors::hello_option(args.peek()));
    }
  }
  return options;
}

void reply_hello(Call& call) {
  Reply& reply = call.reply();
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(kRedisVersion);
  reply.bulk("proto");
  reply.integer(static_cast<int64_t>(call.client().resp()));
  reply.bulk("id");
  reply.integer(static_cast<int64_t>(call.client().id()));
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk("master");
  reply.bulk("modules");
  reply.array(0);
}

void hello(Call& call) {
  Args args = call.args();
  const HelloOptions options = read_hello(call, args);
  if (args.failed()) return call.fail(args.error());
  if (options.user && !authenticate(call, *options.user, options.password)) return;
  Client& client = call.client();
  if (!client.has(Client::kAuthenticated)) return call.fail(errors::kHelloUnauthenticated);
  if (options.name) call.server().clients.set_name(client, *options.name);
  if (options.version != 0) {
    const RespVersion version = options.version == 3 ? RespVersion::k3 : RespVersion::k2;
    client.set_resp(version);
    call.reply().set_version(version);
  }
  reply_hello(call);
}

void select(Call& call) {
  Args args = call.args();
  const int64_t index = args.integer();
  if (args.failed()) return call.fail(args.error());
  if (index < INT32_MIN || index > INT32_MAX)
    return call.fail(errors::out_of_range(INT32_MIN, INT32_MAX));
  if (index < 0 || index >= call.config().values.databases.load(std::memory_order_relaxed)) {
    return call.fail(errors::kDatabaseOutOfRange);
  }
  call.client().set_database(static_cast<size_t>(index));
  call.reply().simple("OK");
}

// What was published before stands in front of the reply; in a transaction's there is no place.
void end_subscriptions(Call& call) {
  call.server().pubsub.unsubscribe_all(call.client());
  if (call.held() == nullptr) call.client().write_pushes();
}

void quit(Call& call) {
  end_subscriptions(call);  // nobody is to count a client that has heard its OK
  call.client().set(Client::kCloseAfterReply);
  call.reply().simple("OK");
}

// What the connection said of its library stays: that still is what speaks behind it.
void reset(Call& call) {
  Client& client = call.client();
  if (client.has(Client::kMonitor)) {
    client.set(Client::kMonitor, false);
    call.server().monitors.fetch_sub(1, std::memory_order_relaxed);
  }
  end_subscriptions(call);
  client.end_transaction();
  call.server().watches.unwatch_all(client, call.now_ms());
  call.server().tracking.disable(client);
  client.set_database(0);
  client.set_resp(RespVersion::k2);
  client.set(Client::kAuthenticated, call.config().values.requirepass.get().empty());
  call.server().clients.set_name(client, "");
  for (const Client::Flag flag :
       {Client::kReplyOff, Client::kReplySkipNext, Client::kNoEvict, Client::kNoTouch}) {
    client.set(flag, false);
  }
  call.reply().set_version(RespVersion::k2);
  call.reply().simple("RESET");
}

constexpr uint32_t kBeforeAuth = kNoscript | kLoading | kStale | kFast | kNoAuth | kAllowBusy;
constexpr uint32_t kEndsSubscriptions = kBeforeAuth | kWhileSubscribed;

constexpr CommandRow kRows[] = {
    {.name = "auth",
     .handler = auth,
     .arity = -2,
     .flags = kBeforeAuth,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "[username] password",
     .summary = "Tells the server the password that it asks for."},
    {.name = "echo",
     .handler = echo,
     .arity = 2,
     .flags = kLoading | kStale | kFast,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "message",
     .summary = "Answers the message."},
    {.name = "hello",
     .handler = hello,
     .arity = -1,
     .flags = kBeforeAuth,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.0.0",
     .complexity = "O(1)",
     .syntax = "[protover [AUTH username password] [SETNAME clientname]]",
     .summary = "Chooses the version of the protocol and introduces both sides to each other."},
    {.name = "ping",
     .handler = ping,
     .arity = -1,
     .flags = kFast | kWhileSubscribed,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "[message]",
     .summary = "Answers PONG, or the message it is given."},
    {.name = "quit",
     .handler = quit,
     .arity = -1,
     .flags = kEndsSubscriptions | kRunsInMulti | kEndsMulti,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers OK, then closes the connection."},
    {.name = "reset",
     .handler = reset,
     .arity = 1,
     .flags = kEndsSubscriptions | kRunsInMulti | kEndsMulti,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Puts the connection back into the state of a new one."},
    {.name = "select",
     .handler = select,
     .arity = 2,
     .flags = kLoading | kStale | kFast,
     .categories = kAclConnection,
     .group = Group::kConnection,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "index",
     .summary = "Makes another database the one that the connection's commands work on."},
};

}  // namespace

core::Family connection_commands() {
  return kRows;
}

}  // namespace larder::commands
