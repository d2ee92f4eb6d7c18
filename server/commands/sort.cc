// SORT and SORT_RO. Where a pattern names other keys nobody knows beforehand which, so all shards
// are locked; else those of the key and of STORE's.
#include "storage/types/sort.h"

#include <string>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/list_limits.h"
#include "storage/types/list.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::HashValue;
using storage::KeptText;
using storage::Keyspace;
using storage::Result;
using storage::SortOrder;
using storage::SortPattern;
using storage::Status;

// GETs may answer one large value for every element, any number of times: all of them together have
// at most so many bytes, with what a value takes beside its own in a reply, or until it is stored.
constexpr size_t kGotBytesMax = size_t{1} << 30;
constexpr size_t kRepliedBytes = 8;
constexpr size_t kKeptBytes = sizeof(KeptText) + sizeof(std::string_view);

struct Request {
  SortOrder order;
  std::vector<SortPattern> gets;
  size_t store_at = 0;  // among the arguments; 0: without STORE
};

// `always_ordered`: see SortOrder.
Request read_request(Args& args, bool may_store, bool always_ordered) {
  Request request;
  request.order.always_ordered = always_ordered;
  SortOrder& order = request.order;
  while (!args.done()) {
    if (args.option("ASC")) {
      order.descending = false;
    } else if (args.option("DESC")) {
      order.descending = true;
    } else if (args.option("ALPHA")) {
      order.alphabetic = true;
    } else if (args.option("LIMIT", 2)) {
      order.offset = args.integer();
      order.count = args.integer();
    } else if (may_store && args.option("STORE", 1)) {
      request.store_at = args.position();
      order.always_ordered = true;
      args.next();
    } else if (args.option("BY", 1)) {
      order.by = SortPattern(args.next());
      // As in Redis a constant once given stands, whatever follows.
      if (!order.by->has_star()) order.sorted = false;
    } else if (args.option("GET", 1)) {
      request.gets.emplace_back(args.next());
    } else {
      args.fail(errors::kSyntax);
    }
  }
  return request;
}

// Calls `take` with what each GET finds for each element, nullopt where there is nothing. False if
// it would be too much, each value taking `head_bytes` beside its own; then it has not been called
// for all.
template <typename Take>
bool get_all(Keyspace& db, const std::vector<std::string>& elements,
             const std::vector<SortPattern>& gets, size_t head_bytes, Take take) {
  size_t bytes = elements.size() * gets.size() * head_bytes;
  if (bytes > kGotBytesMax) return false;
  char digits[storage::kIntegerTextMax];
  for (const std::string& element : elements) {
    for (const SortPattern& get : gets) {
      const std::optional<HashValue> value = get.find(db, element);
      bytes += value ? value->string(digits).size() : 0;
      if (bytes > kGotBytesMax) return false;
      take(value);
    }
  }
  return true;
}

void answer(Call& call, Keyspace& db, const std::vector<std::string>& elements,
            const std::vector<SortPattern>& gets) {
  Reply& reply = call.reply();
  if (gets.empty()) {
    reply.array(elements.size());
    for (const std::string& element : elements) reply.bulk(element);
    return;
  }
  const size_t begin = reply.mark();
  reply.array(elements.size() * gets.size());
  const bool complete = get_all(
      db, elements, gets, kRepliedBytes,
      [&](const std::optional<HashValue>& value) { value ? reply.value(*value) : reply.null(); });
  if (complete) return;
  reply.take_back(begin);
  call.fail(errors::kOutOfRange);
}

void store(Call& call, Keyspace& db, const std::vector<std::string>& elements,
           const Request& request) {
  std::vector<KeptText> got;
  const bool complete =
      get_all(db, elements, request.gets, kKeptBytes, [&](const std::optional<HashValue>& value) {
        got.push_back(value ? KeptText(*value) : KeptText());
      });
  if (!complete) return call.fail(errors::kOutOfRange);
  std::vector<std::string_view> values;
  if (request.gets.empty()) {
    values.assign(elements.begin(), elements.end());
  } else {
    values.reserve(got.size());
    for (const KeptText& text : got) values.push_back(text.get());
  }
  for (const std::string_view value : values) {
    if (value.size() > storage::kListElementBytesMax) return call.fail(errors::kElementTooLarge);
  }
  const storage::Key target = call.key(request.store_at);
  const bool replaces = values.empty() && db.find(target) != nullptr;
  storage::put_list(db, target, values, list_limit(call.config()));
  if (!values.empty()) call.notify(kEventList, "sortstore", target);
  if (replaces) call.notify(kEventGeneric, "del", target);
  call.reply().integer(static_cast<int64_t>(values.size()));
}

void sort_key(Call& call, bool may_store) {
  Args args = call.args(2);
  // In Redis what scripts get has an order; here, what transactions get as well.
  const Request request = read_request(args, may_store, call.held() != nullptr);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = names_all_keys(call.row(), call.arguments()) ? call.lock() : call.lock_all();
  const Result<std::vector<std::string>> sorted =
      storage::sort_elements(*db, call.key(1), request.order);
  if (sorted.status() == Status::kNotFloat) return call.fail(errors::kScoresNotDouble);
  if (!sorted.ok()) return call.fail(sorted.status());
  if (request.store_at != 0) return store(call, *db, sorted.value(), request);
  answer(call, *db, sorted.value(), request.gets);
}

void sort(Call& call) {
  sort_key(call, true);
}

void sort_ro(Call& call) {
  sort_key(call, false);
}

constexpr KeySpec kSorted = {.flags = kRO | kAccess, .begin = 1};
constexpr KeySpec kFoundByPatterns = {
    .flags = kRO | kAccess | kFromPatterns, .begin = 2, .last = -1};

constexpr CommandRow kRows[] = {
    {.name = "sort",
     .handler = sort,
     .arity = -2,
     .flags = kWrite | kDenyOom,
     .categories = kAclSet | kAclSortedSet | kAclList | kAclDangerous,
     .keys = {kSorted, kFoundByPatterns,
              KeySpec{.flags = kOW | kUpdate | kBehindStore, .begin = 2, .last = -1}},
     .group = Group::kGeneric,
     .since = "1.0.0",
     .complexity = "O(N+M*log(M)) with N elements, M of them answered; O(N) if none is sorted",
     .syntax = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] "
               "[ASC | DESC] [ALPHA] [STORE destination]",
     .summary = "Answers or stores the elements of a list, set or sorted set in some order."},
    {.name = "sort_ro",
     .handler = sort_ro,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclSet | kAclSortedSet | kAclList | kAclDangerous,
     .keys = {kSorted, kFoundByPatterns},
     .group = Group::kGeneric,
     .since = "7.0.0",
     .complexity = "O(N+M*log(M)) with N elements, M of them answered; O(N) if none is sorted",
     .syntax = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] "
               "[ASC | DESC] [ALPHA]",
     .summary = "Answers the elements of a list, set or sorted set in some order."},
};

}  // namespace

core::Family sort_commands() {
  return kRows;
}

}  // namespace larder::commands
