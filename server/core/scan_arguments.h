// The arguments that SCAN, HSCAN, SSCAN and ZSCAN share.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/core/args.h"
#include "storage/table.h"

namespace larder::core {

// Reads a cursor as Redis does, with strtoul: an empty text is 0, and a sign is allowed.
uint64_t read_scan_cursor(Args& args);

// COUNT, at least 1.
int64_t read_scan_count(Args& args);

struct ElementScan {
  std::string_view pattern = "*";  // a glob for fields or members
  size_t count = 10;
  bool without_values = false;
};

// What stands behind the cursor of HSCAN, SSCAN or ZSCAN. NOVALUES is HSCAN's alone.
ElementScan read_element_scan(Args& args, bool values_may_be_left_out);

// COUNT keys or elements may be looked at; where many were removed, fewer are, so that crossing
// empty buckets is bounded as well.
storage::ScanBudget scan_budget(size_t count);

}  // namespace larder::core
