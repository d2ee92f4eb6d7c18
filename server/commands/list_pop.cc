// Lists: commands that move an element from one to another, or take from the first of several.
#include <algorithm>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/list_reply.h"
#include "storage/types/collection.h"
#include "storage/types/list.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
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
bool move_element(storage::Keyspace& db, const storage::Key& source, const storage::Key& target,
                  ListMove ends, const storage::ListLimit& limit, Reply& reply) {
  const Result<bool> moved =
      storage::move_list_element(db, source, target, ends, limit,
                                 [&](const Element& element) { write_element(reply, element); });
  if (moved.ok()) return moved.value();
  reply.error(errors::text(moved.status()));
  return true;
}

void move_at_once(Call& call, ListMove ends) {
  DatabaseLock db = call.lock();
  const storage::Key source = call.key(1);
  const storage::Key target = call.key(2);
  if (!move_element(*db, source, target, ends, list_limit(call.config()), call.reply())) {
    call.reply().null();
  }
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

// LMPOP's arguments from the number of keys on.
struct MultiPop {
  size_t first_key = 0;
  size_t keys = 0;
  ListEnd end = ListEnd::kHead;
  size_t count = 1;
};

MultiPop read_multi_pop(Args& args) {
  MultiPop pop;
  const int64_t keys = args.integer(1, INT64_MAX, errors::kKeyCountNotPositive);
  pop.first_key = args.position();
  if (args.failed()) return pop;
  if (static_cast<uint64_t>(keys) >= args.left()) return args.fail(errors::kSyntax), pop;
  for (; pop.keys < static_cast<size_t>(keys); pop.keys++) args.next();
  pop.end = read_end(args);
  if (args.option("COUNT", 1)) {
    pop.count = static_cast<size_t>(args.integer(1, INT64_MAX, errors::kCountNotPositive));
  }
  if (!args.done()) args.fail(errors::kSyntax);
  return pop;
}

// Answers the key and up to `count` elements. False, and nothing is answered, without such a list.
bool pop_several(storage::Keyspace& db, const storage::Key& key, const MultiPop& pop,
                 const storage::ListLimit& limit, Reply& reply) {
  const Result<Entry*> found = storage::find_collection(db, key, storage::ValueType::kList);
  if (!found.ok()) return reply.error(errors::text(found.status())), true;
  Entry* entry = found.value();
  if (entry == nullptr) return false;
  const size_t taken = std::min(pop.count, storage::list_size(*entry));
  reply.array(2);
  reply.bulk(key.bytes);
  reply.array(taken);
  storage::pop_list(db, key, *entry, pop.end, taken, limit,
                    [&](const Element& element) { write_element(reply, element); });
  return true;
}

void lmpop(Call& call) {
  Args args = call.args();
  const MultiPop pop = read_multi_pop(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  for (size_t i = 0; i < pop.keys; i++) {
    const storage::Key key = call.key(pop.first_key + i);
    if (pop_several(*db, key, pop, list_limit(call.config()), call.reply())) return;
  }
  call.reply().null_array();
}

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
};

}  // namespace

core::Family list_pop_commands() {
  return kRows;
}

}  // namespace larder::commands
