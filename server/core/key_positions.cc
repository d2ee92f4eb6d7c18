#include "server/core/key_positions.h"

#include "server/core/args.h"
#include "storage/number.h"

namespace larder::core {
namespace {

// Whether an option GET stands behind key and value.
bool has_get(std::span<const std::string_view> arguments) {
  for (const std::string_view argument : arguments) {
    if (equals_ignoring_case(argument, "GET")) return true;
  }
  return false;
}

// Whether the operations of BITFIELD are complete GETs and OVERFLOWs.
bool only_gets(std::span<const std::string_view> operations) {
  while (!operations.empty()) {
    const size_t words = equals_ignoring_case(operations[0], "GET")        ? 3
                         : equals_ignoring_case(operations[0], "OVERFLOW") ? 2
                                                                           : 0;
    if (words == 0 || words > operations.size()) return false;
    operations = operations.subspan(words);
  }
  return true;
}

// The flags of the spec's keys in this request, which has at least the row's arity.
uint16_t flags_of(const KeySpec& spec, std::span<const std::string_view> arguments) {
  const auto begin = static_cast<size_t>(spec.begin);
  if ((spec.flags & kReadsIfGet) != 0 && !has_get(arguments.subspan(begin + 2))) {
    return kOW | kUpdate;
  }
  if ((spec.flags & kWritesIfNotGet) != 0 && only_gets(arguments.subspan(begin + 1))) {
    return kRO | kAccess;
  }
  return spec.flags & ~(kVariableFlags | kReadsIfGet | kWritesIfNotGet | kBehindStore);
}

// The last STORE counts. Options are told from their values as SORT itself does it, so that the key
// found here is the one that it will write.
void find_stored(const KeySpec& spec, std::span<const std::string_view> arguments,
                 std::vector<KeyPosition>& positions) {
  size_t found = 0;
  for (size_t i = static_cast<size_t>(spec.begin); i < arguments.size(); i++) {
    const std::string_view word = arguments[i];
    if (equals_ignoring_case(word, "STORE")) {
      found = ++i;
    } else if (equals_ignoring_case(word, "BY") || equals_ignoring_case(word, "GET")) {
      i++;
    } else if (equals_ignoring_case(word, "LIMIT")) {
      i += 2;
    }
  }
  if (found > 0 && found < arguments.size()) {
    positions.push_back({found, flags_of(spec, arguments)});
  }
}

// Whether something in the place of an option BY or GET has a pattern.
bool has_pattern(std::span<const std::string_view> options) {
  for (size_t i = 0; i + 1 < options.size(); i++) {
    const bool named =
        equals_ignoring_case(options[i], "BY") || equals_ignoring_case(options[i], "GET");
    if (named && options[i + 1].find('*') != std::string_view::npos) return true;
  }
  return false;
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
// left. False: there is no key in it.
bool find_range(const KeySpec& spec, std::span<const std::string_view> arguments,
                std::vector<KeyPosition>& positions) {
  const auto size = static_cast<int64_t>(arguments.size());
  int64_t last = spec.last >= 0 ? spec.begin + spec.last : size + spec.last;
  if (spec.last < 0 && spec.limit >= 2) last = spec.begin + (size - spec.begin) / spec.limit - 1;
  const uint16_t flags = flags_of(spec, arguments);
  for (int64_t i = spec.begin; i <= last && i < size; i += spec.step) {
    positions.push_back({static_cast<size_t>(i), flags});
  }
  return spec.begin <= last && spec.begin < size;
}

}  // namespace

bool find_keys(const CommandRow& row, std::span<const std::string_view> arguments,
               std::vector<KeyPosition>& positions) {
  for (const KeySpec& spec : row.keys) {
    if (spec.begin == 0) break;
    if ((spec.flags & kFromPatterns) != 0) continue;
    if ((spec.flags & kBehindStore) != 0) {
      find_stored(spec, arguments, positions);
    } else if (spec.key_count_at >= 0) {
      if (!find_counted(spec, arguments, positions)) return false;
    } else if (!find_range(spec, arguments, positions)) {
      return false;
    }
  }
  return true;
}

bool names_all_keys(const CommandRow& row, std::span<const std::string_view> arguments) {
  if (names_all_keys(row)) return true;
  for (const KeySpec& spec : row.keys) {
    if ((spec.flags & kIncomplete) != 0) return false;
    if ((spec.flags & kFromPatterns) == 0) continue;
    if (has_pattern(arguments.subspan(static_cast<size_t>(spec.begin)))) return false;
  }
  return (row.flags & kWholeKeyspace) == 0;
}

LegacyKeyRange legacy_key_range(const CommandRow& row) {
  const KeySpec& spec = row.keys[0];
  if (spec.begin == 0 || spec.key_count_at >= 0) return {};
  LegacyKeyRange range{spec.begin, spec.last >= 0 ? spec.begin + spec.last : spec.last, spec.step};
  for (size_t i = 1; i < kKeySpecsMax && row.keys[i].begin != 0; i++) {
    const KeySpec& more = row.keys[i];
    if ((more.flags & (kFromPatterns | kBehindStore)) != 0) break;
    if (more.key_count_at >= 0 || range.last < 0 || more.begin != range.last + 1) break;
    range.last = more.last >= 0 ? more.begin + more.last : more.last;
  }
  return range;
}

}  // namespace larder::core
