// Bitmaps and bit fields: commands that see a string as an array of bits, the most significant bit
// of its first byte in front.
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "storage/number.h"
#include "storage/types/bits.h"
#include "storage/types/string.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::BitFieldType;
using storage::BitOperation;
using storage::Entry;
using storage::FieldOverflow;
using storage::IndexRange;
using storage::Result;
using storage::WritableString;

// The position of a bit or a field; "#n" (where `field_width` is not 0) is that of the n-th field
// of that many bits. It lies inside the longest string that is allowed.
uint64_t read_position(Call& call, Args& args, uint8_t field_width = 0) {
  std::string_view text = args.next();
  int64_t unit = 1;
  if (field_width != 0 && text.starts_with('#')) {
    text.remove_prefix(1);
    unit = field_width;
  }
  int64_t at = 0;
  const int64_t bytes_max = call.config().values.bulk_bytes_max.load(std::memory_order_relaxed);
  if (!storage::parse_integer(text, at) || __builtin_mul_overflow(at, unit, &at) || at < 0 ||
      at / 8 >= bytes_max) {
    args.fail(errors::kBitOffset);
  }
  return static_cast<uint64_t>(at);
}

// The bytes of a string that was looked up; none if there is no such key.
std::string_view bytes_of(const Result<Entry*>& found, char (&digits)[storage::kIntegerTextMax]) {
  return found.value() != nullptr ? found.value()->string(digits) : std::string_view();
}

void setbit(Call& call) {
  Args args = call.args(2);
  const uint64_t at = read_position(call, args);
  const bool bit = args.integer(0, 1, errors::kBitValue) != 0;
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  const Result<WritableString> string = storage::writable_string(*db, key, at / 8 + 1);
  if (!string.ok()) return call.fail(string.status());
  const auto [bytes, grown] = string.value();
  const bool before = storage::bit_at({bytes.data(), bytes.size()}, at);
  storage::set_bit(bytes, at, bit);
  if (grown || before != bit) {
    db->note_written(key);
    call.notify(kEventString, "setbit", key);
  }
  call.reply().integer(before ? 1 : 0);
}

void getbit(Call& call) {
  Args args = call.args(2);
  const uint64_t at = read_position(call, args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::read_string(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  char digits[storage::kIntegerTextMax];
  call.reply().integer(storage::bit_at(bytes_of(found, digits), at) ? 1 : 0);
}

enum class RangeUnit : uint8_t { kByte, kBit };

// BYTE or BIT.
RangeUnit read_unit(Args& args) {
  if (args.option("BIT")) return RangeUnit::kBit;
  if (!args.option("BYTE")) args.fail(errors::kSyntax);
  return RangeUnit::kByte;
}

// A range of bytes as the range of their bits.
std::optional<IndexRange> in_bits(std::optional<IndexRange> range, RangeUnit unit) {
  if (!range || unit == RangeUnit::kBit) return range;
  return IndexRange{range->first * 8, range->last * 8 + 7};
}

void bitcount(Call& call) {
  Args args = call.args(2);
  int64_t start = 0;
  int64_t end = -1;
  RangeUnit unit = RangeUnit::kByte;
  if (args.left() == 1 || args.left() > 3) args.fail(errors::kSyntax);
  if (!args.done()) {
    start = args.integer();
    end = args.integer();
    // As in Redis, a range of nothing is 0 whatever the unit says.
    const bool inverted = start < 0 && end < 0 && start > end;
    if (!args.done() && !inverted) unit = read_unit(args);
  }

  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::read_string(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  // As in Redis, nobody looks at the range for a key that is not there.
  if (found.value() == nullptr) return call.reply().integer(0);
  if (args.failed()) return call.fail(args.error());
  char digits[storage::kIntegerTextMax];
  const std::string_view bytes = found.value()->string(digits);
  const size_t size = unit == RangeUnit::kBit ? bytes.size() * 8 : bytes.size();
  const auto range = in_bits(storage::ordered_range(start, end, size), unit);
  call.reply().integer(range ? static_cast<int64_t>(storage::count_bits(bytes, *range)) : 0);
}

struct BitSearch {
  bool bit = false;
  int64_t start = 0;
  int64_t end = -1;
  bool has_end = false;
  RangeUnit unit = RangeUnit::kByte;
};

bool read_wanted_bit(Args& args) {
  const int64_t bit = args.integer();
  if (bit != 0 && bit != 1) args.fail(errors::kBitWanted);
  return bit == 1;
}

void read_search_range(Call& call, Args& args, BitSearch& search) {
  if (args.left() > 3) args.fail(errors::kSyntax);
  if (!args.done()) search.start = args.integer();
  if (args.left() == 2) {
    // Redis complains about the unit, which stands last, before it looks at the end.
    Args last = call.args(args.position() + 1);
    search.unit = read_unit(last);
    if (last.failed()) args.fail(last.error());
  }
  search.has_end = !args.done();
  if (search.has_end) search.end = args.integer();
}

// What BITPOS answers for bytes that are there. Behind them are zeros without end, unless the
// search was given one.
int64_t find_position(std::string_view bytes, const BitSearch& search) {
  const size_t size = search.unit == RangeUnit::kBit ? bytes.size() * 8 : bytes.size();
  const auto range = in_bits(storage::clamp_range(search.start, search.end, size), search.unit);
  if (!range) return -1;
  const auto at = storage::find_bit(bytes, search.bit, *range);
  if (at) return static_cast<int64_t>(*at);
  return search.bit || search.has_end ? -1 : static_cast<int64_t>(bytes.size() * 8);
}

void bitpos(Call& call) {
  Args args = call.args(2);
  BitSearch search;
  search.bit = read_wanted_bit(args);
  if (args.failed()) return call.fail(args.error());
  read_search_range(call, args, search);

  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::read_string(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  // As in Redis, nobody looks at the range for a key that is not there.
  if (found.value() == nullptr) return call.reply().integer(search.bit ? -1 : 0);
  if (args.failed()) return call.fail(args.error());
  char digits[storage::kIntegerTextMax];
  call.reply().integer(find_position(found.value()->string(digits), search));
}

BitOperation read_operation(Args& args, size_t sources) {
  if (args.option("AND")) return BitOperation::kAnd;
  if (args.option("OR")) return BitOperation::kOr;
  if (args.option("XOR")) return BitOperation::kXor;
  if (!args.option("NOT")) args.fail(errors::kSyntax);
  if (sources != 1) args.fail(errors::kBitopNotKeys);
  return BitOperation::kNot;
}

void bitop(Call& call) {
  constexpr size_t kFirstSource = 3;
  const size_t count = call.argument_count() - kFirstSource;
  Args args = call.args();
  const BitOperation operation = read_operation(args, count);
  if (args.failed()) return call.fail(args.error());

  struct Digits {
    char text[storage::kIntegerTextMax];
  };
  std::vector<Digits> digits(count);
  std::vector<std::string_view> sources(count);
  DatabaseLock db = call.lock();
  const storage::Key target = call.key(2);
  for (size_t i = 0; i < count; i++) {
    const Result<Entry*> found = storage::read_string(*db, call.key(kFirstSource + i));
    if (!found.ok()) return call.fail(found.status());
    sources[i] = bytes_of(found, digits[i].text);
  }
  const std::string combined = storage::combine_bits(operation, sources);
  if (combined.empty()) {
    if (db->erase(target)) call.notify(kEventGeneric, "del", target);
  } else {
    db->put_text(target, combined, storage::kNoExpiry, /*modified=*/true);
    call.notify(kEventString, "set", target);
  }
  call.reply().integer(static_cast<int64_t>(combined.size()));
}

// One GET, SET or INCRBY of a BITFIELD.
struct FieldOperation {
  enum class Kind : uint8_t { kGet, kSet, kIncrement };
  Kind kind = Kind::kGet;
  FieldOverflow overflow = FieldOverflow::kWrap;
  BitFieldType type;
  uint64_t at = 0;
  int64_t operand = 0;
};

struct FieldOperations {
  std::vector<FieldOperation> list;
  size_t bytes_min = 0;  // how long the string must be for all that is written; 0: nothing is
};

// "i5": 5 bits, signed.
BitFieldType read_type(Args& args) {
  std::string_view text = args.next();
  const bool is_signed = text.starts_with('i');
  int64_t width = 0;
  const bool valid = (is_signed || text.starts_with('u')) &&
                     storage::parse_integer(text.substr(1), width) && width >= 1 &&
                     width <= (is_signed ? 64 : 63);
  if (!valid) args.fail(errors::kBitfieldType);
  return {is_signed, static_cast<uint8_t>(valid ? width : 1)};
}

FieldOverflow read_overflow(Args& args) {
  if (args.option("WRAP")) return FieldOverflow::kWrap;
  if (args.option("SAT")) return FieldOverflow::kSaturate;
  if (!args.option("FAIL")) args.fail(errors::kBitfieldOverflow);
  return FieldOverflow::kFail;
}

FieldOperations read_operations(Call& call, Args& args) {
  using Kind = FieldOperation::Kind;
  FieldOperations operations;
  FieldOverflow overflow = FieldOverflow::kWrap;
  while (!args.done()) {
    FieldOperation operation;
    if (args.option("GET", 2)) {
      operation.kind = Kind::kGet;
    } else if (args.option("SET", 3)) {
      operation.kind = Kind::kSet;
    } else if (args.option("INCRBY", 3)) {
      operation.kind = Kind::kIncrement;
    } else if (args.option("OVERFLOW", 1)) {
      overflow = read_overflow(args);
      continue;
    } else {
      args.fail(errors::kSyntax);
      break;
    }
    operation.overflow = overflow;
    operation.type = read_type(args);
    operation.at = read_position(call, args, operation.type.width);
    if (operation.kind != Kind::kGet) {
      operation.operand = args.integer();
      const uint64_t last = operation.at + operation.type.width - 1;
      operations.bytes_min = std::max<size_t>(operations.bytes_min, last / 8 + 1);
    }
    operations.list.push_back(operation);
  }
  return operations;
}

void answer_field(Call& call, std::string_view bytes, const FieldOperation& operation) {
  call.reply().integer(storage::read_field(bytes, operation.type, operation.at));
}

// SET answers the old value, INCRBY the new one; null where OVERFLOW FAIL kept it from being
// written. True if that counts as a change of the key: as in Redis, one that was kept from being
// written does not, even if the string has grown for it.
bool change_field(Call& call, const WritableString& string, const FieldOperation& operation) {
  const std::span<char> bytes = string.bytes;
  const bool is_set = operation.kind == FieldOperation::Kind::kSet;
  const int64_t old =
      storage::read_field({bytes.data(), bytes.size()}, operation.type, operation.at);
  const auto value =
      is_set ? storage::add_to_field(operation.type, operation.operand, 0, operation.overflow)
             : storage::add_to_field(operation.type, old, operation.operand, operation.overflow);
  if (!value) {
    call.reply().null();
    return false;
  }
  storage::write_field(bytes, operation.type, operation.at, *value);
  call.reply().integer(is_set ? old : *value);
  return string.grown || *value != old;
}

void read_fields(Call& call, const FieldOperations& operations) {
  DatabaseLock db = call.lock();
  const Result<Entry*> found = storage::read_string(*db, call.key(1));
  if (!found.ok()) return call.fail(found.status());
  char digits[storage::kIntegerTextMax];
  const std::string_view bytes = bytes_of(found, digits);
  call.reply().array(operations.list.size());
  for (const FieldOperation& operation : operations.list) answer_field(call, bytes, operation);
}

void change_fields(Call& call, const FieldOperations& operations) {
  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  const Result<WritableString> string = storage::writable_string(*db, key, operations.bytes_min);
  if (!string.ok()) return call.fail(string.status());
  const std::span<char> span = string.value().bytes;
  bool changed = false;
  call.reply().array(operations.list.size());
  for (const FieldOperation& operation : operations.list) {
    if (operation.kind == FieldOperation::Kind::kGet) {
      answer_field(call, {span.data(), span.size()}, operation);
    } else if (change_field(call, string.value(), operation)) {
      changed = true;
    }
  }
  if (!changed) return;
  db->note_written(key);
  call.notify(kEventString, "setbit", key);
}

void bitfield(Call& call) {
  Args args = call.args(2);
  const FieldOperations operations = read_operations(call, args);
  if (args.failed()) return call.fail(args.error());
  if (operations.bytes_min == 0) return read_fields(call, operations);
  change_fields(call, operations);
}

void bitfield_ro(Call& call) {
  Args args = call.args(2);
  const FieldOperations operations = read_operations(call, args);
  if (operations.bytes_min != 0) args.fail(errors::kBitfieldReadonly);
  if (args.failed()) return call.fail(args.error());
  read_fields(call, operations);
}

constexpr CommandRow kRows[] = {
    {.name = "setbit",
     .handler = setbit,
     .arity = 4,
     .flags = kWrite | kDenyOom,
     .categories = kAclBitmap,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kBitmap,
     .since = "2.2.0",
     .complexity = "O(1)",
     .syntax = "key offset value",
     .summary = "Sets or clears one bit of the string in a key and answers what it was."},
    {.name = "getbit",
     .handler = getbit,
     .arity = 3,
     .flags = kReadonly | kFast,
     .categories = kAclBitmap,
     .keys = one_key(kRO | kAccess),
     .group = Group::kBitmap,
     .since = "2.2.0",
     .complexity = "O(1)",
     .syntax = "key offset",
     .summary = "Answers one bit of the string in a key."},
    {.name = "bitcount",
     .handler = bitcount,
     .arity = -2,
     .flags = kReadonly,
     .categories = kAclBitmap,
     .keys = one_key(kRO | kAccess),
     .group = Group::kBitmap,
     .since = "2.6.0",
     .complexity = "O(N) where N is the number of bytes looked at",
     .syntax = "key [start end [BYTE | BIT]]",
     .summary = "Counts the bits that are 1 in the string in a key or in a range of it."},
    {.name = "bitpos",
     .handler = bitpos,
     .arity = -3,
     .flags = kReadonly,
     .categories = kAclBitmap,
     .keys = one_key(kRO | kAccess),
     .group = Group::kBitmap,
     .since = "2.8.7",
     .complexity = "O(N) where N is the number of bytes looked at",
     .syntax = "key bit [start [end [BYTE | BIT]]]",
     .summary = "Finds the first bit that is 0 or that is 1 in the string in a key."},
    {.name = "bitop",
     .handler = bitop,
     .arity = -4,
     .flags = kWrite | kDenyOom,
     .categories = kAclBitmap,
     .keys = {KeySpec{.flags = kOW | kUpdate, .begin = 2},
              KeySpec{.flags = kRO | kAccess, .begin = 3, .last = -1}},
     .group = Group::kBitmap,
     .since = "2.6.0",
     .complexity = "O(N) where N is the number of bytes of all sources",
     .syntax = "<AND | OR | XOR | NOT> destkey key [key ...]",
     .summary = "Combines the bits of several strings and stores the result."},
    {.name = "bitfield",
     .handler = bitfield,
     .arity = -2,
     .flags = kWrite | kDenyOom,
     .categories = kAclBitmap,
     .keys = one_key(kRW | kAccess | kUpdate | kVariableFlags | kWritesIfNotGet),
     .group = Group::kBitmap,
     .since = "3.2.0",
     .complexity = "O(N) where N is the number of operations",
     .syntax =
         "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | "
         "INCRBY encoding offset increment> ...]",
     .summary = "Reads, sets and increments integers of any width inside the string in a key."},
    {.name = "bitfield_ro",
     .handler = bitfield_ro,
     .arity = -2,
     .flags = kReadonly | kFast,
     .categories = kAclBitmap,
     .keys = one_key(kRO | kAccess),
     .group = Group::kBitmap,
     .since = "6.0.0",
     .complexity = "O(N) where N is the number of operations",
     .syntax = "key [GET encoding offset [GET encoding offset ...]]",
     .summary = "Reads integers of any width inside the string in a key."},
};

}  // namespace

core::Family bitmap_commands() {
  return kRows;
}

}  // namespace larder::commands
