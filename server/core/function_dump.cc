#include "server/core/function_dump.h"

#include "server/core/dump_errors.h"
#include "server/core/script_errors.h"
#include "storage/dump_bytes.h"

namespace larder::core {
namespace {

constexpr uint8_t kFunctionOpcode = 245;
constexpr uint8_t kOldFunctionOpcode = 246;

}  // namespace

std::string dump_libraries(const std::vector<std::string_view>& codes) {
  std::string out;
  for (const std::string_view code : codes) {
    out += static_cast<char>(kFunctionOpcode);
    storage::append_dump_string(out, code);
  }
  storage::append_dump_footer(out, storage::kDumpVersion);
  return out;
}

ReadDump read_dump(std::string_view dump, size_t bytes_max) {
  if (!storage::take_dump_footer(dump)) return {{}, errors::kDumpDamaged};
  storage::DumpReader reader(dump, bytes_max);
  ReadDump read;
  std::string scratch;
  while (!reader.at_end()) {
    const uint64_t opcode = reader.fixed(1);
    if (opcode == kOldFunctionOpcode) return {{}, errors::kDumpTooOld};
    if (opcode != kFunctionOpcode) return {{}, errors::kDumpNoFunction};
    const std::string_view code = reader.string(scratch);
    if (reader.failed()) return {{}, errors::kDumpUnreadable};
    read.codes.emplace_back(code);
  }
  return read;
}

}  // namespace larder::core
