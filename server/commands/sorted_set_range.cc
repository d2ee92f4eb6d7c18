// Ranges of sorted sets, by rank, score or member: answered, counted, stored, removed.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/score_list.h"
#include "server/core/sorted_set_limits.h"
#include "storage/number.h"
#include "storage/types/sorted_set.h"
#include "storage/types/sorted_table.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Direction;
using storage::LexBound;
using storage::LexRange;
using storage::RankRange;
using storage::Result;
using storage::ScoreRange;
using storage::SortedSet;
using storage::SortedSetWriter;
using storage::SortedTable;

// --- What a range may be.

// "1.5", "(1.5", "-inf".
void read_score_bound(Args& args, double& score, bool& open) {
  std::string_view text = args.next();
  open = text.starts_with('(');
  if (open) text.remove_prefix(1);
  if (!storage::parse_double_loosely(text, score)) args.fail(errors::kScoreBounds);
}

// "-", "+", "[member", "(member". Redis reads "-" and "+" as C strings.
LexBound read_lex_bound(Args& args) {
  const std::string_view text = args.next();
  const char first = text.empty() ? '\0' : text[0];
  const bool alone = text.size() == 1 || (text.size() > 1 && text[1] == '\0');
  if (first == '-' && alone) return {LexBound::Kind::kLowest};
  if (first == '+' && alone) return {LexBound::Kind::kHighest};
  if (first == '[') return {LexBound::Kind::kIncluded, text.substr(1)};
  if (first == '(') return {LexBound::Kind::kExcluded, text.substr(1)};
  args.fail(errors::kLexBounds);
  return {};
}

enum class By : uint8_t { kRank, kScore, kLex };

// A range as a command names it, before the sorted set is known.
class NamedRange {
 public:
  // Reads the next two arguments: backwards, the higher end stands first, but not of ranks.
  NamedRange(Args& args, By by, Direction direction) : by_(by), direction_(direction) {
    const bool highest_first = direction == Direction::kBackward;
    switch (by) {
      case By::kRank:
        start_ = args.integer();
        stop_ = args.integer();
        break;
      case By::kScore:
        if (highest_first) read_score_bound(args, scores_.max, scores_.max_open);
        read_score_bound(args, scores_.min, scores_.min_open);
        if (!highest_first) read_score_bound(args, scores_.max, scores_.max_open);
        break;
      case By::kLex:
        if (highest_first) lex_.max = read_lex_bound(args);
        lex_.min = read_lex_bound(args);
        if (!highest_first) lex_.max = read_lex_bound(args);
        break;
    }
  }

  RankRange in(const SortedSet& set) const {
    if (set.empty()) return {};
    switch (by_) {
      case By::kScore:
        return set.find(scores_);
      case By::kLex:
        return set.find(lex_, direction_);
      case By::kRank:
        break;
    }
    const size_t members = set.size();
    const RankRange range = storage::rank_range(start_, stop_, members);
    if (direction_ == Direction::kForward || range.empty()) return range;
    return {members - range.end, members - range.first};
  }

 private:
  By by_;
  Direction direction_;
  int64_t start_ = 0;
  int64_t stop_ = 0;
  ScoreRange scores_;
  LexRange lex_;
};

// --- ZRANGE and all that it can be called.

// What a command's name says already; ZRANGE and ZRANGESTORE leave it to their options.
struct RangeForm {
  std::optional<By> by;
  std::optional<Direction> direction;
  bool store = false;
};

struct RangeOptions {
  By by = By::kRank;
  Direction direction = Direction::kForward;
  bool with_scores = false;
  int64_t offset = 0;
  int64_t limit = -1;  // negative: all
};

RangeOptions read_range_options(Args args, RangeForm form, Args& errors_to) {
  RangeOptions options;
  while (!args.done()) {
    if (!form.store && args.option("WITHSCORES")) {
      options.with_scores = true;
    } else if (args.option("LIMIT", 2)) {
      options.offset = args.integer();
      options.limit = args.integer();
    } else if (!form.direction && args.option("REV")) {
      form.direction = Direction::kBackward;
    } else if (!form.by && args.option("BYLEX")) {
      form.by = By::kLex;
    } else if (!form.by && args.option("BYSCORE")) {
      form.by = By::kScore;
    } else {
      args.fail(errors::kSyntax);
    }
  }
  options.by = form.by.value_or(By::kRank);
  options.direction = form.direction.value_or(Direction::kForward);
  if (options.limit != -1 && options.by == By::kRank) args.fail(errors::kLimitWithoutRange);
  if (options.with_scores && options.by == By::kLex) args.fail(errors::kScoresByLex);
  if (args.failed()) errors_to.fail(args.error());
  return options;
}

// The part of a range that LIMIT leaves; of ranks, where only a count of -1 is allowed, all.
RankRange limited(RankRange range, const RangeOptions& options) {
  if (options.by == By::kRank) return range;
  const size_t members = range.size();
  if (options.offset < 0 || static_cast<uint64_t>(options.offset) >= members) return {};
  const auto skipped = static_cast<size_t>(options.offset);
  const size_t left = members - skipped;
  const size_t kept = options.limit < 0 ? left : std::min(left, static_cast<size_t>(options.limit));
  if (options.direction == Direction::kForward) {
    return {range.first + skipped, range.first + skipped + kept};
  }
  return {range.end - skipped - kept, range.end - skipped};
}

void answer_members(Call& call, const SortedSet& set, RankRange range,
                    const RangeOptions& options) {
  ScoreList list(call.reply(), range.size(),
                 options.with_scores ? Scores::kByVersion : Scores::kNone);
  set.each(range, options.direction,
           [&](std::string_view member, double score) { list.add(member, score); });
}

// Under the first key, which may be the source, too.
void store_members(Call& call, storage::Keyspace& db, const SortedSet& set, RankRange range) {
  auto table = std::make_unique<SortedTable>(call.store().hash_seed());
  set.each(range, Direction::kForward,
           [&](std::string_view member, double score) { table->add(member, score); });
  const storage::Key key = call.key(1);
  const bool replaces = range.empty() && db.find(key) != nullptr;
  storage::put_sorted_set(db, key, std::move(table), sorted_set_limits(call.config().values));
  if (!range.empty()) call.notify(kEventSortedSet, "zrangestore", key);
  if (replaces) call.notify(kEventGeneric, "del", key);
  call.reply().integer(static_cast<int64_t>(range.size()));
}

void range_command(Call& call, RangeForm form) {
  const size_t source = form.store ? 2 : 1;
  Args args = call.args(source + 1);
  const RangeOptions options = read_range_options(call.args(source + 3), form, args);
  const NamedRange named(args, options.by, options.direction);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<SortedSet> found = storage::read_sorted_set(*db, call.key(source));
  if (!found.ok()) return call.fail(found.status());
  const SortedSet& set = found.value();
  const RankRange range = limited(named.in(set), options);
  if (form.store) return store_members(call, *db, set, range);
  answer_members(call, set, range, options);
}

void zrange(Call& call) {
  range_command(call, {});
}

void zrangestore(Call& call) {
  range_command(call, {.store = true});
}

void zrevrange(Call& call) {
  range_command(call, {.by = By::kRank, .direction = Direction::kBackward});
}

void zrangebyscore(Call& call) {
  range_command(call, {.by = By::kScore, .direction = Direction::kForward});
}

void zrevrangebyscore(Call& call) {
  range_command(call, {.by = By::kScore, .direction = Direction::kBackward});
}

void zrangebylex(Call& call) {
  range_command(call, {.by = By::kLex, .direction = Direction::kForward});
}

void zrevrangebylex(Call& call) {
  range_command(call, {.by = By::kLex, .direction = Direction::kBackward});
}

// --- Counting and removing.

void count(Call& call, By by) {
  Args args = call.args(2);
  const NamedRange named(args, by, Direction::kForward);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<SortedSet> set = storage::read_sorted_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  call.reply().integer(static_cast<int64_t>(named.in(set.value()).size()));
}

void zcount(Call& call) {
  count(call, By::kScore);
}

void zlexcount(Call& call) {
  count(call, By::kLex);
}

void remove(Call& call, By by, std::string_view event) {
  Args args = call.args(2);
  const NamedRange named(args, by, Direction::kForward);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  SortedSetWriter writer(*db, key, sorted_set_limits(call.config().values));
  const storage::Status status = writer.open();
  if (status != storage::Status::kOk) return call.fail(status);
  const RankRange range = named.in(writer.set());
  writer.remove(range);
  writer.finish();
  if (!range.empty()) {
    call.notify(kEventSortedSet, event, key);
    call.notify_if_gone(*db, key);
  }
  call.reply().integer(static_cast<int64_t>(range.size()));
}

void zremrangebyrank(Call& call) {
  remove(call, By::kRank, "zremrangebyrank");
}

void zremrangebyscore(Call& call) {
  remove(call, By::kScore, "zremrangebyscore");
}

void zremrangebylex(Call& call) {
  remove(call, By::kLex, "zremrangebylex");
}

constexpr std::string_view kLogPlusMembers =
    "O(log(N)+M) with N members in the sorted set and M in the range";

constexpr CommandRow reading(std::string_view name, Handler handler, int arity,
                             std::string_view since, std::string_view syntax,
                             std::string_view summary) {
  return {.name = name,
          .handler = handler,
          .arity = arity,
          .flags = kReadonly,
          .categories = kAclSortedSet,
          .keys = one_key(kRO | kAccess),
          .group = Group::kSortedSet,
          .since = since,
          .complexity = kLogPlusMembers,
          .syntax = syntax,
          .summary = summary};
}

constexpr CommandRow counting(std::string_view name, Handler handler, std::string_view since,
                              std::string_view summary) {
  CommandRow row = reading(name, handler, 4, since, "key min max", summary);
  row.flags = kReadonly | kFast;
  row.complexity = "O(log(N)) with N members in the sorted set";
  return row;
}

constexpr CommandRow removing(std::string_view name, Handler handler, std::string_view since,
                              std::string_view syntax, std::string_view summary) {
  CommandRow row = reading(name, handler, 4, since, syntax, summary);
  row.flags = kWrite;
  row.keys = one_key(kRW | kDelete);
  return row;
}

constexpr CommandRow kRows[] = {
    reading("zrange", zrange, -4, "1.2.0",
            "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
            "Answers the members in a range of ranks, scores or members."),
    reading("zrevrange", zrevrange, -4, "1.2.0", "key start stop [WITHSCORES]",
            "Answers the members in a range of ranks, counted from the highest score."),
    reading("zrangebyscore", zrangebyscore, -4, "1.0.5",
            "key min max [WITHSCORES] [LIMIT offset count]",
            "Answers the members in a range of scores."),
    reading("zrevrangebyscore", zrevrangebyscore, -4, "2.2.0",
            "key max min [WITHSCORES] [LIMIT offset count]",
            "Answers the members in a range of scores, the highest first."),
    reading("zrangebylex", zrangebylex, -4, "2.8.9", "key min max [LIMIT offset count]",
            "Answers the members between two, where all scores are equal."),
    reading("zrevrangebylex", zrevrangebylex, -4, "2.8.9", "key max min [LIMIT offset count]",
            "Answers the members between two, the highest first, where all scores are equal."),
    {.name = "zrangestore",
     .handler = zrangestore,
     .arity = -5,
     .flags = kWrite | kDenyOom,
     .categories = kAclSortedSet,
     .keys = {KeySpec{.flags = kOW | kUpdate, .begin = 1},
              KeySpec{.flags = kRO | kAccess, .begin = 2}},
     .group = Group::kSortedSet,
     .since = "6.2.0",
     .complexity = kLogPlusMembers,
     .syntax = "destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
     .summary = "Stores the members in a range of ranks, scores or members under another key."},
    counting("zcount", zcount, "2.0.0", "Counts the members in a range of scores."),
    counting("zlexcount", zlexcount, "2.8.9",
             "Counts the members between two, where all scores are equal."),
    removing("zremrangebyrank", zremrangebyrank, "2.0.0", "key start stop",
             "Removes the members in a range of ranks."),
    removing("zremrangebyscore", zremrangebyscore, "1.2.0", "key min max",
             "Removes the members in a range of scores."),
    removing("zremrangebylex", zremrangebylex, "2.8.9", "key min max",
             "Removes the members between two, where all scores are equal."),
};

}  // namespace

core::Family sorted_set_range_commands() {
  return kRows;
}

}  // namespace larder::commands
