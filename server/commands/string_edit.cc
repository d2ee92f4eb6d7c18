// Strings from the inside: as numbers to count with, and as bytes to append to, cut from, overwrite
// and compare.
#include <algorithm>
#include <limits>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "storage/types/lcs.h"
#include "storage/types/string.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::Result;

size_t string_bytes_max(Call& call) {
  return static_cast<size_t>(call.config().values.bulk_bytes_max.load(std::memory_order_relaxed));
}

// Answers a number that the engine came to, or why it did not.
template <typename Number>
void answer(Call& call, const Result<Number>& result) {
  if (!result.ok()) return call.fail(result.status());
  call.reply().integer(static_cast<int64_t>(result.value()));
}

// The same for a change of the string in the first key.
template <typename Number>
void answer_change(Call& call, const Result<Number>& result, std::string_view event) {
  answer(call, result);
  if (result.ok()) call.notify(kEventString, event, call.key(1));
}

void add(Call& call, int64_t by) {
  DatabaseLock db = call.lock();
  answer_change(call, storage::increment(*db, call.key(1), by), "incrby");
}

void incr(Call& call) {
  add(call, 1);
}

void decr(Call& call) {
  add(call, -1);
}

void incrby(Call& call) {
  Args args = call.args(2);
  const int64_t by = args.integer();
  if (args.failed()) return call.fail(args.error());
  add(call, by);
}

void decrby(Call& call) {
  Args args = call.args(2);
  const int64_t by = args.integer();
  if (by == std::numeric_limits<int64_t>::min()) args.fail(errors::kDecrementOverflow);
  if (args.failed()) return call.fail(args.error());
  add(call, -by);
}

void incrbyfloat(Call& call) {
  DatabaseLock db = call.lock();
  const Result<std::string> sum = storage::increment_float(*db, call.key(1), call.argument(2));
  if (!sum.ok()) return call.fail(sum.status());
  call.notify(kEventString, "incrbyfloat", call.key(1));
  call.reply().bulk(sum.value());
}

void append(Call& call) {
  DatabaseLock db = call.lock();
  answer_change(call,
                storage::append_string(*db, call.key(1), call.argument(2), string_bytes_max(call)),
                "append");
}

void strlen(Call& call) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::read_string(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  const Entry* entry = found.value();
  call.reply().integer(entry == nullptr ? 0 : static_cast<int64_t>(entry->string_bytes()));
}

void getrange(Call& call) {
  Args args = call.args(2);
  const int64_t start = args.integer();
  const int64_t end = args.integer();
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::read_string(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  if (found.value() == nullptr) return call.reply().bulk("");
  const auto range = storage::ordered_range(start, end, found.value()->string_bytes());
  if (!range) return call.reply().bulk("");
  call.reply().value_part(*found.value(), range->first, range->last - range->first + 1);
}

void setrange(Call& call) {
  Args args = call.args(2);
  const int64_t offset = args.integer();
  if (offset < 0) args.fail(errors::kOffsetOutOfRange);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<size_t> size = storage::set_string_range(
      *db, call.key(1), static_cast<uint64_t>(offset), call.argument(3), string_bytes_max(call));
  if (call.argument(3).empty()) return answer(call, size);  // nothing was changed
  answer_change(call, size, "setrange");
}

struct LcsOptions {
  bool length_only = false;
  bool indexes = false;
  bool match_lengths = false;
  uint64_t match_bytes_min = 0;
};

LcsOptions read_lcs_options(Args& args) {
  LcsOptions options;
  while (!args.done()) {
    if (args.option("IDX")) {
      options.indexes = true;
    } else if (args.option("LEN")) {
      options.length_only = true;
    } else if (args.option("WITHMATCHLEN")) {
      options.match_lengths = true;
    } else if (args.option("MINMATCHLEN", 1)) {
      options.match_bytes_min = static_cast<uint64_t>(std::max<int64_t>(args.integer(), 0));
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (options.length_only && options.indexes) args.fail(errors::kLcsLenAndIdx);
  return options;
}

// Latches why LCS of two strings would be too much.
void check_lcs_sizes(size_t a_bytes, size_t b_bytes, size_t table_bytes_max, Args& args) {
  if (std::max(a_bytes, b_bytes) > storage::kLcsBytesMax) args.fail(errors::kLcsTooLong);
  if (storage::lcs_table_bytes(a_bytes, b_bytes) > table_bytes_max) args.fail(errors::kLcsMemory);
}

// Copies the strings of the command's two keys, if they are strings, the options (`args`) were
// right and the strings not too long. Empty ones for missing keys. False when the reply says why
// not.
bool copy_lcs_strings(Call& call, Args& args, std::string& a, std::string& b) {
  DatabaseLock db = call.lock();
  const Result<Entry*> first = storage::read_string(*db, call.key(1));
  const Result<Entry*> second = storage::read_string(*db, call.key(2));
  if (!first.ok() || !second.ok()) return call.fail(errors::kLcsKeys), false;
  char a_digits[storage::kIntegerTextMax];
  char b_digits[storage::kIntegerTextMax];
  std::string_view a_view;
  std::string_view b_view;
  if (first.value() != nullptr) a_view = first.value()->string(a_digits);
  if (second.value() != nullptr) b_view = second.value()->string(b_digits);
  check_lcs_sizes(a_view.size(), b_view.size(), string_bytes_max(call), args);
  if (args.failed()) return call.fail(args.error()), false;
  a = a_view;
  b = b_view;
  return true;
}

void answer_range(Reply& reply, storage::IndexRange range) {
  reply.array(2);
  reply.integer(static_cast<int64_t>(range.first));
  reply.integer(static_cast<int64_t>(range.last));
}

void answer_matches(Reply& reply, const storage::Lcs& found, const LcsOptions& options) {
  const auto wanted = [&](const storage::LcsMatch& match) {
    return match.size() >= options.match_bytes_min;
  };
  reply.map(2);
  reply.bulk("matches");
  reply.array(
      static_cast<size_t>(std::count_if(found.matches.begin(), found.matches.end(), wanted)));
  for (const storage::LcsMatch& match : found.matches) {
    if (!wanted(match)) continue;
    reply.array(options.match_lengths ? 3 : 2);
    answer_range(reply, match.a);
    answer_range(reply, match.b);
    if (options.match_lengths) reply.integer(static_cast<int64_t>(match.size()));
  }
  reply.bulk("len");
  reply.integer(static_cast<int64_t>(found.text.size()));
}

void lcs(Call& call) {
  Args args = call.args(3);
  const LcsOptions options = read_lcs_options(args);
  std::string a;
  std::string b;
  // The search takes time for the product of the sizes: it works on copies, without the lock.
  if (!copy_lcs_strings(call, args, a, b)) return;
  if (options.length_only) {
    return call.reply().integer(static_cast<int64_t>(storage::lcs_size(a, b)));
  }
  const storage::Lcs found = storage::longest_common(a, b);
  if (options.indexes) return answer_matches(call.reply(), found, options);
  call.reply().bulk(found.text);
}

constexpr CommandRow kRows[] = {
    {.name = "incr",
     .handler = incr,
     .arity = 2,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Adds 1 to the integer in a key; a missing key counts as 0."},
    {.name = "decr",
     .handler = decr,
     .arity = 2,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Takes 1 from the integer in a key; a missing key counts as 0."},
    {.name = "incrby",
     .handler = incrby,
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key increment",
     .summary = "Adds a number to the integer in a key; a missing key counts as 0."},
    {.name = "decrby",
     .handler = decrby,
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(1)",
     .syntax = "key decrement",
     .summary = "Takes a number from the integer in a key; a missing key counts as 0."},
    {.name = "incrbyfloat",
     .handler = incrbyfloat,
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "2.6.0",
     .complexity = "O(1)",
     .syntax = "key increment",
     .summary = "Adds a decimal fraction to the number in a key; a missing key counts as 0."},
    {.name = "append",
     .handler = append,
     .arity = 3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kInsert),
     .group = Group::kString,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of bytes appended, amortized",
     .syntax = "key value",
     .summary = "Puts bytes behind the string in a key, which is created if it is missing."},
    {.name = "strlen",
     .handler = strlen,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclString,
     .keys = one_key(kRO),
     .group = Group::kString,
     .since = "2.2.0",
     .complexity = "O(1)",
     .syntax = "key",
     .summary = "Answers the length in bytes of the string in a key."},
    {.name = "getrange",
     .handler = getrange,
     .arity = 4,
     .flags = kReadonly,
     .categories = kAclString,
     .keys = one_key(kRO | kAccess),
     .group = Group::kString,
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of bytes answered",
     .syntax = "key start end",
     .summary = "Answers the bytes from one position to another of the string in a key."},
    {.name = "substr",
     .handler = getrange,
     .arity = 4,
     .flags = kReadonly,
     .categories = kAclString,
     .keys = one_key(kRO | kAccess),
     .group = Group::kString,
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of bytes answered",
     .syntax = "key start end",
     .summary = "The old name of GETRANGE."},
    {.name = "setrange",
     .handler = setrange,
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kAclString,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kString,
     .since = "2.2.0",
     .complexity = "O(N) where N is the number of bytes written, and of zeros before them",
     .syntax = "key offset value",
     .summary =
         "Overwrites the string in a key from a position on, filling a gap with zero bytes."},
    {.name = "lcs",
     .handler = lcs,
     .arity = -3,
     .flags = kReadonly,
     .categories = kAclString,
     .keys = {KeySpec{.flags = kRO | kAccess, .begin = 1, .last = 1}},
     .group = Group::kString,
     .since = "7.0.0",
     .complexity = "O(N*M) where N and M are the lengths of the strings",
     .syntax = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
     .summary = "Finds the longest common subsequence of two strings."},
};

}  // namespace

core::Family string_edit_commands() {
  return kRows;
}

}  // namespace larder::commands
