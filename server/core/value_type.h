// The names of value types, as TYPE answers them and SCAN's option TYPE takes them.
#pragma once

#include <optional>
#include <string_view>

#include "storage/entry.h"

namespace larder::core {

std::string_view type_name(storage::ValueType type);

// In any case of letters; nullopt if no value can have such a type.
std::optional<storage::ValueType> find_type(std::string_view name);

}  // namespace larder::core
