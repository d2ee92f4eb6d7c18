// Expiries of the fields of hashes, as Redis 7.4 and 8.0 have them. Each family of these commands
// has its own order of checks and its own texts; both are Redis'.
#include <algorithm>
#include <limits>
#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "storage/types/hash.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Hash;
using storage::HashValue;
using storage::kNoExpiry;
using storage::Status;

// The latest time at which a field may die, milliseconds since the epoch: Redis' limit, in the year
// 4199.
constexpr int64_t kFieldExpiryMaxMs = (int64_t{1} << 46) - 1;

enum class Unit { kSeconds, kMilliseconds };
enum class Origin { kNow, kEpoch };

// What is answered for each field.
constexpr int64_t kNoField = -2;
constexpr int64_t kNoTtl = -1;
constexpr int64_t kNotAllowed = 0;
constexpr int64_t kDone = 1;
constexpr int64_t kDeleted = 2;

storage::HashLimits limits(Call& call) {
  return call.config().values.hash_limits();
}

// False if the key holds something else; the error is written then.
bool open_to_change(Call& call, Hash& hash) {
  const Status status = hash.find();
  if (status != Status::kOk) call.fail(status);
  return status == Status::kOk;
}

// Reads a time and answers it in milliseconds since the epoch.
int64_t read_time(Args& args, const Call& call, Unit unit, Origin origin) {
  int64_t at_ms = args.integer();
  if (args.failed()) return 0;
  if (at_ms < 0) args.fail(errors::kExpireNegative);
  const int64_t origin_ms = origin == Origin::kNow ? call.now_ms() : 0;
  const bool too_large =
      unit == Unit::kSeconds && __builtin_mul_overflow(at_ms, int64_t{1000}, &at_ms);
  if (too_large || at_ms > kFieldExpiryMaxMs - origin_ms) {
    args.fail(errors::invalid_expire(call.row().name));
    return 0;
  }
  return at_ms + origin_ms;
}

// FIELDS, their number, and as many fields as there are arguments left. Each command has its own
// text for a number that is none.
void read_fields(Args& args, std::string_view bad_count) {
  if (!args.option("FIELDS")) args.fail(errors::kFieldsMissing);
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const int64_t count = args.integer(1, kMax, bad_count);
  if (!args.failed() && static_cast<size_t>(count) != args.left()) {
    args.fail(errors::kFieldCountMismatch);
  }
}

// Gives a field that is there an expiry, or deletes it where that is over.
int64_t put_expiry(Hash& hash, std::string_view field, int64_t at_ms, int64_t now_ms) {
  if (at_ms != kNoExpiry && at_ms <= now_ms) {
    hash.erase(field);
    return kDeleted;
  }
  hash.set_expiry(field, at_ms);
  return kDone;
}

// What a command did to fields, for who listens.
struct FieldChanges {
  bool changed = false;  // in the way that is told as the command's event
  bool deleted = false;

  void note(int64_t outcome) {
    changed |= outcome == kDone;
    deleted |= outcome == kDeleted;
  }
  // Once the hash is finished. All fields of a command get the same expiry, so either they die or
  // they live.
  void tell(Call& call, DatabaseLock& db, std::string_view event) const {
    const storage::Key key = call.key(1);
    if (changed) call.notify(kEventHash, event, key);
    if (!deleted) return;
    call.notify(kEventHash, "hdel", key);
    call.notify_if_gone(*db, key);
  }
};

// --- HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT.

enum class Condition { kNone, kWithout, kWith, kLater, kEarlier };

Condition read_condition(Args& args) {
  if (args.option("NX")) return Condition::kWithout;
  if (args.option("XX")) return Condition::kWith;
  if (args.option("GT")) return Condition::kLater;
  return args.option("LT") ? Condition::kEarlier : Condition::kNone;
}

// A field without an expiry lives forever.
bool allows(Condition condition, int64_t present_ms, int64_t wanted_ms) {
  const bool has_expiry = present_ms != kNoExpiry;
  switch (condition) {
    case Condition::kNone:
      return true;
    case Condition::kWithout:
      return !has_expiry;
    case Condition::kWith:
      return has_expiry;
    case Condition::kLater:
      return has_expiry && wanted_ms > present_ms;
    case Condition::kEarlier:
      return !has_expiry || wanted_ms < present_ms;
  }
  return false;
}

template <Unit unit, Origin origin>
void hexpire(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return;
  Args args = call.args(2);
  const int64_t at_ms = read_time(args, call, unit, origin);
  const Condition condition = read_condition(args);
  read_fields(args, errors::kFieldCountAboveZero);
  if (args.failed()) return call.fail(args.error());
  FieldChanges changes;
  call.reply().array(args.left());
  while (!args.done()) {
    const std::string_view field = args.next();
    const std::optional<int64_t> present_ms = hash.expire_at_ms(field);
    int64_t outcome = kNoField;
    if (present_ms) {
      outcome = allows(condition, *present_ms, at_ms)
                    ? put_expiry(hash, field, at_ms, call.now_ms())
                    : kNotAllowed;
    }
    changes.note(outcome);
    call.reply().integer(outcome);
  }
  hash.finish();
  changes.tell(call, db, "hexpire");
}

// --- HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME, HPERSIST.

template <Unit unit, Origin origin>
void hash_ttl(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (const Status status = hash.read(); status != Status::kOk) return call.fail(status);
  Args args = call.args(2);
  read_fields(args, errors::kFieldCountPositive);
  if (args.failed()) return call.fail(args.error());
  call.reply().array(args.left());
  while (!args.done()) {
    int64_t ms = hash.expire_at_ms(args.next()).value_or(kNoField);
    if (ms >= 0) {
      if (origin == Origin::kNow) ms -= call.now_ms();
      if (unit == Unit::kSeconds) ms = (ms + 999) / 1000;
    }
    static_assert(kNoTtl == kNoExpiry);
    call.reply().integer(ms);
  }
}

void hpersist(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return;
  Args args = call.args(2);
  read_fields(args, errors::kFieldCountPositive);
  if (args.failed()) return call.fail(args.error());
  FieldChanges changes;
  call.reply().array(args.left());
  while (!args.done()) {
    const std::string_view field = args.next();
    const int64_t present_ms = hash.expire_at_ms(field).value_or(kNoField);
    if (present_ms >= 0) hash.set_expiry(field, kNoExpiry);
    changes.changed |= present_ms >= 0;
    call.reply().integer(present_ms >= 0 ? kDone : present_ms);
  }
  hash.finish();
  changes.tell(call, db, "hpersist");
}

// --- HGETEX, HSETEX, HGETDEL.

struct ExpiryWord {
  std::string_view upper;
  Unit unit;
  Origin origin;
};
constexpr ExpiryWord kExpiryWords[] = {{"EX", Unit::kSeconds, Origin::kNow},
                                       {"PX", Unit::kMilliseconds, Origin::kNow},
                                       {"EXAT", Unit::kSeconds, Origin::kEpoch},
                                       {"PXAT", Unit::kMilliseconds, Origin::kEpoch}};

// Takes EX, PX, EXAT or PXAT; null if the next argument is none of them.
const ExpiryWord* take_expiry_word(Args& args) {
  for (const ExpiryWord& word : kExpiryWords) {
    if (args.option(word.upper)) return &word;
  }
  return nullptr;
}

void answer(Call& call, const std::optional<HashValue>& value) {
  if (value) {
    call.reply().value(*value);
  } else {
    call.reply().null();
  }
}

void hgetex(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (const Status status = hash.read(); status != Status::kOk) return call.fail(status);
  Args args = call.args(2);
  int64_t at_ms = kNoExpiry;
  bool changes = true;
  if (const ExpiryWord* word = take_expiry_word(args)) {
    at_ms = read_time(args, call, word->unit, word->origin);
  } else {
    changes = args.option("PERSIST");
  }
  read_fields(args, errors::kFieldCountPositive);
  if (args.failed()) return call.fail(args.error());
  FieldChanges done;
  call.reply().array(args.left());
  while (!args.done()) {
    const std::string_view field = args.next();
    const std::optional<HashValue> value = hash.get(field);
    answer(call, value);
    if (!value || !changes) continue;
    if (at_ms != hash.expire_at_ms(field)) {
      done.note(put_expiry(hash, field, at_ms, call.now_ms()));
    }
  }
  hash.finish();
  done.tell(call, db, at_ms == kNoExpiry ? "hpersist" : "hexpire");
}

void hgetdel(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (const Status status = hash.read(); status != Status::kOk) return call.fail(status);
  Args args = call.args(2);
  read_fields(args, errors::kFieldCountPositive);
  if (args.failed()) return call.fail(args.error());
  FieldChanges changes;
  call.reply().array(args.left());
  while (!args.done()) {
    const std::string_view field = args.next();
    answer(call, hash.get(field));
    changes.deleted |= hash.erase(field);
  }
  hash.finish();
  changes.tell(call, db, "");
}

struct SetOptions {
  enum class Existing : uint8_t { kAny, kNone, kAll };
  Existing existing = Existing::kAny;
  bool keep_ttl = false;
  int64_t expire_at_ms = kNoExpiry;
};

// What stands before FIELDS, which is taken too.
SetOptions read_set_options(Args& args, const Call& call) {
  using Existing = SetOptions::Existing;
  SetOptions options;
  bool expiry_given = false;
  while (!args.failed() && !args.option("FIELDS")) {
    const bool none = args.option("FNX");
    if (none || args.option("FXX")) {
      if (options.existing != Existing::kAny) args.fail(errors::kOneFieldCondition);
      options.existing = none ? Existing::kNone : Existing::kAll;
      continue;
    }
    const ExpiryWord* word = take_expiry_word(args);
    options.keep_ttl = word == nullptr && args.option("KEEPTTL");
    if (word == nullptr && !options.keep_ttl) {
      args.fail(args.done() ? errors::wrong_arity(call.row().name)
                            : errors::unknown_argument(args.peek()));
      break;
    }
    if (std::exchange(expiry_given, true)) args.fail(errors::kOneFieldExpiry);
    if (word == nullptr) continue;
    if (args.done()) args.fail(errors::kExpireMissing);
    options.expire_at_ms = read_time(args, call, word->unit, word->origin);
  }
  return options;
}

// How many fields with their values stand at the end.
void read_pair_count(Args& args, const Call& call) {
  if (args.done()) args.fail(errors::wrong_arity(call.row().name));
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  const int64_t count = args.integer(1, kMax, errors::kFieldCountInvalid);
  if (!args.failed() && static_cast<size_t>(count) * 2 != args.left()) {
    args.fail(errors::wrong_arity(call.row().name));
  }
}

bool conditions_hold(Call& call, const Hash& hash, size_t first, SetOptions::Existing existing) {
  if (existing == SetOptions::Existing::kAny) return true;
  for (size_t i = first; i < call.argument_count(); i += 2) {
    const bool there = hash.get(call.argument(i)).has_value();
    if (there != (existing == SetOptions::Existing::kAll)) return false;
  }
  return true;
}

void hsetex(Call& call) {
  Args args = call.args(2);
  const SetOptions options = read_set_options(args, call);
  read_pair_count(args, call);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return;
  const size_t first = args.position();
  if (!conditions_hold(call, hash, first, options.existing)) return call.reply().integer(0);
  FieldChanges changes;
  for (size_t i = first; i < call.argument_count(); i += 2) {
    const std::string_view field = call.argument(i);
    int64_t at_ms = options.expire_at_ms;
    if (options.keep_ttl) at_ms = hash.expire_at_ms(field).value_or(kNoExpiry);
    if (at_ms != kNoExpiry && at_ms <= call.now_ms()) {
      hash.erase(field);
      changes.deleted = true;
    } else {
      hash.set(field, {call.argument(i + 1), call.blob_of(i + 1)}, at_ms);
      changes.changed |= options.expire_at_ms != kNoExpiry;
    }
  }
  hash.finish();
  call.notify(kEventHash, "hset", call.key(1));
  changes.tell(call, db, "hexpire");
  call.reply().integer(1);
}

constexpr std::string_view kPerField = "O(N) where N is the number of fields";

constexpr CommandRow expire_row(std::string_view name, Handler handler, std::string_view syntax,
                                std::string_view summary) {
  return {.name = name,
          .handler = handler,
          .arity = -6,
          .flags = kWrite | kFast,
          .categories = kAclHash,
          .keys = one_key(kRW | kUpdate),
          .group = Group::kHash,
          .since = "7.4.0",
          .complexity = kPerField,
          .syntax = syntax,
          .summary = summary};
}

constexpr CommandRow ttl_row(std::string_view name, Handler handler, std::string_view summary) {
  return {.name = name,
          .handler = handler,
          .arity = -5,
          .flags = kReadonly | kFast,
          .categories = kAclHash,
          .keys = one_key(kRO | kAccess),
          .group = Group::kHash,
          .since = "7.4.0",
          .complexity = kPerField,
          .syntax = "key FIELDS numfields field [field ...]",
          .summary = summary};
}

constexpr CommandRow kRows[] = {
    expire_row("hexpire", hexpire<Unit::kSeconds, Origin::kNow>,
               "key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
               "Gives fields of a hash an expiry some seconds ahead."),
    expire_row("hpexpire", hexpire<Unit::kMilliseconds, Origin::kNow>,
               "key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
               "Gives fields of a hash an expiry some milliseconds ahead."),
    expire_row("hexpireat", hexpire<Unit::kSeconds, Origin::kEpoch>,
               "key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
               "Gives fields of a hash an expiry at a Unix time in seconds."),
    expire_row("hpexpireat", hexpire<Unit::kMilliseconds, Origin::kEpoch>,
               "key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]",
               "Gives fields of a hash an expiry at a Unix time in milliseconds."),
    ttl_row("httl", hash_ttl<Unit::kSeconds, Origin::kNow>,
            "Answers how many seconds fields of a hash have left."),
    ttl_row("hpttl", hash_ttl<Unit::kMilliseconds, Origin::kNow>,
            "Answers how many milliseconds fields of a hash have left."),
    ttl_row("hexpiretime", hash_ttl<Unit::kSeconds, Origin::kEpoch>,
            "Answers the Unix times in seconds at which fields of a hash expire."),
    ttl_row("hpexpiretime", hash_ttl<Unit::kMilliseconds, Origin::kEpoch>,
            "Answers the Unix times in milliseconds at which fields of a hash expire."),
    {.name = "hpersist",
     .handler = hpersist,
     .arity = -5,
     .flags = kWrite | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kHash,
     .since = "7.4.0",
     .complexity = kPerField,
     .syntax = "key FIELDS numfields field [field ...]",
     .summary = "Takes away the expiries of fields of a hash."},
    {.name = "hgetex",
     .handler = hgetex,
     .arity = -5,
     .flags = kWrite | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kHash,
     .since = "8.0.0",
     .complexity = kPerField,
     .syntax = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
               "unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]",
     .summary = "Answers the values of fields of a hash and sets or takes away their expiries."},
    {.name = "hsetex",
     .handler = hsetex,
     .arity = -6,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kHash,
     .since = "8.0.0",
     .complexity = kPerField,
     .syntax = "key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
               "unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]",
     .summary = "Puts values into fields of a hash with an expiry, perhaps only if none or all of "
                "them are there."},
    {.name = "hgetdel",
     .handler = hgetdel,
     .arity = -5,
     .flags = kWrite | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kAccess | kDelete),
     .group = Group::kHash,
     .since = "8.0.0",
     .complexity = kPerField,
     .syntax = "key FIELDS numfields field [field ...]",
     .summary = "Answers the values of fields of a hash and deletes the fields."},
};

}  // namespace

core::Family hash_expiry_commands() {
  return kRows;
}

}  // namespace larder::commands
