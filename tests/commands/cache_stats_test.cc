// STATS, and the section "cache" of INFO.
#include <gtest/gtest.h>

#include "storage/evictor.h"
#include "storage/expiry.h"
#include "storage/prefix_walk.h"
#include "storage/tag_reaper.h"
#include "tests/support/in_process.h"
#include "tests/support/info_reader.h"

namespace larder {
namespace {

using testing::InProcess;

// What a prefix's map says of one name, "" if there is none.
std::string of_prefix(InProcess& server, const std::string& prefix, const std::string& name) {
  const auto client = server.connect();
  const std::string reply = server.run(*client, {"STATS", "PREFIX"});
  const size_t at = reply.find('"' + prefix + "\", [");
  if (at == std::string::npos) return "";
  const std::string wanted = '"' + name + "\", ";
  const size_t value = reply.find(wanted, at) + wanted.size();
  return reply.substr(value, reply.find_first_of(",]", value) - value);
}

std::string keys(InProcess& server, const std::string& prefix) {
  return of_prefix(server, prefix, "keys");
}

void walk(InProcess& server) {
  storage::PrefixWalker walker(server.server().store);
  while (walker.step()) {
  }
}

TEST(StatsPrefix, IsAMapOfMaps) {
  InProcess server;
  EXPECT_EQ(server.run({"STATS", "PREFIX"}), "[]");
  server.run({"SET", "user:1", "v"});
  EXPECT_EQ(server.run({"STATS", "PREFIX"}),
            "[\"user\", [\"keys\", 1, \"bytes\", 10, \"hits\", 0, \"misses\", 0, \"hit_ratio\", "
            "\"0\", \"sets\", 1, \"deletes\", 0, \"expired\", 0, \"evicted\", 0, "
            "\"invalidated\", 0]]");
}

}  // namespace
}  // namespace larder
