#include "server/core/command_table.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "server/core/args.h"

namespace larder::core {
namespace {

// The categories that Redis derives from flags and group.
uint32_t categories_of(const CommandRow& row) {
  uint32_t bits = row.categories;
  if (row.flags & kWrite) bits |= kAclWrite;
  if ((row.flags & kReadonly) && !(bits & kAclScripting)) bits |= kAclRead;
  if (row.flags & kAdmin) bits |= kAclAdmin | kAclDangerous;
  if (row.flags & kPubsub) bits |= kAclPubsub;
  if (row.flags & kFast) bits |= kAclFast;
  if (row.flags & kBlocking) bits |= kAclBlocking;
  if (!(bits & kAclFast)) bits |= kAclSlow;
  return bits;
}

bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != lower[i]) return false;
  }
  return true;
}

// The word with its letters A to Z in lower case: each byte is compared with both ends of that
// range at once, by sums that carry into its highest bit.
uint64_t to_lower(uint64_t word) {
  constexpr uint64_t kEachByte = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x80 * kEachByte;
  const uint64_t low_bits = word & ~kHigh;
  const uint64_t from_a = low_bits + (0x80 - 'A') * kEachByte;
  const uint64_t behind_z = low_bits + (0x80 - 'Z' - 1) * kEachByte;
  const uint64_t letters = (from_a ^ behind_z) & ~word & kHigh;
  return word | letters >> 2;
}

// The first eight bytes of a name, its letters in lower case, with zeros behind a shorter one. So
// with the length it says all about a name of up to eight bytes.
uint64_t name_head(std::string_view name) {
  const auto load = [&](size_t at, auto word) {
    std::memcpy(&word, name.data() + at, sizeof word);
    return static_cast<uint64_t>(word);
  };
  const size_t size = name.size();
  uint64_t head = 0;
  if (size >= 8) {
    head = load(0, uint64_t{});
  } else if (size >= 4) {
    head = load(0, uint32_t{}) | load(size - 4, uint32_t{}) << 8 * (size - 4);
  } else if (size >= 2) {
    head = load(0, uint16_t{}) | load(size - 2, uint16_t{}) << 8 * (size - 2);
  } else if (size == 1) {
    head = load(0, uint8_t{});
  }
  return to_lower(head);
}

// See Command::key_at.
size_t only_key_at(const CommandRow& row) {
  const KeySpec& first = row.keys[0];
  const bool one = first.last == 0 && first.key_count_at < 0 && row.keys[1].begin == 0;
  return one ? static_cast<size_t>(first.begin) : 0;
}

}  // namespace

CommandTable::CommandTable(std::span<const Family> families) {
  for (const Family& family : families) {
    for (const CommandRow& row : family) {
      auto command = std::make_unique<Command>();
      command->row = &row;
      command->index = static_cast<uint32_t>(all_.size());
      command->categories = categories_of(row);
      command->key_at = only_key_at(row);
      const size_t bar = row.name.find('|');
      command->parent_name = bar == std::string_view::npos ? "" : row.name.substr(0, bar);
      command->short_name = bar == std::string_view::npos ? row.name : row.name.substr(bar + 1);
      by_name_.emplace(row.name, command.get());
      if (bar == std::string_view::npos) top_.push_back(command.get());
      all_.push_back(std::move(command));
    }
  }
  for (const auto& command : all_) {
    if (command->parent_name.empty()) continue;
    Command* container = by_name_.at(command->parent_name);
    command->container = container;
    container->subcommands.push_back(command.get());
  }
  fill_slots();
}

size_t CommandTable::slot_of(uint64_t head, size_t size) {
  return static_cast<size_t>((head + size) * 0x9e3779b97f4a7c15 >> 53) % kSlots;
}

void CommandTable::fill_slots() {
  slots_.assign(kSlots, {});
  for (const auto& [name, command] : by_name_) {
    if (command->container != nullptr) continue;
    const uint64_t head = name_head(name);
    size_t at = slot_of(head, name.size());
    while (slots_[at].command != nullptr) at = (at + 1) % kSlots;
    slots_[at] = {head, name, command};
  }
}

const Command* CommandTable::find(std::string_view name) const {
  const uint64_t head = name_head(name);
  for (size_t at = slot_of(head, name.size()); slots_[at].command != nullptr;
       at = (at + 1) % kSlots) {
    const Named& slot = slots_[at];
    if (slot.head != head || slot.name.size() != name.size()) continue;
    if (name.size() <= sizeof head || equals_lower(name, slot.name)) return slot.command;
  }
  return nullptr;
}

const Command* CommandTable::find_full(std::string_view name) const {
  const size_t bar = name.find('|');
  const Command* command = find(name.substr(0, bar));
  if (bar == std::string_view::npos || command == nullptr) return command;
  return subcommand(*command, name.substr(bar + 1));
}

const Command* CommandTable::subcommand(const Command& container, std::string_view name) {
  for (const Command* command : container.subcommands) {
    if (equals_lower(name, command->short_name)) return command;
  }
  return nullptr;
}

bool CommandTable::rename(std::string_view from, std::string_view to) {
  const auto found = by_name_.find(to_lower(from));
  if (found == by_name_.end() || found->second->container != nullptr) return false;
  Command* command = found->second;
  if (to.empty()) {
    by_name_.erase(found);
    std::erase(top_, command);
    fill_slots();
    return true;
  }
  renamed_.push_back(std::make_unique<std::string>(to_lower(to)));
  if (!by_name_.emplace(*renamed_.back(), command).second) return false;
  by_name_.erase(by_name_.find(to_lower(from)));
  fill_slots();
  return true;
}

std::span<const NamedBit> command_flag_names() {
  static constexpr NamedBit kNames[] = {
      {"write", kWrite},
      {"readonly", kReadonly},
      {"denyoom", kDenyOom},
      {"admin", kAdmin},
      {"pubsub", kPubsub},
      {"noscript", kNoscript},
      {"blocking", kBlocking},
      {"loading", kLoading},
      {"stale", kStale},
      {"skip_monitor", kSkipMonitor},
      {"skip_slowlog", kSkipSlowlog},
      {"fast", kFast},
      {"no_auth", kNoAuth},
      {"no_mandatory_keys", kNoMandatoryKeys},
      {"no_async_loading", kNoAsyncLoading},
      {"no_multi", kNoMulti},
      {"movablekeys", kMovableKeys},
      {"allow_busy", kAllowBusy},
  };
  return kNames;
}

std::span<const NamedBit> acl_category_names() {
  static constexpr NamedBit kNames[] = {
      {"keyspace", kAclKeyspace},
      {"read", kAclRead},
      {"write", kAclWrite},
      {"set", kAclSet},
      {"sortedset", kAclSortedSet},
      {"list", kAclList},
      {"hash", kAclHash},
      {"string", kAclString},
      {"bitmap", kAclBitmap},
      {"hyperloglog", kAclHyperLogLog},
      {"geo", kAclGeo},
      {"stream", kAclStream},
      {"pubsub", kAclPubsub},
      {"admin", kAclAdmin},
      {"fast", kAclFast},
      {"slow", kAclSlow},
      {"blocking", kAclBlocking},
      {"dangerous", kAclDangerous},
      {"connection", kAclConnection},
      {"transaction", kAclTransaction},
      {"scripting", kAclScripting},
  };
  return kNames;
}

std::span<const NamedBit> key_flag_names() {
  static constexpr NamedBit kNames[] = {
      {"RO", kRO},
      {"RW", kRW},
      {"OW", kOW},
      {"RM", kRM},
      {"access", kAccess},
      {"update", kUpdate},
      {"insert", kInsert},
      {"delete", kDelete},
      {"not_key", kNotKey},
      {"incomplete", kIncomplete},
      {"variable_flags", kVariableFlags},
  };
  return kNames;
}

std::string_view group_name(Group group) {
  static constexpr std::string_view kNames[] = {
      "generic",   "string",     "bitmap",     "hash",   "hyperloglog",
      "list",      "set",        "sorted-set", "pubsub", "transactions",
      "scripting", "connection", "server",     "tags",   "rate-limit"};
  return kNames[static_cast<size_t>(group)];
}

}  // namespace larder::core
