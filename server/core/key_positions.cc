#include "server/core/key_positions.h"

#include "server/core/args.h"
#include "storage/number.h"

namespace larder::core {
namespace {

// The flags of the spec's keys in this request.
uint16_t flags_of(const KeySpec& spec, std::span<const std::string_view> arguments) {
  if ((spec.flags & kVariableFlags) == 0) return spec.flags;
  for (size_t i = static_cast<size_t>(spec.begin) + 2; i < arguments.size(); i++) {
    if (equals_ignoring_case(arguments[i], "GET")) return spec.flags & ~kVariableFlags;
  }
  return kOW | kUpdate;
}

bool find_counted(const KeySpec& spec, std::span<const std::string_view> arguments,
                  std::vector<KeyPosition>& positions) {
  const size_t count_at = static_cast<size_t>(spec.begin + spec.key_count_at);
  int64_t count = 0;
  if (count_at >= arguments.size() || !storage::parse_integer(arguments[count_at], count)) {
    return false;
  }
  const size_t first = static_cast<size_t>(spec.begin + spec.first_key);
  const int64_t room =
      (static_cast<int64_t>(arguments.size()) - static_cast<int64_t>(first) + spec.step - 1) /
      spec.step;
  if (count < 1 || count > room) return false;
  const uint16_t flags = flags_of(spec, arguments);
  for (int64_t i = 0; i < count; i++) {
    positions.push_back({first + static_cast<size_t>(i * spec.step), flags});
  }
  return true;
}

// A negative `last` counts from the end; `limit` 2 or more takes only that fraction of what is
// left.
void find_range(const KeySpec& spec, std::span<const std::string_view> arguments,
                std::vector<KeyPosition>& positions) {
  const auto size = static_cast<int64_t>(arguments.size());
  int64_t last = spec.last >= 0 ? spec.begin + spec.last : size + spec.last;
  if (spec.last < 0 && spec.limit >= 2) last = spec.begin + (size - spec.begin) / spec.limit - 1;
  const uint16_t flags = flags_of(spec, arguments);
  for (int64_t i = spec.begin; i <= last && i < size; i += spec.step) {
    positions.push_back({static_cast<size_t>(i), flags});
  }
}

}  // namespace

bool find_keys(const CommandRow& row, std::span<const std::string_view> arguments,
               std::vector<KeyPosition>& positions) {
  for (const KeySpec& spec : row.keys) {
    if (spec.begin == 0) break;
    if (spec.key_count_at >= 0) {
      if (!find_counted(spec, arguments, positions)) return false;
    } else {
      find_range(spec, arguments, positions);
    }
  }
  return true;
}

LegacyKeyRange legacy_key_range(const CommandRow& row) {
  const KeySpec& spec = row.keys[0];
  if (spec.begin == 0 || spec.key_count_at >= 0) return {};
  LegacyKeyRange range{spec.begin, spec.last >= 0 ? spec.begin + spec.last : spec.last, spec.step};
  for (size_t i = 1; i < kKeySpecsMax && row.keys[i].begin != 0; i++) {
    const KeySpec& more = row.keys[i];
    if (more.key_count_at >= 0 || range.last < 0 || more.begin != range.last + 1) break;
    range.last = more.last >= 0 ? more.begin + more.last : more.last;
  }
  return range;
}

}  // namespace larder::core
