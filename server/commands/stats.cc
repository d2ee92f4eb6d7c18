// STATS: how the cache is used, as a whole and by the prefixes of its keys.
#include <algorithm>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/memory_report.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::PrefixCount;

void entry(Reply& reply, std::string_view name, uint64_t value) {
  reply.bulk(name);
  reply.integer(static_cast<int64_t>(value));
}

void entry(Reply& reply, std::string_view name, double value) {
  reply.bulk(name);
  reply.real(value);
}

// What is told of the whole cache and of each prefix.
struct Use {
  uint64_t keys;
  uint64_t bytes;
  uint64_t hits;
  uint64_t misses;
  uint64_t sets;
  uint64_t deletes;
  uint64_t expired;
  uint64_t evicted;
  uint64_t invalidated;

  static constexpr size_t kEntries = 10;
  void write(Reply& reply) const {
    entry(reply, "keys", keys);
    entry(reply, "bytes", bytes);
    entry(reply, "hits", hits);
    entry(reply, "misses", misses);
    entry(reply, "hit_ratio", hit_ratio(hits, misses));
    entry(reply, "sets", sets);
    entry(reply, "deletes", deletes);
    entry(reply, "expired", expired);
    entry(reply, "evicted", evicted);
    entry(reply, "invalidated", invalidated);
  }
};

void stats_of_all(Call& call) {
  Server& server = call.server();
  const Statistics& statistics = server.statistics;
  std::vector<storage::DatabaseSize> databases = call.store().sizes(call.held());
  uint64_t keys = 0;
  for (const storage::DatabaseSize& size : databases) keys += size.keys;
  const storage::StoreCounters counters = call.store().counters();
  const Use use{.keys = keys,
                .bytes = measure(server, std::move(databases)).dataset_bytes(),
                .hits = counters.hits,
                .misses = counters.misses,
                .sets = counters.sets,
                .deletes = counters.deletes,
                .expired = counters.expired,
                .evicted = counters.evicted,
                .invalidated = statistics.sum(&WorkerCounters::invalidations_by_pattern) +
                               statistics.sum(&WorkerCounters::invalidations_by_tag)};
  constexpr size_t kMore = CacheStatistics::kWindows.size() + 2;
  Reply& reply = call.reply();
  reply.map(Use::kEntries + kMore);
  use.write(reply);
  const CacheStatistics& cache = server.cache_statistics;
  for (const CacheStatistics::Window& window : CacheStatistics::kWindows) {
    entry(reply, "hit_ratio_" + std::string(window.name),
          cache.since(window.ms, call.now_ms()).hit_ratio());
  }
  const auto latest = cache.since(CacheStatistics::kSampleMs, call.now_ms());
  entry(reply, "evictions_per_sec", latest.per_second(latest.evicted));
  entry(reply, "expirations_per_sec", latest.per_second(latest.expired));
}

void stats_by_prefix(Call& call) {
  const std::vector<storage::PrefixStats::Prefix> prefixes = call.store().prefixes.report();
  Reply& reply = call.reply();
  reply.map(prefixes.size());
  for (const auto& [name, counts] : prefixes) {
    const auto count = [&counts = counts](PrefixCount which) {
      return static_cast<uint64_t>(counts[static_cast<size_t>(which)]);
    };
    const Use use{.keys = count(PrefixCount::kKeys),
                  .bytes = count(PrefixCount::kBytes),
                  .hits = count(PrefixCount::kHits),
                  .misses = count(PrefixCount::kMisses),
                  .sets = count(PrefixCount::kSets),
                  .deletes = count(PrefixCount::kDeletes),
                  .expired = count(PrefixCount::kExpired),
                  .evicted = count(PrefixCount::kEvicted),
                  .invalidated = count(PrefixCount::kInvalidated)};
    reply.bulk(name);
    reply.map(Use::kEntries);
    use.write(reply);
  }
}

void stats(Call& call) {
  Args args = call.args(1);
  if (args.done()) return stats_of_all(call);
  const bool prefix = args.option("PREFIX");
  const bool reset = !prefix && args.option("RESET");
  if (!args.done()) args.fail(errors::kSyntax);
  if (args.failed()) return call.fail(args.error());
  if (prefix) return stats_by_prefix(call);
  if (!reset) return call.fail(errors::kSyntax);
  call.server().statistics.reset_invalidations();
  call.server().cache_statistics.reset(call.held(), call.now_ms());
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "stats",
     .handler = stats,
     .arity = -1,
     .flags = kLoading | kStale | kWholeKeyspace,
     .categories = kAclDangerous,
     .group = Group::kServer,
     .since = "larder",
     .complexity = "O(1); O(N) with N prefixes",
     .syntax = "[<PREFIX | RESET>]",
     .summary = "Answers how the cache is used, as a whole or by prefix, or counts anew."},
};

}  // namespace

core::Family stats_commands() {
  return kRows;
}

}  // namespace larder::commands
