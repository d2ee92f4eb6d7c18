// What Redis calls the types of values (TYPE, SCAN's option TYPE) and their inner forms (OBJECT
// ENCODING, DEBUG OBJECT).
#pragma once

#include <optional>
#include <string_view>

#include "storage/entry.h"

namespace larder::core {

std::string_view type_name(storage::ValueType type);

// In any case of letters; nullopt if no value can have such a type.
std::optional<storage::ValueType> find_type(std::string_view name);

// "int" for a string of digits, "embstr" for a short one that was never changed in place, else
// "raw".
std::string_view encoding_name(const storage::Entry& entry);

}  // namespace larder::core
