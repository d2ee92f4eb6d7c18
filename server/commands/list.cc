// Lists, but for what may wait and what takes from one of several (list_pop.cc).
#include "storage/types/list.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/list_events.h"
#include "server/core/list_limits.h"
#include "storage/types/collection.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::ListCursor;
using storage::ListEnd;
using storage::ListLimit;
using storage::Result;
using storage::listpack::Element;

// Whether the arguments from `first` on may all become elements; else the reply says that not.
bool fit_in_list(Call& call, size_t first) {
  for (size_t i = first; i < call.argument_count(); i++) {
    if (call.argument(i).size() > storage::kListElementBytesMax) {
      call.fail(errors::kElementTooLarge);
      return false;
    }
  }
  return true;
}

// A number whose sign says from which end to count.
int64_t read_signed(Args& args) {
  const int64_t number = args.integer();
  if (number == INT64_MIN) args.fail(errors::out_of_range(-INT64_MAX, INT64_MAX));
  return number;
}

Result<Entry*> read_list(Call& call, DatabaseLock& db) {
  return storage::read_collection(*db, call.key(1), storage::ValueType::kList);
}

// ------------------------------------------------------------------------------ Pushing, popping

using Push = Result<size_t> (*)(storage::Keyspace&, const storage::Key&, ListEnd,
                                std::span<const std::string_view>, const ListLimit&);

void push(Call& call, ListEnd end, Push into) {
  if (!fit_in_list(call, 2)) return;
  DatabaseLock db = call.lock();
  const Result<size_t> size =
      into(*db, call.key(1), end, call.arguments().subspan(2), list_limit(call.config()));
  if (!size.ok()) return call.fail(size.status());
  if (size.value() > 0) call.notify(kEventList, list_push_event(end), call.key(1));
  call.reply().integer(static_cast<int64_t>(size.value()));
}

void lpush(Call& call) {
  push(call, ListEnd::kHead, storage::push_list);
}

void rpush(Call& call) {
  push(call, ListEnd::kTail, storage::push_list);
}

void lpushx(Call& call) {
  push(call, ListEnd::kHead, storage::push_existing_list);
}

void rpushx(Call& call) {
  push(call, ListEnd::kTail, storage::push_existing_list);
}

// With a count, the reply is an array, of none too.
void pop(Call& call, ListEnd end) {
  if (call.argument_count() > 3) return call.fail(errors::wrong_arity(call.row().name));
  const bool counted = call.argument_count() == 3;
  Args args = call.args(2);
  const int64_t count = counted ? args.integer(0, INT64_MAX, errors::kMustBePositive) : 1;
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<Entry*> found =
      storage::find_collection(*db, call.key(1), storage::ValueType::kList);
  if (!found.ok()) return call.fail(found.status());
  Reply& reply = call.reply();
  Entry* entry = found.value();
  if (entry == nullptr) return counted ? reply.null_array() : reply.null();
  const size_t taken = std::min(static_cast<size_t>(count), storage::list_size(*entry));
  if (counted) reply.array(taken);
  storage::pop_list(*db, call.key(1), *entry, end, taken, list_limit(call.config()),
                    [&](const Element& element) { reply.element(element); });
  if (taken == 0) return;
  call.notify(kEventList, list_pop_event(end), call.key(1));
  call.notify_if_gone(*db, call.key(1));
}

void lpop(Call& call) {
  pop(call, ListEnd::kHead);
}

void rpop(Call& call) {
  pop(call, ListEnd::kTail);
}

// ---------------------------------------------------------------------------------------- Reading

void llen(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = read_list(call, db);
  if (!found.ok()) return call.fail(found.status());
  const Entry* entry = found.value();
  call.reply().integer(entry == nullptr ? 0 : static_cast<int64_t>(storage::list_size(*entry)));
}

void lrange(Call& call) {
  Args args = call.args(2);
  const int64_t first = args.integer();
  const int64_t last = args.integer();
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<Entry*> found = read_list(call, db);
  if (!found.ok()) return call.fail(found.status());
  const Entry* entry = found.value();
  if (entry == nullptr) return call.reply().array(0);
  const storage::ListRange range = storage::list_range(storage::list_size(*entry), first, last);
  call.reply().array(range.size);
  if (range.size == 0) return;
  ListCursor cursor(*entry, static_cast<int64_t>(range.first));
  for (size_t i = 0; i < range.size; i++, cursor.next()) call.reply().element(cursor.get());
}

// The index is looked at last, as in Redis.
void lindex(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = read_list(call, db);
  if (!found.ok()) return call.fail(found.status());
  const Entry* entry = found.value();
  if (entry == nullptr) return call.reply().null();
  Args args = call.args(2);
  const int64_t index = args.integer();
  if (args.failed()) return call.fail(args.error());
  const ListCursor cursor(*entry, index);
  if (cursor.done()) return call.reply().null();
  call.reply().element(cursor.get());
}

// ------------------------------------------------------------------------------------------- LPOS

struct PositionQuery {
  int64_t rank = 1;       // the first of the answers among the matches; negative: from the tail
  int64_t count = -1;     // of answers, 0 for all; -1: COUNT was not given
  int64_t looks_max = 0;  // at so many elements, 0 for all
};

PositionQuery read_position_query(Args& args) {
  PositionQuery query;
  while (!args.done()) {
    if (args.option("RANK", 1)) {
      query.rank = read_signed(args);
      if (query.rank == 0) args.fail(errors::kRankZero);
    } else if (args.option("COUNT", 1)) {
      query.count = args.integer(0, INT64_MAX, errors::kCountNegative);
    } else if (args.option("MAXLEN", 1)) {
      query.looks_max = args.integer(0, INT64_MAX, errors::kMaxlenNegative);
    } else {
      args.fail(errors::kSyntax);
    }
  }
  return query;
}

std::vector<size_t> find_positions(const Entry& entry, std::string_view value,
                                   const PositionQuery& query) {
  const Element wanted = storage::listpack::element_of(value);
  const bool backward = query.rank < 0;
  const size_t size = storage::list_size(entry);
  const size_t looks =
      query.looks_max == 0 ? size : std::min(size, static_cast<size_t>(query.looks_max));
  const auto most = static_cast<size_t>(query.count == -1 ? 1 : query.count);
  auto skip = static_cast<size_t>(backward ? -query.rank : query.rank) - 1;
  std::vector<size_t> positions;
  ListCursor cursor(entry, backward ? -1 : 0);
  for (size_t i = 0; i < looks; i++) {
    if (cursor.get().equals(wanted)) {
      if (skip == 0) positions.push_back(backward ? size - 1 - i : i);
      if (skip > 0) skip--;
      if (positions.size() == most && most > 0) break;
    }
    if (backward) {
      cursor.previous();
    } else {
      cursor.next();
    }
  }
  return positions;
}

void lpos(Call& call) {
  Args args = call.args(3);
  const PositionQuery query = read_position_query(args);
  if (args.failed()) return call.fail(args.error());
  std::vector<size_t> positions;
  DatabaseLock db = call.lock();
  const Result<Entry*> found = read_list(call, db);
  if (!found.ok()) return call.fail(found.status());
  if (found.value() != nullptr) {
    positions = find_positions(*found.value(), call.argument(2), query);
  }
  if (query.count == -1) {
    if (positions.empty()) return call.reply().null();
    return call.reply().integer(static_cast<int64_t>(positions[0]));
  }
  call.reply().array(positions.size());
  for (const size_t position : positions) call.reply().integer(static_cast<int64_t>(position));
}

// --------------------------------------------------------------------------------------- Changing

// The index is looked at behind the key, as in Redis.
void lset(Call& call) {
  if (!fit_in_list(call, 3)) return;
  DatabaseLock db = call.lock();
  const Result<Entry*> found =
      storage::find_collection(*db, call.key(1), storage::ValueType::kList);
  if (!found.ok()) return call.fail(found.status());
  if (found.value() == nullptr) return call.fail(errors::kNoSuchKey);
  Args args = call.args(2);
  const int64_t index = args.integer();
  if (args.failed()) return call.fail(args.error());
  const storage::Status status = storage::set_list_element(
      *db, call.key(1), index, call.argument(3), list_limit(call.config()));
  if (status != storage::Status::kOk) return call.fail(status);
  call.notify(kEventList, "lset", call.key(1));
  call.reply().simple("OK");
}

void linsert(Call& call) {
  Args args = call.args(2);
  const bool behind = args.option("AFTER");
  if (!behind && !args.option("BEFORE")) return call.fail(errors::kSyntax);
  if (!fit_in_list(call, 4)) return;
  DatabaseLock db = call.lock();
  const Result<int64_t> size = storage::insert_into_list(
      *db, call.key(1), behind, call.argument(3), call.argument(4), list_limit(call.config()));
  if (!size.ok()) return call.fail(size.status());
  if (size.value() > 0) call.notify(kEventList, "linsert", call.key(1));
  call.reply().integer(size.value());
}

void lrem(Call& call) {
  Args args = call.args(2);
  const int64_t count = read_signed(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<size_t> removed = storage::remove_from_list(
      *db, call.key(1), count, call.argument(3), list_limit(call.config()));
  if (!removed.ok()) return call.fail(removed.status());
  if (removed.value() > 0) {
    call.notify(kEventList, "lrem", call.key(1));
    call.notify_if_gone(*db, call.key(1));
  }
  call.reply().integer(static_cast<int64_t>(removed.value()));
}

void ltrim(Call& call) {
  Args args = call.args(2);
  const int64_t first = args.integer();
  const int64_t last = args.integer();
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  const bool there = db->find(key) != nullptr;
  const storage::Status status =
      storage::trim_list(*db, key, first, last, list_limit(call.config()));
  if (status != storage::Status::kOk) return call.fail(status);
  if (there) {
    call.notify(kEventList, "ltrim", key);
    call.notify_if_gone(*db, key);
  }
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "lpush",
     .handler = lpush,
     .arity = -3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclList,
     .keys = one_key(kRW | kInsert),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(1) for each element.",
     .syntax = "key element [element ...]",
     .summary = "Puts elements in at the head of a list, one after the other; makes the key."},
    {.name = "rpush",
     .handler = rpush,
     .arity = -3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclList,
     .keys = one_key(kRW | kInsert),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(1) for each element.",
     .syntax = "key element [element ...]",
     .summary = "Puts elements in at the tail of a list, one after the other; makes the key."},
    {.name = "lpushx",
     .handler = lpushx,
     .arity = -3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclList,
     .keys = one_key(kRW | kInsert),
     .group = Group::kList,
     .since = "2.2.0",
     .complexity = "O(1) for each element.",
     .syntax = "key element [element ...]",
     .summary = "Puts elements in at the head of a list, if there is one."},
    {.name = "rpushx",
     .handler = rpushx,
     .arity = -3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclList,
     .keys = one_key(kRW | kInsert),
     .group = Group::kList,
     .since = "2.2.0",
     .complexity = "O(1) for each element.",
     .syntax = "key element [element ...]",
     .summary = "Puts elements in at the tail of a list, if there is one."},
    {.name = "lpop",
     .handler = lpop,
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kAclList,
     .keys = one_key(kRW | kAccess | kDelete),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(N), N being the number of elements taken out",
     .syntax = "key [count]",
     .summary = "Takes elements out at the head of a list: one, or as many as asked for."},
    {.name = "rpop",
     .handler = rpop,
     .arity = -2,
     .flags = kWrite | kFast,
     .categories = kAclList,
     .keys = one_key(kRW | kAccess | kDelete),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(N), N being the number of elements taken out",
     .syntax = "key [count]",
     .summary = "Takes elements out at the tail of a list: one, or as many as asked for."},
    {.name = "llen",
     .handler = llen,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclList,
     .keys = one_key(kRO),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers how many elements a list has."},
    {.name = "lrange",
     .handler = lrange,
     .arity = 4,
     .flags = kReadonly,
     .categories = kAclList,
     .keys = one_key(kRO | kAccess),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity =
         "O(S+N), S being the distance of the first element from the nearer end in blocks "
         "of elements, N the number of elements answered",
     .syntax = "key start stop",
     .summary = "Answers the elements from one index to another."},
    {.name = "lindex",
     .handler = lindex,
     .arity = 3,
     .flags = kReadonly,
     .categories = kAclList,
     .keys = one_key(kRO | kAccess),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(N), N being the distance from the nearer end in blocks of elements",
     .syntax = "key index",
     .summary = "Answers the element at an index; -1 is the last."},
    {.name = "lpos",
     .handler = lpos,
     .arity = -3,
     .flags = kReadonly,
     .categories = kAclList,
     .keys = one_key(kRO | kAccess),
     .group = Group::kList,
     .since = "6.0.6",
     .complexity = "O(N), N being the number of elements",
     .syntax = "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
     .summary = "Answers at which indexes an element stands."},
    {.name = "lset",
     .handler = lset,
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kAclList,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(N), N being the distance from the nearer end in blocks of elements",
     .syntax = "key index element",
     .summary = "Puts another element in the place of the one at an index."},
    {.name = "linsert",
     .handler = linsert,
     .arity = 5,
     .flags = kWrite | kDenyOom,
     .categories = kAclList,
     .keys = one_key(kRW | kInsert),
     .group = Group::kList,
     .since = "2.2.0",
     .complexity = "O(N), N being the number of elements in front of the pivot",
     .syntax = "key <BEFORE | AFTER> pivot element",
     .summary = "Puts an element in beside the first one that equals the pivot."},
    {.name = "lrem",
     .handler = lrem,
     .arity = 4,
     .flags = kWrite,
     .categories = kAclList,
     .keys = one_key(kRW | kDelete),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(N+M), N being the number of elements, M of those taken out",
     .syntax = "key count element",
     .summary = "Takes elements of one value out: some from the head, from the tail, or all."},
    {.name = "ltrim",
     .handler = ltrim,
     .arity = 4,
     .flags = kWrite,
     .categories = kAclList,
     .keys = one_key(kRW | kDelete),
     .group = Group::kList,
     .since = "1.0.0",
     .complexity = "O(N), N being the number of blocks of elements taken out",
     .syntax = "key start stop",
     .summary = "Takes all elements out but those from one index to another."},
};

}  // namespace

core::Family list_commands() {
  return kRows;
}

}  // namespace larder::commands
