#include "server/core/script_strings.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "server/core/script_memory.h"
#include "server/core/script_pattern.h"

namespace larder::core::script {
namespace {

// In Lua 5.1 a pattern ends at its first zero byte.
std::string_view as_pattern(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

// A position argument: 1 is the first byte, -1 the last; answers an offset within 0 and `size`.
size_t start_offset(lua_Integer position, size_t size) {
  const auto bytes = static_cast<lua_Integer>(size);
  if (position < 0) position += bytes + 1;
  return static_cast<size_t>(std::clamp<lua_Integer>(position - 1, 0, bytes));
}

// Does `work`, and says in Lua's manner what is wrong with the pattern.
template <typename Work>
int with_pattern(lua_State* lua, Work&& work) {
  const char* wrong = nullptr;
  try {
    return work();
  } catch (const PatternError& error) {
    wrong = error.text;
  }
  return luaL_error(lua, "%s", wrong);
}

void push_capture(lua_State* lua, const PatternMatch& match, size_t index, const char* begin,
                  std::string_view whole) {
  if (index >= match.captures()) {
    if (index != 0) throw PatternError{"invalid capture index"};
    return push(lua, whole);
  }
  const PatternMatch::Capture& capture = match.capture(index);
  if (capture.size == PatternMatch::kOpen) throw PatternError{"unfinished capture"};
  if (capture.size == PatternMatch::kPosition) {
    return lua_pushinteger(lua, capture.begin - begin + 1);
  }
  lua_pushlstring(lua, capture.begin, static_cast<size_t>(capture.size));
}

// All captures, or `whole` where the pattern has none and it is given.
int push_captures(lua_State* lua, const PatternMatch& match, const char* begin,
                  const std::string_view* whole) {
  const size_t count = match.captures() == 0 && whole != nullptr ? 1 : match.captures();
  luaL_checkstack(lua, static_cast<int>(count), "too many captures");
  for (size_t i = 0; i < count; i++) {
    push_capture(lua, match, i, begin, whole != nullptr ? *whole : std::string_view());
  }
  return static_cast<int>(count);
}

int find_plainly(lua_State* lua, std::string_view subject, std::string_view text, size_t from) {
  const void* found =
      text.empty() ? subject.data() + from
                   : memmem(subject.data() + from, subject.size() - from, text.data(), text.size());
  if (found == nullptr) {
    lua_pushnil(lua);
    return 1;
  }
  const auto at = static_cast<const char*>(found) - subject.data();
  lua_pushinteger(lua, at + 1);
  lua_pushinteger(lua, at + static_cast<std::ptrdiff_t>(text.size()));
  return 2;
}

int find_pattern(lua_State* lua, bool with_place) {
  const std::string_view subject = check_view(lua, 1);
  const std::string_view text = check_view(lua, 2);
  const size_t from = start_offset(luaL_optinteger(lua, 3, 1), subject.size());
  std::string_view pattern = as_pattern(text);
  if (with_place && (lua_toboolean(lua, 4) != 0 ||
                     pattern.find_first_of("^$*+?.([%-") == std::string_view::npos)) {
    return find_plainly(lua, subject, text, from);
  }
  const bool anchored = pattern.starts_with('^');
  if (anchored) pattern.remove_prefix(1);
  const auto on_tick = [lua] { tick(lua); };
  PatternMatch match(subject, pattern, on_tick);
  const char* const end = subject.data() + subject.size();
  for (const char* at = subject.data() + from; at <= end; at++) {
    const char* const behind = match.match_at(at);
    if (behind != nullptr) {
      const std::string_view whole(at, static_cast<size_t>(behind - at));
      if (!with_place) return push_captures(lua, match, subject.data(), &whole);
      lua_pushinteger(lua, at - subject.data() + 1);
      lua_pushinteger(lua, behind - subject.data());
      return push_captures(lua, match, subject.data(), nullptr) + 2;
    }
    if (anchored) break;
  }
  lua_pushnil(lua);
  return 1;
}

int find(lua_State* lua) {
  return with_pattern(lua, [lua] { return find_pattern(lua, true); });
}

int match(lua_State* lua) {
  return with_pattern(lua, [lua] { return find_pattern(lua, false); });
}

// Upvalues: the subject, the pattern, where to go on.
int next_match(lua_State* lua) {
  const std::string_view subject = to_view(lua, lua_upvalueindex(1));
  const std::string_view pattern = as_pattern(to_view(lua, lua_upvalueindex(2)));
  const auto from = static_cast<size_t>(lua_tointeger(lua, lua_upvalueindex(3)));
  const auto on_tick = [lua] { tick(lua); };
  PatternMatch match(subject, pattern, on_tick);
  const char* const end = subject.data() + subject.size();
  for (const char* at = subject.data() + from; at <= end; at++) {
    const char* const behind = match.match_at(at);
    if (behind == nullptr) continue;
    // An empty match must not be found again.
    lua_pushinteger(lua, behind - subject.data() + (behind == at ? 1 : 0));
    lua_replace(lua, lua_upvalueindex(3));
    const std::string_view whole(at, static_cast<size_t>(behind - at));
    return push_captures(lua, match, subject.data(), &whole);
  }
  return 0;
}

int iterate(lua_State* lua) {
  return with_pattern(lua, [lua] { return next_match(lua); });
}

int gmatch(lua_State* lua) {
  luaL_checkstring(lua, 1);
  luaL_checkstring(lua, 2);
  lua_settop(lua, 2);
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, guarded<iterate>, 3);
  return 1;
}

// Appends the replacement with its %0 to %9.
void append_template(lua_State* lua, Text& out, PatternMatch& match, const char* begin,
                     std::string_view whole) {
  const std::string_view text = to_view(lua, 3);
  for (size_t i = 0; i < text.size(); i++) {
    match.count_steps(1);
    if (text[i] != '%') {
      out.append(text[i]);
      continue;
    }
    const char name = ++i < text.size() ? text[i] : '\0';
    if (name < '0' || name > '9') {
      out.append(name);
    } else if (name == '0') {
      out.append(whole);
    } else {
      push_capture(lua, match, static_cast<size_t>(name - '1'), begin, whole);
      out.append(to_view(lua, -1));
      lua_pop(lua, 1);
    }
  }
}

void append_replacement(lua_State* lua, Text& out, PatternMatch& match, const char* begin,
                        std::string_view whole) {
  const int type = lua_type(lua, 3);
  if (type == LUA_TNUMBER || type == LUA_TSTRING) {
    return append_template(lua, out, match, begin, whole);
  }
  if (type == LUA_TTABLE) {
    push_capture(lua, match, 0, begin, whole);
    lua_gettable(lua, 3);
  } else {
    lua_pushvalue(lua, 3);
    lua_call(lua, push_captures(lua, match, begin, &whole), 1);
  }
  if (lua_toboolean(lua, -1) == 0) {
    out.append(whole);
  } else if (lua_isstring(lua, -1) == 0) {
    luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
  } else {
    out.append(to_view(lua, -1));
  }
  lua_pop(lua, 1);
}

int substitute(lua_State* lua) {
  const std::string_view subject = check_view(lua, 1);
  std::string_view pattern = as_pattern(check_view(lua, 2));
  const int type = lua_type(lua, 3);
  luaL_argcheck(
      lua,
      type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
      "string/function/table expected");
  const lua_Integer most = luaL_optinteger(lua, 4, static_cast<lua_Integer>(subject.size()) + 1);
  const bool anchored = pattern.starts_with('^');
  if (anchored) pattern.remove_prefix(1);
  const auto on_tick = [lua] { tick(lua); };
  PatternMatch match(subject, pattern, on_tick);
  Text out(lua);
  const char* at = subject.data();
  const char* const end = at + subject.size();
  lua_Integer count = 0;
  while (count < most) {
    const char* const behind = match.match_at(at);
    if (behind != nullptr) {
      count++;
      const std::string_view whole(at, static_cast<size_t>(behind - at));
      append_replacement(lua, out, match, subject.data(), whole);
    }
    if (behind != nullptr && behind > at) {
      at = behind;
    } else if (at < end) {
      out.append(*at++);
    } else {
      break;
    }
    if (anchored) break;
  }
  out.append({at, static_cast<size_t>(end - at)});
  out.push();
  lua_pushinteger(lua, count);
  return 2;
}

int gsub(lua_State* lua) {
  return with_pattern(lua, [lua] { return substitute(lua); });
}

int rep(lua_State* lua) {
  const std::string_view text = check_view(lua, 1);
  const lua_Integer count = luaL_checkinteger(lua, 2);
  Text out(lua);
  if (count > 0 && !text.empty()) {
    const size_t limit = Memory::of(lua).limit_bytes();
    if (static_cast<size_t>(count) > limit / text.size()) throw std::bad_alloc();
    for (lua_Integer i = 0; i < count; i++) out.append(text);
  }
  out.push();
  return 1;
}

}  // namespace

void open_strings(lua_State* lua) {
  set_function<find>(lua, "find");
  set_function<match>(lua, "match");
  set_function<gmatch>(lua, "gmatch");
  set_function<gmatch>(lua, "gfind");
  set_function<gsub>(lua, "gsub");
  set_function<rep>(lua, "rep");
}

}  // namespace larder::core::script
