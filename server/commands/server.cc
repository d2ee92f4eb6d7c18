// Small commands about the server as a whole: the time, its role, its end, and who may do what.
#include <memory>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"
#include "server/core/version.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

void time(Call& call) {
  constexpr int64_t kMicrosecondsPerSecond = 1'000'000;
  const int64_t now_us = call.server().clock.now_us();
  call.reply().array(2);
  call.reply().bulk_integer(now_us / kMicrosecondsPerSecond);
  call.reply().bulk_integer(now_us % kMicrosecondsPerSecond);
}

// Nothing is ever saved; Redis too answers its start until it has saved.
void lastsave(Call& call) {
  call.reply().integer(call.server().identity.started_ms / 1000);
}

// A master without replicas, at replication offset 0.
void role(Call& call) {
  Reply& reply = call.reply();
  reply.array(3);
  reply.bulk("master");
  reply.integer(0);
  reply.array(0);
}

// ------------------------------------------------------------------------------------------- WAIT

// There are no replicas, so a client that waits for some always waits for its whole timeout.
class WaitForReplicas final : public Continuation {
 public:
  explicit WaitForReplicas(int64_t wake_at_ms) : wake_at_ms_(wake_at_ms) {}

  Progress resume(Call& call) override {
    if (unblocked_with_error_) {
      call.fail(errors::kUnblocked);
    } else if (unblocked_ || call.now_ms() >= wake_at_ms_) {
      call.reply().integer(0);
    } else {
      return Progress::kWaiting;
    }
    return Progress::kDone;
  }

  int64_t wake_at_ms() const override { return wake_at_ms_; }

  bool unblock(bool with_error) override {
    unblocked_ = true;
    unblocked_with_error_ = with_error;
    return true;
  }

 private:
  const int64_t wake_at_ms_;
  bool unblocked_ = false;
  bool unblocked_with_error_ = false;
};

void wait(Call& call) {
  Args args = call.args();
  const int64_t replicas = args.integer();
  const int64_t timeout_ms = args.integer(errors::kTimeoutNotInteger);
  if (!args.failed() && timeout_ms < 0) args.fail(errors::kTimeoutNegative);
  if (args.failed()) return call.fail(args.error());
  // Inside a transaction nobody can wait: Redis answers at once as well.
  if (replicas <= 0 || call.held() != nullptr) return call.reply().integer(0);
  const bool for_ever = timeout_ms == 0 || timeout_ms > Continuation::kNever - call.now_ms();
  call.continue_with(std::make_unique<WaitForReplicas>(for_ever ? Continuation::kNever
                                                                : call.now_ms() + timeout_ms));
}

// --------------------------------------------------------------------------------------- SHUTDOWN

// NOW would spare the wait for replicas that lag behind, of which there are none. FORCE goes on
// where SAVE cannot be done, and here it never can.
void shutdown(Call& call) {
  Args args = call.args();
  bool save = false;
  bool nosave = false;
  bool now = false;
  bool force = false;
  bool abort = false;
  while (!args.done()) {
    if (args.option("SAVE")) {
      save = true;
    } else if (args.option("NOSAVE")) {
      nosave = true;
    } else if (args.option("NOW")) {
      now = true;
    } else if (args.option("FORCE")) {
      force = true;
    } else if (args.option("ABORT")) {
      abort = true;
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if ((abort && (save || nosave || now || force)) || (save && nosave)) args.fail(errors::kSyntax);
  if (args.failed()) return call.fail(args.error());
  if (abort) return call.fail(errors::kNoShutdown);
  // While a script keeps everybody waiting, only who gives up what it did may end the server.
  if (!nosave && call.server().scripts.busy()) return call.fail(call.server().scripts.busy_error());
  if (save && !force) return call.fail(errors::kCannotSave);
  call.server().host->shut_down();
}

// ----------------------------------------------------------------------------------------- LOLWUT

constexpr int64_t kDrawingVersion = 1;

// Shelves of jars, each filled to a height that the seed says.
std::string draw_larder(uint64_t seed) {
  constexpr int kShelves = 3;
  constexpr int kJars = 8;
  constexpr int kJarHeight = 3;
  std::string text;
  const std::string shelf = "+" + std::string(kJars * 6 + 1, '=') + "+\n";
  for (int s = 0; s < kShelves; s++) {
    text += "|";
    for (int j = 0; j < kJars; j++) text += "  .--.";
    text += " |\n";
    for (int level = kJarHeight; level > 0; level--) {
      text += "|";
      for (int j = 0; j < kJars; j++) {
        const int filled = static_cast<int>(seed >> (2 * (s * kJars + j)) & 3);
        text += level <= filled ? "  |##|" : "  |  |";
      }
      text += " |\n";
    }
    text += shelf;
  }
  return shelf + text;
}

// As in Redis, a drawing that this version does not have leaves only the last line.
void lolwut(Call& call) {
  Args args = call.args();
  const bool asked = args.option("VERSION", 1);
  const int64_t version = asked ? args.integer() : kDrawingVersion;
  if (args.failed()) return call.fail(args.error());
  std::string text;
  if (version == kDrawingVersion) {
    text = draw_larder(call.store().key(std::to_string(call.now_ms())).hash);
    text += "\nA larder keeps what is wanted soon. ";
  }
  text.append("Larder ver. ").append(kLarderVersion).append("\n");
  call.reply().verbatim(text);
}

// -------------------------------------------------------------------------------------------- ACL

// There is one user, whose password is the option requirepass.
void acl_whoami(Call& call) {
  call.reply().bulk("default");
}

void acl_users(Call& call) {
  call.reply().array(1);
  call.reply().bulk("default");
}

void write_category(Call& call, uint32_t category) {
  const CommandTable& table = call.server().commands;
  std::vector<std::string_view> names;
  for (size_t i = 0; i < table.size(); i++) {
    const Command& command = table.at(i);
    if ((command.categories & category) != 0) names.push_back(command.row->name);
  }
  call.reply().array(names.size());
  for (const std::string_view name : names) call.reply().bulk(name);
}

void acl_cat(Call& call) {
  const std::span<const NamedBit> categories = acl_category_names();
  if (call.argument_count() > 3) {
    return call.fail(errors::unknown_subcommand_or_arity("acl", call.argument(1)));
  }
  if (call.argument_count() == 2) {
    call.reply().array(categories.size());
    for (const NamedBit& named : categories) call.reply().bulk(named.name);
    return;
  }
  const std::string wanted = to_lower(call.argument(2));
  for (const NamedBit& named : categories) {
    if (wanted == named.name) return write_category(call, named.bit);
  }
  call.fail(errors::unknown_category(call.argument(2)));
}

constexpr CommandRow kRows[] = {
    {.name = "time",
     .handler = time,
     .arity = 1,
     .flags = kLoading | kStale | kFast,
     .group = Group::kServer,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers the server's time: seconds since the epoch, and microseconds."},
    {.name = "lastsave",
     .handler = lastsave,
     .arity = 1,
     .flags = kLoading | kStale | kFast,
     .categories = kAclAdmin | kAclDangerous,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers when the server started, as nothing is ever saved."},
    {.name = "role",
     .handler = role,
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kFast,
     .categories = kAclAdmin | kAclDangerous,
     .group = Group::kServer,
     .since = "2.8.12",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers that this is a master without replicas."},
    {.name = "wait",
     .handler = wait,
     .arity = 3,
     .flags = 0,
     .categories = kAclConnection,
     .group = Group::kGeneric,
     .since = "3.0.0",
     .complexity = "O(1)",
     .syntax = "numreplicas timeout",
     .summary = "Waits the timeout for replicas to have the client's writes. There are never any."},
    {.name = "shutdown",
     .handler = shutdown,
     .arity = -1,
     .flags = kAdmin | kNoscript | kLoading | kStale | kNoMulti | kAllowBusy,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
     .summary = "Ends the server in good order. SAVE is refused, as nothing is kept on disk."},
    {.name = "lolwut",
     .handler = lolwut,
     .arity = -1,
     .flags = kReadonly | kFast,
     .group = Group::kServer,
     .since = "5.0.0",
     .complexity = "O(1)",
     .syntax = "[VERSION version]",
     .summary = "Draws a larder and says the server's version."},
    {.name = "acl",
     .arity = -2,
     .group = Group::kServer,
     .since = "6.0.0",
     .complexity = "By subcommand",
     .syntax = "",
     .summary = "Container of the commands about users and what they may do."},
    {.name = "acl|cat",
     .handler = acl_cat,
     .arity = -2,
     .flags = kNoscript | kLoading | kStale,
     .group = Group::kServer,
     .since = "6.0.0",
     .complexity = "O(N), N being the number of commands",
     .syntax = "[category]",
     .summary = "Lists the categories of commands, or the commands of one."},
    {.name = "acl|users",
     .handler = acl_users,
     .arity = 2,
     .flags = kAdmin | kNoscript | kLoading | kStale,
     .group = Group::kServer,
     .since = "6.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the users: there is one, default."},
    {.name = "acl|whoami",
     .handler = acl_whoami,
     .arity = 2,
     .flags = kNoscript | kLoading | kStale,
     .group = Group::kServer,
     .since = "6.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers the name of the connection's user, which is always default."},
    {.name = "acl|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .group = Group::kServer,
     .since = "6.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the subcommands."},
};

}  // namespace

core::Family server_commands() {
  return kRows;
}

}  // namespace larder::commands
