// The error texts of DELMATCH and RM.
#pragma once

#include <string_view>

namespace larder::core::errors {

inline constexpr std::string_view kPatternTooLong = "ERR pattern is longer than 1024 bytes";
inline constexpr std::string_view kNoSuchType = "ERR TYPE must be string, list, set, zset or hash";
inline constexpr std::string_view kDeletionLimit = "ERR LIMIT must be a positive integer";
inline constexpr std::string_view kTooManyDeletions =
    "ERR too many deletions are under way already: wait for one of them to end";

}  // namespace larder::core::errors
