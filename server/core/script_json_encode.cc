// cjson.encode().
#include <cmath>
#include <cstdio>

#include "server/core/script_json.h"
#include "server/core/script_memory.h"
#include "server/core/script_sandbox.h"

namespace larder::core::script {
namespace {

constexpr size_t kTablesPerTick = 1000;

class Encoder {
 public:
  explicit Encoder(lua_State* lua) : lua_(lua), options_(json_options(lua)), out_(lua) {}

  // Of the value on top of the stack.
  void append_value(int depth);
  void push() const { out_.push(); }

 private:
  [[noreturn]] void refuse(const char* reason) {
    luaL_error(lua_, "Cannot serialise %s: %s", luaL_typename(lua_, -1), reason);
    __builtin_unreachable();
  }
  void append_string(std::string_view text);
  void append_number();
  void append_key();
  void append_table(int depth);
  void append_array(int size, int depth);
  void append_object(int depth);
  int array_size();

  lua_State* lua_;
  const JsonOptions& options_;
  Text out_;
  size_t tables_ = 0;
};

void Encoder::append_string(std::string_view text) {
  out_.append('"');
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); i++) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != '/' && c != 0x7f) continue;
    out_.append(text.substr(begin, i - begin));
    begin = i + 1;
    constexpr std::string_view kPlain = "\"\\/\b\t\n\f\r";
    constexpr std::string_view kNames = "\"\\/btnfr";
    const size_t found = kPlain.find(static_cast<char>(c));
    if (found != std::string_view::npos) {
      out_.append('\\');
      out_.append(kNames[found]);
    } else {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", c);
      out_.append(escape);
    }
  }
  out_.append(text.substr(begin));
  out_.append('"');
}

// On top of the stack.
void Encoder::append_number() {
  using Invalid = JsonOptions::InvalidNumbers;
  const double number = lua_tonumber(lua_, -1);
  if (!std::isfinite(number) && options_.encode_invalid == Invalid::kRefused) {
    refuse("must not be NaN or Inf");
  }
  if (!std::isfinite(number) && options_.encode_invalid == Invalid::kAsNull) {
    return out_.append("null");
  }
  if (std::isnan(number)) return out_.append("nan");  // without the sign that printf gives it
  char text[40];
  std::snprintf(text, sizeof(text), "%.*g", options_.number_digits, number);
  out_.append(text);
}

void Encoder::append_key() {
  switch (lua_type(lua_, -1)) {
    case LUA_TSTRING:
      return append_string(to_view(lua_, -1));
    case LUA_TNUMBER:
      out_.append('"');
      append_number();
      return out_.append('"');
    default:
      refuse("table key must be a number or string");
  }
}

// The highest index if all keys are whole numbers above 0, else -1.
int Encoder::array_size() {
  double highest = 0;
  double count = 0;
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    const double key = lua_type(lua_, -2) == LUA_TNUMBER ? lua_tonumber(lua_, -2) : 0;
    if (key < 1 || std::floor(key) != key || key > INT32_MAX) {
      lua_pop(lua_, 2);
      return -1;
    }
    highest = std::max(highest, key);
    count++;
    lua_pop(lua_, 1);
  }
  if (options_.sparse_ratio > 0 && highest > count * options_.sparse_ratio &&
      highest > options_.sparse_safe) {
    if (!options_.sparse_as_object) refuse("excessively sparse array");
    return -1;
  }
  return static_cast<int>(highest);
}

void Encoder::append_array(int size, int depth) {
  out_.append('[');
  for (int i = 1; i <= size; i++) {
    if (i > 1) out_.append(',');
    lua_rawgeti(lua_, -1, i);
    append_value(depth);
    lua_pop(lua_, 1);
  }
  out_.append(']');
}

void Encoder::append_object(int depth) {
  out_.append('{');
  bool first = true;
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    if (!first) out_.append(',');
    first = false;
    lua_pushvalue(lua_, -2);
    append_key();
    lua_pop(lua_, 1);
    out_.append(':');
    append_value(depth);
    lua_pop(lua_, 1);
  }
  out_.append('}');
}

void Encoder::append_table(int depth) {
  if (depth > options_.encode_depth_max || lua_checkstack(lua_, 4) == 0) {
    luaL_error(lua_, "Cannot serialise, excessive depth (%d)", depth);
  }
  if (++tables_ % kTablesPerTick == 0) tick(lua_);
  push_readable(lua_, -1);
  const int size = array_size();
  if (size > 0) {
    append_array(size, depth);
  } else {
    append_object(depth);
  }
  lua_pop(lua_, 1);
}

void Encoder::append_value(int depth) {
  switch (lua_type(lua_, -1)) {
    case LUA_TSTRING:
      return append_string(to_view(lua_, -1));
    case LUA_TNUMBER:
      return append_number();
    case LUA_TBOOLEAN:
      return out_.append(lua_toboolean(lua_, -1) != 0 ? "true" : "false");
    case LUA_TTABLE:
      return append_table(depth + 1);
    case LUA_TNIL:
      return out_.append("null");
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(lua_, -1) == nullptr) return out_.append("null");
      [[fallthrough]];
    default:
      refuse("type not supported");
  }
}

}  // namespace

int json_encode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  Encoder encoder(lua);
  encoder.append_value(0);
  encoder.push();
  return 1;
}

}  // namespace larder::core::script
