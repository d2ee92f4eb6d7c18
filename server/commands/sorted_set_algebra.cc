// Unions, intersections and differences of sorted sets, and of sets: answered, counted or stored.
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/score_list.h"
#include "server/core/sorted_set_limits.h"
#include "storage/types/sorted_algebra.h"
#include "storage/types/sorted_table.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Aggregate;
using storage::Keyspace;
using storage::Result;
using storage::ScoredSource;
using storage::SortedTable;

using Sources = std::vector<ScoredSource>;

enum class Operation : uint8_t { kUnite, kIntersect, kSubtract };

// What the options of all these commands together may say.
struct Options {
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  size_t limit = 0;  // 0: none
};

// Which of them a command has.
struct Form {
  size_t key_count_at;
  bool weights = false;  // and AGGREGATE
  bool scores = false;
  bool limit = false;
};

// How many keys there are, in the argument that says so.
size_t read_key_count(Call& call, Args& args) {
  const int64_t keys = args.integer();
  if (keys < 1) args.fail(errors::no_input_keys(call.row().name));
  if (static_cast<uint64_t>(keys) > args.left()) args.fail(errors::kSyntax);
  return args.failed() ? 0 : static_cast<size_t>(keys);
}

// Nullopt if a key holds something else than a set; the reply is written.
std::optional<Sources> read_sources(Call& call, Keyspace& db, size_t first, size_t count) {
  Sources sources;
  sources.reserve(count);
  for (size_t i = first; i < first + count; i++) {
    const Result<ScoredSource> source = storage::read_scored_source(db, call.key(i));
    if (!source.ok()) return call.fail(source.status()), std::nullopt;
    sources.push_back(source.value());
  }
  return sources;
}

Aggregate read_aggregate(Args& args) {
  if (args.option("SUM")) return Aggregate::kSum;
  if (args.option("MIN")) return Aggregate::kMin;
  if (args.option("MAX")) return Aggregate::kMax;
  args.fail(errors::kSyntax);
  return Aggregate::kSum;
}

Options read_options(Args& args, const Form& form, Sources& sources) {
  constexpr int64_t kLimitMax = std::numeric_limits<int64_t>::max();
  Options options;
  while (!args.done()) {
    if (form.weights && args.option("WEIGHTS", sources.size())) {
      for (ScoredSource& source : sources) source.weight = args.real(errors::kWeightNotFloat);
    } else if (form.weights && args.option("AGGREGATE", 1)) {
      options.aggregate = read_aggregate(args);
    } else if (form.scores && args.option("WITHSCORES")) {
      options.with_scores = true;
    } else if (form.limit && args.option("LIMIT", 1)) {
      options.limit = static_cast<size_t>(args.integer(0, kLimitMax, errors::kNegativeLimit));
    } else {
      args.fail(errors::kSyntax);
    }
  }
  return options;
}

// Reads everything and calls `work` under the lock. Types of keys are looked at before options, as
// in Redis.
template <typename Work>
void with_sources(Call& call, const Form& form, Work work) {
  Args args = call.args(form.key_count_at);
  const size_t keys = read_key_count(call, args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  std::optional<Sources> sources = read_sources(call, *db, args.position(), keys);
  if (!sources) return;
  Args rest = call.args(args.position() + keys);
  const Options options = read_options(rest, form, *sources);
  if (rest.failed()) return call.fail(rest.error());
  work(*db, *sources, options);
}

std::unique_ptr<SortedTable> combine(Call& call, Operation operation, const Sources& sources,
                                     Aggregate aggregate) {
  const uint64_t seed = call.store().hash_seed();
  switch (operation) {
    case Operation::kUnite:
      return storage::unite(sources, aggregate, seed);
    case Operation::kIntersect:
      return storage::intersect(sources, aggregate, seed);
    case Operation::kSubtract:
      break;
  }
  return storage::subtract(sources, seed);
}

void answer_combined(Call& call, Operation operation) {
  const Form form{.key_count_at = 1, .weights = operation != Operation::kSubtract, .scores = true};
  with_sources(call, form, [&](Keyspace&, const Sources& sources, const Options& options) {
    const auto table = combine(call, operation, sources, options.aggregate);
    ScoreList list(call.reply(), table->size(),
                   options.with_scores ? Scores::kByVersion : Scores::kNone);
    table->each({0, table->size()}, storage::Direction::kForward,
                [&](std::string_view member, double score) { list.add(member, score); });
  });
}

void zunion(Call& call) {
  answer_combined(call, Operation::kUnite);
}

void zinter(Call& call) {
  answer_combined(call, Operation::kIntersect);
}

void zdiff(Call& call) {
  answer_combined(call, Operation::kSubtract);
}

void store_combined(Call& call, Operation operation, std::string_view event) {
  const Form form{.key_count_at = 2, .weights = operation != Operation::kSubtract};
  with_sources(call, form, [&](Keyspace& db, const Sources& sources, const Options& options) {
    auto table = combine(call, operation, sources, options.aggregate);
    const size_t members = table->size();
    const storage::Key key = call.key(1);
    const bool replaces = members == 0 && db.find(key) != nullptr;
    storage::put_sorted_set(db, key, std::move(table), sorted_set_limits(call.config().values));
    if (members > 0) call.notify(kEventSortedSet, event, key);
    if (replaces) call.notify(kEventGeneric, "del", key);
    call.reply().integer(static_cast<int64_t>(members));
  });
}

void zunionstore(Call& call) {
  store_combined(call, Operation::kUnite, "zunionstore");
}

void zinterstore(Call& call) {
  store_combined(call, Operation::kIntersect, "zinterstore");
}

void zdiffstore(Call& call) {
  store_combined(call, Operation::kSubtract, "zdiffstore");
}

void zintercard(Call& call) {
  with_sources(
      call, {.key_count_at = 1, .limit = true},
      [&](Keyspace&, const Sources& sources, const Options& options) {
        const size_t limit = options.limit > 0 ? options.limit : std::numeric_limits<size_t>::max();
        call.reply().integer(static_cast<int64_t>(storage::count_intersection(sources, limit)));
      });
}

constexpr KeySpecs kSources = {
    KeySpec{.flags = kRO | kAccess, .begin = 1, .key_count_at = 0, .first_key = 1}};
constexpr KeySpecs kIntoFirst = {
    KeySpec{.flags = kOW | kUpdate, .begin = 1},
    KeySpec{.flags = kRO | kAccess, .begin = 2, .key_count_at = 0, .first_key = 1}};

constexpr std::string_view kAdding = "O(N*log(N)) with N members in all of them";
constexpr std::string_view kIntersecting =
    "O(N*K+M*log(M)) with N members in the smallest of K sets and M in the result";
constexpr std::string_view kSubtracting =
    "O(N*K+M*log(M)) with N members in the first of K sets and M in the result";

constexpr CommandRow answering(std::string_view name, Handler handler, std::string_view complexity,
                               std::string_view syntax, std::string_view summary) {
  return {.name = name,
          .handler = handler,
          .arity = -3,
          .flags = kReadonly,
          .categories = kAclSortedSet,
          .keys = kSources,
          .group = Group::kSortedSet,
          .since = "6.2.0",
          .complexity = complexity,
          .syntax = syntax,
          .summary = summary};
}

constexpr CommandRow storing(std::string_view name, Handler handler, std::string_view since,
                             std::string_view complexity, std::string_view syntax,
                             std::string_view summary) {
  CommandRow row = answering(name, handler, complexity, syntax, summary);
  row.arity = -4;
  row.flags = kWrite | kDenyOom;
  row.keys = kIntoFirst;
  row.since = since;
  return row;
}

constexpr CommandRow counting(CommandRow row) {
  row.since = "7.0.0";
  return row;
}

constexpr CommandRow kRows[] = {
    answering("zunion", zunion, kAdding,
              "numkeys key [key ...] [WEIGHTS weight [weight ...]] "
              "[AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
              "Answers the members that are in any of several sorted sets."),
    answering("zinter", zinter, kIntersecting,
              "numkeys key [key ...] [WEIGHTS weight [weight ...]] "
              "[AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]",
              "Answers the members that are in all of several sorted sets."),
    answering("zdiff", zdiff, kSubtracting, "numkeys key [key ...] [WITHSCORES]",
              "Answers the members of the first sorted set that are in none of the others."),
    storing("zunionstore", zunionstore, "2.0.0", kAdding,
            "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] "
            "[AGGREGATE <SUM | MIN | MAX>]",
            "Stores the members that are in any of several sorted sets."),
    storing("zinterstore", zinterstore, "2.0.0", kIntersecting,
            "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] "
            "[AGGREGATE <SUM | MIN | MAX>]",
            "Stores the members that are in all of several sorted sets."),
    storing("zdiffstore", zdiffstore, "6.2.0", kSubtracting, "destination numkeys key [key ...]",
            "Stores the members of the first sorted set that are in none of the others."),
    counting(
        answering("zintercard", zintercard, kIntersecting, "numkeys key [key ...] [LIMIT limit]",
                  "Counts the members that are in all of several sorted sets, up to a limit.")),
};

}  // namespace

core::Family sorted_set_algebra_commands() {
  return kRows;
}

}  // namespace larder::commands
