// What the commands that take elements from the first of several lists or sorted sets share: how
// their arguments are read, and how those that may wait are run.
#pragma once

#include <cstddef>
#include <string_view>

#include "server/core/args.h"
#include "server/core/waiting_command.h"

namespace larder::core {

// Of LMPOP, ZMPOP, BLMPOP and BZMPOP.
struct MultiPop {
  size_t first_key = 0;  // among the arguments
  size_t keys = 0;
  bool second_end = false;
  size_t count = 1;
};

// The arguments from the number of keys on; the ends by their names, in upper case.
MultiPop read_multi_pop(Args& args, std::string_view first_end, std::string_view second_end);

// Runs a command with the arguments "key [key ...] timeout", which takes from the first that it
// can.
void pop_or_wait(Call& call, WaitingCommand& command);
// The same for "timeout numkeys key [key ...] ...", of which all but the timeout has been read.
void pop_or_wait(Call& call, const MultiPop& pop, WaitingCommand& command);

}  // namespace larder::core
