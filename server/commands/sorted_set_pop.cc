// The ends of sorted sets, taken out at once or when there is something, and members drawn or
// walked in no order.
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/commands/families.h"
#include "server/core/bulk_list.h"
#include "server/core/call.h"
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

// --- ZPOPMIN, ZPOPMAX and ZMPOP. From the lowest score on (kForward) or from the highest.

using Taken = std::vector<std::pair<std::string, double>>;

// Answers the first `count` members, from that end, and takes them out; they go to `taken`, too,
// unless that is null.
void pop(Reply& reply, SortedSetWriter& writer, Direction direction, size_t count, Scores scores,
         Taken* taken = nullptr) {
  const SortedSet set = writer.set();
  const size_t members = set.size();
  count = std::min(count, members);
  const RankRange range =
      direction == Direction::kForward ? RankRange{0, count} : RankRange{members - count, members};
  ScoreList list(reply, count, scores);
  set.each(range, direction, [&](std::string_view member, double score) {
    list.add(member, score);
    if (taken != nullptr) taken->emplace_back(member, score);
  });
  writer.remove(range);
  writer.finish();
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
  Reply& reply = call.reply();
  if (counted) return pop(reply, writer, direction, static_cast<size_t>(count), Scores::kByVersion);
  pop(reply, writer, direction, 1, Scores::kFlat);
}

void zpopmin(Call& call) {
  pop_end(call, Direction::kForward);
}

void zpopmax(Call& call) {
  pop_end(call, Direction::kBackward);
}

struct MultiPop {
  size_t first_key = 0;
  size_t keys = 0;
  Direction direction = Direction::kForward;
  size_t count = 1;
};

MultiPop read_multi_pop(Call& call, Args& args) {
  MultiPop request;
  request.keys = static_cast<size_t>(args.integer(1, kCountMax, errors::kNumkeys));
  if (args.failed()) return request;
  if (request.keys >= args.left()) return args.fail(errors::kSyntax), request;
  request.first_key = args.position();
  Args options = call.args(request.first_key + request.keys);
  if (options.option("MAX")) {
    request.direction = Direction::kBackward;
  } else if (!options.option("MIN")) {
    options.fail(errors::kSyntax);
  }
  if (options.option("COUNT", 1)) {
    request.count = static_cast<size_t>(options.integer(1, kCountMax, errors::kCountNotPositive));
  }
  if (!options.done()) options.fail(errors::kSyntax);
  if (options.failed()) args.fail(options.error());
  return request;
}

// Answers the key and up to `count` members. False, and nothing is answered, if there is no such
// set.
bool pop_several(storage::Keyspace& db, const storage::Key& key, const MultiPop& request,
                 const storage::SortedSetLimits& limits, Reply& reply, Taken* taken = nullptr) {
  SortedSetWriter writer(db, key, limits);
  const Status status = writer.open();
  if (status != Status::kOk) return reply.error(errors::text(status)), true;
  if (!writer.exists()) return false;
  reply.array(2);
  reply.bulk(key.bytes);
  pop(reply, writer, request.direction, request.count, Scores::kPaired, taken);
  return true;
}

void zmpop(Call& call) {
  Args args = call.args();
  const MultiPop request = read_multi_pop(call, args);
  if (args.failed()) return call.fail(args.error());
  const storage::SortedSetLimits limits = sorted_set_limits(call.config().values);
  DatabaseLock db = call.lock();
  for (size_t i = 0; i < request.keys; i++) {
    const storage::Key key = call.key(request.first_key + i);
    if (pop_several(*db, key, request, limits, call.reply())) return;
  }
  call.reply().null_array();
}

// --- BZPOPMIN, BZPOPMAX and BZMPOP.

// Takes members from the first sorted set that has any.
class PopWait final : public WaitingCommand {
 public:
  // `single`: the reply is not BZMPOP's, but key, member and score.
  PopWait(const Config& config, const MultiPop& request, bool single)
      : config_(config), request_(request), single_(single) {}

  storage::ValueType type() const override { return storage::ValueType::kSortedSet; }

  bool attempt(storage::Keyspace& db, std::span<const storage::Key> keys, Reply& reply) override {
    Taken* taken = kept_ ? &taken_ : nullptr;
    for (size_t i = 0; i < keys.size(); i++) {
      taken_from_ = i;
      const bool done = single_ ? pop_single(db, keys[i], reply, taken)
                                : pop_several(db, keys[i], request_, limits(), reply, taken);
      if (done) return true;
    }
    return false;
  }

  std::unique_ptr<WaitingCommand> keep() const override {
    auto copy = std::make_unique<PopWait>(config_, request_, single_);
    copy->kept_ = true;
    return copy;
  }

  void give_back(storage::Keyspace& db, std::span<const storage::Key> keys) override {
    if (taken_.empty()) return;
    SortedSetWriter writer(db, keys[taken_from_], limits());
    if (writer.open() != Status::kOk) return;  // it has another type now: they are lost
    writer.prepare(taken_.size(), taken_[0].first.size());
    for (const auto& [member, score] : taken_) {
      (void)writer.add(member, score, {.only_new = true});
    }
    writer.finish();
  }

 private:
  storage::SortedSetLimits limits() const { return sorted_set_limits(config_.values); }

  bool pop_single(storage::Keyspace& db, const storage::Key& key, Reply& reply, Taken* taken) {
    SortedSetWriter writer(db, key, limits());
    const Status status = writer.open();
    if (status != Status::kOk) return reply.error(errors::text(status)), true;
    if (!writer.exists()) return false;
    const SortedSet set = writer.set();
    const size_t rank = request_.direction == Direction::kForward ? 0 : set.size() - 1;
    const RankRange range{rank, rank + 1};
    reply.array(3);
    reply.bulk(key.bytes);
    set.each(range, Direction::kForward, [&](std::string_view member, double score) {
      reply.bulk(member);
      reply.real(score);
      if (taken != nullptr) taken->emplace_back(member, score);
    });
    writer.remove(range);
    writer.finish();
    return true;
  }

  const Config& config_;
  const MultiPop request_;
  const bool single_;
  bool kept_ = false;
  size_t taken_from_ = 0;
  Taken taken_;
};

void pop_end_or_wait(Call& call, Direction direction) {
  const size_t timeout_at = call.argument_count() - 1;
  Args args = call.args(timeout_at);
  WaitTerms terms{.keys = timeout_at - 1, .awaited = timeout_at - 1};
  terms.deadline_ms = read_deadline(args, call.now_ms());
  if (args.failed()) return call.fail(args.error());
  PopWait command(call.config(), {.direction = direction}, true);
  run_or_wait(call, terms, command);
}

void bzpopmin(Call& call) {
  pop_end_or_wait(call, Direction::kForward);
}

void bzpopmax(Call& call) {
  pop_end_or_wait(call, Direction::kBackward);
}

void bzmpop(Call& call) {
  Args args = call.args(2);
  const MultiPop request = read_multi_pop(call, args);
  if (args.failed()) return call.fail(args.error());
  Args timeout = call.args(1);
  WaitTerms terms{.first_key = request.first_key, .keys = request.keys, .awaited = request.keys};
  terms.deadline_ms = read_deadline(timeout, call.now_ms());
  if (timeout.failed()) return call.fail(timeout.error());
  PopWait command(call.config(), request, false);
  run_or_wait(call, terms, command);
}

// --- ZRANDMEMBER.

constexpr auto draw = [] { return random_bits(); };

// Whether `count` random members, each of which may come repeatedly, make a reply of a size that
// the server can be asked for: with so many draws, the mean length tells.
bool can_repeat(const SortedSet& set, uint64_t count) {
  constexpr uint64_t kReplyBytesMax = uint64_t{1} << 30;
  constexpr uint64_t kHeadBytes = 8;
  return count <= kReplyBytesMax / (set.memory_bytes() / set.size() + kHeadBytes);
}

void answer_random(Call& call, const SortedSet& set) {
  if (set.empty()) return call.reply().null();
  set.draw(1, draw, [&](std::string_view member, double) { call.reply().bulk(member); });
}

void answer_random(Call& call, const SortedSet& set, int64_t count, Scores scores) {
  if (set.empty() || count == 0) return call.reply().array(0);
  const bool repeat = count < 0;
  const auto wanted = static_cast<size_t>(repeat ? -count : count);
  if (repeat && !can_repeat(set, wanted)) return call.fail(errors::kOutOfRange);
  ScoreList list(call.reply(), repeat ? wanted : std::min(wanted, set.size()), scores);
  const auto add = [&](std::string_view member, double score) { list.add(member, score); };
  if (repeat) {
    set.draw(wanted, draw, add);
  } else {
    set.sample(wanted, draw, add);
  }
}

void zrandmember(Call& call) {
  const bool counted = call.argument_count() > 2;
  int64_t count = 0;
  bool with_scores = false;
  Args args = call.args(2);
  if (counted) {
    count = args.integer();
    if (count < -kCountMax) args.fail(errors::out_of_range(-kCountMax, kCountMax));
    with_scores = args.option("WITHSCORES");
    if (!args.done()) args.fail(errors::kSyntax);
    const bool doubled = with_scores && (count < -kCountMax / 2 || count > kCountMax / 2);
    if (doubled) args.fail(errors::kOutOfRange);
  }
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<SortedSet> set = storage::read_sorted_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  if (!counted) return answer_random(call, set.value());
  answer_random(call, set.value(), count, with_scores ? Scores::kByVersion : Scores::kNone);
}

// --- ZSCAN.

// Looks at COUNT members; where many were removed, at fewer, so that crossing empty buckets is
// bounded as well.
storage::ScanBudget budget_for(size_t count) {
  constexpr size_t kBucketsMin = 2048;
  constexpr size_t kBucketsPerMember = 10;
  constexpr size_t kScaledMax = std::numeric_limits<size_t>::max() / kBucketsPerMember;
  return {count, std::max(kBucketsMin, std::min(count, kScaledMax) * kBucketsPerMember)};
}

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
    next = set.scan(cursor, budget_for(scan.count), [&](std::string_view member, double score) {
      if (!pattern.matches(member)) return;
      char digits[storage::kDoubleTextMax];
      list.add(member);
      list.add({digits, write(score, digits)});
    });
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
     .flags = kWrite | kNoscript | kBlocking | kFast,
     .categories = kAclSortedSet,
     .keys = kKeysBeforeTimeout,
     .group = Group::kSortedSet,
     .since = "5.0.0",
     .complexity = "O(K+log(N)) with K keys and N members",
     .syntax = "key [key ...] timeout",
     .summary = "Removes the member of the lowest score of the first set that has any, or waits."},
    {.name = "bzpopmax",
     .handler = bzpopmax,
     .arity = -3,
     .flags = kWrite | kNoscript | kBlocking | kFast,
     .categories = kAclSortedSet,
     .keys = kKeysBeforeTimeout,
     .group = Group::kSortedSet,
     .since = "5.0.0",
     .complexity = "O(K+log(N)) with K keys and N members",
     .syntax = "key [key ...] timeout",
     .summary = "Removes the member of the highest score of the first set that has any, or waits."},
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
     .summary = "Removes members from an end of the first set that has any, or waits for one."},
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
