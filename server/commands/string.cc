// Strings as wholes: reading, writing and replacing values, alone and several at once, with their
// expiry.
#include "storage/types/string.h"

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/expiry_option.h"
#include "server/core/tag_arguments.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::Key;
using storage::Keyspace;
using storage::kNoExpiry;
using storage::Result;
using storage::Tagging;

// Answers the value of a string, null if there is none, or why it has none to give. True if that
// was no error.
bool answer(Call& call, const Result<Entry*>& found) {
  if (!found.ok()) return call.fail(found.status()), false;
  if (found.value() == nullptr) return call.reply().null(), true;
  call.reply().value(*found.value());
  return true;
}

// Stores argument i and tells of it.
void put(Call& call, Keyspace& db, const Key& key, size_t i, int64_t expire_at_ms = kNoExpiry,
         const Tagging& tagging = {}) {
  call.put_argument(db, key, i, expire_at_ms, tagging);
  call.notify(kEventString, "set", key);
}

// The same, unless its time has passed already: then there is no such key. What is told is what
// Redis does, where the key is there for a moment.
void store(Call& call, Keyspace& db, const Key& key, size_t i, int64_t expire_at_ms,
           const Tagging& tagging) {
  if (expire_at_ms == kNoExpiry || expire_at_ms > db.now_ms()) {
    return put(call, db, key, i, expire_at_ms, tagging);
  }
  db.erase(key);
  call.notify(kEventString, "set", key);
}

void get(Call& call) {
  DatabaseLock db = call.lock();
  answer(call, storage::read_string(*db, call.key(1)));
}

struct SetOptions {
  enum class Condition : uint8_t { kAlways, kIfAbsent, kIfPresent };
  Condition condition = Condition::kAlways;
  bool get = false;
  bool keep_ttl = false;
  ExpiryOption expiry;
  Tagging tagging;

  bool tagged() const { return tagging.keep || !tagging.names.empty(); }
  bool allow(const Entry* old) const {
    return condition == Condition::kAlways ||
           (condition == Condition::kIfPresent) == (old != nullptr);
  }
};

SetOptions read_set_options(Args& args) {
  using Condition = SetOptions::Condition;
  SetOptions options;
  while (!args.done()) {
    if (options.condition != Condition::kIfPresent && args.option("NX")) {
      options.condition = Condition::kIfAbsent;
    } else if (options.condition != Condition::kIfAbsent && args.option("XX")) {
      options.condition = Condition::kIfPresent;
    } else if (args.option("GET")) {
      options.get = true;
    } else if (!options.expiry.given() && args.option("KEEPTTL")) {
      options.keep_ttl = true;
    } else if (!options.tagged() && args.option("KEEPTAGS")) {
      options.tagging.keep = true;
    } else if (!options.tagged() && args.option("TAGS", 1)) {
      options.tagging.names = read_counted_tags(args, storage::kTagsPerKeyMax);
    } else if (options.keep_ttl || !take_expiry(args, options.expiry)) {
      args.fail(errors::kSyntax);
    }
  }
  return options;
}

void set_with_options(Call& call) {
  Args args = call.args(3);
  const SetOptions options = read_set_options(args);
  int64_t expire_at_ms = expire_at(call, options.expiry, args);
  if (args.failed()) return call.fail(args.error());

  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  if (!options.tagging.names.empty()) db->prefetch_tags(key);
  Entry* old = options.get ? db->read(key) : db->find(key);
  if (options.get && !answer(call, storage::as_string(old))) return;
  if (!options.allow(old)) {
    if (!options.get) call.reply().null();
    return;
  }
  if (options.keep_ttl && old != nullptr) expire_at_ms = old->expire_at_ms();
  store(call, *db, key, 2, expire_at_ms, options.tagging);
  if (options.expiry.given()) call.notify(kEventGeneric, "expire", key);
  if (expire_at_ms != kNoExpiry && expire_at_ms <= call.now_ms()) {
    call.notify(kEventExpired, "expired", key);
  }
  if (!options.get) call.reply().simple("OK");
}

void set(Call& call) {
  if (call.argument_count() > 3) return set_with_options(call);
  DatabaseLock db = call.lock();
  put(call, *db, call.key(1), 2);
  call.reply().simple("OK");
}

void setnx(Call& call) {
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  const bool absent = db->find(key) == nullptr;
  if (absent) put(call, *db, key, 2);
  call.reply().integer(absent ? 1 : 0);
}

void set_for(Call& call, const ExpiryOption::Word& unit) {
  Args args = call.args(2);
  const int64_t expire_at_ms = expire_at(call, {&unit, args.next()}, args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  put(call, *db, key, 3, expire_at_ms);
  call.notify(kEventGeneric, "expire", key);
  call.reply().simple("OK");
}

void setex(Call& call) {
  set_for(call, kSeconds);
}

void psetex(Call& call) {
  set_for(call, kMilliseconds);
}

void getset(Call& call) {
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  if (!answer(call, storage::read_string(*db, key))) return;
  put(call, *db, key, 2);
}

void getex(Call& call) {
  Args args = call.args(2);
  ExpiryOption expiry;
  bool persist = false;
  while (!args.done()) {
    if (!expiry.given() && args.option("PERSIST")) {
      persist = true;
    } else if (persist || !take_expiry(args, expiry)) {
      args.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());

  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  const Result<Entry*> found = storage::read_string(*db, key);
  const bool live = found.ok() && found.value() != nullptr;
  // The number is looked at only for a key that is there, as in Redis.
  const int64_t expire_at_ms = live ? expire_at(call, expiry, args) : kNoExpiry;
  if (args.failed()) return call.fail(args.error());
  answer(call, found);
  if (!live) return;
  if (expiry.given()) {
    set_expiry(call, *db, key, expire_at_ms);
  } else if (persist && found.value()->has_expiry()) {
    db->set_expiry(key, kNoExpiry);
    call.notify(kEventGeneric, "persist", key);
  }
}

void getdel(Call& call) {
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  if (!answer(call, storage::read_string(*db, key))) return;
  if (db->erase(key)) call.notify(kEventGeneric, "del", key);
}

void mget(Call& call) {
  DatabaseLock db = call.lock();
  const size_t end = call.argument_count();
  call.reply().array(end - 1);
  for (size_t i = 1; i < end; i++) {
    const Entry* entry = db->read(call.key(i));
    if (entry == nullptr || !entry->is_string()) {
      call.reply().null();
    } else {
      call.reply().value(*entry);
    }
  }
}

bool even_pairs(Call& call) {
  if (call.argument_count() % 2 == 1) return true;
  call.fail(errors::wrong_arity(call.row().name));
  return false;
}

void put_pairs(Call& call, Keyspace& db) {
  for (size_t i = 1; i < call.argument_count(); i += 2) {
    put(call, db, call.key(i), i + 1);
  }
}

void mset(Call& call) {
  if (!even_pairs(call)) return;
  DatabaseLock db = call.lock();
  put_pairs(call, *db);
  call.reply().simple("OK");
}

void msetnx(Call& call) {
  if (!even_pairs(call)) return;
  DatabaseLock db = call.lock();
  for (size_t i = 1; i < call.argument_count(); i += 2) {
    if (db->find(call.key(i)) != nullptr) return call.reply().integer(0);
  }
  put_pairs(call, *db);
  call.reply().integer(1);
}

constexpr CommandRow kRows[] = {
    {.name = "get",
     .handler = get,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclString,
     .keys = one_key(kRO | kAccess),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers the string value of a key."},
    {.name = "set",
     .handler = set,
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate | kVariableFlags | kReadsIfGet),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
               "PXAT unix-time-milliseconds | KEEPTTL] [TAGS numtags tag [tag ...] | KEEPTAGS]",
     .summary = "Stores a string under a key, replacing any value of any type, with or without an "
                "expiry and tags."},
    {.name = "setnx",
     .handler = setnx,
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kOW | kInsert),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key value",
     .summary = "Stores a string if there is no such key yet."},
    {.name = "setex",
     .handler = setex,
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kAclString,
     .keys = one_key(kOW | kUpdate),
     .group = Group::kString,
     .since = "2.0.0",
     .complexity = "O(1)",
     .syntax = "key seconds value",
     .summary = "Stores a string that expires after some seconds."},
    {.name = "psetex",
     .handler = psetex,
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kAclString,
     .keys = one_key(kOW | kUpdate),
     .group = Group::kString,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "key milliseconds value",
     .summary = "Stores a string that expires after some milliseconds."},
    {.name = "getset",
     .handler = getset,
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key value",
     .summary = "Answers the old string value of a key and stores a new one."},
    {.name = "getex",
     .handler = getex,
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
               "unix-time-milliseconds | PERSIST]",
     .summary = "Answers the string value of a key and sets or takes away its expiry."},
    {.name = "getdel",
     .handler = getdel,
     .arity = 2,
     .flags = kWrite | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kDelete),
     .group = Group::kString,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers the string value of a key and deletes the key."},
    {.name = "mget",
     .handler = mget,
     .arity = -2,
     .flags = kReadonly | kFast,
     .categories = kAclString,
     .keys = all_keys(kRO | kAccess),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys",
     .syntax = "key [key ...]",
     .summary = "Answers the string values of several keys, null for each that has none."},
    {.name = "mset",
     .handler = mset,
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kAclString,
     .keys = all_keys(kOW | kUpdate, 1, 2),
     .group = Group::kString,
     .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys",
     .syntax = "key value [key value ...]",
     .summary = "Stores several strings at once."},
    {.name = "msetnx",
     .handler = msetnx,
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kAclString,
     .keys = all_keys(kOW | kInsert, 1, 2),
     .group = Group::kString,
     .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys",
     .syntax = "key value [key value ...]",
     .summary = "Stores several strings at once if none of the keys is there yet."},
};

}  // namespace

core::Family string_commands() {
  return kRows;
}

}  // namespace larder::commands
