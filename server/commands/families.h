// All command families. A new family is one file here, one declaration and one entry in
// all_families().
#pragma once

#include <vector>

#include "server/core/command.h"

namespace larder::commands {

core::Family bitmap_commands();
core::Family client_commands();
core::Family client_tracking_commands();
core::Family config_commands();
core::Family connection_commands();
core::Family debug_commands();
core::Family delete_by_pattern_commands();
core::Family dump_commands();
core::Family expiry_commands();
core::Family function_commands();
core::Family hash_commands();
core::Family hash_expiry_commands();
core::Family hyperloglog_commands();
core::Family increx_commands();
core::Family info_commands();
core::Family introspection_commands();
core::Family key_commands();
core::Family keyspace_commands();
core::Family latency_commands();
core::Family list_commands();
core::Family list_pop_commands();
core::Family pubsub_commands();
core::Family rate_limit_commands();
core::Family scripting_commands();
core::Family server_commands();
core::Family set_commands();
core::Family set_algebra_commands();
core::Family sort_commands();
core::Family sorted_set_commands();
core::Family sorted_set_algebra_commands();
core::Family sorted_set_pop_commands();
core::Family sorted_set_range_commands();
core::Family stats_commands();
core::Family string_commands();
core::Family string_edit_commands();
core::Family tag_commands();
core::Family tag_deletion_commands();
core::Family transaction_commands();

inline std::vector<core::Family> all_families() {
  return {bitmap_commands(),
          client_commands(),
          client_tracking_commands(),
          config_commands(),
          connection_commands(),
          debug_commands(),
          delete_by_pattern_commands(),
          dump_commands(),
          expiry_commands(),
          function_commands(),
          hash_commands(),
          hash_expiry_commands(),
          hyperloglog_commands(),
          increx_commands(),
          info_commands(),
          introspection_commands(),
          key_commands(),
          keyspace_commands(),
          latency_commands(),
          list_commands(),
          list_pop_commands(),
          pubsub_commands(),
          rate_limit_commands(),
          scripting_commands(),
          server_commands(),
          set_commands(),
          set_algebra_commands(),
          sort_commands(),
          sorted_set_commands(),
          sorted_set_algebra_commands(),
          sorted_set_pop_commands(),
          sorted_set_range_commands(),
          stats_commands(),
          string_commands(),
          string_edit_commands(),
          tag_commands(),
          tag_deletion_commands(),
          transaction_commands()};
}

}  // namespace larder::commands
