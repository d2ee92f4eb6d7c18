// DUMP and RESTORE: values as strings in Redis' own format.
#include "storage/types/dump.h"

#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/dump_errors.h"
#include "server/core/list_limits.h"
#include "server/core/set_limits.h"
#include "server/core/sorted_set_limits.h"
#include "storage/given_access.h"
#include "storage/types/restore.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Key;
using storage::Keyspace;
using storage::kNoExpiry;
using storage::RestoreFault;

void dump(Call& call) {
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  storage::Entry* entry = db->read(key);
  if (entry == nullptr) return call.reply().null();
  call.reply().bulk(storage::dump_value(*db, key, *entry));
}

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;  // the expiry is a time, not a distance
  std::optional<int64_t> idle_seconds;
  std::optional<int64_t> frequency;
};

// Once a time since the last use was given, a frequency is no option, and the other way round.
RestoreOptions read_options(Args& args) {
  constexpr int64_t kFrequencyMax = 255;
  RestoreOptions options;
  while (!args.done()) {
    if (args.option("REPLACE")) {
      options.replace = true;
    } else if (args.option("ABSTTL")) {
      options.absolute = true;
    } else if (!options.frequency && args.option("IDLETIME", 1)) {
      options.idle_seconds = args.integer();
      if (*options.idle_seconds < 0) args.fail(errors::kRestoreIdleTime);
    } else if (!options.idle_seconds && args.option("FREQ", 1)) {
      options.frequency = args.integer();
      const bool in_range = *options.frequency >= 0 && *options.frequency <= kFrequencyMax;
      if (!in_range) args.fail(errors::kRestoreFrequency);
    } else {
      args.fail(errors::kSyntax);
    }
  }
  return options;
}

storage::RestoreLimits restore_limits(Call& call) {
  const ConfigValues& values = call.config().values;
  return {.list = list_limit(call.config()),
          .set = set_limits(values),
          .sorted_set = sorted_set_limits(values),
          .hash = values.hash_limits(),
          .string_bytes_max =
              static_cast<size_t>(values.bulk_bytes_max.load(std::memory_order_relaxed))};
}

// When a key dies whose `ttl` was given, which is not negative; 0 is never. A time beyond 64 bits
// wraps round into the past, as it does in Redis: the key is dead at once.
int64_t expiry_of(int64_t ttl, const RestoreOptions& options, int64_t now_ms) {
  if (ttl == 0) return kNoExpiry;
  int64_t at_ms = ttl;
  if (!options.absolute && __builtin_add_overflow(ttl, now_ms, &at_ms)) return 0;
  return at_ms;
}

// What IDLETIME or FREQ says of the key, which was just stored.
void set_access(Keyspace& db, const Key& key, const RestoreOptions& options) {
  if (!options.idle_seconds && !options.frequency) return;
  storage::Store& store = db.locked().store();
  const storage::EvictionPolicy& policy = store.eviction();
  const storage::Slot slot =
      store.shard(storage::Store::shard_of(key.hash)).table(db.database()).find(key);
  storage::AccessBits bits = slot.bits();
  if (options.idle_seconds) {
    bits =
        given_idle_seconds(policy, bits, static_cast<uint64_t>(*options.idle_seconds), db.now_ms());
  } else {
    bits = given_frequency(policy, bits, static_cast<uint32_t>(*options.frequency));
  }
  slot.set_bits(bits);
}

void restore(Call& call) {
  Args args = call.args(4);
  const RestoreOptions options = read_options(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  if (!options.replace && db->find(key) != nullptr) return call.fail(errors::kBusyKey);
  args = call.args(2);
  const int64_t ttl = args.integer();
  if (ttl < 0) args.fail(errors::kRestoreTtl);
  if (args.failed()) return call.fail(args.error());

  storage::Restored restored = storage::restore_value(call.argument(3), restore_limits(call),
                                                      call.store().hash_seed(), call.now_ms());
  if (restored.fault == RestoreFault::kFooter) return call.fail(errors::kDumpDamaged);
  if (restored.fault == RestoreFault::kFormat) return call.fail(errors::kBadDumpFormat);
  const int64_t expire_at_ms = expiry_of(ttl, options, call.now_ms());
  const bool dead = expire_at_ms != kNoExpiry && expire_at_ms <= call.now_ms();
  if (dead || !restored.value.exists()) {
    if (db->erase(key)) call.notify(kEventGeneric, "del", key);
  } else {
    restored.value.put(*db, key, expire_at_ms);
    set_access(*db, key, options);
    call.notify(kEventGeneric, "restore", key);
  }
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "dump",
     .handler = dump,
     .arity = 2,
     .flags = kReadonly,
     .categories = kAclKeyspace,
     .keys = one_key(kRO | kAccess),
     .group = Group::kGeneric,
     .since = "2.6.0",
     .complexity = "O(N) with N bytes of value",
     .syntax = "key",
     .summary = "Answers a value as a string that RESTORE understands, here or in Redis."},
    {.name = "restore",
     .handler = restore,
     .arity = -4,
     .flags = kWrite | kDenyOom,
     .categories = kAclKeyspace | kAclDangerous,
     .keys = one_key(kOW | kUpdate),
     .group = Group::kGeneric,
     .since = "2.6.0",
     .complexity = "O(N) with N bytes of value, O(N*log(N)) with N members of a sorted set",
     .syntax = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
     .summary = "Creates a key of what DUMP answered, here or in Redis."},
};

}  // namespace

core::Family dump_commands() {
  return kRows;
}

}  // namespace larder::commands
