#include "server/core/object_encoding.h"

namespace larder::core {

std::string_view encoding_name(const storage::Entry& entry) {
  constexpr size_t kEmbeddedBytesMax = 44;
  if (entry.kind() == storage::ValueKind::kInteger) return "int";
  if (entry.modified() || entry.string_bytes() > kEmbeddedBytesMax) return "raw";
  return "embstr";
}

}  // namespace larder::core
