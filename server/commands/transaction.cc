// MULTI and EXEC, WATCH and UNWATCH. How commands are queued is the dispatcher's, how they are run
// in server/core/transaction.h.
#include "server/core/transaction.h"

#include "server/commands/families.h"
#include "server/core/call.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

void multi(Call& call) {
  Client& client = call.client();
  if (client.has(Client::kMulti)) return call.fail(errors::kMultiNested);
  client.transaction().begin();
  client.set(Client::kMulti);
  call.reply().simple("OK");
}

// Gives up what is queued and what is watched.
void give_up(Call& call) {
  call.client().end_transaction();
  call.server().watches.unwatch_all(call.client(), call.now_ms());
}

void exec(Call& call) {
  Client& client = call.client();
  if (!client.has(Client::kMulti)) return call.fail(errors::kExecWithoutMulti);
  if (!client.transaction().failed()) return run_transaction(call);
  give_up(call);
  call.fail(errors::kExecAborted);
}

void discard(Call& call) {
  if (!call.client().has(Client::kMulti)) return call.fail(errors::kDiscardWithoutMulti);
  give_up(call);
  call.reply().simple("OK");
}

// Once a key has changed EXEC will fail anyway, so nothing more is watched.
void watch(Call& call) {
  Client& client = call.client();
  if (client.has(Client::kMulti)) return call.fail(errors::kWatchInMulti);
  if (!client.watch_broken()) {
    DatabaseLock db = call.lock();
    for (size_t i = 1; i < call.argument_count(); i++) {
      call.server().watches.watch(client, *db, call.key(i));
    }
  }
  call.reply().simple("OK");
}

void unwatch(Call& call) {
  call.server().watches.unwatch_all(call.client(), call.now_ms());
  call.reply().simple("OK");
}

constexpr uint32_t kPlain = kNoscript | kLoading | kStale;
constexpr uint32_t kQuick = kPlain | kFast | kAllowBusy;

constexpr CommandRow kRows[] = {
    {.name = "discard",
     .handler = discard,
     .arity = 1,
     .flags = kQuick | kRunsInMulti | kEndsMulti,
     .categories = kAclTransaction,
     .group = Group::kTransactions,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of queued commands",
     .syntax = "",
     .summary = "Forgets the commands queued since MULTI, and the watched keys."},
    {.name = "exec",
     .handler = exec,
     .arity = 1,
     .flags = kPlain | kSkipSlowlog | kRunsInMulti | kEndsMulti | kRunsQueue,
     .categories = kAclTransaction,
     .group = Group::kTransactions,
     .since = "1.2.0",
     .complexity = "Depends on the queued commands.",
     .syntax = "",
     .summary = "Runs the commands queued since MULTI as one, unless a watched key has changed."},
    {.name = "multi",
     .handler = multi,
     .arity = 1,
     .flags = kQuick | kRunsInMulti,
     .categories = kAclTransaction,
     .group = Group::kTransactions,
     .since = "1.2.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Begins a transaction: commands are queued until EXEC."},
    {.name = "unwatch",
     .handler = unwatch,
     .arity = 1,
     .flags = kQuick,
     .categories = kAclTransaction,
     .group = Group::kTransactions,
     .since = "2.2.0",
     .complexity = "O(N) where N is the number of watched keys",
     .syntax = "",
     .summary = "Forgets the watched keys."},
    {.name = "watch",
     .handler = watch,
     .arity = -2,
     .flags = kQuick | kRunsInMulti,
     .categories = kAclTransaction,
     .keys = all_keys(kRO),
     .group = Group::kTransactions,
     .since = "2.2.0",
     .complexity = "O(1) for each key",
     .syntax = "key [key ...]",
     .summary = "Lets EXEC do nothing if one of the keys has changed until then."},
};

}  // namespace

core::Family transaction_commands() {
  return kRows;
}

}  // namespace larder::commands
