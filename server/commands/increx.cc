// INCREX, as in Redis 8.8: a counter with bounds and an expiry, in one step.
#include <cmath>
#include <limits>
#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/expiry_option.h"
#include "storage/number.h"
#include "storage/types/string.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::BoundedIncrement;
using storage::IncrementBounds;
using storage::Result;

// The options as words: whether they are numbers of the right kind is asked when all are known.
struct Options {
  std::optional<std::string_view> by;
  bool by_float = false;
  std::optional<std::string_view> lower;
  std::optional<std::string_view> upper;
  bool saturate = false;
  ExpiryOption expiry;
  bool persist = false;
  bool only_without_expiry = false;  // ENX
};

// Each may be given once.
Options read_options(Args& args) {
  Options options;
  while (!args.done()) {
    if (!options.by && args.option("BYINT", 1)) {
      options.by = args.next();
    } else if (!options.by && args.option("BYFLOAT", 1)) {
      options.by = args.next();
      options.by_float = true;
    } else if (!options.lower && args.option("LBOUND", 1)) {
      options.lower = args.next();
    } else if (!options.upper && args.option("UBOUND", 1)) {
      options.upper = args.next();
    } else if (!options.saturate && args.option("SATURATE")) {
      options.saturate = true;
    } else if (!options.only_without_expiry && !options.persist && args.option("ENX")) {
      options.only_without_expiry = true;
    } else if (!options.expiry.given() && !options.persist && !options.only_without_expiry &&
               args.option("PERSIST")) {
      options.persist = true;
    } else if (options.persist || options.expiry.given() || !take_expiry(args, options.expiry)) {
      args.fail(errors::kSyntax);
    }
  }
  if (options.only_without_expiry && !options.expiry.given()) args.fail(errors::kEnxWithoutExpiry);
  return options;
}

// What differs between counting in integers and in fractions: how a number is read and written.
struct Integers {
  using Number = int64_t;
  static constexpr std::string_view kIncrementWrong = errors::kIncrementNotInteger;
  static constexpr std::string_view kLowerWrong = errors::kLowerNotInteger;
  static constexpr std::string_view kUpperWrong = errors::kUpperNotInteger;
  static constexpr std::string_view kEvent = "incrby";
  static bool parse(std::string_view text, Number& value) {
    return storage::parse_integer(text, value);
  }
  static void answer(Reply& reply, Number value) { reply.integer(value); }
};

struct Fractions {
  using Number = long double;
  static constexpr std::string_view kIncrementWrong = errors::kIncrementNotFloat;
  static constexpr std::string_view kLowerWrong = errors::kLowerNotFloat;
  static constexpr std::string_view kUpperWrong = errors::kUpperNotFloat;
  static constexpr std::string_view kEvent = "incrbyfloat";
  static bool parse(std::string_view text, Number& value) {
    return storage::parse_long_double(text, value);
  }
  static void answer(Reply& reply, Number value) {
    char digits[storage::kLongDoubleTextMax];
    reply.ReplyWriter::real({digits, storage::write_long_double(value, digits)});
  }
};

// The number that `text` spells, `otherwise` if there is none; latches `error`.
template <typename Kind>
typename Kind::Number read_number(std::optional<std::string_view> text,
                                  typename Kind::Number otherwise, std::string_view error,
                                  Args& args) {
  typename Kind::Number value = otherwise;
  if (text && !Kind::parse(*text, value)) args.fail(error);
  return value;
}

template <typename Kind>
IncrementBounds<typename Kind::Number> read_bounds(const Options& options, Args& args) {
  using Limits = std::numeric_limits<typename Kind::Number>;
  IncrementBounds<typename Kind::Number> bounds{
      read_number<Kind>(options.lower, Limits::lowest(), Kind::kLowerWrong, args),
      read_number<Kind>(options.upper, Limits::max(), Kind::kUpperWrong, args), options.saturate};
  if (bounds.lower > bounds.upper) args.fail(errors::kBoundsCrossed);
  // An infinite bound is none.
  bounds.lower = std::max(bounds.lower, Limits::lowest());
  bounds.upper = std::min(bounds.upper, Limits::max());
  return bounds;
}

std::string_view error_text(storage::Status status) {
  if (status == storage::Status::kOverflow) return errors::kAppliedOverflow;
  if (status == storage::Status::kNanOrInfinity) return errors::kInfinite;
  return errors::text(status);
}

template <typename Kind>
void increment(Call& call, const Options& options, Args& args) {
  using Number = typename Kind::Number;
  const Number by = read_number<Kind>(options.by, 1, Kind::kIncrementWrong, args);
  if (std::isinf(static_cast<long double>(by))) args.fail(errors::kIncrementInfinite);
  const IncrementBounds<Number> bounds = read_bounds<Kind>(options, args);
  const int64_t expire_at_ms = expire_at(call, options.expiry, args);
  if (args.failed()) return call.fail(args.error());

  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  const Result<BoundedIncrement<Number>> result = storage::increment_within(*db, key, by, bounds);
  if (!result.ok()) return call.fail(error_text(result.status()));
  call.reply().array(2);
  Kind::answer(call.reply(), result.value().value);
  Kind::answer(call.reply(), result.value().applied);
  if (!result.value().stored) return;
  call.notify(kEventString, Kind::kEvent, key);
  if (!options.expiry.given() && !options.persist) return;
  const bool expires = db->find(key)->has_expiry();
  if (options.expiry.given() && !(options.only_without_expiry && expires)) {
    set_expiry(call, *db, key, expire_at_ms);
  } else if (options.persist && expires) {
    db->set_expiry(key, storage::kNoExpiry);
    call.notify(kEventGeneric, "persist", key);
  }
}

void increx(Call& call) {
  Args args = call.args(2);
  const Options options = read_options(args);
  if (options.by_float) return increment<Fractions>(call, options, args);
  increment<Integers>(call, options, args);
}

constexpr CommandRow kRows[] = {
    {.name = "increx",
     .handler = increx,
     .arity = -2,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "8.8.0",
     .complexity = "O(1)",
     .syntax = "key [BYFLOAT float | BYINT integer] [LBOUND lowerbound] [UBOUND upperbound] "
               "[SATURATE] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
               "unix-time-milliseconds | PERSIST] [ENX]",
     .summary = "Adds to the number in a key within bounds, and may set an expiry."},
};

}  // namespace

core::Family increx_commands() {
  return kRows;
}

}  // namespace larder::commands
