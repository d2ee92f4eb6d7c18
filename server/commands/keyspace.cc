// Commands on whole databases. What looks at or frees every key works in slices, so that other
// connections are served meanwhile.
#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/random_bits.h"
#include "server/core/scan_arguments.h"
#include "server/core/scan_reply.h"
#include "server/core/slice_timer.h"
#include "server/core/value_type.h"
#include "storage/random_key.h"
#include "storage/scan.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::KeyPattern;
using storage::KeyScanner;
using storage::ScanBudget;
using storage::ScanCursor;
using storage::Table;

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

// --- KEYS and SCAN.

struct ScanRequest {
  ScanCursor cursor = 0;
  std::string_view pattern = "*";
  bool typed = false;  // only keys of the type; of none, if it is a name that no type has
  std::optional<storage::ValueType> type{};
  ScanBudget budget{kUnlimited, kUnlimited};
  bool reply_with_cursor = false;
};

// Walks over keys until its budget is spent and answers those that match.
class CollectKeys final : public Continuation {
 public:
  CollectKeys(Call& call, const ScanRequest& request)
      : scanner_(call.store(), call.client().database(), request.cursor),
        pattern_text_(request.pattern),
        pattern_(pattern_text_),
        typed_(request.typed),
        type_(request.type),
        budget_(request.budget),
        reply_with_cursor_(request.reply_with_cursor) {}

  Progress resume(Call& call) override {
    const SliceTimer timer;
    while (!finished()) {
      if (timer.over()) return Progress::kAgain;
      step(call);
    }
    return reply_.write(call.reply(),
                        reply_with_cursor_ ? std::optional(scanner_.cursor()) : std::nullopt);
  }

  bool replying() const override { return reply_.begun(); }

 private:
  // How much is done between two looks at the clock: some 20 us. The budget of entries is not cut,
  // so that KEYS, which has an unlimited one, pauses only where no key can be found twice.
  static constexpr size_t kBucketsPerStep = 2 * Table::kSegmentBuckets;

  bool finished() const {
    return scanner_.finished() || budget_.entries == 0 || budget_.buckets < Table::kSegmentBuckets;
  }

  void step(Call& call) {
    ScanBudget part{budget_.entries, std::min(budget_.buckets, kBucketsPerStep)};
    const ScanBudget before = part;
    scanner_.step(call.held(), call.now_ms(), part, [this](const Entry& entry) {
      if (typed_ && type_ != entry.type()) return;
      if (pattern_.matches(entry.key())) reply_.found().add(entry.key());
    });
    if (budget_.entries != kUnlimited) budget_.entries -= before.entries - part.entries;
    budget_.buckets -= before.buckets - part.buckets;
  }

  KeyScanner scanner_;
  const std::string pattern_text_;
  const KeyPattern pattern_;
  const bool typed_;
  const std::optional<storage::ValueType> type_;
  ScanBudget budget_;
  const bool reply_with_cursor_;
  ScanReply reply_;
};

void keys(Call& call) {
  const std::string_view pattern = call.argument(1);
  if (!KeyPattern(pattern).is_literal()) {
    return call.work_in_slices(
        std::make_unique<CollectKeys>(call, ScanRequest{.pattern = pattern}));
  }
  DatabaseLock db = call.lock(call.key(1));
  const bool found = db->find(call.key(1)) != nullptr;
  call.reply().array(found ? 1 : 0);
  if (found) call.reply().bulk(pattern);
}

void scan(Call& call) {
  constexpr int64_t kCountDefault = 10;
  Args args = call.args();
  ScanRequest request{.cursor = read_scan_cursor(args), .reply_with_cursor = true};
  int64_t count = kCountDefault;
  while (!args.done()) {
    if (args.option("COUNT", 1)) {
      count = read_scan_count(args);
    } else if (args.option("MATCH", 1)) {
      request.pattern = args.next();
    } else if (args.option("TYPE", 1)) {
      request.typed = true;
      request.type = find_type(args.next());
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());
  request.budget = scan_budget(static_cast<size_t>(count));
  call.work_in_slices(std::make_unique<CollectKeys>(call, request));
}

// --- RANDOMKEY and DBSIZE.

// In slices only because it may meet many dead keys in a row; each is removed, so it comes to an
// end.
class FindRandomKey final : public Continuation {
 public:
  Progress resume(Call& call) override {
    const storage::RandomKey random = storage::pick_random_key(
        call.store(), call.held(), call.client().database(), call.now_ms(), random_bits());
    if (!random.key && !random.empty) return Progress::kAgain;
    if (random.key) {
      call.reply().bulk(*random.key);
    } else {
      call.reply().null();
    }
    return Progress::kDone;
  }
};

void randomkey(Call& call) {
  call.work_in_slices(std::make_unique<FindRandomKey>());
}

void dbsize(Call& call) {
  const auto size = call.store().size(call.client().database(), call.held());
  call.reply().integer(static_cast<int64_t>(size.keys));
}

// --- FLUSHDB, FLUSHALL and SWAPDB.

// Frees tables whose keys nobody can reach any more, then answers.
class FreeTables final : public Continuation {
 public:
  FreeTables(Server& server, std::vector<Table> tables)
      : server_(server), tables_(std::move(tables)) {
    server_.memory_limit.begin_reclaim();
  }

  // The client went away: its loop is not to wait for what is left.
  ~FreeTables() override {
    if (!tables_.empty()) server_.host->reclaim(std::move(tables_));
    server_.memory_limit.end_reclaim();
  }

  Progress resume(Call& call) override {
    const SliceTimer timer;
    while (!tables_.empty()) {
      if (timer.over()) return Progress::kAgain;
      if (!tables_.back().destroy_some(1)) tables_.pop_back();
    }
    call.reply().simple("OK");
    return Progress::kDone;
  }

 private:
  Server& server_;
  std::vector<Table> tables_;
};

enum class FlushMode { kSync, kAsync };

FlushMode read_flush_mode(Call& call, Args& args) {
  const bool lazily = call.config().values.lazyfree_user_flush.load() != 0;
  FlushMode mode = lazily ? FlushMode::kAsync : FlushMode::kSync;
  if (args.option("ASYNC")) {
    mode = FlushMode::kAsync;
  } else if (args.option("SYNC")) {
    mode = FlushMode::kSync;
  }
  if (!args.done()) args.fail(errors::kSyntax);
  return mode;
}

// Empties the databases from `first` up to, but not including, `last`.
void flush(Call& call, size_t first, size_t last) {
  Args args = call.args();
  const FlushMode mode = read_flush_mode(call, args);
  if (args.failed()) return call.fail(args.error());
  std::vector<Table> tables;
  {
    DatabaseLock db = call.lock_all();
    for (size_t d = first; d < last; d++) {
      std::vector<Table> detached = call.store().detach(db->locked(), d);
      std::move(detached.begin(), detached.end(), std::back_inserter(tables));
    }
  }
  // Inside a transaction or script all shards are held: nobody is to wait for the freeing.
  if (mode == FlushMode::kAsync || call.held() != nullptr) {
    call.server().host->reclaim(std::move(tables));
    return call.reply().simple("OK");
  }
  call.work_in_slices(std::make_unique<FreeTables>(call.server(), std::move(tables)));
}

void flushdb(Call& call) {
  flush(call, call.client().database(), call.client().database() + 1);
}

void flushall(Call& call) {
  flush(call, 0, call.store().databases());
}

void swapdb(Call& call) {
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  Args args = call.args();
  const int64_t a = args.integer(kMin, kMax, errors::kInvalidFirstDatabase);
  const int64_t b = args.integer(kMin, kMax, errors::kInvalidSecondDatabase);
  const auto databases = static_cast<int64_t>(call.store().databases());
  if (std::min(a, b) < 0 || std::max(a, b) >= databases) args.fail(errors::kDatabaseOutOfRange);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock_all();
  call.store().swap_databases(db->locked(), static_cast<size_t>(a), static_cast<size_t>(b));
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "keys",
     .handler = keys,
     .arity = 2,
     .flags = kReadonly | kWholeKeyspace,
     .categories = kAclKeyspace | kAclDangerous,
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity =
         "O(N) with N keys in the database; O(1) for a pattern without special characters",
     .syntax = "pattern",
     .summary = "Answers all keys that match a glob pattern."},
    {.name = "scan",
     .handler = scan,
     .arity = -2,
     .flags = kReadonly | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kGeneric,
     .since = "2.8.0",
     .complexity = "O(N) with N the COUNT; a whole iteration is O(keys)",
     .syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     .summary = "Answers some of the keys, and a cursor to go on from."},
    {.name = "randomkey",
     .handler = randomkey,
     .arity = 1,
     .flags = kReadonly | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers a key of the database chosen at random."},
    {.name = "dbsize",
     .handler = dbsize,
     .arity = 1,
     .flags = kReadonly | kFast | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "",
     .summary = "Answers the number of keys in the database."},
    {.name = "flushdb",
     .handler = flushdb,
     .arity = -1,
     .flags = kWrite | kWholeKeyspace,
     .categories = kAclKeyspace | kAclDangerous,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "O(N) with N keys in the database",
     .syntax = "[ASYNC | SYNC]",
     .summary = "Deletes all keys of the database."},
    {.name = "flushall",
     .handler = flushall,
     .arity = -1,
     .flags = kWrite | kWholeKeyspace,
     .categories = kAclKeyspace | kAclDangerous,
     .group = Group::kServer,
     .since = "1.0.0",
     .complexity = "O(N) with N keys in all databases",
     .syntax = "[ASYNC | SYNC]",
     .summary = "Deletes all keys of all databases."},
    {.name = "swapdb",
     .handler = swapdb,
     .arity = 3,
     .flags = kWrite | kFast | kWholeKeyspace,
     .categories = kAclKeyspace | kAclDangerous,
     .group = Group::kServer,
     .since = "4.0.0",
     .complexity = "O(1)",
     .syntax = "index1 index2",
     .summary = "Exchanges the keys of two databases at once."},
};

}  // namespace

core::Family keyspace_commands() {
  return kRows;
}

}  // namespace larder::commands
