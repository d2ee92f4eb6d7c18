// The ends of sorted sets, taken out at once or when there are any, and members drawn or walked in
// no order.
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "server/commands/families.h"
#include "server/core/bulk_list.h"
#include "server/core/call.h"
#include "server/core/pop_arguments.h"
#include "server/core/random_bits.h"
#include "server/core/scan_arguments.h"
#include "server/core/score_list.h"
#include "server/core/sorted_set_limits.h"
#include "server/core/waiting_command.h"
#include "storage/number.h"
#include "storage/scan.h"
#include "storage/types/sorted_set.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Direction;
using storage::RankRange;
using storage::Result;
using storage::SortedSet;
using storage::SortedSetWriter;
using storage::Status;

constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max();

// --- ZPOPMIN, ZPOPMAX. From the lowest score on (kForward) or from the highest.

// What was done to the sorted set of a key.
void tell_popped(Server& server, storage::Keyspace& db, const storage::Key& key,
                 Direction direction) {
  const bool lowest = direction == Direction::kForward;
  server.keyspace_events.notify(kEventSortedSet, lowest ? "zpopmin" : "zpopmax", db.database(),
                                key);
  server.keyspace_events.notify_if_gone(db, key);
}

// Takes members out, no more than there are, and shows each to `visit` first.
template <typename Visit>
void take_out(SortedSetWriter& writer, Direction direction, size_t count, Visit visit) {
  const SortedSet set = writer.set();
  const size_t members = set.size();
  const RankRange range =
      direction == Direction::kForward ? RankRange{0, count} : RankRange{members - count, members};
  set.each(range, direction, visit);
  writer.remove(range);
  writer.finish();
}

void pop(Call& call, SortedSetWriter& writer, Direction direction, size_t count, Scores scores) {
  count = std::min(count, writer.set().size());
  ScoreList list(call.reply(), count, scores);
  take_out(writer, direction, count,
           [&](std::string_view member, double score) { list.add(member, score); });
}

void pop_end(Call& call, Direction direction) {
  constexpr size_t kArgumentsMax = 3;
  const bool counted = call.argument_count() > 2;
  int64_t count = 1;
  if (call.argument_count() > kArgumentsMax) return call.fail(errors::kSyntax);
  if (counted) {
    Args args = call.args(2);
    count = args.integer(0, kCountMax, errors::kMustBePositive);
    if (args.failed()) return call.fail(args.error());
  }
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  SortedSetWriter writer(*db, key, sorted_set_limits(call.config().values));
  const Status status = writer.open();
  if (status != Status::kOk) return call.fail(status);
  if (!writer.exists() || count == 0) return call.reply().array(0);
  pop(call, writer, direction, static_cast<size_t>(count),
      counted ? Scores::kByVersion : Scores::kFlat);
  tell_popped(call.server(), *db, key, direction);
  call.note_published();
}

void zpopmin(Call& call) {
  pop_end(call, Direction::kForward);
}

void zpopmax(Call& call) {
  pop_end(call, Direction::kBackward);
}

// --- The first of several sorted sets, at once or when there is one.

struct EndPop {
  Direction direction = Direction::kForward;
  size_t count = 1;
  bool several = false;  // the reply has an array of pairs
};

struct TakenMember {
  std::string member;
  double score;
};

// Answers the key and what is taken out, which also goes to `taken` unless that is null. False, and
// nothing is answered, if there is no such sorted set.
bool pop_members(Server& server, storage::Keyspace& db, const storage::Key& key, const EndPop& pop,
                 Reply& reply, std::vector<TakenMember>* taken = nullptr) {
  SortedSetWriter writer(db, key, sorted_set_limits(server.config.values));
  const Status status = writer.open();
  if (status != Status::kOk) return reply.error(errors::text(status)), true;
  if (!writer.exists()) return false;
  const size_t count = std::min(pop.count, writer.set().size());
  reply.array(pop.several ? 2 : 3);
  reply.bulk(key.bytes);
  if (pop.several) reply.array(count);
  take_out(writer, pop.direction, count, [&](std::string_view member, double score) {
    if (pop.several) reply.array(2);
    reply.bulk(member);
    reply.real(score);
    if (taken != nullptr) taken->push_back({std::string(member), score});
  });
  tell_popped(server, db, key, pop.direction);
  return true;
}

EndPop end_pop(const MultiPop& multi) {
  return {.direction = multi.second_end ? Direction::kBackward : Direction::kForward,
          .count = multi.count,
          .several = true};
}

void zmpop(Call& call) {
  Args args = call.args();
  const MultiPop multi = read_multi_pop(args, "MIN", "MAX");
  if (args.failed()) return call.fail(args.error());
  const EndPop pop = end_pop(multi);
  DatabaseLock db = call.lock();
  for (size_t i = 0; i < multi.keys; i++) {
    const storage::Key key = call.key(multi.first_key + i);
    if (pop_members(call.server(), *db, key, pop, call.reply())) return call.note_published();
  }
  call.reply().null_array();
}

// Takes members from the first sorted set that there is.
class MemberWait final : public WaitingCommand {
 public:
  MemberWait(Server& server, EndPop pop) : server_(server), pop_(pop) {}

  storage::ValueType type() const override { return storage::ValueType::kSortedSet; }

  bool attempt(storage::Keyspace& db, std::span<const storage::Key> keys, Reply& reply) override {
    for (size_t i = 0; i < keys.size(); i++) {
      taken_from_ = i;
      if (pop_members(server_, db, keys[i], pop_, reply, kept_ ? &taken_ : nullptr)) return true;
    }
    return false;
  }

  std::unique_ptr<WaitingCommand> keep() const override {
    auto copy = std::make_unique<MemberWait>(server_, pop_);
    copy->kept_ = true;
    return copy;
  }

  void give_back(storage::Keyspace& db, std::span<const storage::Key> keys) override {
    if (taken_.empty()) return;
    SortedSetWriter writer(db, keys[taken_from_], sorted_set_limits(server_.config.values));
    // A key that got another type meanwhile keeps it, and a member that came back its new score.
    if (writer.open() != Status::kOk) return;
    writer.prepare(taken_.size(), taken_.front().member.size());
    for (const TakenMember& taken : taken_) {
      (void)writer.add(taken.member, taken.score, {.only_new = true});
    }
    writer.finish();
  }

 private:
  Server& server_;
  const EndPop pop_;
  bool kept_ = false;
  size_t taken_from_ = 0;
  std::vector<TakenMember> taken_;
};

void bzpopmin(Call& call) {
  MemberWait command(call.server(), {.direction = Direction::kForward});
  pop_or_wait(call, command);
}

void bzpopmax(Call& call) {
  MemberWait command(call.server(), {.direction = Direction::kBackward});
  pop_or_wait(call, command);
}

void bzmpop(Call& call) {
  Args args = call.args(2);
  const MultiPop multi = read_multi_pop(args, "MIN", "MAX");
  if (args.failed()) return call.fail(args.error());
  MemberWait command(call.server(), end_pop(multi));
  pop_or_wait(call, multi, command);
}

// --- ZRANDMEMBER.

constexpr auto draw = [] { return random_bits(); };

void answer_random(Call& call, const SortedSet& set) {
  if (set.empty()) return call.reply().null();
  set.draw(1, draw, [&](std::string_view member, double) { call.reply().bulk(member); });
}

void answer_random(Call& call, const SortedSet& set, const DrawRequest& request) {
  if (set.empty() || request.count == 0) return call.reply().array(0);
  const uint64_t wanted = request.draws();
  if (request.repeats() && !can_draw(wanted, set.memory_bytes(), set.size())) {
    return call.fail(errors::kOutOfRange);
  }
  ScoreList list(call.reply(), request.repeats() ? wanted : std::min(wanted, set.size()),
                 request.with_values ? Scores::kByVersion : Scores::kNone);
  const auto add = [&](std::string_view member, double score) { list.add(member, score); };
  if (request.repeats()) {
    set.draw(wanted, draw, add);
  } else {
    set.sample(wanted, draw, add);
  }
}

void zrandmember(Call& call) {
  const bool one = call.argument_count() == 2;
  Args args = call.args(2);
  const DrawRequest request = one ? DrawRequest{} : read_draw(args, "WITHSCORES");
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<SortedSet> set = storage::read_sorted_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  if (one) return answer_random(call, set.value());
  answer_random(call, set.value(), request);
}

// --- ZSCAN.

void zscan(Call& call) {
  Args args = call.args(2);
  const uint64_t cursor = read_scan_cursor(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<SortedSet> found = storage::read_sorted_set(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  const SortedSet& set = found.value();
  storage::TablePosition next = 0;
  BulkList list;
  if (!set.empty()) {
    const ElementScan scan = read_element_scan(args, false);
    if (args.failed()) return call.fail(args.error());
    const storage::KeyPattern pattern(scan.pattern);
    // Redis spells the scores of a large set otherwise than everywhere else.
    const auto write = set.table() != nullptr ? storage::write_double_17 : storage::write_double;
    const auto add = [&](std::string_view member, double score) {
      if (!pattern.matches(member)) return;
      char digits[storage::kDoubleTextMax];
      list.add(member);
      list.add({digits, write(score, digits)});
    };
    next = set.scan(cursor, scan_budget(scan.count), add);
  }
  call.reply().array(2);
  call.reply().bulk_integer(static_cast<int64_t>(next));
  list.write_head(call.reply());
  while (list.write_chunk(call.reply())) {
  }
}

constexpr KeySpecs kKeysBeforeTimeout = {
    KeySpec{.flags = kRW | kAccess | kDelete, .begin = 1, .last = -2}};

constexpr CommandRow kRows[] = {
    {.name = "zpopmin",
     .handler = zpopmin,
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRW | kAccess | kDelete),
     .group = Group::kSortedSet,
     .since = "5.0.0",
     .complexity = "O(M*log(N)) with M members taken out of N",
     .syntax = "key [count]",
     .summary = "Removes the members of the lowest scores and answers them."},
    {.name = "zpopmax",
     .handler = zpopmax,
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kAclSortedSet,
     .keys = one_key(kRW | kAccess | kDelete),
     .group = Group::kSortedSet,
     .since = "5.0.0",
     .complexity = "O(M*log(N)) with M members taken out of N",
     .syntax = "key [count]",
     .summary = "Removes the members of the highest scores and answers them."},
    {.name = "zmpop",
     .handler = zmpop,
     .arity = -4,
     .flags = kWrite,
     .categories = kAclSortedSet,
     .keys = {KeySpec{
         .flags = kRW | kAccess | kDelete, .begin = 1, .key_count_at = 0, .first_key = 1}},
     .group = Group::kSortedSet,
     .since = "7.0.0",
     .complexity = "O(K+M*log(N)) with K keys and M members taken out of N",
     .syntax = "numkeys key [key ...] <MIN | MAX> [COUNT count]",
     .summary = "Removes members from an end of the first of several sorted sets that has any."},
    {.name = "bzpopmin",
     .handler = bzpopmin,
     .arity = -3,
     .flags = kWrite | kFast | kBlocking,
     .categories = kAclSortedSet,
     .keys = kKeysBeforeTimeout,
     .group = Group::kSortedSet,
     .since = "5.0.0",
     .complexity = "O(K+log(N)) with K keys and N members",
     .syntax = "key [key ...] timeout",
     .summary = "Removes the member of the lowest score of the first sorted set, or waits."},
    {.name = "bzpopmax",
     .handler = bzpopmax,
     .arity = -3,
     .flags = kWrite | kFast | kBlocking,
     .categories = kAclSortedSet,
     .keys = kKeysBeforeTimeout,
     .group = Group::kSortedSet,
     .since = "5.0.0",
     .complexity = "O(K+log(N)) with K keys and N members",
     .syntax = "key [key ...] timeout",
     .summary = "Removes the member of the highest score of the first sorted set, or waits."},
    {.name = "bzmpop",
     .handler = bzmpop,
     .arity = -5,
     .flags = kWrite | kBlocking,
     .categories = kAclSortedSet,
     .keys = {KeySpec{
         .flags = kRW | kAccess | kDelete, .begin = 2, .key_count_at = 0, .first_key = 1}},
     .group = Group::kSortedSet,
     .since = "7.0.0",
     .complexity = "O(K+M*log(N)) with K keys and M members taken out of N",
     .syntax = "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
     .summary = "Removes members from an end of the first sorted set that has any, or waits."},
    {.name = "zrandmember",
     .handler = zrandmember,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclSortedSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSortedSet,
     .since = "6.2.0",
     .complexity = "O(M*log(N)) with M members drawn from N",
     .syntax = "key [count [WITHSCORES]]",
     .summary = "Answers random members of a sorted set; a negative count allows repetitions."},
    {.name = "zscan",
     .handler = zscan,
     .arity = -3,
     .flags = kReadonly,
     .categories = kAclSortedSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSortedSet,
     .since = "2.8.0",
     .complexity = "O(N) with N the COUNT; a whole iteration is O(members)",
     .syntax = "key cursor [MATCH pattern] [COUNT count]",
     .summary = "Answers some members of a sorted set with their scores, and where to go on."},
};

}  // namespace

core::Family sorted_set_pop_commands() {
  return kRows;
}

}  // namespace larder::commands
