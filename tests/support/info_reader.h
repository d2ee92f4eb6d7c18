// Reads what INFO says, as the tools that watch a server do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/in_process.h"

namespace larder::testing {

// The text of INFO with these sections.
std::string info(InProcess& server, const std::vector<std::string>& sections = {});

// The value of a field in INFO's text; "(missing)" if it is not there.
std::string field_of(std::string_view text, std::string_view name);

// The same of a fresh INFO everything, as a number; fails the test if it is none.
double info_number(InProcess& server, std::string_view name);

}  // namespace larder::testing
