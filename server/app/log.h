// The log: spdlog's default logger on standard error or a file.
#pragma once

#include <string>

#include "server/core/config.h"

namespace larder::app {

// Sets the log up as the options say. Empty when done, else what is wrong. Before any thread
// starts.
std::string open_log(const core::Config& config);

// Opens the log file anew (after it was moved away). Any thread; if the file cannot be opened the
// old one stays in use and the log says so.
void reopen_log(const core::Config& config);

// Follows the option loglevel. Any thread.
void apply_log_level(const core::Config& config);

}  // namespace larder::app
