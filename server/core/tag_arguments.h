// The arguments that the commands on tags share.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "server/core/args.h"

namespace larder::core {

// Longest name of a tag, in bytes: each shard that has a key with the tag keeps it.
inline constexpr size_t kTagBytesMax = 1024;

// A count and as many names of tags, at most `tags_max`; a part of the arguments. Latches an error
// that says what is wrong.
std::span<const std::string_view> read_counted_tags(Args& args, size_t tags_max);

// All that is left, at least one.
std::span<const std::string_view> read_tags(Args& args);

}  // namespace larder::core
