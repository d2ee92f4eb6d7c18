#include "server/core/script_values.h"

#include <charconv>
#include <cmath>
#include <string>

#include "server/core/output.h"
#include "server/core/script_memory.h"

namespace larder::core::script {
namespace {

// ------------------------------------------------------------------------------ replies to Lua

// Of replies that this server wrote, so they are whole and right.
class ReplyPusher {
 public:
  ReplyPusher(lua_State* lua, std::string_view bytes) : lua_(lua), bytes_(bytes) {}
  void push_next();

 private:
  std::string_view take_line();
  std::string_view take(size_t bytes);
  void push_array(int64_t size);
  void push_map(int64_t size);
  void push_set(int64_t size);
  void push_verbatim(size_t size);
  // The table below gets the value on top, and takes its place with it.
  void set_field(const char* name) {
    lua_newtable(lua_);
    lua_insert(lua_, -2);
    lua_setfield(lua_, -2, name);
  }

  lua_State* lua_;
  std::string_view bytes_;
};

std::string_view ReplyPusher::take(size_t bytes) {
  const std::string_view taken = bytes_.substr(0, bytes);
  bytes_.remove_prefix(bytes);
  return taken;
}

std::string_view ReplyPusher::take_line() {
  const std::string_view line = take(bytes_.find("\r\n"));
  bytes_.remove_prefix(2);
  return line;
}

void ReplyPusher::push_array(int64_t size) {
  lua_createtable(lua_, static_cast<int>(size), 0);
  for (int64_t i = 1; i <= size; i++) {
    push_next();
    lua_rawseti(lua_, -2, static_cast<int>(i));
  }
}

void ReplyPusher::push_map(int64_t size) {
  lua_createtable(lua_, 0, static_cast<int>(size));
  for (int64_t i = 0; i < size; i++) {
    push_next();
    push_next();
    lua_rawset(lua_, -3);
  }
  set_field("map");
}

void ReplyPusher::push_set(int64_t size) {
  lua_createtable(lua_, 0, static_cast<int>(size));
  for (int64_t i = 0; i < size; i++) {
    push_next();
    lua_pushboolean(lua_, 1);
    lua_rawset(lua_, -3);
  }
  set_field("set");
}

// "txt:" and the text.
void ReplyPusher::push_verbatim(size_t size) {
  const std::string_view text = take(size + 2).substr(0, size);
  lua_createtable(lua_, 0, 2);
  push(lua_, text.substr(4));
  lua_setfield(lua_, -2, "string");
  push(lua_, text.substr(0, 3));
  lua_setfield(lua_, -2, "format");
  set_field("verbatim_string");
}

// That the text begins with; 0 if it does not.
template <typename Number>
Number number_in(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void ReplyPusher::push_next() {
  luaL_checkstack(lua_, 5, "reply nested too deep");
  const std::string_view line = take_line();
  const std::string_view text = line.substr(1);
  const auto number = number_in<int64_t>(text);
  switch (line[0]) {
    case ':':
      return lua_pushnumber(lua_, static_cast<double>(number));
    case '$':
      if (number < 0) return lua_pushboolean(lua_, 0);
      return push(lua_,
                  take(static_cast<size_t>(number) + 2).substr(0, static_cast<size_t>(number)));
    case '+':
      push(lua_, text);
      return set_field("ok");
    case '-':
      return push_error(lua_, line);
    case '*':
    case '>':
      if (number < 0) return lua_pushboolean(lua_, 0);
      return push_array(number);
    case '%':
      return push_map(number);
    case '~':
      return push_set(number);
    case '_':
      return lua_pushnil(lua_);
    case '#':
      return lua_pushboolean(lua_, text == "t" ? 1 : 0);
    case ',':
      lua_pushnumber(lua_, number_in<double>(text));
      return set_field("double");
    case '(':
      push(lua_, text);
      return set_field("big_number");
    default:
      return push_verbatim(static_cast<size_t>(number));
  }
}

// ------------------------------------------------------------------------------ Lua to replies

std::string without_line_ends(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  return line;
}

// Pushes table[name] of the table on top if it is of the type; else false.
bool push_field(lua_State* lua, const char* name, int type) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  if (lua_type(lua, -1) == type) return true;
  lua_pop(lua, 1);
  return false;
}

int64_t whole(double number) {
  constexpr double kTooLarge = 9223372036854775808.0;
  return number >= -kTooLarge && number < kTooLarge ? static_cast<int64_t>(number) : INT64_MIN;
}

// What a table takes in Lua's memory, and of the reply's limit: written it may be four bytes, but
// looking into it takes much longer than that.
constexpr size_t kTableBytes = 64;

// Writes what lies on top of Lua's stack, and leaves it there.
class ValueWriter {
 public:
  ValueWriter(lua_State* lua, Reply& reply, RespVersion version)
      : lua_(lua),
        reply_(reply),
        version_(version),
        end_max_(reply.output().size() + Memory::of(lua).limit_bytes()) {}
  void write();

 private:
  void write_array();
  void write_pairs(bool as_map);
  bool write_verbatim();
  bool write_special();
  bool push_field(const char* name, int type) { return script::push_field(lua_, name, type); }

  lua_State* lua_;
  Reply& reply_;
  RespVersion version_;
  size_t end_max_;          // of the output
  size_t table_bytes_ = 0;  // of the tables written, each as often as it was
};

void ValueWriter::write_array() {
  size_t size = 0;
  for (;; size++) {
    lua_rawgeti(lua_, -1, static_cast<int>(size) + 1);
    const bool end = lua_isnil(lua_, -1);
    lua_pop(lua_, 1);
    if (end) break;
  }
  reply_.array(size);
  for (size_t i = 1; i <= size; i++) {
    lua_rawgeti(lua_, -1, static_cast<int>(i));
    write();
    lua_pop(lua_, 1);
  }
}

// The pairs of the table on top: as a map, or their keys as a set.
void ValueWriter::write_pairs(bool as_map) {
  size_t size = 0;
  lua_pushnil(lua_);
  for (; lua_next(lua_, -2) != 0; size++) lua_pop(lua_, 1);
  as_map ? reply_.map(size) : reply_.set(size);
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pushvalue(lua_, -2);
    write();
    lua_pop(lua_, 1);
    if (as_map) write();
    lua_pop(lua_, 1);
  }
}

bool ValueWriter::write_verbatim() {
  if (!push_field("verbatim_string", LUA_TTABLE)) return false;
  const bool text = push_field("string", LUA_TSTRING);
  if (text) {
    lua_insert(lua_, -2);
    const bool format = push_field("format", LUA_TSTRING);
    reply_.verbatim(to_view(lua_, format ? -3 : -2));
    if (format) lua_pop(lua_, 1);
    lua_pop(lua_, 1);
  }
  lua_pop(lua_, 1);
  return text;
}

// A table may stand for a value that Lua does not have.
bool ValueWriter::write_special() {
  if (push_field("err", LUA_TSTRING)) {
    reply_.error(to_view(lua_, -1));
  } else if (push_field("ok", LUA_TSTRING)) {
    reply_.simple(without_line_ends(to_view(lua_, -1)));
  } else if (push_field("double", LUA_TNUMBER)) {
    reply_.real(lua_tonumber(lua_, -1));
  } else if (push_field("map", LUA_TTABLE)) {
    write_pairs(true);
  } else if (push_field("set", LUA_TTABLE)) {
    write_pairs(false);
  } else if (push_field("big_number", LUA_TSTRING)) {
    reply_.big_number(without_line_ends(to_view(lua_, -1)));
  } else {
    return write_verbatim();
  }
  lua_pop(lua_, 1);
  return true;
}

void ValueWriter::write() {
  luaL_checkstack(lua_, 5, "reached lua stack limit");
  if (reply_.output().size() + table_bytes_ > end_max_) throw std::bad_alloc();
  switch (lua_type(lua_, -1)) {
    case LUA_TSTRING:
      return reply_.bulk(to_view(lua_, -1));
    case LUA_TNUMBER:
      return reply_.integer(whole(lua_tonumber(lua_, -1)));
    case LUA_TBOOLEAN:
      if (version_ == RespVersion::k3) return reply_.boolean(lua_toboolean(lua_, -1) != 0);
      return lua_toboolean(lua_, -1) != 0 ? reply_.integer(1) : reply_.null();
    case LUA_TTABLE:
      table_bytes_ += kTableBytes;
      if (!write_special()) write_array();
      return;
    default:
      reply_.null();
  }
}

}  // namespace

void push_reply(lua_State* lua, std::string_view reply) {
  ReplyPusher(lua, reply).push_next();
}

void push_error(lua_State* lua, std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  std::string code = "ERR";
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    const size_t blank = text.find(' ');
    if (blank != std::string_view::npos) {
      code = text.substr(0, blank);
      text.remove_prefix(blank + 1);
    }
  }
  code += ' ';
  code += text;
  lua_createtable(lua, 0, 4);
  push(lua, code);
  lua_setfield(lua, -2, "err");
}

void raise_error(lua_State* lua, std::string_view text) {
  push_error(lua, text);
  lua_error(lua);
  __builtin_unreachable();
}

bool push_error_text(lua_State* lua) {
  return lua_istable(lua, -1) && push_field(lua, "err", LUA_TSTRING);
}

void write_value(lua_State* lua, Reply& reply, RespVersion version) {
  ValueWriter(lua, reply, version).write();
}

}  // namespace larder::core::script
