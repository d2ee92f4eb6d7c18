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

std::string_view encoding_name(const storage::Entry& entry) {
  constexpr size_t kEmbeddedBytesMax = 44;
  if (entry.kind() == storage::ValueKind::kInteger) return "int";
  if (entry.modified() || entry.string_bytes() > kEmbeddedBytesMax) return "raw";
  return "embstr";
}

}  // namespace larder::core
