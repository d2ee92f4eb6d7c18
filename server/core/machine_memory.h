// How much memory this process may have.
#pragma once

#include <cstdint>
#include <string>

namespace larder::core {

// Of the whole machine.
uint64_t system_memory_bytes();

// The lowest of the machine's memory and the limits of the process' control groups.
uint64_t machine_memory_bytes();

// The lowest limit in a tree of control groups, version 2 or 1: of `group` ("/system.slice/x") and
// of those above it, as their files under `root` ("/sys/fs/cgroup") say; UINT64_MAX if there is
// none.
uint64_t control_group_limit_bytes(const std::string& root, std::string group);

}  // namespace larder::core
