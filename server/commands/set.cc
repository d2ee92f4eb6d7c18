// Sets, one at a time: their members, added, removed, asked for, and drawn at random.
#include <algorithm>
#include <limits>

#include "server/commands/families.h"
#include "server/core/bulk_list.h"
#include "server/core/call.h"
#include "server/core/random_bits.h"
#include "server/core/scan_arguments.h"
#include "server/core/set_limits.h"
#include "storage/scan.h"
#include "storage/types/collection.h"
#include "storage/types/set_members.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::Member;
using storage::MemberValue;
using storage::Result;
using storage::Set;

// Answers a number that the engine came to, or why it did not.
template <typename Number>
void answer(Call& call, const Result<Number>& result) {
  if (!result.ok()) return call.fail(result.status());
  call.reply().integer(static_cast<int64_t>(result.value()));
}

// That members were taken from the set of the first key, and perhaps the last.
void tell_taken(Call& call, storage::Keyspace& db, std::string_view event) {
  call.notify(kEventSet, event, call.key(1));
  call.notify_if_gone(db, call.key(1));
}

void sadd(Call& call) {
  DatabaseLock db = call.lock();
  const auto members = call.arguments().subspan(2);
  const Result<size_t> added =
      storage::add_members(*db, call.key(1), members, set_limits(call.config().values));
  answer(call, added);
  if (added.ok() && added.value() > 0) call.notify(kEventSet, "sadd", call.key(1));
}

void srem(Call& call) {
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  const Result<size_t> removed = storage::remove_members(*db, key, call.arguments().subspan(2));
  answer(call, removed);
  if (removed.ok() && removed.value() > 0) tell_taken(call, *db, "srem");
}

// Whether the key holds a set that has the member.
bool target_has(storage::Keyspace& db, const storage::Key& key, std::string_view member) {
  const Result<Set> set = storage::find_set(db, key);
  return set.ok() && set.value().contains(Member(member));
}

void smove(Call& call) {
  DatabaseLock db = call.lock();
  const storage::Key from = call.key(1);
  const storage::Key to = call.key(2);
  const bool has_it = target_has(*db, to, call.argument(3));
  const Result<bool> moved =
      storage::move_member(*db, from, to, call.argument(3), set_limits(call.config().values));
  answer(call, moved);
  if (!moved.ok() || !moved.value() || from.bytes == to.bytes) return;
  tell_taken(call, *db, "srem");
  if (!has_it) call.notify(kEventSet, "sadd", to);
}

void sismember(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Set> set = storage::read_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  call.reply().integer(set.value().contains(Member(call.argument(2))));
}

void smismember(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Set> set = storage::read_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  const auto members = call.arguments().subspan(2);
  call.reply().array(members.size());
  for (const std::string_view member : members) {
    call.reply().integer(set.value().contains(Member(member)));
  }
}

void scard(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Set> set = storage::read_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  call.reply().integer(static_cast<int64_t>(set.value().size()));
}

// All members, as elements of a reply whose head was written.
void write_members(Reply& reply, const Set& set) {
  set.each([&](const MemberValue& member) {
    reply.element(member);
    return true;
  });
}

void smembers(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Set> set = storage::read_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  call.reply().set(set.value().size());
  write_members(call.reply(), set.value());
}

// --- SPOP and SRANDMEMBER.

constexpr auto draw = [] { return random_bits(); };

void pop_one(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::find_collection(*db, call.key(1), storage::ValueType::kSet);
  if (!found.ok()) return call.fail(found.status());
  if (found.value() == nullptr) return call.reply().null();
  storage::pop_member(*db, call.key(1), *found.value(), random_bits(),
                      [&](const MemberValue& member) { call.reply().element(member); });
  tell_taken(call, *db, "spop");
}

void pop_several(Call& call, size_t count) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::find_collection(*db, call.key(1), storage::ValueType::kSet);
  if (!found.ok()) return call.fail(found.status());
  if (found.value() == nullptr || count == 0) return call.reply().set(0);
  Entry& entry = *found.value();
  call.reply().set(std::min(count, Set(entry.object()).size()));
  storage::pop_members(*db, call.key(1), entry, count, set_limits(call.config().values), draw,
                       [&](const MemberValue& member) { call.reply().element(member); });
  tell_taken(call, *db, "spop");
}

void spop(Call& call) {
  if (call.argument_count() == 2) return pop_one(call);
  if (call.argument_count() > 3) return call.fail(errors::kSyntax);
  Args args = call.args(2);
  const int64_t count =
      args.integer(0, std::numeric_limits<int64_t>::max(), errors::kMustBePositive);
  if (args.failed()) return call.fail(args.error());
  pop_several(call, static_cast<size_t>(count));
}

void random_one(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Set> set = storage::read_set(*db, call.key(1));
  if (!set.ok()) return call.fail(set.status());
  if (!set.value()) return call.reply().null();
  call.reply().element(set.value().random(random_bits()));
}

void random_several(Call& call, int64_t count) {
  DatabaseLock db = call.lock();
  const Result<Set> found = storage::read_set(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  const Set& set = found.value();
  if (!set || count == 0) return call.reply().array(0);
  const auto wanted = static_cast<size_t>(count < 0 ? -count : count);
  if (count > 0) {
    call.reply().array(std::min(wanted, set.size()));
    return set.sample(wanted, draw,
                      [&](const MemberValue& member) { call.reply().element(member); });
  }
  if (!can_draw(wanted, set.object().memory_bytes(), set.size())) {
    return call.fail(errors::kOutOfRange);
  }
  call.reply().array(wanted);
  for (size_t i = 0; i < wanted; i++) call.reply().element(set.random(random_bits()));
}

void srandmember(Call& call) {
  if (call.argument_count() == 2) return random_one(call);
  if (call.argument_count() > 3) return call.fail(errors::kSyntax);
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  Args args = call.args(2);
  const int64_t count = args.integer();
  if (count < -kMax) args.fail(errors::out_of_range(-kMax, kMax));
  if (args.failed()) return call.fail(args.error());
  random_several(call, count);
}

// --- SSCAN.

void sscan(Call& call) {
  Args args = call.args(2);
  const uint64_t cursor = read_scan_cursor(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<Set> found = storage::read_set(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  storage::TablePosition next = 0;
  BulkList members;
  if (found.value()) {
    const ElementScan scan = read_element_scan(args, false);
    if (args.failed()) return call.fail(args.error());
    const storage::KeyPattern pattern(scan.pattern);
    next = found.value().scan(cursor, scan_budget(scan.count), [&](const MemberValue& member) {
      char digits[storage::kIntegerTextMax];
      const std::string_view string = member.string(digits);
      if (pattern.matches(string)) members.add(string);
    });
  }
  call.reply().array(2);
  call.reply().bulk_integer(static_cast<int64_t>(next));
  members.write_head(call.reply());
  while (members.write_chunk(call.reply())) {
  }
}

constexpr KeySpecs kFromAndTo = {KeySpec{.flags = kRW | kAccess | kDelete, .begin = 1},
                                 KeySpec{.flags = kRW | kInsert, .begin = 2}};

constexpr CommandRow kRows[] = {
    {.name = "sadd",
     .handler = sadd,
     .arity = -3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclSet,
     .keys = one_key(kRW | kInsert),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N members given",
     .syntax = "key member [member ...]",
     .summary = "Adds members to a set, which is created if it is missing."},
    {.name = "srem",
     .handler = srem,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclSet,
     .keys = one_key(kRW | kDelete),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N members given",
     .syntax = "key member [member ...]",
     .summary = "Removes members from a set; the last one takes the key with it."},
    {.name = "smove",
     .handler = smove,
     .arity = 4,
     .flags = kWrite | kFast,
     .categories = kAclSet,
     .keys = kFromAndTo,
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "source destination member",
     .summary = "Moves a member from one set to another."},
    {.name = "sismember",
     .handler = sismember,
     .arity = 3,
     .flags = kReadonly | kFast,
     .categories = kAclSet,
     .keys = one_key(kRO),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key member",
     .summary = "Answers whether a set has a member."},
    {.name = "smismember",
     .handler = smismember,
     .arity = -3,
     .flags = kReadonly | kFast,
     .categories = kAclSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSet,
     .since = "6.2.0",
     .complexity = "O(N) with N members given",
     .syntax = "key member [member ...]",
     .summary = "Answers for each of several members whether a set has it."},
    {.name = "smembers",
     .handler = smembers,
     .arity = 2,
     .flags = kReadonly,
     .categories = kAclSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N members in the set",
     .syntax = "key",
     .summary = "Answers all members of a set."},
    {.name = "scard",
     .handler = scard,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclSet,
     .keys = one_key(kRO),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers how many members a set has."},
    {.name = "spop",
     .handler = spop,
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kAclSet,
     .keys = one_key(kRW | kAccess | kDelete),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N the count, or the members of the set if most are taken",
     .syntax = "key [count]",
     .summary = "Removes random members from a set and answers them."},
    {.name = "srandmember",
     .handler = srandmember,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSet,
     .since = "1.0.0",
     .complexity = "O(N) with N the count, or the members of the set if it is a third of them",
     .syntax = "key [count]",
     .summary = "Answers random members of a set; a negative count allows repetitions."},
    {.name = "sscan",
     .handler = sscan,
     .arity = -3,
     .flags = kReadonly,
     .categories = kAclSet,
     .keys = one_key(kRO | kAccess),
     .group = Group::kSet,
     .since = "2.8.0",
     .complexity = "O(N) with N the COUNT; a whole iteration is O(members)",
     .syntax = "key cursor [MATCH pattern] [COUNT count]",
     .summary = "Answers some members of a set, and a cursor to go on from."},
};

}  // namespace

core::Family set_commands() {
  return kRows;
}

}  // namespace larder::commands
