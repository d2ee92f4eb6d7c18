// A look at a script's text that spares it the lock on all keys.
#pragma once

#include <string_view>

namespace larder::core {

class CommandTable;

// Whether the text shows that every key that it gives to redis.call() or redis.pcall() is one of
// KEYS: written as KEYS[...], or a local name that is bound to such a one and to nothing else, or
// unpack(KEYS) at the end. What is not understood is not shown. The look may be fooled (a script
// can change KEYS by another name), so who relies on it checks each call.
//
// Time is proportional to the text's length times its nesting.
bool touches_declared_keys_only(std::string_view text, const CommandTable& commands);

}  // namespace larder::core
