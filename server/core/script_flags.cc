#include "server/core/script_flags.h"

#include <algorithm>

#include "server/core/args.h"
#include "server/core/config.h"
#include "server/core/script_errors.h"

namespace larder::core {
namespace {

std::optional<std::string> read_flags(std::string_view list, uint32_t& flags) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    const auto flag = script_flag(name);
    if (!flag) return errors::script_flag_unknown(name);
    flags |= *flag;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
    if (list.empty()) return errors::script_flag_unknown("");
  }
  return std::nullopt;
}

}  // namespace

std::optional<ScriptFlag> script_flag(std::string_view name) {
  for (const ScriptFlagName& known : kScriptFlagNames) {
    if (known.name == name) return known.flag;
  }
  return std::nullopt;
}

bool is_library_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

ScriptHead read_script_head(std::string_view script) {
  ScriptHead head;
  if (!script.starts_with("#!")) return head;
  const size_t end = script.find('\n');
  const auto words =
      end == std::string_view::npos ? std::nullopt : split_words(script.substr(0, end));
  if (!words) {
    head.error = errors::kScriptHeadInvalid;
    return head;
  }
  head.flags = 0;
  head.size = end;
  if (words->front() != "#!lua") {
    head.error = errors::script_engine_unknown(words->front());
    return head;
  }
  for (size_t i = 1; i < words->size(); i++) {
    const std::string_view word = (*words)[i];
    if (!word.starts_with("flags=")) {
      head.error = errors::script_option_unknown(word);
      return head;
    }
    if (auto error = read_flags(word.substr(6), head.flags)) {
      head.error = *error;
      return head;
    }
  }
  return head;
}

LibraryHead read_library_head(std::string_view code) {
  LibraryHead head;
  if (!code.starts_with("#!")) {
    head.error = errors::kLibraryHeadMissing;
    return head;
  }
  head.size = code.find('\n');
  const auto words =
      head.size == std::string_view::npos ? std::nullopt : split_words(code.substr(0, head.size));
  if (!words) {
    head.error = errors::kLibraryHeadInvalid;
    return head;
  }
  bool named = false;
  for (size_t i = 1; i < words->size(); i++) {
    const std::string_view word = (*words)[i];
    if (!to_lower(word).starts_with("name=")) {
      head.error = errors::library_option_invalid(word);
      return head;
    }
    if (named) {
      head.error = errors::kLibraryNamedTwice;
      return head;
    }
    named = true;
    head.name = word.substr(5);
  }
  const std::string_view engine = std::string_view(words->front()).substr(2);
  if (!named) {
    head.error = errors::kLibraryNotNamed;
  } else if (!is_library_name(head.name)) {
    head.error = errors::kLibraryNameInvalid;
  } else if (!equals_ignoring_case(engine, "LUA")) {
    head.error = errors::library_engine_unknown(engine);
  }
  return head;
}

}  // namespace larder::core
