// The error texts of CL.THROTTLE and THROTTLE; errors.h includes them. Each names the argument: its
// bounds are those of storage/types/rate_limit.h and rate_cell.h.
#pragma once

#include <string_view>

namespace larder::core::errors {

inline constexpr std::string_view kNumLimits = "ERR numlimits must be an integer between 1 and 16";
inline constexpr std::string_view kLimit = "ERR limit must be an integer between 1 and 1000000000";
inline constexpr std::string_view kPeriodMs =
    "ERR period-ms must be an integer between 1 and 31622400000";
inline constexpr std::string_view kAlgorithm = "ERR ALGO must be GCRA, FIXED, SLIDING or LOG";
inline constexpr std::string_view kBurst = "ERR BURST must be an integer between 1 and 1000000000";
inline constexpr std::string_view kBurstWithoutBucket = "ERR BURST needs ALGO GCRA";
inline constexpr std::string_view kBurstTooSlow =
    "ERR BURST is too large for the limit: it must come back within 100 years";
inline constexpr std::string_view kCost = "ERR COST must be an integer between 1 and 1000000000";
inline constexpr std::string_view kScale = "ERR SCALE must be an integer between 1 and 10000";
inline constexpr std::string_view kLogLimit =
    "ERR limit must be at most 10000 with ALGO LOG, under SCALE too";

inline constexpr std::string_view kCellBurst =
    "ERR max_burst must be an integer between 0 and 1000000000";
inline constexpr std::string_view kCellCount =
    "ERR count must be an integer between 1 and 1000000000";
inline constexpr std::string_view kCellPeriod =
    "ERR period must be an integer between 1 and 31622400";
inline constexpr std::string_view kCellQuantity =
    "ERR quantity must be an integer between 0 and 1000000000";
inline constexpr std::string_view kCellTooSlow =
    "ERR max_burst is too large for the rate: it must come back within 146 years";

}  // namespace larder::core::errors
