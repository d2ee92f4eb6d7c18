#include "server/core/syntax.h"

#include <algorithm>
#include <span>

#include "server/core/args.h"

namespace larder::core {
namespace {

using Type = Argument::Type;
using Sequence = std::vector<Argument>;

constexpr std::string_view kRepeats = "...";

bool is_separator(char c) {
  return c == '[' || c == ']' || c == '<' || c == '>' || c == '|' || c == ' ';
}

// "[", "]", "<", ">", "|" and the words between them.
std::vector<std::string_view> split(std::string_view syntax) {
  std::vector<std::string_view> symbols;
  for (size_t at = 0; at < syntax.size();) {
    size_t size = 1;
    if (!is_separator(syntax[at])) {
      while (at + size < syntax.size() && !is_separator(syntax[at + size])) size++;
    }
    if (syntax[at] != ' ') symbols.push_back(syntax.substr(at, size));
    at += size;
  }
  return symbols;
}

Argument leaf(std::string_view word) {
  const bool argument =
      std::any_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (argument) return {.name = std::string(word)};
  return {.name = to_lower(word), .type = Type::kPureToken, .token = std::string(word)};
}

// Whether two pieces of the text say the same, apart from what is known of their repetition.
bool same(const Argument& a, const Argument& b) {
  return a.name == b.name && a.type == b.type && a.token == b.token &&
         std::equal(a.arguments.begin(), a.arguments.end(), b.arguments.begin(), b.arguments.end(),
                    same);
}

bool is_bare_token(const Argument& argument) {
  return argument.type == Type::kPureToken && !argument.optional;
}

bool takes_token(const Argument& argument) {
  return argument.token.empty() && !argument.optional;
}

Argument with_token(const Argument& token, Argument argument) {
  argument.token = token.token;
  if (argument.type == Type::kOneOf) argument.name = token.name;
  return argument;
}

// Joins each token with the one argument behind it: "STORE destination".
Sequence bind_tokens(Sequence items) {
  Sequence bound;
  for (size_t i = 0; i < items.size(); i++) {
    if (is_bare_token(items[i]) && i + 1 < items.size() && takes_token(items[i + 1])) {
      bound.push_back(with_token(items[i], std::move(items[i + 1])));
      i++;
    } else {
      bound.push_back(std::move(items[i]));
    }
  }
  return bound;
}

std::string joined_names(std::span<const Argument> arguments) {
  std::string names;
  for (const Argument& argument : arguments) {
    if (!names.empty()) names += '_';
    names += argument.name;
  }
  return names;
}

Argument group(Type type, Sequence arguments) {
  Argument whole{.name = joined_names(arguments), .type = type};
  whole.arguments = std::move(arguments);
  return whole;
}

// One argument that stands for a sequence: "LIMIT offset count" is a block with a token.
Argument collapse(Sequence items) {
  const bool one_token_leads = items.size() > 2 && is_bare_token(items.front()) &&
                               std::none_of(items.begin() + 1, items.end(), is_bare_token);
  if (one_token_leads) {
    const Argument token = std::move(items.front());
    items.erase(items.begin());
    Argument block = group(Type::kBlock, bind_tokens(std::move(items)));
    block.name = token.name;
    return with_token(token, std::move(block));
  }
  Sequence bound = bind_tokens(std::move(items));
  return bound.size() == 1 ? std::move(bound.front()) : group(Type::kBlock, std::move(bound));
}

// By recursive descent over the symbols; once a symbol does not fit, failed() stays true.
class Parser {
 public:
  explicit Parser(std::string_view syntax) : symbols_(split(syntax)) {}

  // The whole text.
  Sequence parse() {
    if (symbols_.empty()) return {};
    std::vector<Sequence> alternatives = parse_alternatives();
    if (at_ != symbols_.size()) failed_ = true;
    if (failed_) return {};
    if (alternatives.size() == 1) return bind_tokens(std::move(alternatives.front()));
    return {one_of(std::move(alternatives))};
  }

  bool failed() const { return failed_; }

 private:
  bool take(std::string_view symbol) {
    if (at_ >= symbols_.size() || symbols_[at_] != symbol) return false;
    at_++;
    return true;
  }
  bool at_end_of_sequence() const {
    return failed_ || at_ >= symbols_.size() || symbols_[at_] == "]" || symbols_[at_] == ">" ||
           symbols_[at_] == "|" || symbols_[at_] == kRepeats;
  }

  // "..." behind ">", unless it belongs to a bracket that it closes.
  bool take_repetition_of_group() {
    const bool closes_bracket = at_ + 1 < symbols_.size() && symbols_[at_ + 1] == "]";
    return !closes_bracket && take(kRepeats);
  }

  std::vector<Sequence> parse_alternatives() {
    std::vector<Sequence> alternatives;
    do {
      alternatives.push_back(parse_sequence());
      if (alternatives.back().empty()) failed_ = true;
    } while (!failed_ && take("|"));
    return alternatives;
  }

  Sequence parse_sequence() {
    Sequence items;
    while (!at_end_of_sequence()) {
      if (take("[")) {
        parse_bracket(items);
      } else if (take("<")) {
        items.push_back(any_of(parse_alternatives()));
        if (!take(">")) failed_ = true;
        items.back().multiple = take_repetition_of_group();
      } else {
        items.push_back(leaf(symbols_[at_++]));
      }
    }
    return items;
  }

  // What may be left out, or the repetition of the items in front of the bracket.
  void parse_bracket(Sequence& items) {
    std::vector<Sequence> alternatives = parse_alternatives();
    const bool repeats = take(kRepeats);
    if (!take("]")) failed_ = true;
    if (failed_) return;
    if (repeats && alternatives.size() == 1 && ends_with(items, alternatives.front())) {
      repeat(items, alternatives.front().size());
      return;
    }
    Argument argument = any_of(std::move(alternatives));
    argument.optional = true;
    argument.multiple = argument.multiple || repeats;
    items.push_back(std::move(argument));
  }

  static bool ends_with(const Sequence& items, const Sequence& tail) {
    return items.size() >= tail.size() &&
           std::equal(tail.begin(), tail.end(), items.end() - static_cast<int64_t>(tail.size()),
                      same);
  }

  // Makes the last `count` items one that may come several times.
  static void repeat(Sequence& items, size_t count) {
    const auto from = items.end() - static_cast<int64_t>(count);
    Argument argument = collapse(Sequence(from, items.end()));
    argument.multiple = true;
    argument.multiple_token = !argument.token.empty();
    items.erase(from, items.end());
    items.push_back(std::move(argument));
  }

  static Argument one_of(std::vector<Sequence> alternatives) {
    Sequence options;
    for (Sequence& alternative : alternatives) options.push_back(collapse(std::move(alternative)));
    return group(Type::kOneOf, std::move(options));
  }

  static Argument any_of(std::vector<Sequence> alternatives) {
    if (alternatives.size() > 1) return one_of(std::move(alternatives));
    return alternatives.empty() ? Argument() : collapse(std::move(alternatives.front()));
  }

  const std::vector<std::string_view> symbols_;
  size_t at_ = 0;
  bool failed_ = false;
};

struct NamedType {
  std::string_view name;
  Type type;
};

// The types of arguments by their names, which mean the same in every command.
constexpr NamedType kTypes[] = {
    {"key", Type::kKey},
    {"key1", Type::kKey},
    {"key2", Type::kKey},
    {"newkey", Type::kKey},
    {"source", Type::kKey},
    {"destination", Type::kKey},
    {"destkey", Type::kKey},
    {"sourcekey", Type::kKey},
    {"bit", Type::kInteger},
    {"bits", Type::kInteger},
    {"bytes", Type::kInteger},
    {"client-id", Type::kInteger},
    {"count", Type::kInteger},
    {"cursor", Type::kInteger},
    {"db", Type::kInteger},
    {"decrement", Type::kInteger},
    {"destination-db", Type::kInteger},
    {"end", Type::kInteger},
    {"increment", Type::kInteger},
    {"index", Type::kInteger},
    {"index1", Type::kInteger},
    {"index2", Type::kInteger},
    {"len", Type::kInteger},
    {"length", Type::kInteger},
    {"limit", Type::kInteger},
    {"maxage", Type::kInteger},
    {"milliseconds", Type::kInteger},
    {"min-match-len", Type::kInteger},
    {"numkeys", Type::kInteger},
    {"numreplicas", Type::kInteger},
    {"offset", Type::kInteger},
    {"port", Type::kInteger},
    {"protover", Type::kInteger},
    {"samples", Type::kInteger},
    {"seconds", Type::kInteger},
    {"start", Type::kInteger},
    {"stop", Type::kInteger},
    {"timeout", Type::kInteger},
    {"version", Type::kInteger},
    {"pattern", Type::kPattern},
    {"timestamp", Type::kUnixTime},
    {"unix-time-milliseconds", Type::kUnixTime},
    {"unix-time-seconds", Type::kUnixTime},
};

// Completes a tree by what its row says; words are counted to find the key spec of each key.
class Typing {
 public:
  explicit Typing(const CommandRow& row)
      : row_(row), position_(row.name.find('|') == std::string_view::npos ? 1 : 2) {}

  void apply(std::vector<Argument>& arguments) {
    for (Argument& argument : arguments) apply(argument);
  }

 private:
  void apply(Argument& argument) {
    if (!argument.token.empty()) position_++;
    if (argument.type == Type::kOneOf) return apply_to_options(argument.arguments);
    if (argument.type == Type::kBlock) return apply(argument.arguments);
    if (argument.type == Type::kPureToken) return;
    argument.type = type_of(argument.name);
    if (argument.type == Type::kKey) argument.key_spec = key_spec_at(position_);
    if (argument.type == Type::kPattern) argument.key_spec = key_spec_of_patterns();
    position_++;
  }

  // All options begin at the same place; what follows stands behind the longest.
  void apply_to_options(std::vector<Argument>& options) {
    const int start = position_;
    int end = start;
    for (Argument& option : options) {
      position_ = start;
      apply(option);
      end = std::max(end, position_);
    }
    position_ = end;
  }

  Type type_of(std::string_view name) const {
    // INCRBYFLOAT and HINCRBYFLOAT call their number as INCRBY does.
    if (name == "increment" && row_.name.ends_with("float")) return Type::kDouble;
    const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                     [&](const NamedType& type) { return type.name == name; });
    if (found == std::end(kTypes)) return Type::kString;
    const bool key_without_spec = found->type == Type::kKey && row_.keys[0].begin == 0;
    return key_without_spec ? Type::kString : found->type;
  }

  // The last spec that begins at or before this position.
  int key_spec_at(int position) const {
    int found = -1;
    for (size_t i = 0; i < row_.keys.size() && row_.keys[i].begin != 0; i++) {
      const KeySpec& spec = row_.keys[i];
      const int first = spec.begin + (spec.key_count_at >= 0 ? spec.first_key : 0);
      if (first <= position) found = static_cast<int>(i);
    }
    return found;
  }

  // That of the keys which patterns name, -1 if there is none.
  int key_spec_of_patterns() const {
    for (size_t i = 0; i < row_.keys.size(); i++) {
      if ((row_.keys[i].flags & kFromPatterns) != 0) return static_cast<int>(i);
    }
    return -1;
  }

  const CommandRow& row_;
  int position_;  // the index that the next word would have in a request that leaves nothing out
};

}  // namespace

std::string_view type_name(Argument::Type type) {
  static constexpr std::string_view kNames[] = {
      "string", "key", "integer", "double", "pattern", "unix-time", "pure-token", "oneof", "block"};
  return kNames[static_cast<size_t>(type)];
}

std::optional<std::vector<Argument>> parse_syntax(std::string_view syntax) {
  Parser parser(syntax);
  Sequence arguments = parser.parse();
  if (parser.failed()) return std::nullopt;
  return arguments;
}

std::vector<Argument> arguments_of(const CommandRow& row) {
  if (row.handler == nullptr) return {};
  std::vector<Argument> arguments = parse_syntax(row.syntax).value_or(std::vector<Argument>());
  Typing(row).apply(arguments);
  return arguments;
}

}  // namespace larder::core
