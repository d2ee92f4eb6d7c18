#include "server/core/script_keys.h"

#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/core/command_table.h"

namespace larder::core {
namespace {

struct Token {
  enum Kind { kName, kNumber, kString, kSymbol, kEnd } kind = kEnd;
  std::string_view text;  // of a string, what stands between its quotes
};

// ---------------------------------------------------------------------- reading

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Lua's words (reference manual, 2.1), as far as they matter here.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> read() {
    std::vector<Token> tokens;
    for (;;) {
      skip_blanks();
      if (at_ >= text_.size()) return tokens;
      tokens.push_back(next());
    }
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void skip_blanks();
  // At "[[" or "[==[": the number of '='; none if it is no long bracket.
  std::optional<size_t> long_bracket() const;
  std::string_view read_long(size_t level);
  Token next();
  Token quoted();
  template <typename Belongs>
  std::string_view take_while(Belongs&& belongs) {
    const size_t begin = at_;
    while (at_ < text_.size() && belongs(text_[at_])) at_++;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::optional<size_t> Lexer::long_bracket() const {
  if (peek() != '[') return std::nullopt;
  size_t level = 0;
  while (peek(1 + level) == '=') level++;
  return peek(1 + level) == '[' ? std::optional(level) : std::nullopt;
}

std::string_view Lexer::read_long(size_t level) {
  at_ += level + 2;
  const std::string close = "]" + std::string(level, '=') + "]";
  const size_t end = std::min(text_.find(close, at_), text_.size());
  const std::string_view inside = text_.substr(at_, end - at_);
  at_ = std::min(end + close.size(), text_.size());
  return inside;
}

void Lexer::skip_blanks() {
  for (;;) {
    while (peek() == ' ' || (peek() >= '\t' && peek() <= '\r')) at_++;
    if (peek() != '-' || peek(1) != '-') return;
    at_ += 2;
    if (const auto level = long_bracket()) {
      read_long(*level);
    } else {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    }
  }
}

Token Lexer::quoted() {
  const char quote = text_[at_++];
  const size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2 : 1;
  const size_t end = std::min(at_, text_.size());
  at_ = std::min(end + 1, text_.size());
  return {Token::kString, text_.substr(begin, end - begin)};
}

Token Lexer::next() {
  const char c = peek();
  if (is_letter(c)) {
    return {Token::kName, take_while([](char l) { return is_letter(l) || is_digit(l); })};
  }
  if (is_digit(c)) {
    const auto belongs = [](char l) { return is_letter(l) || is_digit(l) || l == '.'; };
    return {Token::kNumber, take_while(belongs)};
  }
  if (c == '"' || c == '\'') return quoted();
  if (const auto level = long_bracket()) return {Token::kString, read_long(*level)};
  for (const std::string_view symbol : {"...", "..", "==", "~=", "<=", ">="}) {
    if (text_.substr(at_).starts_with(symbol)) {
      at_ += symbol.size();
      return {Token::kSymbol, symbol};
    }
  }
  return {Token::kSymbol, text_.substr(at_++, 1)};
}

// ---------------------------------------------------------------------- proving

class Proof {
 public:
  Proof(std::vector<Token> tokens, const CommandTable& commands)
      : tokens_(std::move(tokens)), commands_(commands) {}

  bool holds() {
    bind_names();
    for (size_t i = 0; i < tokens_.size(); i++) {
      if (is_suspicious(i) || !call_is_fine(i)) return false;
    }
    return true;
  }

 private:
  // What a name may stand for; more than one meaning is no meaning.
  enum class Meaning { kKey, kCall, kOther };
  struct Range {
    size_t begin, end;
  };

  bool is(size_t i, std::string_view text) const {
    return i < tokens_.size() && tokens_[i].text == text && tokens_[i].kind != Token::kString;
  }
  bool is_name(size_t i) const { return i < tokens_.size() && tokens_[i].kind == Token::kName; }
  bool is_field(size_t i) const { return i > 0 && (is(i - 1, ".") || is(i - 1, ":")); }
  size_t closing(size_t open) const;

  void bind_names();
  void bind(size_t name, Meaning meaning);
  void bind_list(size_t equals);
  void bind_loop(size_t at);
  void bind_parameters(size_t at);
  // The expression at `at`, if it is one of those that are understood; `end` is behind it.
  std::optional<Meaning> expression(size_t at, size_t& end) const;
  bool means(size_t i, Meaning meaning) const;

  bool is_suspicious(size_t i) const;
  bool only_reads_keys(size_t i) const;
  bool is_library_function(size_t i, std::string_view name) const;
  bool is_assigned_behind(size_t end) const;
  size_t behind_target(size_t at) const;
  bool call_is_fine(size_t i) const;
  bool arguments_are_fine(size_t open) const;
  std::vector<Range> split(size_t open, size_t close) const;
  bool keys_are_fine(const KeySpec& spec, const std::vector<Range>& words) const;
  bool counted_keys_are_fine(const KeySpec& spec, const std::vector<Range>& words) const;
  bool is_key(const Range& range) const;
  bool is_all_keys(const Range& range) const;
  bool may_be_several(const Range& range) const;

  std::vector<Token> tokens_;
  const CommandTable& commands_;
  std::map<std::string_view, Meaning> meanings_;
};

// Of the bracket at `open`; the number of tokens if there is none.
size_t Proof::closing(size_t open) const {
  int depth = 0;
  for (size_t i = open; i < tokens_.size(); i++) {
    if (is(i, "(") || is(i, "[") || is(i, "{")) depth++;
    if ((is(i, ")") || is(i, "]") || is(i, "}")) && --depth == 0) return i;
  }
  return tokens_.size();
}

void Proof::bind(size_t name, Meaning meaning) {
  const auto [known, is_new] = meanings_.try_emplace(tokens_[name].text, meaning);
  if (!is_new && known->second != meaning) known->second = Meaning::kOther;
}

bool Proof::means(size_t i, Meaning meaning) const {
  if (!is_name(i) || is_field(i)) return false;
  const auto found = meanings_.find(tokens_[i].text);
  return found != meanings_.end() && found->second == meaning;
}

std::optional<Proof::Meaning> Proof::expression(size_t at, size_t& end) const {
  Meaning meaning = Meaning::kOther;
  if (is(at, "KEYS") && is(at + 1, "[")) {
    end = closing(at + 1) + 1;
    meaning = Meaning::kKey;
  } else if (is(at, "redis") && is(at + 1, ".") && (is(at + 2, "call") || is(at + 2, "pcall"))) {
    end = at + 3;
    meaning = Meaning::kCall;
  } else if (at < tokens_.size() && tokens_[at].kind != Token::kSymbol) {
    end = at + 1;
  } else {
    return std::nullopt;
  }
  // More of the expression may follow, in which it is but a part.
  if (end >= tokens_.size()) return meaning;
  const Token& next = tokens_[end];
  if (next.kind == Token::kString || is(end, "and") || is(end, "or")) return std::nullopt;
  if (next.kind == Token::kSymbol && next.text != "," && next.text != ";") return std::nullopt;
  return meaning;
}

// The names in front of a '=', and what they are given.
void Proof::bind_list(size_t equals) {
  size_t first = equals;
  while (first >= 1 && is_name(first - 1)) {
    first--;
    if (first < 2 || !is(first - 1, ",") || !is_name(first - 2)) break;
    first--;
  }
  const bool local = first >= 1 && is(first - 1, "local");
  size_t at = equals + 1;
  bool understood = local;
  for (size_t name = first; name < equals; name += 2) {
    size_t end = at;
    const auto meaning = understood ? expression(at, end) : std::nullopt;
    bind(name, meaning.value_or(Meaning::kOther));
    understood = meaning.has_value() && is(end, ",");
    at = end + 1;
  }
}

// for i, key in ipairs(KEYS) do
void Proof::bind_loop(size_t at) {
  const bool over_keys = is_name(at + 1) && is(at + 2, ",") && is_name(at + 3) &&
                         is(at + 4, "in") && (is(at + 5, "ipairs") || is(at + 5, "pairs")) &&
                         is(at + 6, "(") && is(at + 7, "KEYS") && is(at + 8, ")");
  if (over_keys) {
    bind(at + 1, Meaning::kOther);
    return bind(at + 3, Meaning::kKey);
  }
  for (size_t i = at + 1; is_name(i); i += 2) {
    bind(i, Meaning::kOther);
    if (!is(i + 1, ",")) break;
  }
}

void Proof::bind_parameters(size_t at) {
  size_t i = at + 1;
  while (is_name(i)) {
    bind(i, Meaning::kOther);
    i += is(i + 1, ".") || is(i + 1, ":") ? 2 : 1;
  }
  if (!is(i, "(")) return;
  for (const size_t close = closing(i); i < close; i++) {
    if (is_name(i)) bind(i, Meaning::kOther);
  }
}

void Proof::bind_names() {
  for (size_t i = 0; i < tokens_.size(); i++) {
    if (is(i, "=")) {
      bind_list(i);
    } else if (is(i, "for")) {
      bind_loop(i);
    } else if (is(i, "function")) {
      bind_parameters(i);
    }
  }
}

// Behind what may be assigned to, as far as it goes: a name or a bracket with fields and calls.
size_t Proof::behind_target(size_t at) const {
  if (!is_name(at) && !is(at, "(")) return at;
  size_t end = is_name(at) ? at + 1 : closing(at) + 1;
  for (;;) {
    if (is(end, "[") || is(end, "(") || is(end, "{")) {
      end = closing(end) + 1;
    } else if (is(end, ".") || is(end, ":")) {
      end += 2;
    } else if (end < tokens_.size() && tokens_[end].kind == Token::kString) {
      end++;
    } else {
      return end;
    }
  }
}

// Whether what ends there is assigned to, perhaps with more behind it: KEYS[1], x.y = 1, 2.
bool Proof::is_assigned_behind(size_t end) const {
  while (is(end, ",")) end = behind_target(end + 1);
  return is(end, "=");
}

// Whether it is that function of Lua's: the text gives the name no other meaning.
bool Proof::is_library_function(size_t i, std::string_view name) const {
  return is(i, name) && !is_field(i) && !meanings_.contains(name);
}

// At KEYS: whether this is one of the ways to read the list that cannot change it, or hand it to
// somebody who could. Else what KEYS[1] is later, nobody knows.
bool Proof::only_reads_keys(size_t i) const {
  if (is(i + 1, "[")) return !is_assigned_behind(closing(i + 1) + 1);
  if (i < 2) return false;
  if (is(i - 1, "#")) return true;
  if (!is(i - 1, "(")) return false;
  const bool alone = is(i + 1, ")");
  if (is_library_function(i - 2, "unpack")) return alone || is(i + 1, ",");
  for (const std::string_view loop : {"ipairs", "pairs"}) {
    if (is_library_function(i - 2, loop)) return alone && is(i + 2, "do") && is(i - 3, "in");
  }
  const bool of_table = i >= 4 && is(i - 3, ".") && is_library_function(i - 4, "table");
  return of_table && (is(i - 2, "getn") || is(i - 2, "concat"));
}

// Ways to keys that are not followed here.
bool Proof::is_suspicious(size_t i) const {
  if (!is_name(i) || is_field(i)) return false;
  static const std::set<std::string_view> kWays = {"load", "loadstring", "_G",     "rawset",
                                                   "next", "getfenv",    "setfenv"};
  if (kWays.contains(tokens_[i].text)) return true;
  if (is(i, "KEYS")) return !only_reads_keys(i);
  if (is(i, "redis")) {
    if (!is(i + 1, ".")) return true;
    const bool runs = is(i + 2, "call") || is(i + 2, "pcall");
    // Else it is taken for later: only by a local name of its own.
    return runs && !is(i + 3, "(") && !(i >= 2 && is(i - 1, "=") && means(i - 2, Meaning::kCall));
  }
  // A name for redis.call must not be handed on.
  return means(i, Meaning::kCall) && !is(i + 1, "(") && !is(i + 1, "=");
}

bool Proof::call_is_fine(size_t i) const {
  if (is(i, "redis") && !is_field(i) && is(i + 1, ".") && is(i + 3, "(")) {
    const bool runs = is(i + 2, "call") || is(i + 2, "pcall");
    return !runs || arguments_are_fine(i + 3);
  }
  if (means(i, Meaning::kCall) && is(i + 1, "(")) return arguments_are_fine(i + 1);
  return true;
}

std::vector<Proof::Range> Proof::split(size_t open, size_t close) const {
  std::vector<Range> words;
  size_t begin = open + 1;
  for (size_t i = begin; i < close; i++) {
    if (is(i, "(") || is(i, "[") || is(i, "{")) {
      i = closing(i);
    } else if (is(i, "function")) {
      return {};  // commas inside of it are others
    } else if (is(i, ",")) {
      words.push_back({begin, i});
      begin = i + 1;
    }
  }
  if (begin < close) words.push_back({begin, close});
  return words;
}

bool Proof::arguments_are_fine(size_t open) const {
  const size_t close = closing(open);
  if (close == tokens_.size()) return false;
  const std::vector<Range> words = split(open, close);
  const auto text_of = [&](size_t i) -> std::optional<std::string_view> {
    if (i >= words.size() || words[i].end - words[i].begin != 1) return std::nullopt;
    const Token& token = tokens_[words[i].begin];
    return token.kind == Token::kString ? std::optional(token.text) : std::nullopt;
  };
  const auto name = text_of(0);
  const Command* command = name ? commands_.find(*name) : nullptr;
  if (command != nullptr && !command->subcommands.empty()) {
    const auto subcommand = text_of(1);
    command = subcommand ? CommandTable::subcommand(*command, *subcommand) : nullptr;
  }
  if (command == nullptr || !names_all_keys(*command->row)) return false;
  for (const KeySpec& spec : command->row->keys) {
    if (spec.begin != 0 && !keys_are_fine(spec, words)) return false;
  }
  return true;
}

bool Proof::keys_are_fine(const KeySpec& spec, const std::vector<Range>& words) const {
  if (spec.limit != 0) return false;
  if (spec.key_count_at >= 0) return counted_keys_are_fine(spec, words);
  const bool open_end = may_be_several(words.back());
  const auto begin = static_cast<size_t>(spec.begin);
  const auto step = static_cast<size_t>(spec.step);
  if (spec.last >= 0) {
    const size_t last = begin + static_cast<size_t>(spec.last);
    if (last >= words.size() || (open_end && last == words.size() - 1)) return false;
    for (size_t i = begin; i <= last; i += step) {
      if (!is_key(words[i])) return false;
    }
    return true;
  }
  if (open_end && (step != 1 || spec.last != -1 || !is_all_keys(words.back()))) return false;
  const size_t behind = words.size() - static_cast<size_t>(-spec.last) + 1;
  for (size_t i = begin; i < behind; i += step) {
    if (!is_key(words[i]) && !(i == words.size() - 1 && open_end)) return false;
  }
  return true;
}

bool Proof::counted_keys_are_fine(const KeySpec& spec, const std::vector<Range>& words) const {
  const auto count_at = static_cast<size_t>(spec.begin + spec.key_count_at);
  if (count_at >= words.size() || words[count_at].end - words[count_at].begin != 1) return false;
  const std::string_view digits = tokens_[words[count_at].begin].text;
  size_t count = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return false;
  const auto first = static_cast<size_t>(spec.begin + spec.first_key);
  if (count > words.size() || first + count > words.size()) return false;
  for (size_t i = first; i < first + count; i++) {
    if (!is_key(words[i])) return false;
  }
  return true;
}

bool Proof::is_key(const Range& range) const {
  if (range.end - range.begin == 1) return means(range.begin, Meaning::kKey);
  return is(range.begin, "KEYS") && is(range.begin + 1, "[") &&
         closing(range.begin + 1) == range.end - 1;
}

// unpack(KEYS)
bool Proof::is_all_keys(const Range& range) const {
  return range.end - range.begin == 4 && is(range.begin, "unpack") && is(range.begin + 1, "(") &&
         is(range.begin + 2, "KEYS") && is(range.begin + 3, ")");
}

bool Proof::may_be_several(const Range& range) const {
  return is(range.end - 1, ")") || is(range.end - 1, "...");
}

}  // namespace

bool touches_declared_keys_only(std::string_view text, const CommandTable& commands) {
  // A longer text is rare, and not worth the time.
  constexpr size_t kTextBytesMax = 64 * 1024;
  if (text.size() > kTextBytesMax) return false;
  return Proof(Lexer(text).read(), commands).holds();
}

}  // namespace larder::core
