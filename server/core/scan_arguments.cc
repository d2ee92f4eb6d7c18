#include "server/core/scan_arguments.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <string>

namespace larder::core {

uint64_t read_scan_cursor(Args& args) {
  const std::string text(args.next());
  char* end = nullptr;
  errno = 0;
  const uint64_t cursor = std::strtoull(text.c_str(), &end, 10);
  if (std::isspace(static_cast<unsigned char>(text[0])) || *end != '\0' || errno == ERANGE) {
    args.fail(errors::kInvalidCursor);
  }
  return cursor;
}

int64_t read_scan_count(Args& args) {
  const int64_t count = args.integer();
  if (count < 1) args.fail(errors::kSyntax);
  return count;
}

ElementScan read_element_scan(Args& args, bool values_may_be_left_out) {
  ElementScan scan;
  while (!args.done()) {
    if (args.option("COUNT", 1)) {
      scan.count = static_cast<size_t>(read_scan_count(args));
    } else if (args.option("MATCH", 1)) {
      scan.pattern = args.next();
    } else if (values_may_be_left_out && args.option("NOVALUES")) {
      scan.without_values = true;
    } else {
      args.fail(errors::kSyntax);
    }
  }
  return scan;
}

storage::ScanBudget scan_budget(size_t count) {
  constexpr size_t kBucketsMin = 2048;
  constexpr size_t kBucketsPerElement = 10;
  constexpr size_t kScaledMax = std::numeric_limits<size_t>::max() / kBucketsPerElement;
  return {count, std::max(kBucketsMin, std::min(count, kScaledMax) * kBucketsPerElement)};
}

}  // namespace larder::core
