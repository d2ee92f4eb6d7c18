#include "server/core/value_type.h"

#include "server/core/args.h"

namespace larder::core {

std::string_view type_name(storage::ValueType type) {
  switch (type) {
    case storage::ValueType::kString:
      return "string";
  }
  return "none";
}

std::optional<storage::ValueType> find_type(std::string_view name) {
  if (equals_ignoring_case(name, "STRING")) return storage::ValueType::kString;
  return std::nullopt;
}

}  // namespace larder::core
