// Deleting keys by a glob pattern. The walk over the keys is SCAN's; it works in slices, so that
// only the caller waits.
#include <algorithm>
#include <limits>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/deletion_errors.h"
#include "server/core/scan_arguments.h"
#include "server/core/slice_timer.h"
#include "server/core/value_type.h"
#include "storage/key_eraser.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::KeyFilter;
using storage::ScanBudget;

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

// An eraser that tells and counts what it does. Belongs to one loop, and may outlive its client.
class Deletion {
 public:
  Deletion(Call& call, KeyFilter filter, storage::ScanCursor from = 0)
      : server_(call.server()),
        counters_(call.counters()),
        database_(call.client().database()),
        eraser_(call.store(), database_, std::move(filter), from) {}

  // Erases for one slice, or to the end under `held`, until `budget` is spent or `erased_max` keys
  // are gone, both counted down. True if the slice was too short.
  bool work(const storage::LockedKeys* held, int64_t now_ms, ScanBudget& budget,
            size_t& erased_max) {
    const SliceTimer timer;
    while (!eraser_.finished() && erased_max > 0 && budget.entries > 0 &&
           budget.buckets >= storage::Table::kSegmentBuckets) {
      if (held == nullptr && timer.over()) return true;
      const ScanBudget step = eraser_.step_budget();
      const ScanBudget given{std::min(budget.entries, step.entries), step.buckets};
      ScanBudget left = given;
      const size_t erased = eraser_.step(held, now_ms, left, erased_max, [&](const auto& key) {
        server_.keyspace_events.notify(kEventGeneric, "del", database_, key);
      });
      budget.entries -= std::min(budget.entries, given.entries - left.entries);
      budget.buckets -= given.buckets - left.buckets;
      erased_max -= erased;
      erased_ += erased;
      counters_.invalidations_by_pattern.add(erased);
    }
    return false;
  }

  storage::ScanCursor cursor() const { return eraser_.cursor(); }
  int64_t erased() const { return static_cast<int64_t>(erased_); }

 private:
  Server& server_;
  WorkerCounters& counters_;
  const size_t database_;
  storage::KeyEraser eraser_;
  size_t erased_ = 0;
};

class DeleteSome final : public Continuation {
 public:
  DeleteSome(Call& call, KeyFilter filter, storage::ScanCursor from, size_t count)
      : deletion_(call, std::move(filter), from), budget_(scan_budget(count)) {}

  Progress resume(Call& call) override {
    size_t erased_max = kUnlimited;
    if (deletion_.work(call.held(), call.now_ms(), budget_, erased_max)) return Progress::kAgain;
    call.note_published();
    call.reply().array(2);
    call.reply().bulk_integer(static_cast<int64_t>(deletion_.cursor()));
    call.reply().integer(deletion_.erased());
    return Progress::kDone;
  }

 private:
  Deletion deletion_;
  ScanBudget budget_;
};

class DeleteAll final : public Continuation, public BackgroundJob {
 public:
  DeleteAll(Call& call, KeyFilter filter, size_t limit)
      : deletion_(call, std::move(filter)), left_(limit) {}

  Progress resume(Call& call) override {
    const bool more = work(call.held(), call.now_ms());
    call.note_published();
    if (more) return Progress::kAgain;
    call.reply().integer(deletion_.erased());
    return Progress::kDone;
  }
  bool step(int64_t now_ms) override { return work(nullptr, now_ms); }

 private:
  bool work(const storage::LockedKeys* held, int64_t now_ms) {
    ScanBudget everything{kUnlimited, kUnlimited};
    return deletion_.work(held, now_ms, everything, left_);
  }

  Deletion deletion_;
  size_t left_;
};

std::string_view read_pattern(Args& args) {
  const std::string_view pattern = args.next();
  if (pattern.size() > storage::KeyEraser::kPatternBytesMax) args.fail(errors::kPatternTooLong);
  return pattern;
}

std::optional<storage::ValueType> read_type(Args& args) {
  const auto type = find_type(args.next());
  if (!type) args.fail(errors::kNoSuchType);
  return type;
}

void rm(Call& call) {
  constexpr int64_t kCountDefault = 10;
  Args args = call.args();
  const storage::ScanCursor cursor = read_scan_cursor(args);
  KeyFilter filter;
  int64_t count = kCountDefault;
  while (!args.done()) {
    if (args.option("COUNT", 1)) {
      count = read_scan_count(args);
    } else if (args.option("MATCH", 1)) {
      filter.pattern = read_pattern(args);
    } else if (args.option("TYPE", 1)) {
      filter.type = read_type(args);
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());
  call.work_in_slices(
      std::make_unique<DeleteSome>(call, std::move(filter), cursor, static_cast<size_t>(count)));
}

// A pattern with nothing to expand names one key.
void delete_one(Call& call, const KeyFilter& filter) {
  const storage::Key key = call.key(1);
  DatabaseLock db = call.lock(key);
  const storage::Entry* entry = db->find(key);
  const bool deleted = entry != nullptr && (!filter.type || filter.type == entry->type());
  if (deleted) {
    db->erase(key, storage::PrefixCount::kInvalidated);
    call.notify(kEventGeneric, "del", key);
    call.counters().invalidations_by_pattern.add();
  }
  call.reply().integer(deleted ? 1 : 0);
}

void delmatch(Call& call) {
  Args args = call.args();
  KeyFilter filter{.pattern = std::string(read_pattern(args))};
  size_t limit = kUnlimited;
  bool behind = false;
  while (!args.done()) {
    if (args.option("TYPE", 1)) {
      filter.type = read_type(args);
    } else if (args.option("LIMIT", 1)) {
      limit = static_cast<size_t>(
          args.integer(1, std::numeric_limits<int64_t>::max(), errors::kDeletionLimit));
    } else if (args.option("ASYNC")) {
      behind = true;
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());
  if (!behind && storage::KeyPattern(filter.pattern).is_literal()) return delete_one(call, filter);
  auto work = std::make_unique<DeleteAll>(call, std::move(filter), limit);
  if (!behind) return call.work_in_slices(std::move(work));
  if (!call.server().host->work_behind(call.client().worker(), std::move(work))) {
    return call.fail(errors::kTooManyDeletions);
  }
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "delmatch",
     .handler = delmatch,
     .arity = -2,
     .flags = kWrite | kWholeKeyspace,
     .categories = kAclKeyspace | kAclDangerous,
     .group = Group::kGeneric,
     .since = "larder",
     .complexity =
         "O(N) with N keys in the database; O(1) for a pattern without special characters",
     .syntax = "pattern [TYPE type] [LIMIT limit] [ASYNC]",
     .summary = "Deletes all keys that match a glob pattern; nobody but the caller waits."},
    {.name = "rm",
     .handler = rm,
     .arity = -2,
     .flags = kWrite | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kGeneric,
     .since = "larder",
     .complexity = "O(N) with N the COUNT; a whole iteration is O(keys)",
     .syntax = "cursor [MATCH pattern] [TYPE type] [COUNT count]",
     .summary = "Deletes those of some keys that match, and answers a cursor to go on from."},
};

}  // namespace

core::Family delete_by_pattern_commands() {
  return kRows;
}

}  // namespace larder::commands
