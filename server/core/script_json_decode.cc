// cjson.decode(): a value at a time from the front of the text, pushed as it is read.
#include <strings.h>

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <string>

#include "server/core/script_json.h"
#include "server/core/script_memory.h"

namespace larder::core::script {
namespace {

constexpr size_t kTokensPerTick = 10'000;

enum class Token {
  kObjectBegin,
  kObjectEnd,
  kArrayBegin,
  kArrayEnd,
  kString,
  kNumber,
  kBoolean,
  kNull,
  kColon,
  kComma,
  kEnd,
  kError
};

// As error messages name them.
constexpr const char* kTokenNames[] = {"T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END",
                                       "T_STRING",    "T_NUMBER",  "T_BOOLEAN",   "T_NULL",
                                       "T_COLON",     "T_COMMA",   "T_END"};

class Decoder {
 public:
  // `text` is followed by a zero byte, as Lua's strings are.
  Decoder(lua_State* lua, std::string_view text)
      : lua_(lua), options_(json_options(lua)), begin_(text.data()), at_(text.data()) {}

  // Pushes the value that is the whole text.
  void decode() {
    read_token();
    push_value();
    read_token();
    if (token_ != Token::kEnd) fail("the end");
  }

 private:
  void fail(const char* expected) {
    const char* found = token_ == Token::kError ? error_ : kTokenNames[static_cast<int>(token_)];
    luaL_error(lua_, "Expected %s but found %s at character %d", expected, found,
               static_cast<int>(token_at_ - begin_ + 1));
  }
  Token fail_token(const char* error, const char* at) {
    error_ = error;
    token_at_ = at;
    return Token::kError;
  }
  void read_token() {
    if (++tokens_ % kTokensPerTick == 0) tick(lua_);
    token_ = next_token();
  }
  Token next_token();
  Token take(Token token, size_t bytes) {
    at_ += bytes;
    return token;
  }
  Token read_string();
  bool read_escape();
  bool read_unicode();
  Token read_number();
  bool looks_invalid() const;
  void push_value();
  void push_object();
  void push_array();
  void descend(int slots);

  lua_State* lua_;
  const JsonOptions& options_;
  const char* const begin_;
  const char* at_;
  Token token_ = Token::kEnd;
  const char* token_at_ = nullptr;
  const char* error_ = nullptr;
  std::string string_;  // of the last token, where it is a string
  double number_ = 0;
  bool boolean_ = false;
  int depth_ = 0;
  size_t tokens_ = 0;
};

Token Decoder::next_token() {
  at_ += std::strspn(at_, " \t\n\r");
  token_at_ = at_;
  switch (*at_) {
    case '{':
      return take(Token::kObjectBegin, 1);
    case '}':
      return take(Token::kObjectEnd, 1);
    case '[':
      return take(Token::kArrayBegin, 1);
    case ']':
      return take(Token::kArrayEnd, 1);
    case ':':
      return take(Token::kColon, 1);
    case ',':
      return take(Token::kComma, 1);
    case '\0':
      return Token::kEnd;
    case '"':
      return read_string();
    default:
      break;
  }
  if (*at_ == '-' || std::isdigit(static_cast<unsigned char>(*at_)) != 0) return read_number();
  if (std::strncmp(at_, "true", 4) == 0 || std::strncmp(at_, "false", 5) == 0) {
    boolean_ = *at_ == 't';
    return take(Token::kBoolean, boolean_ ? 4 : 5);
  }
  if (std::strncmp(at_, "null", 4) == 0) return take(Token::kNull, 4);
  const bool accepted = options_.decode_invalid == JsonOptions::InvalidNumbers::kAccepted;
  if (accepted && looks_invalid()) return read_number();
  return fail_token("invalid token", at_);
}

// Whether this is a number that JSON does not know but strtod() does: hexadecimal, with a leading
// zero or a '+', infinite, not a number.
bool Decoder::looks_invalid() const {
  const char* at = at_;
  if (*at == '+') return true;
  if (*at == '-') at++;
  if (*at == '0') {
    return (at[1] | 0x20) == 'x' || std::isdigit(static_cast<unsigned char>(at[1])) != 0;
  }
  if (*at <= '9') return false;
  return strncasecmp(at, "inf", 3) == 0 || strncasecmp(at, "nan", 3) == 0;
}

Token Decoder::read_number() {
  const bool accepted = options_.decode_invalid == JsonOptions::InvalidNumbers::kAccepted;
  if (!accepted && looks_invalid()) return fail_token("invalid number", at_);
  char* end = nullptr;
  number_ = std::strtod(at_, &end);
  if (end == at_) return fail_token("invalid number", at_);
  return take(Token::kNumber, static_cast<size_t>(end - at_));
}

Token Decoder::read_string() {
  string_.clear();
  at_++;
  for (;;) {
    const size_t plain = std::strcspn(at_, "\"\\");
    string_.append(at_, plain);
    at_ += plain;
    if (*at_ == '\0') return fail_token("unexpected end of string", at_);
    if (*at_ == '"') return take(Token::kString, 1);
    if (at_[1] == 'u') {
      if (!read_unicode()) return fail_token("invalid unicode escape code", at_);
    } else if (!read_escape()) {
      return fail_token("invalid escape code", at_);
    }
  }
}

// at_ is at a backslash.
bool Decoder::read_escape() {
  constexpr std::string_view kNames = "\"\\/btnfr";
  constexpr std::string_view kPlain = "\"\\/\b\t\n\f\r";
  const size_t found = at_[1] == '\0' ? std::string_view::npos : kNames.find(at_[1]);
  if (found == std::string_view::npos) return false;
  string_ += kPlain[found];
  at_ += 2;
  return true;
}

// Four hexadecimal digits, or -1.
int hex4(const char* at) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    const auto c = static_cast<unsigned char>(at[i]);
    if (std::isxdigit(c) == 0) return -1;
    value = value * 16 + (std::isdigit(c) != 0 ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// at_ is at the backslash of \uXXXX; half of a pair needs the other half behind it.
bool Decoder::read_unicode() {
  const int first = hex4(at_ + 2);
  if (first < 0) return false;
  auto code = static_cast<uint32_t>(first);
  size_t bytes = 6;
  if ((code & 0xf800) == 0xd800) {
    if ((code & 0x400) != 0 || at_[6] != '\\' || at_[7] != 'u') return false;
    const int second = hex4(at_ + 8);
    if (second < 0 || (second & 0xfc00) != 0xdc00) return false;
    code = 0x10000 + ((code & 0x3ff) << 10) + (static_cast<uint32_t>(second) & 0x3ff);
    bytes = 12;
  }
  append_utf8(string_, code);
  at_ += bytes;
  return true;
}

void Decoder::descend(int slots) {
  if (++depth_ <= options_.decode_depth_max && lua_checkstack(lua_, slots) != 0) return;
  luaL_error(lua_, "Found too many nested data structures (%d) at character %d", depth_,
             static_cast<int>(at_ - begin_));
}

void Decoder::push_object() {
  descend(3);
  lua_newtable(lua_);
  read_token();
  if (token_ != Token::kObjectEnd) {
    for (;;) {
      if (token_ != Token::kString) fail("object key string");
      push(lua_, string_);
      read_token();
      if (token_ != Token::kColon) fail("colon");
      read_token();
      push_value();
      lua_rawset(lua_, -3);
      read_token();
      if (token_ == Token::kObjectEnd) break;
      if (token_ != Token::kComma) fail("comma or object end");
      read_token();
    }
  }
  depth_--;
}

void Decoder::push_array() {
  descend(2);
  lua_newtable(lua_);
  read_token();
  if (token_ != Token::kArrayEnd) {
    for (int i = 1;; i++) {
      push_value();
      lua_rawseti(lua_, -2, i);
      read_token();
      if (token_ == Token::kArrayEnd) break;
      if (token_ != Token::kComma) fail("comma or array end");
      read_token();
    }
  }
  depth_--;
}

// The token that was read last begins it.
void Decoder::push_value() {
  switch (token_) {
    case Token::kString:
      return push(lua_, string_);
    case Token::kNumber:
      return lua_pushnumber(lua_, number_);
    case Token::kBoolean:
      return lua_pushboolean(lua_, boolean_ ? 1 : 0);
    case Token::kNull:
      return lua_pushlightuserdata(lua_, nullptr);
    case Token::kObjectBegin:
      return push_object();
    case Token::kArrayBegin:
      return push_array();
    default:
      fail("value");
  }
}

}  // namespace

int json_decode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  const std::string_view text = check_view(lua, 1);
  if (text.size() >= 2 && (text[0] == '\0' || text[1] == '\0')) {
    return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
  }
  Decoder decoder(lua, text);
  decoder.decode();
  return 1;
}

}  // namespace larder::core::script
