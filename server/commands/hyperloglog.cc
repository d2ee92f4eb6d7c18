// HyperLogLog: strings in Redis' format that count how many different things were seen.
#include "storage/types/hyperloglog.h"

#include <optional>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "storage/types/string.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
namespace hll = storage::hyperloglog;
using storage::Entry;
using storage::Key;
using storage::Keyspace;
using storage::Result;

size_t sparse_bytes_max(Call& call) {
  return static_cast<size_t>(
      call.config().values.hll_sparse_bytes_max.load(std::memory_order_relaxed));
}

// The sketch in an entry, null standing for none: false, and the reply is written, if it is another
// value. `digits`: where an integer would be written.
bool read_sketch(Call& call, const Result<Entry*>& found, char (&digits)[storage::kIntegerTextMax],
                 std::string_view& sketch) {
  sketch = {};
  if (!found.ok()) return call.fail(found.status()), false;
  if (found.value() == nullptr) return true;
  sketch = found.value()->string(digits);
  if (!hll::is_sketch(sketch)) return call.fail(errors::kNotHyperLogLog), false;
  return true;
}

void put_sketch(Call& call, Keyspace& db, const Key& key, std::string_view sketch,
                const Entry* before) {
  db.put_text(key, sketch, before != nullptr ? before->expire_at_ms() : storage::kNoExpiry, true,
              storage::kKeepTags);
  call.notify(kEventString, "pfadd", key);
}

// A dense sketch is changed where it is, and only if there is something to change.
void add_to_dense(Call& call, Keyspace& db, std::string_view sketch) {
  std::span<char> bytes;
  for (size_t i = 2; i < call.argument_count(); i++) {
    const hll::Observation observed = hll::observe(call.argument(i));
    if (bytes.empty()) {
      if (!hll::raises_dense(sketch, observed)) continue;
      bytes = storage::writable_string(db, call.key(1), hll::kDenseBytes).value().bytes;
    }
    hll::raise_dense(bytes, observed);
  }
  if (!bytes.empty()) {
    db.note_written(call.key(1));
    call.notify(kEventString, "pfadd", call.key(1));
  }
  call.reply().integer(bytes.empty() ? 0 : 1);
}

void pfadd(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::find_string(*db, call.key(1));
  char digits[storage::kIntegerTextMax];
  std::string_view before;
  if (!read_sketch(call, found, digits, before)) return;
  if (!before.empty() && hll::is_dense(before)) return add_to_dense(call, *db, before);
  std::string sketch = before.empty() ? hll::create() : std::string(before);
  bool changed = before.empty();
  for (size_t i = 2; i < call.argument_count(); i++) {
    const hll::Change change =
        hll::raise(sketch, hll::observe(call.argument(i)), sparse_bytes_max(call));
    if (change == hll::Change::kDamaged) return call.fail(errors::kDamagedHyperLogLog);
    changed |= change == hll::Change::kChanged;
  }
  if (changed) {
    hll::forget_estimate(sketch);  // of a new one without elements as well, as Redis does
    put_sketch(call, *db, call.key(1), sketch, found.value());
  }
  call.reply().integer(changed ? 1 : 0);
}

// The estimate of one sketch, which keeps it until it changes.
void count_one(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::read_string(*db, call.key(1));
  char digits[storage::kIntegerTextMax];
  std::string_view sketch;
  if (!read_sketch(call, found, digits, sketch)) return;
  if (sketch.empty()) return call.reply().integer(0);
  std::optional<uint64_t> estimate = hll::kept_estimate(sketch);
  if (!estimate) {
    hll::Registers registers;
    if (!registers.add(sketch)) return call.fail(errors::kDamagedHyperLogLog);
    estimate = registers.estimate();
    const auto string = storage::writable_string(*db, call.key(1), hll::kHeadBytes);
    hll::keep_estimate(string.value().bytes, *estimate);
    db->note_written(call.key(1));
  }
  call.reply().integer(static_cast<int64_t>(*estimate));
}

// Unites the sketches of the keys among the arguments from `first` on. False, and the reply is
// written, if one is none.
bool unite(Call& call, Keyspace& db, size_t first, hll::Registers& registers, bool& any_dense) {
  for (size_t i = first; i < call.argument_count(); i++) {
    char digits[storage::kIntegerTextMax];
    std::string_view sketch;
    if (!read_sketch(call, storage::read_string(db, call.key(i)), digits, sketch)) return false;
    if (sketch.empty()) continue;
    any_dense |= hll::is_dense(sketch);
    if (!registers.add(sketch)) return call.fail(errors::kDamagedHyperLogLog), false;
  }
  return true;
}

void pfcount(Call& call) {
  if (call.argument_count() == 2) return count_one(call);
  DatabaseLock db = call.lock();
  hll::Registers registers;
  bool any_dense = false;
  if (!unite(call, *db, 1, registers, any_dense)) return;
  call.reply().integer(static_cast<int64_t>(registers.estimate()));
}

void pfmerge(Call& call) {
  DatabaseLock db = call.lock();
  const Key destination = call.key(1);
  hll::Registers registers;
  bool any_dense = false;
  if (!unite(call, *db, 1, registers, any_dense)) return;
  const Entry* before = db->find(destination);
  char digits[storage::kIntegerTextMax];
  std::string sketch = before != nullptr ? std::string(before->string(digits)) : hll::create();
  if (any_dense && !hll::make_dense(sketch)) return call.fail(errors::kDamagedHyperLogLog);
  registers.raise(sketch, sparse_bytes_max(call));
  hll::forget_estimate(sketch);
  put_sketch(call, *db, destination, sketch, before);
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "pfadd",
     .handler = pfadd,
     .arity = -2,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclHyperLogLog,
     .keys = one_key(kRW | kInsert),
     .group = Group::kHyperLogLog,
     .since = "2.8.9",
     .complexity = "O(1) for each element",
     .syntax = "key [element [element ...]]",
     .summary = "Counts elements in a HyperLogLog, which is created if it is missing."},
    {.name = "pfcount",
     .handler = pfcount,
     .arity = -2,
     .flags = kReadonly | kHeldLikeWrite,
     .categories = kAclHyperLogLog,
     .keys = all_keys(kRW | kAccess),
     .group = Group::kHyperLogLog,
     .since = "2.8.9",
     .complexity = "O(1) for one key, whose estimate is kept; O(N) for N keys",
     .syntax = "key [key ...]",
     .summary = "Estimates how many different elements one or several HyperLogLogs counted."},
    {.name = "pfmerge",
     .handler = pfmerge,
     .arity = -2,
     .flags = kWrite | kDenyOom,
     .categories = kAclHyperLogLog,
     .keys = {KeySpec{.flags = kRW | kAccess | kInsert, .begin = 1},
              KeySpec{.flags = kRO | kAccess, .begin = 2, .last = -1}},
     .group = Group::kHyperLogLog,
     .since = "2.8.9",
     .complexity = "O(N) with N keys",
     .syntax = "destkey [sourcekey [sourcekey ...]]",
     .summary = "Unites HyperLogLogs into one."},
};

}  // namespace

core::Family hyperloglog_commands() {
  return kRows;
}

}  // namespace larder::commands
