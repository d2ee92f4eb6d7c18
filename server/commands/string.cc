// Strings: SET and GET and what belongs to them.
#include "server/commands/families.h"
#include "server/core/call.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::kNoExpiry;

void get(Call& call) {
  DatabaseLock db = call.lock();
  const Entry* entry = db->read(call.key(1));
  if (entry == nullptr) return call.reply().null();
  char digits[storage::kIntegerTextMax];
  call.reply().bulk(entry->string(digits));
}

void set(Call& call) {
  DatabaseLock db = call.lock();
  db->put_string(call.key(1), call.argument(2), kNoExpiry);
  call.reply().simple("OK");
}

constexpr CommandRow kRows[] = {
    {.name = "set", .handler = set, .arity = -3, .flags = kWrite, .keys = one_key(kOW)},
    {.name = "get",
     .handler = get,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclString,
     .keys = one_key(kRO | kAccess),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers the string value of a key."},
};

}  // namespace

core::Family string_commands() {
  return kRows;
}

}  // namespace larder::commands
