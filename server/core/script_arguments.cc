#include "server/core/script_arguments.h"

#include "server/core/script_errors.h"

namespace larder::core {

bool read_script_input(Call& call, ScriptRunner::Input& input, std::string_view not_a_number) {
  Args args = call.args(2);
  const int64_t keys = args.integer(not_a_number);
  const auto rest = static_cast<int64_t>(call.argument_count()) - 3;
  if (!args.failed() && keys > rest) args.fail(errors::kTooManyScriptKeys);
  if (!args.failed() && keys < 0) args.fail(errors::kNegativeScriptKeys);
  if (args.failed()) {
    call.fail(args.error());
    return false;
  }
  input.keys = call.arguments().subspan(3, static_cast<size_t>(keys));
  input.arguments = call.arguments().subspan(3 + static_cast<size_t>(keys));
  input.read_only = (call.row().flags & kReadonly) != 0;
  return true;
}

bool read_flush_option(Call& call, std::string_view wrong_option) {
  Args args = call.args(2);
  if (!args.done() && !args.option("ASYNC") && !args.option("SYNC")) args.fail(wrong_option);
  if (!args.failed() && !args.done()) args.fail(wrong_option);
  if (args.failed()) call.fail(args.error());
  return !args.failed();
}

}  // namespace larder::core
