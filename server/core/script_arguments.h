// What the commands that run scripts and functions share: how their arguments are read, and what
// their rows say.
#pragma once

#include <string_view>

#include "server/core/call.h"
#include "server/core/script_runner.h"

namespace larder::core {

inline constexpr uint32_t kRunsScriptOrFunction =
    kNoscript | kStale | kSkipMonitor | kNoMandatoryKeys | kWholeKeyspace | kRunsScript;

// The keys behind their number in argument 2.
constexpr KeySpecs script_keys(uint16_t flags) {
  return {KeySpec{.flags = flags, .begin = 2, .key_count_at = 0, .first_key = 1}};
}

// From the number of keys in argument 2 on; false: the call has failed, with `not_a_number` if it
// is none.
bool read_script_input(Call& call, ScriptRunner::Input& input,
                       std::string_view not_a_number = errors::kNotInteger);

// "[ASYNC | SYNC]" from argument 2 on. Either is accepted: what is forgotten is little, and each
// worker frees what it compiled by and by. False: the call has failed, with `wrong_option`.
bool read_flush_option(Call& call, std::string_view wrong_option);

}  // namespace larder::core
