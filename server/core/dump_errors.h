// What DUMP's counterparts answer: RESTORE, and FUNCTION RESTORE with the first.
#pragma once

#include <string_view>

namespace larder::core::errors {

inline constexpr std::string_view kDumpDamaged = "ERR DUMP payload version or checksum are wrong";
inline constexpr std::string_view kBadDumpFormat = "ERR Bad data format";
inline constexpr std::string_view kBusyKey = "BUSYKEY Target key name already exists.";
inline constexpr std::string_view kRestoreTtl = "ERR Invalid TTL value, must be >= 0";
inline constexpr std::string_view kRestoreIdleTime = "ERR Invalid IDLETIME value, must be >= 0";
inline constexpr std::string_view kRestoreFrequency =
    "ERR Invalid FREQ value, must be >= 0 and <= 255";

}  // namespace larder::core::errors
