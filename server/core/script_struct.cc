#include "server/core/script_struct.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <climits>
#include <cstdint>
#include <cstring>

#include "server/core/script_memory.h"

namespace larder::core::script {
namespace {

constexpr int kIntegerBytesMax = 32;
constexpr int kNaturalAlignment = 8;

// Reads a format option by option: '>' '<' '!' and blanks change how those that follow are meant.
class Format {
 public:
  Format(lua_State* lua, const char* text) : lua_(lua), at_(text) {}

  struct Option {
    char name;     // '\0': there is none left
    size_t bytes;  // 0 for "s", and for "c0"
    size_t padding;
  };
  // The next option whose item stands at offset `total`.
  Option next(size_t total);
  bool little() const { return little_; }

 private:
  int number(int otherwise);
  size_t bytes_of(char name);
  void control(char name);

  lua_State* lua_;
  const char* at_;
  bool little_ = std::endian::native == std::endian::little;
  int alignment_ = 1;
};

int Format::number(int otherwise) {
  if (std::isdigit(static_cast<unsigned char>(*at_)) == 0) return otherwise;
  int value = 0;
  for (; std::isdigit(static_cast<unsigned char>(*at_)) != 0; at_++) {
    const int digit = *at_ - '0';
    if (value > (INT_MAX - digit) / 10) luaL_error(lua_, "integral size overflow");
    value = value * 10 + digit;
  }
  return value;
}

size_t Format::bytes_of(char name) {
  switch (name) {
    case 'b':
    case 'B':
    case 'x':
      return 1;
    case 'h':
    case 'H':
      return 2;
    case 'f':
      return 4;
    case 'l':
    case 'L':
    case 'T':
    case 'd':
      return 8;
    case 'c':
      return static_cast<size_t>(number(1));
    case 'i':
    case 'I': {
      const int bytes = number(4);
      if (bytes > kIntegerBytesMax) {
        luaL_error(lua_, "integral size %d is larger than limit of %d", bytes, kIntegerBytesMax);
      }
      return static_cast<size_t>(bytes);
    }
    default:
      return 0;
  }
}

void Format::control(char name) {
  switch (name) {
    case ' ':
      return;
    case '>':
      little_ = false;
      return;
    case '<':
      little_ = true;
      return;
    case '!': {
      const int alignment = number(kNaturalAlignment);
      if (alignment <= 0 || (alignment & (alignment - 1)) != 0) {
        luaL_error(lua_, "alignment %d is not a power of 2", alignment);
      }
      alignment_ = alignment;
      return;
    }
    default: {
      const char* message = lua_pushfstring(lua_, "invalid format option '%c'", name);
      luaL_argerror(lua_, 1, message);
    }
  }
}

Format::Option Format::next(size_t total) {
  for (;;) {
    const char name = *at_;
    if (name == '\0') return {name, 0, 0};
    at_++;
    if (std::strchr("bBhHlLTiIxcsfd", name) == nullptr) {
      control(name);
      continue;
    }
    const size_t bytes = bytes_of(name);
    size_t padding = 0;
    if (bytes > 0 && name != 'c') {
      const size_t align = std::min(bytes, static_cast<size_t>(alignment_));
      // The original's formula: meant for powers of two, and kept for other sizes too.
      padding = (align - (total & (align - 1))) & (align - 1);
    }
    return {name, bytes, padding};
  }
}

// The bytes of a number of the machine in the wanted order.
template <typename Number>
void append_real(Text& out, Number value, bool little) {
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  if (little != (std::endian::native == std::endian::little)) {
    std::reverse(bytes, bytes + sizeof(bytes));
  }
  out.append({bytes, sizeof(bytes)});
}

template <typename Number>
double read_real(std::string_view bytes, bool little) {
  char copy[sizeof(Number)];
  std::memcpy(copy, bytes.data(), sizeof(copy));
  if (little != (std::endian::native == std::endian::little)) {
    std::reverse(copy, copy + sizeof(copy));
  }
  Number value;
  std::memcpy(&value, copy, sizeof(value));
  return static_cast<double>(value);
}

// As the processor converts: what has no int64_t is the smallest one.
int64_t truncated(double number) {
  constexpr double kTooLarge = 9223372036854775808.0;
  return number >= -kTooLarge && number < kTooLarge ? static_cast<int64_t>(number) : INT64_MIN;
}

void append_integer(Text& out, double number, size_t bytes, bool little) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  uint64_t value = number >= kTwoTo63 && number < 2 * kTwoTo63
                       ? static_cast<uint64_t>(number)
                       : static_cast<uint64_t>(truncated(number));
  char text[kIntegerBytesMax];
  for (size_t i = 0; i < bytes; i++) {
    text[little ? i : bytes - 1 - i] = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  out.append({text, bytes});
}

double read_integer(std::string_view bytes, bool little, bool is_signed) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); i++) {
    value = value << 8 | static_cast<uint8_t>(bytes[little ? bytes.size() - 1 - i : i]);
  }
  if (!is_signed) return static_cast<double>(value);
  if (bytes.size() < 8) {
    const size_t unused = 64 - 8 * bytes.size();
    if (unused < 64) return static_cast<double>(static_cast<int64_t>(value << unused) >> unused);
  }
  return static_cast<double>(static_cast<int64_t>(value));
}

// Appends the item of one option, which may read an argument.
void pack_item(lua_State* lua, Text& out, const Format::Option& option, bool little,
               int& argument) {
  switch (option.name) {
    case 'x':
      return out.append('\0');
    case 'f':
      return append_real(out, static_cast<float>(luaL_checknumber(lua, argument++)), little);
    case 'd':
      return append_real(out, luaL_checknumber(lua, argument++), little);
    case 'c':
    case 's': {
      const std::string_view text = check_view(lua, argument++);
      const size_t bytes = option.bytes == 0 ? text.size() : option.bytes;
      luaL_argcheck(lua, text.size() >= bytes, argument - 1, "string too short");
      out.append(text.substr(0, bytes));
      if (option.name == 's') out.append('\0');
      return;
    }
    default:
      append_integer(out, luaL_checknumber(lua, argument++), option.bytes, little);
  }
}

int pack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  Text out(lua);
  int argument = 2;
  lua_pushnil(lua);  // so that arguments are not taken for what is pushed
  for (;;) {
    const Format::Option option = format.next(out.view().size());
    if (option.name == '\0') break;
    for (size_t i = 0; i < option.padding; i++) out.append('\0');
    pack_item(lua, out, option, format.little(), argument);
  }
  out.push();
  return 1;
}

// The size of "c0" is the number that was unpacked before it, which it takes away.
size_t previous_size(lua_State* lua, int& count) {
  if (count == 0 || lua_isnumber(lua, -1) == 0) {
    luaL_error(lua, "format 'c0' needs a previous size");
  }
  const double size = lua_tonumber(lua, -1);
  lua_pop(lua, 1);
  count--;
  return size >= 0 && size < 1e15 ? static_cast<size_t>(size) : SIZE_MAX;
}

// Pushes the item at the front of `rest`, except for padding; answers how many bytes it took.
size_t unpack_item(lua_State* lua, const Format::Option& option, std::string_view rest, bool little,
                   int& count) {
  size_t bytes = option.bytes;
  const auto check = [&] { luaL_argcheck(lua, bytes <= rest.size(), 2, "data string too short"); };
  check();
  luaL_checkstack(lua, 2, "too many results");
  switch (option.name) {
    case 'x':
      return bytes;
    case 'f':
      lua_pushnumber(lua, read_real<float>(rest, little));
      break;
    case 'd':
      lua_pushnumber(lua, read_real<double>(rest, little));
      break;
    case 'c':
      if (bytes == 0) bytes = previous_size(lua, count);
      check();
      push(lua, rest.substr(0, bytes));
      break;
    case 's': {
      const size_t end = rest.find('\0');
      if (end == std::string_view::npos) luaL_error(lua, "unfinished string in data");
      push(lua, rest.substr(0, end));
      bytes = end + 1;
      break;
    }
    default: {
      const bool is_signed = std::islower(static_cast<unsigned char>(option.name)) != 0;
      lua_pushnumber(lua, read_integer(rest.substr(0, bytes), little, is_signed));
    }
  }
  count++;
  return bytes;
}

int unpack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  const std::string_view data = check_view(lua, 2);
  const lua_Integer start = luaL_optinteger(lua, 3, 1);
  luaL_argcheck(lua, start >= 1, 3, "offset must be 1 or greater");
  size_t at = static_cast<size_t>(start) - 1;
  lua_settop(lua, 2);
  int count = 0;
  for (;;) {
    const Format::Option option = format.next(at);
    if (option.name == '\0') break;
    at += option.padding;
    luaL_argcheck(lua, at <= data.size(), 2, "data string too short");
    at += unpack_item(lua, option, data.substr(at), format.little(), count);
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(at) + 1);
  return count + 1;
}

int size(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  size_t total = 0;
  for (;;) {
    const Format::Option option = format.next(total);
    if (option.name == '\0') break;
    luaL_argcheck(lua, option.name != 's', 1, "option 's' has no fixed size");
    luaL_argcheck(lua, option.bytes > 0, 1, "option 'c0' has no fixed size");
    total += option.padding;
    if (total > INT_MAX - option.bytes) luaL_error(lua, "integral size overflow");
    total += option.bytes;
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(total));
  return 1;
}

}  // namespace

void open_struct(lua_State* lua) {
  lua_newtable(lua);
  set_function<pack>(lua, "pack");
  set_function<unpack>(lua, "unpack");
  set_function<size>(lua, "size");
}

}  // namespace larder::core::script
