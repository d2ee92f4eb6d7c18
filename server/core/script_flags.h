// What a script says of itself in its first line, or a function when it is registered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::core {

enum ScriptFlag : uint32_t {
  kScriptNoWrites = 1u << 0,
  kScriptAllowOom = 1u << 1,
  kScriptAllowStale = 1u << 2,  // these three change nothing here: there is neither
  kScriptNoCluster = 1u << 3,   // replication nor a cluster
  kScriptAllowCrossSlot = 1u << 4,
  // Not Redis' name: a script without a first line that says anything, which may do what scripts
  // could before there were flags.
  kScriptPlain = 1u << 5,
};

struct ScriptFlagName {
  std::string_view name;
  ScriptFlag flag;
};
inline constexpr ScriptFlagName kScriptFlagNames[] = {
    {"no-writes", kScriptNoWrites},
    {"allow-oom", kScriptAllowOom},
    {"allow-stale", kScriptAllowStale},
    {"no-cluster", kScriptNoCluster},
    {"allow-cross-slot-keys", kScriptAllowCrossSlot},
};

std::optional<ScriptFlag> script_flag(std::string_view name);

// The first line of a script: "#!lua flags=no-writes,allow-oom".
struct ScriptHead {
  uint32_t flags = kScriptPlain;
  size_t size = 0;    // bytes of the head, without its line end, which keeps lines counted
  std::string error;  // with its code; empty: there is none
};
ScriptHead read_script_head(std::string_view script);

// The first line of a library: "#!lua name=mylib".
struct LibraryHead {
  std::string name;
  size_t size = 0;
  std::string error;
};
LibraryHead read_library_head(std::string_view code);

// Of libraries and functions: letters, digits, underscores, at least one.
bool is_library_name(std::string_view name);

}  // namespace larder::core
