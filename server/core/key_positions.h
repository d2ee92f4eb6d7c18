// Which arguments of a request are keys, by its row's key specs.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "server/core/command.h"

namespace larder::core {

struct KeyPosition {
  size_t index;    // into the arguments, the command's name being 0
  uint16_t flags;  // KeyFlag
};

// Appends the positions, spec by spec. False if the arguments do not fit a spec (a count that is no
// number or reaches past the end, no key where some may stand): then there may be fewer.
bool find_keys(const CommandRow& row, std::span<const std::string_view> arguments,
               std::vector<KeyPosition>& positions);

// Whether the key specs say of this request which keys it will touch: not of a SORT whose options
// BY or GET have a pattern.
bool names_all_keys(const CommandRow& row, std::span<const std::string_view> arguments);

// First key, last key and step as COMMAND INFO shows them, derived from the first spec.
struct LegacyKeyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};
LegacyKeyRange legacy_key_range(const CommandRow& row);

}  // namespace larder::core
