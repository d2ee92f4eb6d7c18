#include "server/core/value_type.h"

#include "server/core/args.h"

namespace larder::core {

std::string_view type_name(storage::ValueType type) {
  switch (type) {
    case storage::ValueType::kString:
      return "string";
    case storage::ValueType::kList:
      return "list";
    case storage::ValueType::kSet:
      return "set";
    case storage::ValueType::kSortedSet:
      return "zset";
    case storage::ValueType::kHash:
      return "hash";
  }
  return "none";
}

std::optional<storage::ValueType> find_type(std::string_view name) {
  using storage::ValueType;
  for (const ValueType type : {ValueType::kString, ValueType::kList, ValueType::kSet,
                               ValueType::kSortedSet, ValueType::kHash}) {
    if (to_lower(name) == type_name(type)) return type;
  }
  return std::nullopt;
}

static std::string_view encoding_name(storage::Encoding encoding) {
  switch (encoding) {
    case storage::Encoding::kIntegers:
      return "intset";
    case storage::Encoding::kListpack:
      return "listpack";
    case storage::Encoding::kListpackTimed:
      return "listpackex";
    case storage::Encoding::kTable:
    case storage::Encoding::kTableTimed:
      return "hashtable";
    case storage::Encoding::kOrdered:
      return "skiplist";
    case storage::Encoding::kNodes:
      return "quicklist";
  }
  return "raw";
}

std::string_view encoding_name(const storage::Entry& entry) {
  constexpr size_t kEmbeddedBytesMax = 44;
  if (!entry.is_string()) return encoding_name(entry.object().encoding());
  if (entry.kind() == storage::ValueKind::kInteger) return "int";
  if (entry.modified() || entry.string_bytes() > kEmbeddedBytesMax) return "raw";
  return "embstr";
}

}  // namespace larder::core
