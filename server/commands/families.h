// All command families. A new family is one file here, one declaration and one entry in
// all_families().
#pragma once

#include <vector>

#include "server/core/command.h"

namespace larder::commands {

core::Family bitmap_commands();
core::Family client_commands();
core::Family config_commands();
core::Family connection_commands();
core::Family debug_commands();
core::Family expiry_commands();
core::Family function_commands();
core::Family info_commands();
core::Family introspection_commands();
core::Family key_commands();
core::Family keyspace_commands();
core::Family latency_commands();
core::Family pubsub_commands();
core::Family scripting_commands();
core::Family server_commands();
core::Family string_commands();
core::Family string_edit_commands();
core::Family transaction_commands();

inline std::vector<core::Family> all_families() {
  return {bitmap_commands(),     client_commands(),      config_commands(),
          connection_commands(), debug_commands(),       expiry_commands(),
          function_commands(),   info_commands(),        introspection_commands(),
          key_commands(),        keyspace_commands(),    latency_commands(),
          pubsub_commands(),     scripting_commands(),   server_commands(),
          string_commands(),     string_edit_commands(), transaction_commands()};
}

}  // namespace larder::commands
