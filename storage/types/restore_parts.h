// The parts of types/restore.h, one for each type of collection. Each reads what stands behind the
// type's byte; if something is wrong, the reader has failed() then, and the answer is nothing.
#pragma once

#include "storage/dump_bytes.h"
#include "storage/types/dump_types.h"
#include "storage/types/restore.h"

namespace larder::storage {

struct RestoreContext {
  const RestoreLimits& limits;
  uint64_t hash_seed;
  int64_t now_ms;
};

Object restore_list(DumpReader& in, DumpType type, const RestoreContext& context);
Object restore_set(DumpReader& in, DumpType type, const RestoreContext& context);
Object restore_sorted_set(DumpReader& in, DumpType type, const RestoreContext& context);
// Nothing, and nothing failed, if all fields have died.
Object restore_hash(DumpReader& in, DumpType type, const RestoreContext& context);

}  // namespace larder::storage
