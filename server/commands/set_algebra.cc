// Intersections, unions and differences of several sets, answered, counted or stored.
#include "storage/types/set_algebra.h"

#include <limits>
#include <optional>
#include <vector>

#include "server/commands/families.h"
#include "server/core/bulk_list.h"
#include "server/core/call.h"
#include "server/core/set_limits.h"
#include "storage/types/set_members.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Keyspace;
using storage::MemberValue;
using storage::OwnedSet;
using storage::Result;
using storage::Set;

using Sets = std::vector<Set>;

// The sets of the keys among the arguments from `first` up to, but not including, `last`. Nullopt
// if one is none; the reply is written.
std::optional<Sets> read_sets(Call& call, Keyspace& db, size_t first, size_t last) {
  Sets sets;
  sets.reserve(last - first);
  for (size_t i = first; i < last; i++) {
    const Result<Set> set = storage::read_set(db, call.key(i));
    if (!set.ok()) return call.fail(set.status()), std::nullopt;
    sets.push_back(set.value());
  }
  return sets;
}

// A set as a reply, when nobody knows yet how many members it will have.
class MemberList {
 public:
  void add(const MemberValue& member) {
    char digits[storage::kIntegerTextMax];
    list_.add(member.string(digits));
  }
  void write(Reply& reply) {
    reply.set(list_.size());
    while (list_.write_chunk(reply)) {
    }
  }

 private:
  BulkList list_;
};

// Answers what `visit_all`, which is intersect() or subtract(), visits.
template <typename VisitAll>
void answer_members(Call& call, VisitAll visit_all) {
  DatabaseLock db = call.lock();
  const std::optional<Sets> sets = read_sets(call, *db, 1, call.argument_count());
  if (!sets) return;
  MemberList members;
  visit_all(*sets, [&](const MemberValue& member) {
    members.add(member);
    return true;
  });
  members.write(call.reply());
}

void sinter(Call& call) {
  answer_members(call, storage::intersect);
}

void sdiff(Call& call) {
  answer_members(call, storage::subtract);
}

void sunion(Call& call) {
  DatabaseLock db = call.lock();
  const std::optional<Sets> sets = read_sets(call, *db, 1, call.argument_count());
  if (!sets) return;
  OwnedSet all(storage::united(*sets, set_limits(call.config().values), call.store().hash_seed()));
  call.reply().set(all->size());
  all->each([&](const MemberValue& member) {
    call.reply().element(member);
    return true;
  });
}

// Stores what `combine` makes of the sources, whichever of them the destination may be.
template <typename Combine>
void store_result(Call& call, Combine combine, std::string_view event) {
  DatabaseLock db = call.lock();
  const storage::Key destination = call.key(1);
  const std::optional<Sets> sets = read_sets(call, *db, 2, call.argument_count());
  if (!sets) return;
  OwnedSet result(combine(*sets, set_limits(call.config().values), call.store().hash_seed()));
  const size_t size = result->size();
  const bool replaces = size == 0 && db->find(destination) != nullptr;
  storage::store_set(*db, destination, result);
  if (size > 0) call.notify(kEventSet, event, destination);
  if (replaces) call.notify(kEventGeneric, "del", destination);
  call.reply().integer(static_cast<int64_t>(size));
}

void sinterstore(Call& call) {
  store_result(call, storage::intersection, "sinterstore");
}

void sunionstore(Call& call) {
  store_result(call, storage::united, "sunionstore");
}

void sdiffstore(Call& call) {
  store_result(call, storage::difference, "sdiffstore");
}

void sintercard(Call& call) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  Args args = call.args(1);
  const int64_t keys = args.integer(1, kMax, errors::kNumkeys);
  if (keys > static_cast<int64_t>(call.argument_count()) - 2) args.fail(errors::kTooManyKeys);
  size_t limit = 0;
  Args options = call.args(args.failed() ? call.argument_count() : 2 + static_cast<size_t>(keys));
  while (!options.done()) {
    if (options.option("LIMIT", 1)) {
      limit = static_cast<size_t>(options.integer(0, kMax, errors::kNegativeLimit));
    } else {
      options.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());
  if (options.failed()) return call.fail(options.error());
  DatabaseLock db = call.lock();
  const std::optional<Sets> sets = read_sets(call, *db, 2, 2 + static_cast<size_t>(keys));
  if (!sets) return;
  size_t found = 0;
  storage::intersect(*sets, [&](const MemberValue&) { return ++found != limit; });
  call.reply().integer(static_cast<int64_t>(found));
}

constexpr KeySpecs into_first(uint16_t flags) {
  return {KeySpec{.flags = flags, .begin = 1},
          KeySpec{.flags = kRO | kAccess, .begin = 2, .last = -1}};
}

constexpr CommandRow kRows[] = {
    {.name = "sinter",
     .handler = sinter,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclSet,
     .keys = all_keys(kRO | kAccess),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N*M) with N members in the smallest set and M sets",
     .syntax = "key [key ...]",
     .summary = "Answers the members that are in all of several sets."},
    {.name = "sintercard",
     .handler = sintercard,
     .arity = -3,
     .flags = kReadonly,
     .categories = kAclSet,
     .keys = {KeySpec{.flags = kRO | kAccess, .begin = 1, .key_count_at = 0, .first_key = 1}},
     .group = Group::kSet,
     .since = "7.0.0",
     .complexity = "O(N*M) with N members in the smallest set and M sets",
     .syntax = "numkeys key [key ...] [LIMIT limit]",
     .summary = "Counts the members that are in all of several sets, up to a limit."},
    {.name = "sinterstore",
     .handler = sinterstore,
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kAclSet,
     .keys = into_first(kRW | kUpdate),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N*M) with N members in the smallest set and M sets",
     .syntax = "destination key [key ...]",
     .summary = "Stores the members that are in all of several sets."},
    {.name = "sunion",
     .handler = sunion,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclSet,
     .keys = all_keys(kRO | kAccess),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N members in all sets",
     .syntax = "key [key ...]",
     .summary = "Answers the members that are in any of several sets."},
    {.name = "sunionstore",
     .handler = sunionstore,
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kAclSet,
     .keys = into_first(kOW | kUpdate),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N members in all sets",
     .syntax = "destination key [key ...]",
     .summary = "Stores the members that are in any of several sets."},
    {.name = "sdiff",
     .handler = sdiff,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclSet,
     .keys = all_keys(kRO | kAccess),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N members in all sets",
     .syntax = "key [key ...]",
     .summary = "Answers the members of the first set that are in none of the others."},
    {.name = "sdiffstore",
     .handler = sdiffstore,
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kAclSet,
     .keys = into_first(kOW | kUpdate),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N members in all sets",
     .syntax = "destination key [key ...]",
     .summary = "Stores the members of the first set that are in none of the others."},
};

}  // namespace

core::Family set_algebra_commands() {
  return kRows;
}

}  // namespace larder::commands
