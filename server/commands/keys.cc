// Commands on keys whatever they hold: existence, names, databases, and OBJECT.
#include <limits>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/container_help.h"
#include "server/core/value_type.h"

namespace larder::commands {
namespace {

constexpr auto kPeek = storage::Keyspace::Access::kPeek;
constexpr auto kInspect = storage::Keyspace::Access::kInspect;

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::Key;
using storage::Keyspace;

void del(Call& call) {
  DatabaseLock db = call.lock();
  int64_t deleted = 0;
  for (size_t i = 1; i < call.argument_count(); i++) {
    const Key key = call.key(i);
    if (!db->erase(key)) continue;
    call.notify(kEventGeneric, "del", key);
    deleted++;
  }
  call.reply().integer(deleted);
}

// A key named twice counts twice.
void exists(Call& call) {
  DatabaseLock db = call.lock();
  int64_t found = 0;
  for (size_t i = 1; i < call.argument_count(); i++)
    found += db->read(call.key(i), kPeek) != nullptr;
  call.reply().integer(found);
}

// An access even for clients that asked that theirs be none.
void touch(Call& call) {
  DatabaseLock db = call.lock();
  db->set_touching(true);
  int64_t found = 0;
  for (size_t i = 1; i < call.argument_count(); i++) found += db->read(call.key(i)) != nullptr;
  call.reply().integer(found);
}

void type(Call& call) {
  DatabaseLock db = call.lock();
  const Entry* entry = db->read(call.key(1), kPeek);
  call.reply().simple(entry != nullptr ? type_name(entry->type()) : "none");
}

// Both names of RENAME and RENAMENX; false if there is nothing to move, and the reply is written.
bool can_rename(Call& call, Keyspace& db, const Key& from) {
  if (db.find(from) != nullptr) return true;
  call.fail(errors::kNoSuchKey);
  return false;
}

void move_key(Call& call, Keyspace& db, const Key& from, const Key& to) {
  db.move(from, db, to);
  call.notify(kEventGeneric, "rename_from", from);
  call.notify(kEventGeneric, "rename_to", to);
}

void rename(Call& call) {
  DatabaseLock db = call.lock();
  const Key from = call.key(1);
  const Key to = call.key(2);
  if (!can_rename(call, *db, from)) return;
  if (from.bytes != to.bytes) move_key(call, *db, from, to);
  call.reply().simple("OK");
}

void renamenx(Call& call) {
  DatabaseLock db = call.lock();
  const Key from = call.key(1);
  const Key to = call.key(2);
  if (!can_rename(call, *db, from)) return;
  if (db->find(to) != nullptr) return call.reply().integer(0);
  move_key(call, *db, from, to);
  call.reply().integer(1);
}

// The next argument as a database's index.
size_t read_database(Args& args, Call& call) {
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  const int64_t index = args.integer();
  if (index < kMin || index > kMax) args.fail(errors::out_of_range(kMin, kMax));
  if (index < 0 || static_cast<size_t>(index) >= call.store().databases()) {
    args.fail(errors::kDatabaseOutOfRange);
  }
  return args.failed() ? 0 : static_cast<size_t>(index);
}

void copy(Call& call) {
  size_t database = call.client().database();
  bool replace = false;
  Args args = call.args(3);
  while (!args.done()) {
    if (args.option("REPLACE")) {
      replace = true;
    } else if (args.option("DB", 1)) {
      database = read_database(args, call);
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());
  const Key from = call.key(1);
  const Key to = call.key(2);
  if (database == call.client().database() && from.bytes == to.bytes) {
    return call.fail(errors::kSameObject);
  }
  DatabaseLock db = call.lock();
  Keyspace target = db->in_database(database);
  if (db->read(from) == nullptr) return call.reply().integer(0);
  if (!replace && target.find(to) != nullptr) return call.reply().integer(0);
  db->copy(from, target, to);
  call.notify_in(database, kEventGeneric, "copy_to", to);
  call.reply().integer(1);
}

void move(Call& call) {
  Args args = call.args(2);
  const size_t database = read_database(args, call);
  if (args.failed()) return call.fail(args.error());
  if (database == call.client().database()) return call.fail(errors::kSameObject);
  DatabaseLock db = call.lock();
  Keyspace target = db->in_database(database);
  const Key key = call.key(1);
  if (db->find(key) == nullptr || target.find(key) != nullptr) return call.reply().integer(0);
  db->move(key, target, key);
  call.notify(kEventGeneric, "move_from", key);
  call.notify_in(database, kEventGeneric, "move_to", key);
  call.reply().integer(1);
}

// --- OBJECT.
// Looking at a key so is no miss that anybody is told of.

void object_encoding(Call& call) {
  DatabaseLock db = call.lock();
  const Entry* entry = db->read(call.key(2), kInspect);
  if (entry == nullptr) return call.reply().null();
  call.reply().bulk(encoding_name(*entry));
}

// A value belongs to its key alone.
void object_refcount(Call& call) {
  DatabaseLock db = call.lock();
  if (db->read(call.key(2), kInspect) == nullptr) return call.reply().null();
  call.reply().integer(1);
}

void object_freq(Call& call) {
  DatabaseLock db = call.lock();
  if (db->read(call.key(2), kInspect) == nullptr) return call.reply().null();
  const storage::EvictionKind policy = call.store().eviction().kind();
  if (!is_lfu(policy) && !is_adaptive(policy)) return call.fail(errors::kFrequencyNotTracked);
  call.reply().integer(db->access_history(call.key(2))->frequency);
}

void object_idletime(Call& call) {
  DatabaseLock db = call.lock();
  if (db->read(call.key(2), kInspect) == nullptr) return call.reply().null();
  if (is_lfu(call.store().eviction().kind())) return call.fail(errors::kIdleTimeNotTracked);
  call.reply().integer(static_cast<int64_t>(db->access_history(call.key(2))->idle_seconds));
}

constexpr KeySpecs two_keys(uint16_t first, uint16_t second) {
  return {KeySpec{.flags = first, .begin = 1}, KeySpec{.flags = second, .begin = 2}};
}

constexpr CommandRow kRows[] = {
    {.name = "del",
     .handler = del,
     .arity = -2,
     .flags = kWrite,
     .categories = kAclKeyspace,
     .keys = all_keys(kRM | kDelete),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(N) with N keys given",
     .syntax = "key [key ...]",
     .summary = "Deletes keys; answers how many there were."},
    {.name = "unlink",
     .handler = del,
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = all_keys(kRM | kDelete),
     .group = Group::kGeneric,
     .since = "4.0.0",
     .complexity = "O(N) with N keys given",
     .syntax = "key [key ...]",
     .summary = "Deletes keys, as DEL does; answers how many there were."},
    {.name = "exists",
     .handler = exists,
     .arity = -2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = all_keys(kRO),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(N) with N keys given",
     .syntax = "key [key ...]",
     .summary = "Answers how many of the named keys exist, counting repetitions."},
    {.name = "touch",
     .handler = touch,
     .arity = -2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = all_keys(kRO),
     .group = Group::kGeneric,
     .since = "3.2.1",
     .complexity = "O(N) with N keys given",
     .syntax = "key [key ...]",
     .summary = "Marks keys as used just now; answers how many of them exist."},
    {.name = "type",
     .handler = type,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRO),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers what kind of value a key holds, or none."},
    {.name = "rename",
     .handler = rename,
     .arity = 3,
     .flags = kWrite,
     .categories = kAclKeyspace,
     .keys = two_keys(kRW | kAccess | kDelete, kOW | kUpdate),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key newkey",
     .summary = "Gives a key another name, replacing a key that has it."},
    {.name = "renamenx",
     .handler = renamenx,
     .arity = 3,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = two_keys(kRW | kAccess | kDelete, kOW | kInsert),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key newkey",
     .summary = "Gives a key another name unless a key has it already."},
    {.name = "copy",
     .handler = copy,
     .arity = -3,
     .flags = kWrite | kDenyOom,
     .categories = kAclKeyspace,
     .keys = two_keys(kRO | kAccess, kOW | kUpdate),
     .group = Group::kGeneric,
     .since = "6.2.0",
     .complexity = "O(N) with N bytes of value",
     .syntax = "source destination [DB destination-db] [REPLACE]",
     .summary = "Copies a value and its expiry to another key."},
    {.name = "move",
     .handler = move,
     .arity = 3,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key db",
     .summary = "Moves a key to another database unless it exists there."},
    {.name = "object",
     .arity = -2,
     .group = Group::kGeneric,
     .since = "2.2.3",
     .complexity = "Depends on the subcommand",
     .syntax = "",
     .summary = "Groups the commands that tell how a value is kept."},
    {.name = "object|encoding",
     .handler = object_encoding,
     .arity = 3,
     .flags = kReadonly,
     .categories = kAclKeyspace,
     .keys = one_key(kRO, 2),
     .group = Group::kGeneric,
     .since = "2.2.3",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers the name of the form in which a value is kept."},
    {.name = "object|freq",
     .handler = object_freq,
     .arity = 3,
     .flags = kReadonly,
     .categories = kAclKeyspace,
     .keys = one_key(kRO, 2),
     .group = Group::kGeneric,
     .since = "4.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers how often a key is used, if the eviction policy counts that."},
    {.name = "object|idletime",
     .handler = object_idletime,
     .arity = 3,
     .flags = kReadonly,
     .categories = kAclKeyspace,
     .keys = one_key(kRO, 2),
     .group = Group::kGeneric,
     .since = "2.2.3",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers for how many seconds a key has not been used."},
    {.name = "object|refcount",
     .handler = object_refcount,
     .arity = 3,
     .flags = kReadonly,
     .categories = kAclKeyspace,
     .keys = one_key(kRO, 2),
     .group = Group::kGeneric,
     .since = "2.2.3",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers how many references a value has: always one."},
    {.name = "object|help",
     .handler = container_help,
     .arity = 2,
     .flags = kLoading | kStale,
     .categories = kAclKeyspace,
     .group = Group::kGeneric,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Lists the subcommands of OBJECT."},
};

}  // namespace

core::Family key_commands() {
  return kRows;
}

}  // namespace larder::commands
