// Hashes: fields and their values. What concerns the expiry of fields is in hash_expiry.cc.
#include "storage/types/hash.h"

#include <algorithm>
#include <limits>

#include "server/commands/families.h"
#include "server/core/bulk_list.h"
#include "server/core/call.h"
#include "server/core/random_bits.h"
#include "server/core/scan_arguments.h"
#include "storage/scan.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Hash;
using storage::HashField;
using storage::HashValue;
using storage::Result;
using storage::Status;

storage::HashLimits limits(Call& call) {
  return call.config().values.hash_limits();
}

// True if the key holds a hash or nothing; else the error is written.
bool open_to_read(Call& call, Hash& hash) {
  const Status status = hash.read();
  if (status != Status::kOk) call.fail(status);
  return status == Status::kOk;
}

bool open_to_change(Call& call, Hash& hash) {
  const Status status = hash.find();
  if (status != Status::kOk) call.fail(status);
  return status == Status::kOk;
}

// --- Writing.

void expect_pairs(Call& call, Hash& hash) {
  size_t bytes_max = 0;
  for (const std::string_view text : call.arguments().subspan(2)) {
    bytes_max = std::max(bytes_max, text.size());
  }
  hash.expect((call.argument_count() - 2) / 2, bytes_max);
}

// HSET and HMSET. Answers how many fields are new; nullopt if an error was written.
std::optional<int64_t> set_pairs(Call& call) {
  if (call.argument_count() % 2 != 0) {
    call.fail(errors::wrong_arity(call.row().name));
    return std::nullopt;
  }
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return std::nullopt;
  expect_pairs(call, hash);
  int64_t made = 0;
  for (size_t i = 2; i < call.argument_count(); i += 2) {
    made += hash.set(call.argument(i), {call.argument(i + 1), call.blob_of(i + 1)});
  }
  hash.finish();
  call.notify(kEventHash, "hset", call.key(1));
  return made;
}

void hset(Call& call) {
  if (const auto made = set_pairs(call)) call.reply().integer(*made);
}

void hmset(Call& call) {
  if (set_pairs(call)) call.reply().simple("OK");
}

void hsetnx(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return;
  if (hash.get(call.argument(2))) return call.reply().integer(0);
  hash.set(call.argument(2), {call.argument(3), call.blob_of(3)});
  hash.finish();
  call.notify(kEventHash, "hset", call.key(1));
  call.reply().integer(1);
}

void hdel(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return;
  int64_t deleted = 0;
  for (const std::string_view field : call.arguments().subspan(2)) deleted += hash.erase(field);
  hash.finish();
  if (deleted > 0) {
    call.notify(kEventHash, "hdel", call.key(1));
    call.notify_if_gone(*db, call.key(1));
  }
  call.reply().integer(deleted);
}

void hincrby(Call& call) {
  Args args = call.args(3);
  const int64_t by = args.integer();
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return;
  const Result<int64_t> sum = hash.increment(call.argument(2), by);
  if (sum.status() == Status::kNotInteger) return call.fail(errors::kHashNotInteger);
  if (!sum.ok()) return call.fail(sum.status());
  hash.finish();
  call.notify(kEventHash, "hincrby", call.key(1));
  call.reply().integer(sum.value());
}

void hincrbyfloat(Call& call) {
  long double by = 0;
  if (!storage::parse_long_double(call.argument(3), by)) return call.fail(errors::kNotFloat);
  if (std::abs(by) == std::numeric_limits<long double>::infinity()) {
    return call.fail(errors::kArgumentNotFinite);
  }
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_change(call, hash)) return;
  const Result<std::string> sum = hash.increment_float(call.argument(2), by);
  if (sum.status() == Status::kNotFloat) return call.fail(errors::kHashNotFloat);
  if (!sum.ok()) return call.fail(sum.status());
  hash.finish();
  call.notify(kEventHash, "hincrbyfloat", call.key(1));
  call.reply().bulk(sum.value());
}

// --- Reading.

void answer(Call& call, const std::optional<HashValue>& value) {
  if (value) {
    call.reply().value(*value);
  } else {
    call.reply().null();
  }
}

void hget(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (open_to_read(call, hash)) answer(call, hash.get(call.argument(2)));
}

void hmget(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_read(call, hash)) return;
  call.reply().array(call.argument_count() - 2);
  for (const std::string_view field : call.arguments().subspan(2)) answer(call, hash.get(field));
}

void hlen(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (open_to_read(call, hash)) call.reply().integer(static_cast<int64_t>(hash.size()));
}

void hstrlen(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_read(call, hash)) return;
  char digits[storage::kIntegerTextMax];
  const auto value = hash.get(call.argument(2));
  call.reply().integer(value ? static_cast<int64_t>(value->string(digits).size()) : 0);
}

void hexists(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (open_to_read(call, hash)) call.reply().integer(hash.get(call.argument(2)) ? 1 : 0);
}

void hgetall(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_read(call, hash)) return;
  Reply& reply = call.reply();
  reply.map(hash.size());
  hash.each([&](const HashField& field) {
    reply.element(field.name);
    reply.value(field.value);
  });
}

void hkeys(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_read(call, hash)) return;
  call.reply().array(hash.size());
  hash.each([&](const HashField& field) { call.reply().element(field.name); });
}

void hvals(Call& call) {
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_read(call, hash)) return;
  call.reply().array(hash.size());
  hash.each([&](const HashField& field) { call.reply().value(field.value); });
}

// --- HSCAN.

void collect(const HashField& field, const ElementScan& scan, const storage::KeyPattern& pattern,
             BulkList& found) {
  char digits[storage::kIntegerTextMax];
  const std::string_view name = field.name.string(digits);
  if (!pattern.matches(name)) return;
  found.add(name);
  if (!scan.without_values) found.add(field.value.string(digits));
}

void hscan(Call& call) {
  Args args = call.args(2);
  const uint64_t cursor = read_scan_cursor(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_read(call, hash)) return;
  // As in Redis, the options are not looked at if there is no such key.
  const ElementScan scan = hash.exists() ? read_element_scan(args, true) : ElementScan();
  if (args.failed()) return call.fail(args.error());
  const storage::KeyPattern pattern(scan.pattern);
  BulkList found;
  const uint64_t next = hash.scan(cursor, scan_budget(scan.count), [&](const HashField& field) {
    collect(field, scan, pattern, found);
  });
  Reply& reply = call.reply();
  reply.array(2);
  reply.bulk_integer(static_cast<int64_t>(next));
  found.write_head(reply);
  while (found.write_chunk(reply)) {
  }
}

// --- HRANDFIELD.

constexpr auto kRandom = [] { return random_bits(); };

void answer_fields(Call& call, Hash& hash, const DrawRequest& request) {
  Reply& reply = call.reply();
  const bool pairs = reply.version() == RespVersion::k3;
  const auto write = [&](const HashField& field) {
    if (request.with_values && pairs) reply.array(2);
    reply.element(field.name);
    if (request.with_values) reply.value(field.value);
  };
  const size_t count = request.repeats() ? request.draws() : std::min(request.draws(), hash.size());
  reply.array(request.with_values && !pairs ? count * 2 : count);
  if (request.repeats()) {
    hash.draw(count, kRandom, write);
  } else {
    hash.sample(count, kRandom, write);
  }
}

void hrandfield(Call& call) {
  Args args = call.args(2);
  const bool one = args.done();
  const DrawRequest request = one ? DrawRequest{} : read_draw(args, "WITHVALUES");
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  Hash hash(*db, call.key(1), limits(call));
  if (!open_to_read(call, hash)) return;
  if (one && !hash.exists()) return call.reply().null();
  if (one) {
    return hash.draw(1, kRandom, [&](const HashField& f) { call.reply().element(f.name); });
  }
  if (!hash.exists() || request.count == 0) return call.reply().array(0);
  if (request.repeats() && !can_draw(request.draws(), hash.memory_bytes(), hash.size())) {
    return call.fail(errors::kOutOfRange);
  }
  answer_fields(call, hash, request);
}

constexpr CommandRow kRows[] = {
    {.name = "hset",
     .handler = hset,
     .arity = -4,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(1) for each field set",
     .syntax = "key field value [field value ...]",
     .summary = "Puts values into fields of a hash and takes away their expiries."},
    {.name = "hmset",
     .handler = hmset,
     .arity = -4,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of fields set",
     .syntax = "key field value [field value ...]",
     .summary = "Puts values into fields of a hash; HSET does the same and counts the new ones."},
    {.name = "hsetnx",
     .handler = hsetnx,
     .arity = 4,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kInsert),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(1)",
     .syntax = "key field value",
     .summary = "Puts a value into a field of a hash if there is no such field yet."},
    {.name = "hdel",
     .handler = hdel,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kDelete),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of fields",
     .syntax = "key field [field ...]",
     .summary = "Deletes fields of a hash, and the hash with the last of them."},
    {.name = "hincrby",
     .handler = hincrby,
     .arity = 4,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(1)",
     .syntax = "key field increment",
     .summary = "Adds to the integer in a field of a hash, 0 if there is none."},
    {.name = "hincrbyfloat",
     .handler = hincrbyfloat,
     .arity = 4,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclHash,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kHash,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "key field increment",
     .summary = "Adds to the number in a field of a hash, 0 if there is none."},
    {.name = "hget",
     .handler = hget,
     .arity = 3,
     .flags = kReadonly | kFast,
     .categories = kAclHash,
     .keys = one_key(kRO | kAccess),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(1)",
     .syntax = "key field",
     .summary = "Answers the value of a field of a hash."},
    {.name = "hmget",
     .handler = hmget,
     .arity = -3,
     .flags = kReadonly | kFast,
     .categories = kAclHash,
     .keys = one_key(kRO | kAccess),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of fields",
     .syntax = "key field [field ...]",
     .summary = "Answers the values of several fields of a hash, null for each that is not there."},
    {.name = "hlen",
     .handler = hlen,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclHash,
     .keys = one_key(kRO),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(1), but for fields that have just died",
     .syntax = "key",
     .summary = "Answers the number of fields of a hash."},
    {.name = "hstrlen",
     .handler = hstrlen,
     .arity = 3,
     .flags = kReadonly | kFast,
     .categories = kAclHash,
     .keys = one_key(kRO),
     .group = Group::kHash,
     .since = "3.2.0",
     .complexity = "O(1)",
     .syntax = "key field",
     .summary = "Answers the length in bytes of the value of a field of a hash."},
    {.name = "hexists",
     .handler = hexists,
     .arity = 3,
     .flags = kReadonly | kFast,
     .categories = kAclHash,
     .keys = one_key(kRO),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(1)",
     .syntax = "key field",
     .summary = "Answers whether a hash has a field."},
    {.name = "hgetall",
     .handler = hgetall,
     .arity = 2,
     .flags = kReadonly,
     .categories = kAclHash,
     .keys = one_key(kRO | kAccess),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of fields",
     .syntax = "key",
     .summary = "Answers all fields of a hash with their values."},
    {.name = "hkeys",
     .handler = hkeys,
     .arity = 2,
     .flags = kReadonly,
     .categories = kAclHash,
     .keys = one_key(kRO | kAccess),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of fields",
     .syntax = "key",
     .summary = "Answers the names of all fields of a hash."},
    {.name = "hvals",
     .handler = hvals,
     .arity = 2,
     .flags = kReadonly,
     .categories = kAclHash,
     .keys = one_key(kRO | kAccess),
     .group = Group::kHash,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of fields",
     .syntax = "key",
     .summary = "Answers the values of all fields of a hash."},
    {.name = "hscan",
     .handler = hscan,
     .arity = -3,
     .flags = kReadonly,
     .categories = kAclHash,
     .keys = one_key(kRO | kAccess),
     .group = Group::kHash,
     .since = "2.8.0",
     .complexity = "O(1) a call, O(N) for all N fields",
     .syntax = "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
     .summary = "Answers some of the fields of a hash and a cursor for the next ones."},
    {.name = "hrandfield",
     .handler = hrandfield,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclHash,
     .keys = one_key(kRO | kAccess),
     .group = Group::kHash,
     .since = "6.2.0",
     .complexity = "O(N) where N is the number of fields answered",
     .syntax = "key [count [WITHVALUES]]",
     .summary = "Answers random fields of a hash: different ones, or, if the count is negative, "
                "perhaps some repeatedly."},
};

}  // namespace

core::Family hash_commands() {
  return kRows;
}

}  // namespace larder::commands
