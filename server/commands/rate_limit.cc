// Rate limits: CL.THROTTLE as redis-cell has it, and THROTTLE with several limits and algorithms.
#include "storage/types/rate_limit.h"

#include <array>
#include <optional>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "storage/types/rate_cell.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::RateAlgorithm;
using storage::RateLimit;
using storage::RateRequest;
using storage::Result;

// Of requests that take tokens; those that only look are not counted.
void count_decision(Call& call, bool limited) {
  WorkerCounters& counters = call.counters();
  (limited ? counters.ratelimit_limited : counters.ratelimit_allowed).add();
}

void cl_throttle(Call& call) {
  Args args = call.args(2);
  storage::CellRequest request{};
  request.burst_max = args.integer(0, storage::kCellMax, errors::kCellBurst);
  request.count = args.integer(1, storage::kCellMax, errors::kCellCount);
  request.period_s = args.integer(1, storage::kCellPeriodSecondsMax, errors::kCellPeriod);
  request.quantity = args.done() ? 1 : args.integer(0, storage::kCellMax, errors::kCellQuantity);
  if (!args.done()) args.fail(errors::kSyntax);
  if (!args.failed() && request.refills_too_slowly()) args.fail(errors::kCellTooSlow);
  if (args.failed()) return call.fail(args.error());

  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  const Result<storage::CellDecision> result = storage::throttle_cell(*db, key, request);
  if (!result.ok()) return call.fail(result.status());
  const storage::CellDecision& decision = result.value();
  if (decision.stored) call.notify(kEventString, "throttle", key);
  if (request.quantity > 0) count_decision(call, decision.limited);
  Reply& reply = call.reply();
  reply.array(5);
  reply.integer(decision.limited ? 1 : 0);
  reply.integer(decision.limit);
  reply.integer(decision.remaining);
  reply.integer(decision.retry_after_s);
  reply.integer(decision.reset_after_s);
}

using Limits = std::array<RateLimit, storage::kRateLimitsMax>;

std::span<const RateLimit> read_limits(Args& args, Limits& limits) {
  const auto count =
      static_cast<size_t>(args.integer(1, static_cast<int64_t>(limits.size()), errors::kNumLimits));
  for (size_t i = 0; i < count; i++) {
    limits[i].limit = args.integer(1, storage::kRateMax, errors::kLimit);
    limits[i].period_ms = args.integer(1, storage::kRatePeriodMsMax, errors::kPeriodMs);
  }
  return {limits.data(), count};
}

RateAlgorithm read_algorithm(Args& args) {
  if (args.option("GCRA")) return RateAlgorithm::kGcra;
  if (args.option("FIXED")) return RateAlgorithm::kFixed;
  if (args.option("SLIDING")) return RateAlgorithm::kSliding;
  if (args.option("LOG")) return RateAlgorithm::kLog;
  args.fail(errors::kAlgorithm);
  return {};
}

// What single options cannot tell: latches the error.
void check_together(const RateRequest& request, Args& args) {
  if (request.burst != 0) {
    if (request.algorithm != RateAlgorithm::kGcra) args.fail(errors::kBurstWithoutBucket);
    if (storage::refills_too_slowly(request)) args.fail(errors::kBurstTooSlow);
  }
  if (request.algorithm != RateAlgorithm::kLog) return;
  for (const RateLimit& limit : request.limits) {
    if (storage::scaled_rate(limit.limit, request.scale_percent) > storage::kRateLogMax) {
      args.fail(errors::kLogLimit);
    }
  }
}

RateRequest read_request(Args& args, Limits& limits) {
  RateRequest request;
  request.limits = read_limits(args, limits);
  while (!args.done()) {
    if (args.option("ALGO", 1)) {
      request.algorithm = read_algorithm(args);
    } else if (args.option("BURST", 1)) {
      request.burst = args.integer(1, storage::kRateMax, errors::kBurst);
    } else if (args.option("COST", 1)) {
      request.cost = args.integer(1, storage::kRateMax, errors::kCost);
    } else if (args.option("SCALE", 1)) {
      request.scale_percent = args.integer(1, storage::kRateScaleMax, errors::kScale);
    } else if (args.option("PEEK")) {
      request.peek = true;
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (!args.failed()) check_together(request, args);
  return request;
}

void throttle(Call& call) {
  Args args = call.args(2);
  Limits limits;
  const RateRequest request = read_request(args, limits);
  if (args.failed()) return call.fail(args.error());

  DatabaseLock db = call.lock();
  const storage::Key key = call.key(1);
  const Result<storage::Throttled> result = storage::throttle(*db, key, request);
  if (!result.ok()) return call.fail(result.status());
  const storage::RateDecision& decision = result.value().decision;
  if (result.value().stored) call.notify(kEventString, "throttle", key);
  if (!request.peek) count_decision(call, decision.limited);
  Reply& reply = call.reply();
  reply.array(6);
  reply.integer(decision.limited ? 1 : 0);
  reply.integer(decision.limit);
  reply.integer(decision.remaining);
  reply.integer(decision.retry_after_ms);
  reply.integer(decision.reset_after_ms);
  reply.integer(static_cast<int64_t>(decision.binding));
}

constexpr CommandRow kRows[] = {
    {.name = "cl.throttle",
     .handler = cl_throttle,
     .arity = -5,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "larder",
     .complexity = "O(1)",
     .syntax = "key max-burst count period [quantity]",
     .summary = "Takes tokens from a bucket if it holds enough, as redis-cell does; the period is "
                "in seconds."},
    {.name = "throttle",
     .handler = throttle,
     .arity = -5,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclString,
     .keys = one_key(kRW | kAccess | kUpdate),
     .group = Group::kString,
     .since = "larder",
     .complexity = "O(N) where N is the number of limits; with LOG, also of tokens taken",
     .syntax = "key numlimits limit period-ms [limit period-ms ...] [ALGO <GCRA | FIXED | SLIDING "
               "| LOG>] [BURST burst] [COST cost] [SCALE percent] [PEEK]",
     .summary = "Takes tokens from all of some rate limits, or from none if one of them has too "
                "few left."},
};

}  // namespace

core::Family rate_limit_commands() {
  return kRows;
}

}  // namespace larder::commands
