#include "server/core/script_msgpack.h"

#include <bit>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "server/core/script_memory.h"
#include "server/core/script_sandbox.h"

namespace larder::core::script {
namespace {

// Tables nested deeper are packed as nil.
constexpr int kDepthMax = 16;
constexpr size_t kValuesPerTick = 10'000;

// ------------------------------------------------------------------------------------- packing

class Packer {
 public:
  explicit Packer(lua_State* lua) : lua_(lua), out_(lua) {}

  // The value on top of the stack, which is taken away.
  void pack(int depth);
  void push() const { out_.push(); }

 private:
  // A byte that says what comes, then a number of `bytes` bytes in network order.
  void put(uint8_t what, uint64_t number, size_t bytes);
  void pack_integer(int64_t value);
  void pack_number(double value);
  void pack_string(std::string_view text);
  void pack_table(int depth);
  bool is_array(uint32_t& size);
  void pack_array(uint32_t size, int depth);
  void pack_map(int depth);

  lua_State* lua_;
  Text out_;
  size_t values_ = 0;
};

void Packer::put(uint8_t what, uint64_t number, size_t bytes) {
  char text[9] = {static_cast<char>(what)};
  for (size_t i = 0; i < bytes; i++) text[1 + i] = static_cast<char>(number >> 8 * (bytes - 1 - i));
  out_.append({text, 1 + bytes});
}

void Packer::pack_integer(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  if (value >= 0) {
    if (value <= 0x7f) return put(static_cast<uint8_t>(value), 0, 0);
    if (value <= 0xff) return put(0xcc, bits, 1);
    if (value <= 0xffff) return put(0xcd, bits, 2);
    return value <= 0xffffffff ? put(0xce, bits, 4) : put(0xcf, bits, 8);
  }
  if (value >= -32) return put(static_cast<uint8_t>(value), 0, 0);
  if (value >= INT8_MIN) return put(0xd0, bits, 1);
  if (value >= INT16_MIN) return put(0xd1, bits, 2);
  return value >= INT32_MIN ? put(0xd2, bits, 4) : put(0xd3, bits, 8);
}

void Packer::pack_number(double value) {
  // 2^63 and above, as well as what is no number, has no int64_t.
  constexpr double kTooLarge = 9223372036854775808.0;
  if (value >= -kTooLarge && value < kTooLarge &&
      value == static_cast<double>(static_cast<int64_t>(value))) {
    return pack_integer(static_cast<int64_t>(value));
  }
  const auto single = static_cast<float>(value);
  if (static_cast<double>(single) == value) return put(0xca, std::bit_cast<uint32_t>(single), 4);
  put(0xcb, std::bit_cast<uint64_t>(value), 8);
}

void Packer::pack_string(std::string_view text) {
  const size_t size = text.size();
  if (size < 32) {
    put(static_cast<uint8_t>(0xa0 | size), 0, 0);
  } else if (size <= 0xff) {
    put(0xd9, size, 1);
  } else if (size <= 0xffff) {
    put(0xda, size, 2);
  } else {
    put(0xdb, size, 4);
  }
  out_.append(text);
}

// Whether the keys of the table on top are 1 to n; an empty one counts.
bool Packer::is_array(uint32_t& size) {
  double highest = 0;
  size = 0;
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pop(lua_, 1);
    const double key = lua_type(lua_, -1) == LUA_TNUMBER ? lua_tonumber(lua_, -1) : 0;
    if (key < 1 || std::floor(key) != key) {
      lua_pop(lua_, 1);
      return false;
    }
    highest = std::max(highest, key);
    size++;
  }
  return highest == size;
}

void Packer::pack_array(uint32_t size, int depth) {
  if (size < 16) {
    put(static_cast<uint8_t>(0x90 | size), 0, 0);
  } else {
    size <= 0xffff ? put(0xdc, size, 2) : put(0xdd, size, 4);
  }
  for (uint32_t i = 1; i <= size; i++) {
    lua_rawgeti(lua_, -1, static_cast<int>(i));
    pack(depth + 1);
  }
}

void Packer::pack_map(int depth) {
  size_t size = 0;
  lua_pushnil(lua_);
  for (; lua_next(lua_, -2) != 0; size++) lua_pop(lua_, 1);
  if (size < 16) {
    put(static_cast<uint8_t>(0x80 | size), 0, 0);
  } else {
    size <= 0xffff ? put(0xde, size, 2) : put(0xdf, size, 4);
  }
  lua_pushnil(lua_);
  while (lua_next(lua_, -2) != 0) {
    lua_pushvalue(lua_, -2);
    pack(depth + 1);
    pack(depth + 1);
  }
}

void Packer::pack_table(int depth) {
  luaL_checkstack(lua_, 6, "too many nested tables");
  push_readable(lua_, -1);
  uint32_t size = 0;
  if (is_array(size)) {
    pack_array(size, depth);
  } else {
    pack_map(depth);
  }
  lua_pop(lua_, 1);
}

void Packer::pack(int depth) {
  if (++values_ % kValuesPerTick == 0) tick(lua_);
  const int type = lua_type(lua_, -1);
  if (type == LUA_TSTRING) {
    pack_string(to_view(lua_, -1));
  } else if (type == LUA_TNUMBER) {
    pack_number(lua_tonumber(lua_, -1));
  } else if (type == LUA_TBOOLEAN) {
    put(lua_toboolean(lua_, -1) != 0 ? 0xc3 : 0xc2, 0, 0);
  } else if (type == LUA_TTABLE && depth < kDepthMax) {
    pack_table(depth);
  } else {
    put(0xc0, 0, 0);  // nil, as which all that has no place in the format is packed too
  }
  lua_pop(lua_, 1);
}

int pack(lua_State* lua) {
  const int count = lua_gettop(lua);
  luaL_argcheck(lua, count > 0, 0, "MessagePack pack needs input.");
  luaL_checkstack(lua, 1, "Too many arguments for MessagePack pack.");
  Packer packer(lua);
  for (int i = 1; i <= count; i++) {
    lua_pushvalue(lua, i);
    packer.pack(0);
  }
  packer.push();
  return 1;
}

// ----------------------------------------------------------------------------------- unpacking

enum class Outcome { kDone, kMissingBytes, kBadFormat };

class Unpacker {
 public:
  Unpacker(lua_State* lua, std::string_view bytes) : lua_(lua), bytes_(bytes) {}

  size_t left() const { return bytes_.size(); }
  // Pushes the next value; what it answers else than kDone says why there is none.
  Outcome push_value();

 private:
  // A number of so many bytes behind the first one.
  bool take(size_t bytes, uint64_t& number);
  Outcome push_unsigned(size_t bytes);
  Outcome push_signed(size_t bytes);
  Outcome push_real(size_t bytes);
  Outcome push_text(uint64_t size);
  Outcome push_sized_text(size_t size_bytes);
  Outcome push_array(uint64_t size);
  Outcome push_map(uint64_t size);
  Outcome push_container(size_t size_bytes, bool map);
  Outcome push_by_first(uint8_t first);

  lua_State* lua_;
  std::string_view bytes_;
  size_t values_ = 0;
};

bool Unpacker::take(size_t bytes, uint64_t& number) {
  if (bytes_.size() < bytes) return false;
  number = 0;
  for (size_t i = 0; i < bytes; i++) number = number << 8 | static_cast<uint8_t>(bytes_[i]);
  bytes_.remove_prefix(bytes);
  return true;
}

Outcome Unpacker::push_unsigned(size_t bytes) {
  uint64_t number = 0;
  if (!take(bytes, number)) return Outcome::kMissingBytes;
  lua_pushnumber(lua_, static_cast<double>(number));
  return Outcome::kDone;
}

Outcome Unpacker::push_signed(size_t bytes) {
  uint64_t number = 0;
  if (!take(bytes, number)) return Outcome::kMissingBytes;
  const size_t unused = 64 - 8 * bytes;
  lua_pushnumber(lua_, static_cast<double>(static_cast<int64_t>(number << unused) >> unused));
  return Outcome::kDone;
}

Outcome Unpacker::push_real(size_t bytes) {
  uint64_t number = 0;
  if (!take(bytes, number)) return Outcome::kMissingBytes;
  lua_pushnumber(lua_, bytes == 4 ? std::bit_cast<float>(static_cast<uint32_t>(number))
                                  : std::bit_cast<double>(number));
  return Outcome::kDone;
}

Outcome Unpacker::push_text(uint64_t size) {
  if (bytes_.size() < size) return Outcome::kMissingBytes;
  push(lua_, bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return Outcome::kDone;
}

Outcome Unpacker::push_sized_text(size_t size_bytes) {
  uint64_t size = 0;
  return take(size_bytes, size) ? push_text(size) : Outcome::kMissingBytes;
}

Outcome Unpacker::push_array(uint64_t size) {
  lua_newtable(lua_);
  luaL_checkstack(lua_, 2, "in function mp_decode_to_lua_array");
  for (uint64_t i = 1; i <= size; i++) {
    const Outcome outcome = push_value();
    if (outcome != Outcome::kDone) return outcome;
    lua_rawseti(lua_, -2, static_cast<int>(i));
  }
  return Outcome::kDone;
}

Outcome Unpacker::push_map(uint64_t size) {
  lua_newtable(lua_);
  luaL_checkstack(lua_, 3, "in function mp_decode_to_lua_hash");
  for (uint64_t i = 0; i < 2 * size; i++) {
    const Outcome outcome = push_value();
    if (outcome != Outcome::kDone) return outcome;
    if (i % 2 == 1) lua_settable(lua_, -3);
  }
  return Outcome::kDone;
}

Outcome Unpacker::push_container(size_t size_bytes, bool map) {
  uint64_t size = 0;
  if (!take(size_bytes, size)) return Outcome::kMissingBytes;
  return map ? push_map(size) : push_array(size);
}

// Those whose first byte is all that says what they are.
Outcome Unpacker::push_by_first(uint8_t first) {
  if (first <= 0x7f || first >= 0xe0) {
    lua_pushnumber(lua_, static_cast<int8_t>(first));
    return Outcome::kDone;
  }
  if (first <= 0x8f) return push_map(first & 0x0f);
  if (first <= 0x9f) return push_array(first & 0x0f);
  if (first <= 0xbf) return push_text(first & 0x1f);
  return Outcome::kBadFormat;
}

Outcome Unpacker::push_value() {
  if (++values_ % kValuesPerTick == 0) tick(lua_);
  if (bytes_.empty()) return Outcome::kMissingBytes;
  const auto first = static_cast<uint8_t>(bytes_[0]);
  bytes_.remove_prefix(1);
  switch (first) {
    case 0xc0:
      lua_pushnil(lua_);
      return Outcome::kDone;
    case 0xc2:
    case 0xc3:
      lua_pushboolean(lua_, first == 0xc3 ? 1 : 0);
      return Outcome::kDone;
    case 0xc4:  // binary
    case 0xc5:
    case 0xc6:
      return push_sized_text(size_t{1} << (first - 0xc4));
    case 0xca:
    case 0xcb:
      return push_real(size_t{4} << (first - 0xca));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return push_unsigned(size_t{1} << (first - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return push_signed(size_t{1} << (first - 0xd0));
    case 0xd9:
    case 0xda:
    case 0xdb:
      return push_sized_text(size_t{1} << (first - 0xd9));
    case 0xdc:
    case 0xdd:
      return push_container(size_t{2} << (first - 0xdc), false);
    case 0xde:
    case 0xdf:
      return push_container(size_t{2} << (first - 0xde), true);
    default:
      return push_by_first(first);
  }
}

// Pushes at most `most` values from `offset` on; `partly`: behind the offset where to go on.
int unpack(lua_State* lua, bool partly, lua_Integer most, lua_Integer offset) {
  const std::string_view bytes = check_view(lua, 1);
  const auto size = static_cast<lua_Integer>(bytes.size());
  if (offset < 0 || most < 0) {
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.",
                      static_cast<int>(offset), static_cast<int>(size));
  }
  if (offset > size) {
    return luaL_error(lua, "Start offset %d greater than input length %d.",
                      static_cast<int>(offset), static_cast<int>(size));
  }
  lua_settop(lua, 1);
  Unpacker unpacker(lua, bytes.substr(static_cast<size_t>(offset)));
  int count = 0;
  for (; unpacker.left() > 0 && count < most; count++) {
    luaL_checkstack(lua, 2, "in function mp_unpack_full");
    const Outcome outcome = unpacker.push_value();
    if (outcome == Outcome::kMissingBytes) return luaL_error(lua, "Missing bytes in input.");
    if (outcome == Outcome::kBadFormat) return luaL_error(lua, "Bad data format in input.");
  }
  if (!partly) return count;
  lua_pushinteger(lua,
                  unpacker.left() == 0 ? -1 : size - static_cast<lua_Integer>(unpacker.left()));
  lua_insert(lua, 2);
  return count + 1;
}

int unpack_all(lua_State* lua) {
  return unpack(lua, false, INT_MAX, 0);
}

int unpack_one(lua_State* lua) {
  return unpack(lua, true, 1, luaL_optinteger(lua, 2, 0));
}

int unpack_limit(lua_State* lua) {
  const lua_Integer most = luaL_checkinteger(lua, 2);
  const lua_Integer offset = luaL_optinteger(lua, 3, 0);
  // Without a limit the original answers as unpack() does.
  return most == 0 && offset == 0 ? unpack_all(lua) : unpack(lua, true, most, offset);
}

}  // namespace

void open_msgpack(lua_State* lua) {
  lua_newtable(lua);
  set_function<pack>(lua, "pack");
  set_function<unpack_all>(lua, "unpack");
  set_function<unpack_one>(lua, "unpack_one");
  set_function<unpack_limit>(lua, "unpack_limit");
  lua_pushliteral(lua, "cmsgpack");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
  lua_setfield(lua, -2, "_VERSION");
}

}  // namespace larder::core::script
