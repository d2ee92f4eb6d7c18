// The values of options: read from words, and shown.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "protocol/words.h"
#include "server/core/args.h"
#include "server/core/config_options.h"
#include "server/core/keyspace_events.h"
#include "server/core/machine_memory.h"
#include "storage/number.h"

namespace larder::core {
namespace {

using V = ConfigValues;
using K = OptionKind;

struct LimitClass {
  std::string_view name;
  OutputLimit ConfigValues::*limit;
};
constexpr LimitClass kLimitClasses[] = {
    {"normal", &V::output_normal}, {"slave", &V::output_replica}, {"pubsub", &V::output_pubsub}};

// One or more groups of <class> <hard> <soft> <seconds>; all are checked before any is stored.
std::string read_output_limits(std::span<const std::string> given, ConfigValues& values) {
  std::vector<std::string> words;
  for (const std::string& text : given) {
    const auto more = split_words(text);
    if (!more) return "Error in client_output_buffer_limit configuration.";
    words.insert(words.end(), more->begin(), more->end());
  }
  if (words.empty() || words.size() % 4 != 0)
    return "Wrong number of arguments in buffer limit configuration.";
  for (const bool storing : {false, true}) {
    for (size_t i = 0; i < words.size(); i += 4) {
      const std::string lower = to_lower(words[i]);
      const std::string name = lower == "replica" ? "slave" : lower;
      const auto* found = std::find_if(std::begin(kLimitClasses), std::end(kLimitClasses),
                                       [&](const LimitClass& c) { return c.name == name; });
      if (found == std::end(kLimitClasses))
        return "Invalid client class specified in buffer limit configuration.";
      const auto hard = parse_memory(words[i + 1]);
      const auto soft = parse_memory(words[i + 2]);
      int64_t seconds = 0;
      if (!hard || !soft || !storage::parse_integer(words[i + 3], seconds) || seconds < 0) {
        return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
      }
      if (!storing) continue;
      OutputLimit& limit = values.*found->limit;
      limit.hard_bytes = *hard;
      limit.soft_bytes = *soft;
      limit.soft_seconds = seconds;
    }
  }
  return "";
}

std::string show_output_limits(const ConfigValues& values) {
  std::string out;
  for (const LimitClass& c : kLimitClasses) {
    const OutputLimit& limit = values.*c.limit;
    if (!out.empty()) out += ' ';
    out += fmt::format("{} {} {} {}", c.name, limit.hard_bytes.load(), limit.soft_bytes.load(),
                       limit.soft_seconds.load());
  }
  return out;
}

std::string join(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

// Bytes, or "auto", or a percentage from 1% to 100%.
std::optional<int64_t> parse_share_of_memory(std::string_view text) {
  int64_t percent = 80;
  if (to_lower(text) != "auto") {
    if (text.empty() || text.back() != '%') return parse_memory(text);
    text.remove_suffix(1);
    if (!storage::parse_integer(text, percent) || percent < 1 || percent > 100) return std::nullopt;
  }
  return static_cast<int64_t>(machine_memory_bytes() / 100) * percent;
}

// A number in the option's notation, or what is wrong with it.
std::string read_number(const OptionRow& row, const std::string& word, int64_t& value) {
  if (row.kind == K::kMemory) {
    const bool of_machine = row.number == &V::maxmemory_bytes;
    const auto bytes = of_machine ? parse_share_of_memory(word) : parse_memory(word);
    if (!bytes) return "argument must be a memory value";
    value = *bytes;
  } else if (row.kind == K::kOctal) {
    char* end = nullptr;
    value = std::strtol(word.c_str(), &end, 8);
    if (word.empty() || *end != '\0') return "argument couldn't be parsed into an integer";
  } else if (row.number == &V::threads && word == "auto") {
    value = 0;
  } else if (!storage::parse_integer(word, value)) {
    return "argument couldn't be parsed into an integer";
  }
  if (value < row.min || value > row.max) {
    return fmt::format("argument must be between {} and {} inclusive", row.min, row.max);
  }
  return "";
}

std::string read_choice(const OptionRow& row, const std::string& word, int64_t& value) {
  for (size_t i = 0; i < row.choices.size(); i++) {
    if (to_lower(word) == row.choices[i]) {
      value = static_cast<int64_t>(i);
      return "";
    }
  }
  std::string all;
  for (const std::string_view choice : row.choices) {
    all += all.empty() ? "" : ", ";
    all += choice;
  }
  return "argument(s) must be one of the following: " + all;
}

std::string read_text(const OptionRow& row, const std::string& text, ConfigValues& values) {
  if (row.check != nullptr) {
    if (std::string wrong = row.check(text); !wrong.empty()) return wrong;
  }
  (values.*row.text).set(text);
  return "";
}

}  // namespace

std::string read_option(const OptionRow& row, std::span<const std::string> words,
                        ConfigValues& values) {
  if (row.kind == K::kOutputLimit) return read_output_limits(words, values);
  if (row.kind == K::kWords) return read_text(row, join(words), values);
  if (words.size() != 1) return "wrong number of arguments";
  const std::string& word = words[0];
  if (row.kind == K::kText) return read_text(row, word, values);
  int64_t value = 0;
  std::string wrong;
  if (row.kind == K::kYesNo) {
    const std::string lower = to_lower(word);
    value = lower == "yes" ? 1 : 0;
    if (lower != "yes" && lower != "no") wrong = "argument must be 'yes' or 'no'";
  } else if (row.kind == K::kChoice) {
    wrong = read_choice(row, word, value);
  } else if (row.kind == K::kEventClasses) {
    wrong = read_event_classes(word, value);
  } else {
    wrong = read_number(row, word, value);
  }
  if (!wrong.empty()) return wrong;
  (values.*row.number).store(value);
  if (row.number == &V::maxmemory_bytes) {
    values.maxmemory_share.set(parse_memory(word) ? "" : word);
  }
  return "";
}

std::string show_option(const OptionRow& row, const ConfigValues& values) {
  switch (row.kind) {
    case K::kText:
    case K::kWords:
      return (values.*row.text).get();
    case K::kOutputLimit:
      return show_output_limits(values);
    case K::kRename:
      return "";  // kept by Config, not by value
    case K::kYesNo:
      return (values.*row.number).load() != 0 ? "yes" : "no";
    case K::kChoice:
      return std::string(row.choices[static_cast<size_t>((values.*row.number).load())]);
    case K::kEventClasses:
      return event_classes_text(static_cast<uint32_t>((values.*row.number).load()));
    case K::kOctal:
      return fmt::format("{:o}", (values.*row.number).load());
    case K::kInteger:
    case K::kMemory:
      break;
  }
  const int64_t value = (values.*row.number).load();
  return row.number == &V::threads && value == 0 ? "auto" : std::to_string(value);
}

std::string quote_value(const OptionRow& row, const std::string& shown) {
  const bool single = row.kind == K::kText || shown.empty();
  const bool plain = !shown.empty() && std::all_of(shown.begin(), shown.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '#';
  });
  if (!single || plain) return shown;
  std::string quoted;
  protocol::append_quoted(quoted, shown);
  return quoted;
}

}  // namespace larder::core
