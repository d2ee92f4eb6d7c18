// The command table as documentation.
#pragma once

#include <string>

#include "server/core/command_table.h"

namespace larder::core {

// The README's table: a heading for each group, below it a row for each command that can be run,
// with its syntax and its summary, in the order of the families.
std::string commands_as_markdown(const CommandTable& table);

}  // namespace larder::core
