// Replies become Lua's values and the other way round, as Redis converts them (its documentation,
// "Lua API reference: data type conversion").
//
// Reply to Lua, RESP2: integer -> number; bulk string -> string; array -> table; simple string ->
// {ok = text}; error -> {err = text}; null -> false. RESP3, behind redis.setresp(3): null -> nil,
// map -> {map = table}, set -> {set = table whose keys are the elements}, double -> {double =
// number}, boolean, {big_number = text}, {verbatim_string = {string, format}}.
#pragma once

#include <string_view>

#include "server/core/reply.h"
#include "server/core/script_lua.h"

namespace larder::core::script {

// Pushes the one reply that `reply` holds.
void push_reply(lua_State* lua, std::string_view reply);

// Pushes {err = text}. `text` is as redis.error_reply() takes it: "-CODE what is wrong", or with no
// '-' in front something that gets the code ERR.
void push_error(lua_State* lua, std::string_view text);
// Raises it.
[[noreturn]] void raise_error(lua_State* lua, std::string_view text);

// Whether the value on top is a table with a text in the field `err`; pushes that then.
bool push_error_text(lua_State* lua);

// Writes the value on top as a reply. `version` is what redis.setresp() chose, which says how a
// boolean is meant. Lua's functions and the like become null, tables end at their first nil.
// Throws std::bad_alloc if it becomes longer than scripts may have memory: tables that hold the
// same table twice, level by level, are small and their reply is not.
void write_value(lua_State* lua, Reply& reply, RespVersion version);

}  // namespace larder::core::script
