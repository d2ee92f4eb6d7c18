// What the server says of itself: INFO and MEMORY.
#include "server/core/info.h"

#include <algorithm>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"
#include "server/core/memory_report.h"
#include "storage/held_bytes.h"
#include "storage/memory.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::EntryArena;

void info(Call& call) {
  call.reply().verbatim(
      info_text(call.server(), call.arguments().subspan(1), call.now_ms(), call.held()));
}

// SAMPLES bounds how many elements of a collection are looked at; a string has none.
void memory_usage(Call& call) {
  Args args = call.args(3);
  while (!args.done()) {
    if (args.option("SAMPLES", 1)) {
      if (args.integer() < 0) args.fail(errors::kSyntax);
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());

  DatabaseLock db = call.lock();
  const Entry* entry = db->find(call.key(2), storage::Keyspace::Access::kPeek);
  if (entry == nullptr) return call.reply().null();
  call.reply().integer(static_cast<int64_t>(storage::held_bytes(*entry)));
}

void field(Reply& reply, std::string_view name, int64_t value) {
  reply.bulk(name);
  reply.integer(value);
}

void field(Reply& reply, std::string_view name, size_t value) {
  field(reply, name, static_cast<int64_t>(value));
}

void field(Reply& reply, std::string_view name, double value) {
  reply.bulk(name);
  reply.real(value);
}

constexpr size_t kAllocatorFields = 11;

void allocator_fields(Reply& reply, const storage::MemoryUse& use) {
  field(reply, "allocator.allocated", use.allocated_bytes);
  field(reply, "allocator.active", use.active_bytes);
  field(reply, "allocator.resident", use.resident_bytes);
  field(reply, "allocator-fragmentation.ratio", ratio(use.active_bytes, use.allocated_bytes));
  field(reply, "allocator-fragmentation.bytes", difference(use.active_bytes, use.allocated_bytes));
  field(reply, "allocator-rss.ratio", ratio(use.resident_bytes, use.active_bytes));
  field(reply, "allocator-rss.bytes", difference(use.resident_bytes, use.active_bytes));
  field(reply, "rss-overhead.ratio", ratio(use.rss_bytes, use.resident_bytes));
  field(reply, "rss-overhead.bytes", difference(use.rss_bytes, use.resident_bytes));
  field(reply, "fragmentation", ratio(use.rss_bytes, use.allocated_bytes));
  field(reply, "fragmentation.bytes", difference(use.rss_bytes, use.allocated_bytes));
}

// "db.N" for each database with keys. There is no second table for expiries.
void database_fields(Reply& reply, const MemoryReport& report) {
  for (size_t i = 0; i < report.databases.size(); i++) {
    if (report.databases[i].keys == 0) continue;
    reply.bulk("db." + std::to_string(i));
    reply.map(2);
    field(reply, "overhead.hashtable.main", report.databases[i].table_bytes);
    field(reply, "overhead.hashtable.expires", size_t{0});
  }
}

void memory_stats(Call& call) {
  constexpr size_t kOwnFields = 14;
  const MemoryReport report = measure(call.server(), call.store().sizes(call.held()));
  size_t databases = 0;
  for (const storage::DatabaseSize& database : report.databases) databases += database.keys > 0;
  const size_t grown = report.used_bytes() - std::min(report.used_bytes(), report.startup_bytes);

  Reply& reply = call.reply();
  reply.map(kOwnFields + databases + kAllocatorFields);
  field(reply, "peak.allocated", report.peak_bytes);
  field(reply, "total.allocated", report.used_bytes());
  field(reply, "startup.allocated", report.startup_bytes);
  field(reply, "replication.backlog", size_t{0});
  field(reply, "clients.slaves", size_t{0});
  field(reply, "clients.normal", report.client_bytes);
  field(reply, "cluster.links", size_t{0});
  field(reply, "aof.buffer", size_t{0});
  database_fields(reply, report);
  field(reply, "overhead.total", report.overhead_bytes());
  field(reply, "keys.count", report.keys);
  field(reply, "keys.bytes-per-key", report.keys == 0 ? size_t{0} : grown / report.keys);
  field(reply, "dataset.bytes", report.dataset_bytes());
  field(reply, "dataset.percentage", report.dataset_percent());
  field(reply, "peak.percentage", report.peak_percent());
  allocator_fields(reply, report.use);
}

void memory_doctor(Call& call) {
  call.reply().verbatim(diagnose(measure(call.server(), call.store().sizes(call.held()))));
}

void memory_purge(Call& call) {
  storage::purge_memory();
  call.reply().simple("OK");
}

void memory_malloc_stats(Call& call) {
  call.reply().verbatim(storage::allocator_report());
}

constexpr CommandRow kRows[] = {
    {.name = "info",
     .handler = info,
     .arity = -1,
     .flags = kLoading | kStale | kWholeKeyspace,
     .categories = kAclDangerous,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "[section [section ...]]",
     .summary = "Reports on the server and its statistics, section by section."},
    {.name = "memory",
     .arity = -2,
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "Depends on the subcommand.",
     .syntax = "",
     .summary = "Tells where the memory is."},
    {.name = "memory|usage",
     .handler = memory_usage,
     .arity = -3,
     .flags = kReadonly,
     .keys = one_key(kRO, 2),
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "O(N) with N samples",
     .syntax = "key [SAMPLES count]",
     .summary = "Answers how many bytes a key takes, with its value and its place in the table."},
    {.name = "memory|stats",
     .handler = memory_stats,
     .arity = 2,
     .flags = kWholeKeyspace,
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers the use of memory as a map of numbers."},
    {.name = "memory|doctor",
     .handler = memory_doctor,
     .arity = 2,
     .flags = kWholeKeyspace,
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Says in sentences what is unusual in the use of memory."},
    {.name = "memory|purge",
     .handler = memory_purge,
     .arity = 2,
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "Depends on how many pages are free; may take milliseconds.",
     .syntax = "",
     .summary = "Gives free pages back to the system."},
    {.name = "memory|malloc-stats",
     .handler = memory_malloc_stats,
     .arity = 2,
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "Depends on how much is allocated; may take milliseconds.",
     .syntax = "",
     .summary = "Answers the allocator's own report."},
    {.name = "memory|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the subcommands."},
};

}  // namespace

core::Family info_commands() {
  return kRows;
}

}  // namespace larder::commands
