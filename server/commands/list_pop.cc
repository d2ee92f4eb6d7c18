// Lists: commands that move an element from one to another, or take from the first of several, at
// once or when there is something.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/list_events.h"
#include "server/core/list_limits.h"
#include "server/core/pop_arguments.h"
#include "server/core/waiting_command.h"
#include "storage/types/collection.h"
#include "storage/types/list.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::Key;
using storage::ListEnd;
using storage::ListMove;
using storage::Result;
using storage::listpack::Element;

ListEnd read_end(Args& args) {
  if (args.option("LEFT")) return ListEnd::kHead;
  if (!args.option("RIGHT")) args.fail(errors::kSyntax);
  return ListEnd::kTail;
}

// ----------------------------------------------------------------------------------------- Moving

// Answers the element that was moved. False, and nothing is answered, if there is no source.
bool move_element(Server& server, storage::Keyspace& db, const Key& source, const Key& target,
                  ListMove ends, Reply& reply) {
  const Result<bool> moved =
      storage::move_list_element(db, source, target, ends, list_limit(server.config),
                                 [&](const Element& element) { reply.element(element); });
  if (!moved.ok()) return reply.error(errors::text(moved.status())), true;
  if (!moved.value()) return false;
  KeyspaceEvents& events = server.keyspace_events;
  events.notify(kEventList, list_push_event(ends.to), db.database(), target);
  events.notify(kEventList, list_pop_event(ends.from), db.database(), source);
  events.notify_if_gone(db, source);
  return true;
}

void move_at_once(Call& call, ListMove ends) {
  DatabaseLock db = call.lock();
  const Key source = call.key(1);
  const Key target = call.key(2);
  if (!move_element(call.server(), *db, source, target, ends, call.reply())) call.reply().null();
  call.note_published();
}

void lmove(Call& call) {
  Args args = call.args(3);
  const ListEnd from = read_end(args);
  const ListEnd to = read_end(args);
  if (args.failed()) return call.fail(args.error());
  move_at_once(call, {from, to});
}

void rpoplpush(Call& call) {
  move_at_once(call, {ListEnd::kTail, ListEnd::kHead});
}

// ---------------------------------------------------------------------------- The first of several

struct ListPop {
  ListEnd end = ListEnd::kHead;
  size_t count = 1;
  bool several = false;  // the reply has an array of elements
};

ListPop list_pop(const MultiPop& multi) {
  return {.end = multi.second_end ? ListEnd::kTail : ListEnd::kHead,
          .count = multi.count,
          .several = true};
}

// Answers the key and what is taken, which also goes to `taken` unless that is null. False, and
// nothing is answered, if there is no such list.
bool pop_elements(Server& server, storage::Keyspace& db, const Key& key, const ListPop& pop,
                  Reply& reply, std::vector<std::string>* taken = nullptr) {
  const Result<Entry*> found = storage::find_collection(db, key, storage::ValueType::kList);
  if (!found.ok()) return reply.error(errors::text(found.status())), true;
  Entry* entry = found.value();
  if (entry == nullptr) return false;
  const size_t count = std::min(pop.count, storage::list_size(*entry));
  reply.array(2);
  reply.bulk(key.bytes);
  if (pop.several) reply.array(count);
  const auto take = [&](const Element& element) {
    reply.element(element);
    if (taken == nullptr) return;
    char digits[storage::kIntegerTextMax];
    taken->emplace_back(element.string(digits));
  };
  storage::pop_list(db, key, *entry, pop.end, count, list_limit(server.config), take);
  server.keyspace_events.notify(kEventList, list_pop_event(pop.end), db.database(), key);
  server.keyspace_events.notify_if_gone(db, key);
  return true;
}

void lmpop(Call& call) {
  Args args = call.args();
  const MultiPop multi = read_multi_pop(args, "LEFT", "RIGHT");
  if (args.failed()) return call.fail(args.error());
  const ListPop pop = list_pop(multi);
  DatabaseLock db = call.lock();
  for (size_t i = 0; i < multi.keys; i++) {
    const Key key = call.key(multi.first_key + i);
    if (pop_elements(call.server(), *db, key, pop, call.reply())) return call.note_published();
  }
  call.reply().null_array();
}

// ---------------------------------------------------------------------------------------- Waiting

// Takes elements from the first list that has any.
class PopWait final : public WaitingCommand {
 public:
  PopWait(Server& server, ListPop pop) : server_(server), pop_(pop) {}

  storage::ValueType type() const override { return storage::ValueType::kList; }

  bool attempt(storage::Keyspace& db, std::span<const Key> keys, Reply& reply) override {
    for (size_t i = 0; i < keys.size(); i++) {
      taken_from_ = i;
      if (pop_elements(server_, db, keys[i], pop_, reply, kept_ ? &taken_ : nullptr)) return true;
    }
    return false;
  }

  std::unique_ptr<WaitingCommand> keep() const override {
    auto copy = std::make_unique<PopWait>(server_, pop_);
    copy->kept_ = true;
    return copy;
  }

  void give_back(storage::Keyspace& db, std::span<const Key> keys) override {
    if (taken_.empty()) return;
    const std::vector<std::string_view> values(taken_.rbegin(), taken_.rend());
    // A key that got another type meanwhile keeps it: the elements are lost.
    (void)storage::push_list(db, keys[taken_from_], pop_.end, values, list_limit(server_.config));
  }

 private:
  Server& server_;
  const ListPop pop_;
  bool kept_ = false;
  size_t taken_from_ = 0;
  std::vector<std::string> taken_;
};

// Moves an element from the first of two keys to the second.
class MoveWait final : public WaitingCommand {
 public:
  MoveWait(Server& server, ListMove ends) : server_(server), ends_(ends) {}

  storage::ValueType type() const override { return storage::ValueType::kList; }
  bool attempt(storage::Keyspace& db, std::span<const Key> keys, Reply& reply) override {
    return move_element(server_, db, keys[0], keys[1], ends_, reply);
  }
  std::unique_ptr<WaitingCommand> keep() const override {
    return std::make_unique<MoveWait>(server_, ends_);
  }

 private:
  Server& server_;
  const ListMove ends_;
};

void blpop(Call& call) {
  PopWait command(call.server(), {.end = ListEnd::kHead});
  pop_or_wait(call, command);
}

void brpop(Call& call) {
  PopWait command(call.server(), {.end = ListEnd::kTail});
  pop_or_wait(call, command);
}

void blmpop(Call& call) {
  Args args = call.args(2);
  const MultiPop multi = read_multi_pop(args, "LEFT", "RIGHT");
  if (args.failed()) return call.fail(args.error());
  PopWait command(call.server(), list_pop(multi));
  pop_or_wait(call, multi, command);
}

void move_or_wait(Call& call, ListMove ends, Args& args) {
  WaitTerms terms{.keys = 2, .awaited = 1, .nothing = NothingThere::kNull};
  terms.deadline_ms = read_deadline(args, call.now_ms());
  if (args.failed()) return call.fail(args.error());
  MoveWait command(call.server(), ends);
  run_or_wait(call, terms, command);
}

void blmove(Call& call) {
  Args args = call.args(3);
  const ListEnd from = read_end(args);
  const ListEnd to = read_end(args);
  move_or_wait(call, {from, to}, args);
}

void brpoplpush(Call& call) {
  Args args = call.args(3);
  move_or_wait(call, {ListEnd::kTail, ListEnd::kHead}, args);
}

constexpr KeySpecs kKeysBeforeTimeout = {
    KeySpec{.flags = kRW | kAccess | kDelete, .begin = 1, .last = -2}};
constexpr KeySpecs kSourceAndTarget = {KeySpec{.flags = kRW | kAccess | kDelete, .begin = 1},
                                       KeySpec{.flags = kRW | kInsert, .begin = 2}};

constexpr CommandRow kRows[] = {
    {.name = "lmove",
     .handler = lmove,
     .arity = 5,
     .flags = kWrite | kDenyOom,
     .categories = kAclList,
     .keys = kSourceAndTarget,
     .group = Group::kList,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
     .summary = "Takes an element out at an end of one list and puts it in at an end of another."},
    {.name = "rpoplpush",
     .handler = rpoplpush,
     .arity = 3,
     .flags = kWrite | kDenyOom,
     .categories = kAclList,
     .keys = kSourceAndTarget,
     .group = Group::kList,
     .since = "1.2.0",
     .complexity = "O(1)",
     .syntax = "source destination",
     .summary = "Moves an element from the tail of one list to the head of another."},
    {.name = "lmpop",
     .handler = lmpop,
     .arity = -4,
     .flags = kWrite,
     .categories = kAclList,
     .keys = {KeySpec{
         .flags = kRW | kAccess | kDelete, .begin = 1, .key_count_at = 0, .first_key = 1}},
     .group = Group::kList,
     .since = "7.0.0",
     .complexity = "O(N+M), N being the number of keys, M of elements taken out",
     .syntax = "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
     .summary = "Takes elements out of the first of some lists that is not empty."},
    {.name = "blpop",
     .handler = blpop,
     .arity = -3,
     .flags = kWrite | kBlocking,
     .categories = kAclList,
     .keys = kKeysBeforeTimeout,
     .group = Group::kList,
     .since = "2.0.0",
     .complexity = "O(N), N being the number of keys",
     .syntax = "key [key ...] timeout",
     .summary = "Takes an element out at the head of the first list that has one, or waits."},
    {.name = "brpop",
     .handler = brpop,
     .arity = -3,
     .flags = kWrite | kBlocking,
     .categories = kAclList,
     .keys = kKeysBeforeTimeout,
     .group = Group::kList,
     .since = "2.0.0",
     .complexity = "O(N), N being the number of keys",
     .syntax = "key [key ...] timeout",
     .summary = "Takes an element out at the tail of the first list that has one, or waits."},
    {.name = "blmove",
     .handler = blmove,
     .arity = 6,
     .flags = kWrite | kDenyOom | kBlocking,
     .categories = kAclList,
     .keys = kSourceAndTarget,
     .group = Group::kList,
     .since = "6.2.0",
     .complexity = "O(1)",
     .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
     .summary = "Moves an element from an end of a list to an end of another, or waits for one."},
    {.name = "brpoplpush",
     .handler = brpoplpush,
     .arity = 4,
     .flags = kWrite | kDenyOom | kBlocking,
     .categories = kAclList,
     .keys = kSourceAndTarget,
     .group = Group::kList,
     .since = "2.2.0",
     .complexity = "O(1)",
     .syntax = "source destination timeout",
     .summary = "Moves an element from the tail of a list to the head of another, or waits."},
    {.name = "blmpop",
     .handler = blmpop,
     .arity = -5,
     .flags = kWrite | kBlocking,
     .categories = kAclList,
     .keys = {KeySpec{
         .flags = kRW | kAccess | kDelete, .begin = 2, .key_count_at = 0, .first_key = 1}},
     .group = Group::kList,
     .since = "7.0.0",
     .complexity = "O(N+M), N being the number of keys, M of elements taken out",
     .syntax = "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
     .summary = "Takes elements out of the first of some lists that has any, or waits."},
};

}  // namespace

core::Family list_pop_commands() {
  return kRows;
}

}  // namespace larder::commands
