#include "server/core/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "protocol/words.h"
#include "server/core/args.h"
#include "server/core/config_options.h"
#include "storage/glob.h"
#include "storage/number.h"

namespace larder::core {
namespace {

// "0" is how the annotated file writes sizes; the words of a row's default as read_option wants
// them.
std::vector<std::string> initial_words(const OptionRow& row) {
  if (row.kind == OptionKind::kText) return {std::string(row.initial)};
  return split_words(row.initial).value_or(std::vector<std::string>{});
}

std::string file_line(const OptionRow& row, const ConfigValues& values) {
  const bool relative = row.number == &ConfigValues::maxmemory_bytes;
  const std::string share = relative ? values.maxmemory_share.get() : "";
  return std::string(row.name) + " " +
         quote_value(row, share.empty() ? show_option(row, values) : share);
}

std::string initial_line(const OptionRow& row) {
  return std::string(row.name) + " " + quote_value(row, std::string(row.initial));
}

// What a comment says need not have balanced quotes.
bool is_comment(std::string_view line) {
  const size_t start = line.find_first_not_of(" \t");
  return start != std::string_view::npos && line[start] == '#';
}

// Replaces the file at once, keeping its permissions: it may hold a password.
bool write_whole(const std::string& path, const std::string& text) {
  const std::string beside = path + ".tmp";
  {
    std::ofstream out(beside, std::ios::trunc);
    std::error_code failed;
    std::filesystem::permissions(beside, std::filesystem::status(path).permissions(), failed);
    if (failed) return false;
    out << text;
    out.flush();
    if (!out) return false;
  }
  return std::rename(beside.c_str(), path.c_str()) == 0;
}

}  // namespace

std::optional<int64_t> parse_memory(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') digits++;
  int64_t number = 0;
  if (digits == 0 || digits > 18) return std::nullopt;
  for (const char c : text.substr(0, digits)) number = number * 10 + (c - '0');
  const std::string unit = to_lower(text.substr(digits));
  int64_t factor = 0;
  if (unit.empty() || unit == "b") factor = 1;
  if (unit == "k") factor = 1000;
  if (unit == "kb") factor = 1024;
  if (unit == "m") factor = 1000 * 1000;
  if (unit == "mb") factor = 1024 * 1024;
  if (unit == "g") factor = 1000LL * 1000 * 1000;
  if (unit == "gb") factor = 1024LL * 1024 * 1024;
  int64_t bytes = 0;
  if (factor == 0 || __builtin_mul_overflow(number, factor, &bytes)) return std::nullopt;
  return bytes;
}

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  protocol::WordSplitter splitter(line);
  for (std::string word; splitter.next(word);) words.push_back(word);
  if (!splitter.balanced()) return std::nullopt;
  return words;
}

Config::Config() {
  for (const OptionRow& row : option_rows()) {
    if (row.kind != OptionKind::kRename) read_option(row, initial_words(row), values);
  }
}

bool Config::exists(std::string_view name) {
  return find_option(name) != nullptr;
}

std::string Config::set_at_start(std::string_view name, std::span<const std::string> words) {
  const OptionRow* row = find_option(name);
  if (row == nullptr) return fmt::format("unknown option '{}'", name);
  if (row->kind == OptionKind::kRename) {
    if (words.size() != 2) return "rename-command takes the old and the new name";
    renamed_commands_.push_back({words[0], words[1], ""});
    return "";
  }
  const std::string wrong = read_option(*row, words, values);
  return wrong.empty() ? "" : fmt::format("{}: {}", row->name, wrong);
}

std::string Config::set_live(std::span<const Assignment> assignments, std::string& failed_name) {
  const std::lock_guard lock(mutex_);
  std::set<std::string> seen;
  for (const auto& [name, text] : assignments) {
    const OptionRow* row = find_option(name);
    failed_name = name;
    if (row == nullptr) return "unknown option";
    if (!row->live) return "can't set immutable config";
    if (!seen.insert(to_lower(name)).second) return "duplicate parameter";
  }
  std::vector<std::pair<const OptionRow*, std::string>> before;
  std::string wrong;
  const auto apply = [&](const OptionRow& row, const std::string& text) {
    std::string reason = read_option(row, std::vector<std::string>{text}, values);
    const auto reaction = reactions_.find(row.name);
    if (reason.empty() && reaction != reactions_.end()) reason = reaction->second();
    return reason;
  };
  for (const auto& [name, text] : assignments) {
    const OptionRow& row = *find_option(name);
    before.emplace_back(&row, show_option(row, values));
    failed_name = row.name;
    wrong = apply(row, std::string(text));
    if (!wrong.empty()) break;
  }
  if (!wrong.empty()) {
    for (auto it = before.rbegin(); it != before.rend(); ++it) apply(*it->first, it->second);
  }
  return wrong;
}

storage::EvictionKind ConfigValues::eviction_kind() const {
  const int64_t policy = maxmemory_policy.load();
  if (policy != kAutomaticPolicy) return static_cast<storage::EvictionKind>(policy);
  return maxmemory_bytes.load() != 0 ? storage::EvictionKind::kAllkeysAdaptive
                                     : storage::EvictionKind::kNoEviction;
}

std::optional<std::string> Config::get(std::string_view name) const {
  const OptionRow* row = find_option(name);
  if (row == nullptr) return std::nullopt;
  // Frameworks read it to know whether keys may vanish, so they are told what is so.
  if (row->number == &ConfigValues::maxmemory_policy) {
    return std::string(storage::name_of(values.eviction_kind()));
  }
  if (row->kind != OptionKind::kRename) return show_option(*row, values);
  std::string all;
  for (const auto& [from, to, place] : renamed_commands_) {
    all += fmt::format("{}{} {}", all.empty() ? "" : " ", from, to.empty() ? "\"\"" : to);
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> Config::get(
    std::span<const std::string_view> patterns) const {
  std::vector<std::pair<std::string, std::string>> found;
  std::set<std::string_view> seen;
  for (const std::string_view pattern : patterns) {
    const bool exact = pattern.find_first_of("[*?") == std::string_view::npos;
    for (const OptionRow& row : option_rows()) {
      if (row.kind == OptionKind::kRename) continue;
      for (const std::string_view name : {row.name, row.alias}) {
        const bool matches = exact
                                 ? to_lower(pattern) == name
                                 : storage::glob_match(pattern, name, storage::LetterCase::kIgnore);
        if (name.empty() || !matches || !seen.insert(name).second) continue;
        found.emplace_back(exact ? pattern : name, *get(row.name));
      }
    }
  }
  return found;
}

std::string Config::load_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return fmt::format("{}: cannot be opened", path);
  std::string line;
  for (int number = 1; std::getline(in, line); number++) {
    if (is_comment(line)) continue;
    const auto words = split_words(line);
    if (words && words->empty()) continue;
    const size_t renamed_before = renamed_commands_.size();
    std::string wrong = "unbalanced quotes";
    if (words) wrong = set_at_start((*words)[0], std::span(*words).subspan(1));
    const std::string place = fmt::format("{}:{}: ", path, number);
    if (!wrong.empty()) return place + wrong;
    if (renamed_commands_.size() > renamed_before) renamed_commands_.back().place = place;
  }
  if (in.bad()) return fmt::format("{}: cannot be read", path);
  char* absolute = realpath(path.c_str(), nullptr);
  file_ = absolute != nullptr ? absolute : path;
  std::free(absolute);
  return "";
}

std::string Config::load_arguments(std::span<const std::string> arguments) {
  for (size_t i = 0; i < arguments.size();) {
    const std::string& name = arguments[i];
    if (name.rfind("--", 0) != 0) return fmt::format("unexpected argument '{}'", name);
    size_t end = i + 1;
    while (end < arguments.size() && arguments[end].rfind("--", 0) != 0) end++;
    std::string wrong = set_at_start(name.substr(2), arguments.subspan(i + 1, end - i - 1));
    if (!wrong.empty()) return wrong;
    i = end;
  }
  return "";
}

std::string Config::rewrite_file() const {
  std::ifstream in(file_);
  if (!in) return "cannot read " + file_;
  std::string text;
  std::string line;
  std::set<std::string_view> written;
  while (std::getline(in, line)) {
    const auto words = split_words(line);
    const OptionRow* row = words && !words->empty() ? find_option((*words)[0]) : nullptr;
    if (row == nullptr || row->kind == OptionKind::kRename) {
      text += line + "\n";
    } else if (written.insert(row->name).second) {
      text += file_line(*row, values) + "\n";
    }
  }
  bool headed = text.find("# Generated by CONFIG REWRITE") != std::string::npos;
  for (const OptionRow& row : option_rows()) {
    if (row.kind == OptionKind::kRename || written.count(row.name) != 0) continue;
    ConfigValues initial;
    read_option(row, initial_words(row), initial);
    if (show_option(row, values) == show_option(row, initial)) continue;
    if (!headed) text += "# Generated by CONFIG REWRITE\n";
    headed = true;
    text += file_line(row, values) + "\n";
  }
  return write_whole(file_, text) ? "" : "cannot write " + file_;
}

void Config::on_change(std::string_view name, std::function<std::string()> react) {
  reactions_[std::string(name)] = std::move(react);
}

std::string Config::annotated_file() {
  std::ostringstream out;
  out << "# Larder's configuration: every option at its default.\n"
         "# larder /path/larder.conf [--option value ...]; the command line overrides this file.\n"
         "# Sizes: 1k is 1000 bytes, 1kb 1024; likewise m, mb, g, gb. Generated by larder "
         "--dump-config.\n";
  std::string_view section;
  for (const OptionRow& row : option_rows()) {
    if (row.section != section) {
      section = row.section;
      out << "\n# ---- " << section << " ----\n";
    }
    out << "\n";
    std::istringstream help{std::string(row.help)};
    for (std::string line; std::getline(help, line);) out << "# " << line << "\n";
    if (row.live) out << "# May be changed while the server runs.\n";
    if (row.kind == OptionKind::kRename) {
      out << "# rename-command FLUSHALL \"\"\n";
    } else {
      out << initial_line(row) << "\n";
    }
  }
  return out.str();
}

std::string Config::help() {
  std::ostringstream out;
  for (const OptionRow& row : option_rows()) {
    out << "  --" << row.name;
    if (!row.initial.empty()) out << " (" << row.initial << ")";
    out << "\n";
    std::istringstream help{std::string(row.help)};
    for (std::string line; std::getline(help, line);) out << "        " << line << "\n";
  }
  return out.str();
}

}  // namespace larder::core
