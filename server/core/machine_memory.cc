#include "server/core/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace larder::core {
namespace {

// "max" and anything that is not a number mean no limit, as does a missing file.
uint64_t read_limit(const std::string& path) {
  std::ifstream in(path);
  uint64_t bytes = 0;
  return in >> bytes ? bytes : UINT64_MAX;
}

// The process' group in the line "0::/path" (version 2) or "7:memory:/path" of /proc/self/cgroup.
uint64_t own_limit() {
  std::ifstream in("/proc/self/cgroup");
  uint64_t least = UINT64_MAX;
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, control_group_limit_bytes("/sys/fs/cgroup", group));
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      least = std::min(least, control_group_limit_bytes("/sys/fs/cgroup/memory", group));
    }
  }
  return least;
}

}  // namespace

uint64_t system_memory_bytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t machine_memory_bytes() {
  return std::min(system_memory_bytes(), own_limit());
}

uint64_t control_group_limit_bytes(const std::string& root, std::string group) {
  uint64_t least = UINT64_MAX;
  for (;;) {
    const std::string folder = root + (group == "/" ? "" : group);
    least = std::min(
        {least, read_limit(folder + "/memory.max"), read_limit(folder + "/memory.limit_in_bytes")});
    if (group.empty() || group == "/") return least;
    group.erase(group.rfind('/'));
  }
}

}  // namespace larder::core
