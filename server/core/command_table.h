// All commands: finds the row of a request, and gives each row a number for per-command statistics.
// Built once at start, then constant: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/core/command.h"

namespace larder::core {

struct Command {
  const CommandRow* row = nullptr;
  uint32_t index = 0;       // dense, below CommandTable::size()
  uint32_t categories = 0;  // all AclCategory bits, with those that follow from the flags
  const Command* container = nullptr;
  std::vector<const Command*> subcommands;  // of a container, in the order of the rows
  size_t key_at = 0;        // of the one argument that is its key; 0: none, several, or it depends
  std::string parent_name;  // "config"
  std::string short_name;   // "set" of "config|set", else the name
};

class CommandTable {
 public:
  explicit CommandTable(std::span<const Family> families);
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

  // By the request's first argument, in any case of letters; null if there is none. A container is
  // found as itself: subcommand() goes on from there.
  const Command* find(std::string_view name) const;
  static const Command* subcommand(const Command& container, std::string_view name);
  // By full name, "config|set".
  const Command* find_full(std::string_view name) const;

  // Rows without a container, in the order of the families.
  const std::vector<const Command*>& commands() const { return top_; }
  // Every row, by index.
  size_t size() const { return all_.size(); }
  const Command& at(size_t index) const { return *all_[index]; }

  // Gives a command another name, or none (empty): the option rename-command. False if there is no
  // such command or the new name is taken. Only before the table is shared.
  bool rename(std::string_view from, std::string_view to);

 private:
  static size_t slot_of(uint64_t head, size_t size);
  void fill_slots();

  std::vector<std::unique_ptr<Command>> all_;
  std::vector<const Command*> top_;
  std::unordered_map<std::string_view, Command*> by_name_;  // full names, renamed where renamed
  // The same without subcommands, for find(): open addressing by slot_of().
  struct Named {
    uint64_t head = 0;  // see name_head()
    std::string_view name;
    const Command* command = nullptr;
  };
  static constexpr size_t kSlots = 2048;
  std::vector<Named> slots_;
  std::vector<std::unique_ptr<std::string>> renamed_;
};

// The names of flags, categories and groups as Redis spells them, by bit or value; ends with {}.
struct NamedBit {
  std::string_view name;
  uint32_t bit;
};
std::span<const NamedBit> command_flag_names();
std::span<const NamedBit> acl_category_names();
std::span<const NamedBit> key_flag_names();
std::string_view group_name(Group group);

}  // namespace larder::core
