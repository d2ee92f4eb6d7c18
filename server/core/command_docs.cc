#include "server/core/command_docs.h"

#include <vector>

#include "server/core/args.h"

namespace larder::core {
namespace {

constexpr size_t kGroups = static_cast<size_t>(Group::kRateLimit) + 1;

// "CONFIG SET" of "config|set".
std::string typed_name(std::string_view name) {
  std::string typed = to_upper(name);
  const size_t bar = typed.find('|');
  if (bar != std::string::npos) typed[bar] = ' ';
  return typed;
}

// In a cell of a table a bar would end the cell, even inside backticks.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string line(const CommandRow& row) {
  std::string syntax;
  if (!row.syntax.empty()) syntax = "`" + cell(row.syntax) + "`";
  return "| `" + typed_name(row.name) + "` | " + syntax + " | " + cell(row.summary) + " |\n";
}

std::string heading(Group group) {
  std::string name(group_name(group));
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return "### " + name + "\n\n| command | arguments | what it does |\n|---|---|---|\n";
}

}  // namespace

std::string commands_as_markdown(const CommandTable& table) {
  std::vector<std::string> sections(kGroups);
  for (size_t i = 0; i < table.size(); i++) {
    const CommandRow& row = *table.at(i).row;
    if (row.handler == nullptr) continue;
    std::string& section = sections[static_cast<size_t>(row.group)];
    if (section.empty()) section = heading(row.group);
    section += line(row);
  }
  std::string text;
  for (const std::string& section : sections) {
    if (section.empty()) continue;
    if (!text.empty()) text += '\n';
    text += section;
  }
  return text;
}

}  // namespace larder::core
