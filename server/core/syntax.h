// The arguments of a command as a tree, read from the `syntax` text of its row: what COMMAND DOCS
// answers and redis-cli builds its hints of.
//
//   key [NX | XX] [GET] [EX seconds | PX milliseconds]      words in lower case are arguments,
//   others
//                                                           tokens to be sent as they stand
//   [LIMIT offset count]                                    [] may be left out
//   <MODULE name | ACLCAT category>                         | divides alternatives, <> only groups
//   key value [key value ...]                               ... repeats what the bracket holds
//   <ID id | ADDR address> ...                              or the group in front of it
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/command.h"

namespace larder::core {

struct Argument {
  enum class Type : uint8_t {
    kString,
    kKey,
    kInteger,
    kDouble,
    kPattern,
    kUnixTime,
    kPureToken,  // nothing but its token
    kOneOf,      // one of `arguments`
    kBlock,      // all of `arguments`, in order
  };

  std::string name{};
  Type type = Type::kString;
  std::string token{};  // the word sent in front of it; empty if there is none
  bool optional = false;
  bool multiple = false;
  bool multiple_token = false;  // the token is sent again in front of each repetition
  int key_spec = -1;            // which of the row's key specs a key, or a pattern, belongs to
  std::vector<Argument> arguments{};
};

// As COMMAND DOCS spells it: "unix-time".
std::string_view type_name(Argument::Type type);

// The tree with the types that follow from the text alone: every argument is a string, a token or a
// group. Nullopt if the text is not well formed.
std::optional<std::vector<Argument>> parse_syntax(std::string_view syntax);

// The tree of a row, with the types that follow from the arguments' names, and its keys numbered by
// key spec. Empty for a container.
std::vector<Argument> arguments_of(const CommandRow& row);

}  // namespace larder::core
