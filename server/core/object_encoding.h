// What Redis would call the inner form of a value: OBJECT ENCODING and DEBUG OBJECT.
#pragma once

#include <string_view>

#include "storage/entry.h"

namespace larder::core {

// "int" for a string of digits, "embstr" for a short one that was never changed in place, else
// "raw".
std::string_view encoding_name(const storage::Entry& entry);

}  // namespace larder::core
