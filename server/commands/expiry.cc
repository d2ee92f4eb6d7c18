// Commands about when a key expires.
#include <algorithm>
#include <limits>
#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::Key;
using storage::kNoExpiry;

enum class Unit { kSeconds, kMilliseconds };
enum class Origin { kNow, kEpoch };

// NX, XX, GT and LT: when EXPIRE may change what is there. A key without an expiry lives forever.
struct ExpireConditions {
  bool only_without = false;
  bool only_with = false;
  bool only_later = false;
  bool only_earlier = false;

  bool allow(int64_t present_ms, int64_t wanted_ms) const {
    const bool has_expiry = present_ms != kNoExpiry;
    if (only_without && has_expiry) return false;
    if (only_with && !has_expiry) return false;
    if (only_later && (!has_expiry || wanted_ms <= present_ms)) return false;
    return !only_earlier || !has_expiry || wanted_ms < present_ms;
  }
};

ExpireConditions read_conditions(Args& args) {
  ExpireConditions conditions;
  while (!args.done()) {
    if (args.option("NX")) {
      conditions.only_without = true;
    } else if (args.option("XX")) {
      conditions.only_with = true;
    } else if (args.option("GT")) {
      conditions.only_later = true;
    } else if (args.option("LT")) {
      conditions.only_earlier = true;
    } else {
      args.fail(errors::unsupported_option(args.peek()));
    }
  }
  const auto& [nx, xx, gt, lt] = conditions;
  if (nx && (xx || gt || lt)) args.fail(errors::kExpireConditionsNx);
  if (gt && lt) args.fail(errors::kExpireConditionsGtLt);
  return conditions;
}

// Milliseconds since the epoch, negative for any time before it; nullopt if 64 bits do not hold it.
std::optional<int64_t> deadline_ms(int64_t time, Unit unit, int64_t origin_ms) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  if (unit == Unit::kSeconds) {
    if (time > kMax / 1000 || time < kMin / 1000) return std::nullopt;
    time *= 1000;
  }
  if (time > kMax - origin_ms) return std::nullopt;
  return time + origin_ms;
}

template <Unit unit, Origin origin>
void expire(Call& call) {
  Args args = call.args(3);
  const ExpireConditions conditions = read_conditions(args);
  if (args.failed()) return call.fail(args.error());
  args = call.args(2);
  const int64_t time = args.integer();
  if (args.failed()) return call.fail(args.error());
  const auto at_ms = deadline_ms(time, unit, origin == Origin::kNow ? call.now_ms() : 0);
  if (!at_ms) return call.fail(errors::invalid_expire(call.row().name));

  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  const Entry* entry = db->find(key);
  if (entry == nullptr || !conditions.allow(entry->expire_at_ms(), *at_ms)) {
    return call.reply().integer(0);
  }
  // -1 would mean no expiry; all times before the epoch are equally over.
  db->set_expiry(key, std::max<int64_t>(*at_ms, 0));
  call.notify(kEventGeneric, *at_ms > call.now_ms() ? "expire" : "del", key);
  call.reply().integer(1);
}

// Rounds to the nearest second; unsigned, for a time near the end of 64 bits.
int64_t in_unit(int64_t ms, Unit unit) {
  if (unit == Unit::kMilliseconds) return ms;
  return static_cast<int64_t>((static_cast<uint64_t>(ms) + 500) / 1000);
}

template <Unit unit, Origin origin>
void time_of_death(Call& call) {
  constexpr int64_t kNoKey = -2;
  constexpr int64_t kLivesForever = -1;
  DatabaseLock db = call.lock();
  const Entry* entry = db->read(call.key(1), storage::Keyspace::Access::kPeek);
  if (entry == nullptr) return call.reply().integer(kNoKey);
  if (!entry->has_expiry()) return call.reply().integer(kLivesForever);
  const int64_t origin_ms = origin == Origin::kNow ? call.now_ms() : 0;
  call.reply().integer(in_unit(entry->expire_at_ms() - origin_ms, unit));
}

void persist(Call& call) {
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  const Entry* entry = db->find(key);
  const bool had_expiry = entry != nullptr && entry->has_expiry();
  if (had_expiry) {
    db->set_expiry(key, kNoExpiry);
    call.notify(kEventGeneric, "persist", key);
  }
  call.reply().integer(had_expiry);
}

constexpr CommandRow kRows[] = {
    {.name = "expire",
     .handler = expire<Unit::kSeconds, Origin::kNow>,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key seconds [NX | XX | GT | LT]",
     .summary = "Lets a key expire after some seconds."},
    {.name = "pexpire",
     .handler = expire<Unit::kMilliseconds, Origin::kNow>,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kGeneric,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "key milliseconds [NX | XX | GT | LT]",
     .summary = "Lets a key expire after some milliseconds."},
    {.name = "expireat",
     .handler = expire<Unit::kSeconds, Origin::kEpoch>,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kGeneric,
     .since = "1.2.0",
     .complexity = "O(1)",
     .syntax = "key unix-time-seconds [NX | XX | GT | LT]",
     .summary = "Lets a key expire at a time given in Unix seconds."},
    {.name = "pexpireat",
     .handler = expire<Unit::kMilliseconds, Origin::kEpoch>,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kGeneric,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "key unix-time-milliseconds [NX | XX | GT | LT]",
     .summary = "Lets a key expire at a time given in Unix milliseconds."},
    {.name = "ttl",
     .handler = time_of_death<Unit::kSeconds, Origin::kNow>,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRO | kAccess),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers how many seconds a key has to live."},
    {.name = "pttl",
     .handler = time_of_death<Unit::kMilliseconds, Origin::kNow>,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRO | kAccess),
     .group = Group::kGeneric,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers how many milliseconds a key has to live."},
    {.name = "expiretime",
     .handler = time_of_death<Unit::kSeconds, Origin::kEpoch>,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRO | kAccess),
     .group = Group::kGeneric,
     .since = "7.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers when a key expires, in Unix seconds."},
    {.name = "pexpiretime",
     .handler = time_of_death<Unit::kMilliseconds, Origin::kEpoch>,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRO | kAccess),
     .group = Group::kGeneric,
     .since = "7.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers when a key expires, in Unix milliseconds."},
    {.name = "persist",
     .handler = persist,
     .arity = 2,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kGeneric,
     .since = "2.2.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Takes the expiry of a key away."},
};

}  // namespace

core::Family expiry_commands() {
  return kRows;
}

}  // namespace larder::commands
