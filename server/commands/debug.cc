// DEBUG: for tests of the server and of client libraries. Its subcommands are no commands of their
// own, in Redis neither: one row, and a table of what may follow.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"
#include "server/core/tick_clock.h"
#include "server/core/value_type.h"
#include "storage/memory.h"
#include "storage/memory_recount.h"
#include "storage/prefix_walk.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler

// Whether the client comes from this machine.
bool is_local(const Client& client) {
  const std::string_view peer = client.address().peer;
  return client.has(Client::kUnixSocket) || peer.starts_with("127.") ||
         peer.starts_with("[::1]:") || peer.starts_with("[::ffff:127.");
}

bool allowed(Call& call) {
  enum Access : int64_t { kNobody, kEverybody, kLocal };  // as the option's choices stand
  switch (call.config().values.enable_debug_command.load()) {
    case kEverybody:
      return true;
    case kLocal:
      return is_local(call.client());
    default:
      return false;
  }
}

// Blocks the loop with all its connections, as in Redis: that is what the tests that use it are
// after. The text is read as C's strtod reads it, so nonsense is 0.
void sleep(Call& call) {
  constexpr double kSecondsMax = 300;
  const double seconds = std::strtod(std::string(call.argument(2)).c_str(), nullptr);
  if (seconds > 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(seconds, kSecondsMax)));
  }
  call.reply().simple("OK");
}

// Redis' line as far as it is true here: no time of last use is kept, and there is no serialized
// form but the text of a string.
void object(Call& call) {
  const storage::Key key = call.key(2);
  DatabaseLock db = call.lock(key);
  const storage::Entry* entry = db->find(key, storage::Keyspace::Access::kPeek);
  if (entry == nullptr) return call.fail(errors::kNoSuchKey);
  call.reply().simple(fmt::format("Value at:{} refcount:1 encoding:{} serializedlength:{}",
                                  fmt::ptr(entry), encoding_name(*entry), entry->string_bytes()));
}

// Read as C's atoi reads it.
void set_active_expire(Call& call) {
  const long on = std::strtol(std::string(call.argument(2)).c_str(), nullptr, 10);
  call.server().active_expire.store(on != 0);
  call.reply().simple("OK");
}

void error(Call& call) {
  call.fail(call.argument(2));
}

// --------------------------------------------------------------------------------------- PROTOCOL

void three_integers(Reply& reply) {
  for (int i = 0; i < 3; i++) reply.integer(i);
}

void big_number(Reply& reply) {
  constexpr std::string_view kDigits = "1234567999999999999999999999999999999";
  if (reply.version() == RespVersion::k2) return reply.bulk(kDigits);
  reply.raw(fmt::format("({}\r\n", kDigits));
}

void with_attribute(Reply& reply) {
  if (reply.version() == RespVersion::k3) {
    reply.raw("|1\r\n");
    reply.bulk("key-popularity");
    reply.array(2);
    reply.bulk("key:123");
    reply.integer(90);
  }
  reply.bulk("Some real reply following the attribute");
}

void with_push(Reply& reply) {
  if (reply.version() == RespVersion::k2) return reply.error(errors::kResp2NotSupported);
  reply.push(2);
  reply.bulk("server-cpu-usage");
  reply.integer(42);
  reply.bulk("Some real reply following the push reply");
}

struct ReplyType {
  std::string_view name;
  void (*write)(Reply&);
};

constexpr ReplyType kReplyTypes[] = {
    {"string", [](Reply& reply) { reply.bulk("Hello World"); }},
    {"integer", [](Reply& reply) { reply.integer(12345); }},
    {"double", [](Reply& reply) { reply.real(3.141); }},
    {"bignum", big_number},
    {"null", [](Reply& reply) { reply.null(); }},
    {"array", [](Reply& reply) { reply.array(3), three_integers(reply); }},
    {"set", [](Reply& reply) { reply.set(3), three_integers(reply); }},
    {"map",
     [](Reply& reply) {
       reply.map(3);
       for (int i = 0; i < 3; i++) reply.integer(i), reply.boolean(i == 1);
     }},
    {"attrib", with_attribute},
    {"push", with_push},
    {"verbatim", [](Reply& reply) { reply.verbatim("This is a verbatim\nstring"); }},
    {"true", [](Reply& reply) { reply.boolean(true); }},
    {"false", [](Reply& reply) { reply.boolean(false); }},
};

// One reply of each type, for those who write client libraries.
void protocol(Call& call) {
  const std::string wanted = to_lower(call.argument(2));
  for (const ReplyType& type : kReplyTypes) {
    if (wanted == type.name) return type.write(call.reply());
  }
  call.fail(errors::kUnknownReplyType);
}

// ---------------------------------------------------------------------------------------- HTSTATS

struct TableStats {
  size_t keys = 0;
  size_t volatile_keys = 0;
  size_t memory_bytes = 0;
  size_t largest_shard_keys = 0;

  void add(const storage::Table& table) {
    keys += table.size();
    volatile_keys += table.volatile_size();
    memory_bytes += table.memory_bytes();
    largest_shard_keys = std::max(largest_shard_keys, table.size());
  }
};

// Counts shard by shard, under the surrounding transaction's lock if there is one.
TableStats table_stats(Call& call, size_t database) {
  storage::Store& store = call.store();
  TableStats stats;
  for (size_t shard = 0; shard < storage::Store::kShards; shard++) {
    store.with_shard(call.held(), shard, [&](const storage::LockedKeys& locked) {
      stats.add(store.table(locked, shard, database));
    });
  }
  return stats;
}

void table_report(Call& call) {
  Args args = call.args(2);
  const int64_t database = args.integer();
  if (args.failed()) return call.fail(args.error());
  if (database < 0 || database >= static_cast<int64_t>(call.store().databases())) {
    return call.fail(errors::kDatabaseNotThere);
  }
  const TableStats stats = table_stats(call, static_cast<size_t>(database));
  call.reply().verbatim(
      fmt::format("[Tables]\n"
                  " shards: {}\n"
                  " number of elements: {}\n"
                  " elements with an expiry: {}\n"
                  " elements of the fullest shard: {}\n"
                  " bytes of the tables: {}\n",
                  storage::Store::kShards, stats.keys, stats.volatile_keys,
                  stats.largest_shard_keys, stats.memory_bytes));
}

// ---------------------------------------------------------------------------------------- RECOUNT

bool recount_shard(storage::Store& store, const storage::LockedKeys& locked, size_t shard) {
  for (size_t database = 0; database < store.databases(); database++) {
    if (!store.table(locked, shard, database).recount()) return false;
  }
  return true;
}

void answer_recount(Call& call, bool right) {
  right ? call.reply().simple("OK") : call.fail(errors::kRecountFailed);
}

// One shard after the other, until the slice is used up.
class Recount final : public Continuation {
 public:
  Progress resume(Call& call) override {
    const uint64_t start = TickClock::now();
    storage::Store& store = call.store();
    while (right_ && shard_ < storage::Store::kShards) {
      const storage::LockedKeys locked = store.lock_shard(shard_);
      right_ = recount_shard(store, locked, shard_);
      shard_++;
      if (TickClock::nanoseconds(TickClock::now() - start) > kSliceUs * 1000) {
        return Progress::kAgain;
      }
    }
    // Their sums are right only while nobody writes: all wait, for as long as it takes.
    answer_recount(call, right_ && storage::recount_prefixes(store, store.lock_all()));
    return Progress::kDone;
  }

 private:
  size_t shard_ = 0;
  bool right_ = true;
};

void recount(Call& call) {
  if (call.held() == nullptr) return call.continue_with(std::make_unique<Recount>());
  bool right = true;
  for (size_t shard = 0; right && shard < storage::Store::kShards; shard++) {
    right = recount_shard(call.store(), *call.held(), shard);
  }
  answer_recount(call, right && storage::recount_prefixes(call.store(), *call.held()));
}

void recount_memory(Call& call) {
  DatabaseLock db = call.lock_all();
  const storage::MemoryRecount sum = storage::recount_memory(call.store(), db->locked());
  call.reply().verbatim(
      fmt::format("[Memory]\n"
                  " bytes of entries: {}\n"
                  " bytes of long values: {}\n"
                  " bytes of table segments: {}\n"
                  " bytes of table directories: {}\n"
                  " bytes counted by the arena: {}\n"
                  " of these, bytes in no table: {}\n",
                  sum.entries, sum.values, sum.segments, sum.directories, sum.arena,
                  static_cast<int64_t>(sum.elsewhere())));
}

void jmap(Call& call) {
  call.reply().verbatim(storage::allocator_report());
}

// -------------------------------------------------------------------------------------- The table

struct Subcommand {
  HelpLine help;
  size_t arguments;  // exactly so many, with DEBUG and the name
  Handler handler;
};

void help(Call& call);

constexpr Subcommand kSubcommands[] = {
    {{"error", "string", "Answers this text as an error."}, 3, error},
    {{"htstats", "db", "Answers the sizes of a database's tables."}, 3, table_report},
    {{"jmap", "", "Answers the allocator's own report, as MEMORY MALLOC-STATS does."}, 2, jmap},
    {{"object", "key", "Answers address, encoding and length of a key's value."}, 3, object},
    {{"protocol", "type", "Answers an example of this type of reply."}, 3, protocol},
    {{"recount", "", "Counts all keys anew; an error if the server's counters were wrong."},
     2,
     recount},
    {{"recount-memory", "", "Adds up what all keys take, beside what the arena counted."},
     2,
     recount_memory},
    {{"set-active-expire", "<0 | 1>",
      "Stops or starts the removal of dead keys that nobody reads."},
     3,
     set_active_expire},
    {{"sleep", "seconds", "Stops the connection's loop so long, with all its other connections."},
     3,
     sleep},
    {{"help", "", "Lists the subcommands."}, 2, help},
};

void help(Call& call) {
  std::vector<HelpLine> lines;
  for (const Subcommand& subcommand : kSubcommands) lines.push_back(subcommand.help);
  write_help(call.reply(), "debug", lines);
}

void debug(Call& call) {
  if (!allowed(call)) return call.fail(errors::kDebugNotAllowed);
  const std::string wanted = to_lower(call.argument(1));
  for (const Subcommand& subcommand : kSubcommands) {
    if (wanted == subcommand.help.name && call.argument_count() == subcommand.arguments) {
      return subcommand.handler(call);
    }
  }
  call.fail(errors::unknown_subcommand_or_arity("debug", call.argument(1)));
}

constexpr CommandRow kRows[] = {
    {.name = "debug",
     .handler = debug,
     .arity = -2,
     .flags = kAdmin | kNoscript | kLoading | kStale | kWholeKeyspace,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "By subcommand",
     .syntax = "subcommand [arg [arg ...]]",
     .summary = "Looks into the server and disturbs it, for tests: see DEBUG HELP."},
};

}  // namespace

core::Family debug_commands() {
  return kRows;
}

}  // namespace larder::commands
