// The table of options: one row says all there is to say about one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/config.h"

namespace larder::core {

enum class OptionKind : uint8_t {
  kInteger,
  kMemory,  // bytes, with units
  kOctal,   // file permissions
  kYesNo,
  kChoice,  // one of `choices`
  kText,
  kWords,         // text of several words: "127.0.0.1 -::1"
  kEventClasses,  // letters of keyspace notifications, in any order
  kOutputLimit,   // client-output-buffer-limit: <class> <hard> <soft> <soft seconds>, repeated
  kRename,        // rename-command: <old> <new>, may be given repeatedly
};

struct OptionRow {
  std::string_view section;
  std::string_view name;
  std::string_view alias{};  // its name in older versions of Redis, understood everywhere
  OptionKind kind = OptionKind::kInteger;
  IntegerValue ConfigValues::*number = nullptr;
  TextValue ConfigValues::*text = nullptr;
  std::string_view initial;
  bool live = false;  // CONFIG SET may change it
  int64_t min = 0;
  int64_t max = INT64_MAX;
  std::span<const std::string_view> choices{};
  // Further check of a text value: empty, or what is wrong.
  std::string (*check)(std::string_view) = nullptr;
  std::string_view help;  // sentences for the annotated file, lines separated by '\n'
};

std::span<const OptionRow> option_rows();
const OptionRow* find_option(std::string_view name);

// Reads `words` into the option's value. Empty when done, else what is wrong; nothing changed then.
std::string read_option(const OptionRow& row, std::span<const std::string> words,
                        ConfigValues& values);
// The value as CONFIG GET shows it.
std::string show_option(const OptionRow& row, const ConfigValues& values);
// The value as a line of a configuration file, without the name: quoted where needed.
std::string quote_value(const OptionRow& row, const std::string& shown);

}  // namespace larder::core
