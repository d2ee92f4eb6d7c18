#include "server/core/pop_arguments.h"

#include <cstdint>

#include "server/core/call.h"

namespace larder::core {
namespace {

constexpr int64_t kMax = INT64_MAX;

void run(Call& call, size_t timeout_at, WaitTerms terms, WaitingCommand& command) {
  Args args = call.args(timeout_at);
  terms.deadline_ms = read_deadline(args, call.now_ms());
  if (args.failed()) return call.fail(args.error());
  run_or_wait(call, terms, command);
}

}  // namespace

MultiPop read_multi_pop(Args& args, std::string_view first_end, std::string_view second_end) {
  MultiPop pop;
  const int64_t keys = args.integer(1, kMax, errors::kNumkeys);
  pop.first_key = args.position();
  if (args.failed()) return pop;
  if (static_cast<uint64_t>(keys) >= args.left()) return args.fail(errors::kSyntax), pop;
  for (; pop.keys < static_cast<size_t>(keys); pop.keys++) args.next();
  pop.second_end = args.option(second_end);
  if (!pop.second_end && !args.option(first_end)) args.fail(errors::kSyntax);
  if (args.option("COUNT", 1)) {
    pop.count = static_cast<size_t>(args.integer(1, kMax, errors::kCountNotPositive));
  }
  if (!args.done()) args.fail(errors::kSyntax);
  return pop;
}

void pop_or_wait(Call& call, WaitingCommand& command) {
  const size_t timeout_at = call.argument_count() - 1;
  const size_t keys = timeout_at - 1;
  run(call, timeout_at, {.keys = keys, .awaited = keys}, command);
}

void pop_or_wait(Call& call, const MultiPop& pop, WaitingCommand& command) {
  run(call, 1, {.first_key = pop.first_key, .keys = pop.keys, .awaited = pop.keys}, command);
}

}  // namespace larder::core
