// Sorted sets, one member at a time: added, scored, ranked, removed.
#include "storage/types/sorted_set.h"

#include <limits>
#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/sorted_set_limits.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::AddConditions;
using storage::Added;
using storage::Result;
using storage::SortedSet;
using storage::SortedSetWriter;

// --- ZADD and ZINCRBY.

struct AddRequest {
  AddConditions conditions;
  bool count_changed = false;  // CH
  size_t first_score = 0;      // the argument
};

AddRequest read_add_request(Args& args) {
  AddRequest request;
  AddConditions& conditions = request.conditions;
  while (true) {
    if (args.option("NX")) {
      conditions.only_new = true;
    } else if (args.option("XX")) {
      conditions.only_existing = true;
    } else if (args.option("GT")) {
      conditions.only_greater = true;
    } else if (args.option("LT")) {
      conditions.only_less = true;
    } else if (args.option("CH")) {
      request.count_changed = true;
    } else if (args.option("INCR")) {
      conditions.increment = true;
    } else {
      break;
    }
  }
  request.first_score = args.position();
  if (args.left() == 0 || args.left() % 2 != 0) args.fail(errors::kSyntax);
  if (conditions.only_new && conditions.only_existing) args.fail(errors::kZaddConditions);
  const int comparisons = conditions.only_new + conditions.only_greater + conditions.only_less;
  if (comparisons > 1) args.fail(errors::kZaddComparisons);
  if (conditions.increment && args.left() > 2) args.fail(errors::kZaddIncrementPairs);
  return request;
}

// Reads an argument again that was found to be a number before anything was done: so the scores of
// many members need no memory.
double score_argument(const Call& call, size_t i) {
  return call.args(i).real();
}

// Adds the pairs that begin at argument `first`. `told` hears of each; false if one failed, and
// the reply is written.
template <typename Told>
bool add_pairs(Call& call, size_t first, const AddConditions& conditions, Told told) {
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  SortedSetWriter writer(*db, key, sorted_set_limits(call.config().values));
  const storage::Status status = writer.open();
  if (status != storage::Status::kOk) return call.fail(status), false;
  if (!writer.exists() && conditions.only_existing) return true;
  const size_t pairs = (call.argument_count() - first) / 2;
  writer.prepare(pairs, call.argument(first + 1).size());
  bool done = true;
  bool changed = false;
  for (size_t i = first; done && i < call.argument_count(); i += 2) {
    const Result<Added> added =
        writer.add(call.argument(i + 1), score_argument(call, i), conditions);
    done = added.ok();
    if (done) {
      changed |= added.value().outcome >= Added::Outcome::kChanged;
      told(added.value());
    } else {
      call.fail(added.status());
    }
  }
  writer.finish();
  if (changed) call.notify(kEventSortedSet, conditions.increment ? "zincr" : "zadd", key);
  return done;
}

// The score that INCR came to, null if a condition kept it from being changed.
void add_and_answer_score(Call& call, size_t first, const AddConditions& conditions) {
  std::optional<double> score;
  const auto told = [&](const Added& added) {
    if (added.outcome != Added::Outcome::kKept) score = added.score;
  };
  if (!add_pairs(call, first, conditions, told)) return;
  if (score) {
    call.reply().real(*score);
  } else {
    call.reply().null();
  }
}

void zadd(Call& call) {
  Args args = call.args(2);
  const AddRequest request = read_add_request(args);
  while (!args.done()) {
    args.real();
    args.next();
  }
  if (args.failed()) return call.fail(args.error());
  if (request.conditions.increment) {
    return add_and_answer_score(call, request.first_score, request.conditions);
  }
  int64_t counted = 0;
  const auto told = [&](const Added& added) {
    counted += added.outcome == Added::Outcome::kAdded ||
               (request.count_changed && added.outcome == Added::Outcome::kChanged);
  };
  if (add_pairs(call, request.first_score, request.conditions, told)) {
    call.reply().integer(counted);
  }
}

void zincrby(Call& call) {
  Args args = call.args(2);
  read_add_request(args);  // an option where the increment belongs is a syntax error, not a number
  args.real();
  if (args.failed()) return call.fail(args.error());
  add_and_answer_score(call, 2, {.increment = true});
}

// --- ZREM.

void zrem(Call& call) {
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  SortedSetWriter writer(*db, key, sorted_set_limits(call.config().values));
  const storage::Status status = writer.open();
  if (status != storage::Status::kOk) return call.fail(status);
  int64_t removed = 0;
  for (const std::string_view member : call.arguments().subspan(2)) {
    removed += writer.remove(member);
  }
  writer.finish();
  if (removed > 0) {
    call.notify(kEventSortedSet, "zrem", key);
    call.notify_if_gone(*db, key);
  }
  call.reply().integer(removed);
}

// --- What only looks.

// Calls `answer` with the sorted set of the first key, empty if there is none.
template <typename Answer>
void with_sorted_set(Call& call, Answer answer) {
  DatabaseLock db = call.lock();
  const Result<SortedSet> set = storage::read_sorted_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  answer(set.value());
}

void answer_score(Reply& reply, std::optional<double> score) {
  if (score) {
    reply.real(*score);
  } else {
    reply.null();
  }
}

void zcard(Call& call) {
  with_sorted_set(
      call, [&](const SortedSet& set) { call.reply().integer(static_cast<int64_t>(set.size())); });
}

void zscore(Call& call) {
  with_sorted_set(
      call, [&](const SortedSet& set) { answer_score(call.reply(), set.score(call.argument(2))); });
}

void zmscore(Call& call) {
  with_sorted_set(call, [&](const SortedSet& set) {
    const auto members = call.arguments().subspan(2);
    call.reply().array(members.size());
    for (const std::string_view member : members) answer_score(call.reply(), set.score(member));
  });
}

void answer_rank(Call& call, storage::Direction direction) {
  constexpr size_t kArgumentsMax = 4;
  if (call.argument_count() > kArgumentsMax) {
    return call.fail(errors::wrong_arity(call.row().name));
  }
  Args args = call.args(3);
  const bool with_score = args.option("WITHSCORE");
  if (!args.done()) return call.fail(errors::kSyntax);
  with_sorted_set(call, [&](const SortedSet& set) {
    Reply& reply = call.reply();
    const std::optional<SortedSet::Place> place = set.place(call.argument(2));
    if (!place) return with_score ? reply.null_array() : reply.null();
    const bool forward = direction == storage::Direction::kForward;
    const size_t rank = forward ? place->rank : set.size() - 1 - place->rank;
    if (with_score) reply.array(2);
    reply.integer(static_cast<int64_t>(rank));
    if (with_score) reply.real(place->score);
  });
}

void zrank(Call& call) {
  answer_rank(call, storage::Direction::kForward);
}

void zrevrank(Call& call) {
  answer_rank(call, storage::Direction::kBackward);
}

constexpr CommandRow kRows[] = {
    {.name = "zadd",
     .handler = zadd,
     .arity = -4,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kSortedSet,
     .since = "1.2.0",
     .complexity = "O(log(N)) for each member, with N members in the sorted set",
     .syntax = "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
     .summary = "Adds members to a sorted set, or gives them other scores."},
    {.name = "zincrby",
     .handler = zincrby,
     .arity = 4,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kSortedSet,
     .since = "1.2.0",
     .complexity = "O(log(N)) with N members in the sorted set",
     .syntax = "key increment member",
     .summary = "Adds to the score of a member, which is 0 if it is missing."},
    {.name = "zrem",
     .handler = zrem,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRW | kDelete),
     .group = Group::kSortedSet,
     .since = "1.2.0",
     .complexity = "O(M*log(N)) with M members given and N in the sorted set",
     .syntax = "key member [member ...]",
     .summary = "Removes members from a sorted set; the last one takes the key with it."},
    {.name = "zcard",
     .handler = zcard,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRO),
     .group = Group::kSortedSet,
     .since = "1.2.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers how many members a sorted set has."},
    {.name = "zscore",
     .handler = zscore,
     .arity = 3,
     .flags = kReadonly | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSortedSet,
     .since = "1.2.0",
     .complexity = "O(1)",
     .syntax = "key member",
     .summary = "Answers the score of a member."},
    {.name = "zmscore",
     .handler = zmscore,
     .arity = -3,
     .flags = kReadonly | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSortedSet,
     .since = "6.2.0",
     .complexity = "O(N) with N members given",
     .syntax = "key member [member ...]",
     .summary = "Answers the scores of several members."},
    {.name = "zrank",
     .handler = zrank,
     .arity = -3,
     .flags = kReadonly | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSortedSet,
     .since = "2.0.0",
     .complexity = "O(log(N)) with N members in the sorted set",
     .syntax = "key member [WITHSCORE]",
     .summary = "Answers how many members have a lower score than one of them."},
    {.name = "zrevrank",
     .handler = zrevrank,
     .arity = -3,
     .flags = kReadonly | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSortedSet,
     .since = "2.0.0",
     .complexity = "O(log(N)) with N members in the sorted set",
     .syntax = "key member [WITHSCORE]",
     .summary = "Answers how many members have a higher score than one of them."},
};

}  // namespace

core::Family sorted_set_commands() {
  return kRows;
}

}  // namespace larder::commands
