#include "storage/types/restore.h"

#include "storage/types/restore_parts.h"

namespace larder::storage {
namespace {

RestoredValue restore_string(DumpReader& in) {
  std::string scratch;
  return RestoredValue(std::string(in.string(scratch)));
}

RestoredValue restore_by_type(DumpReader& in, const RestoreContext& context) {
  const auto type = static_cast<DumpType>(in.fixed(1));
  switch (type) {
    case DumpType::kString:
      return restore_string(in);
    case DumpType::kList:
    case DumpType::kListZiplist:
    case DumpType::kListQuicklist:
    case DumpType::kListNodes:
      return RestoredValue(restore_list(in, type, context));
    case DumpType::kSet:
    case DumpType::kSetIntset:
    case DumpType::kSetListpack:
      return RestoredValue(restore_set(in, type, context));
    case DumpType::kSortedSetText:
    case DumpType::kSortedSet:
    case DumpType::kSortedSetZiplist:
    case DumpType::kSortedSetListpack:
      return RestoredValue(restore_sorted_set(in, type, context));
    case DumpType::kHash:
    case DumpType::kHashZipmap:
    case DumpType::kHashZiplist:
    case DumpType::kHashListpack:
    case DumpType::kHashTimed:
    case DumpType::kHashListpackTimed:
      return RestoredValue(restore_hash(in, type, context));
  }
  in.fail();
  return {};
}

}  // namespace

void RestoredValue::put(Keyspace& db, const Key& key, int64_t expire_at_ms) {
  if (string_) return db.put_string(key, *string_, expire_at_ms);
  db.put_object(key, object_, expire_at_ms);
  object_ = {};
}

Restored restore_value(std::string_view dump, const RestoreLimits& limits, uint64_t hash_seed,
                       int64_t now_ms) {
  if (!take_dump_footer(dump)) return {RestoreFault::kFooter};
  DumpReader in(dump, limits.string_bytes_max);
  RestoredValue value = restore_by_type(in, {limits, hash_seed, now_ms});
  if (in.failed()) return {RestoreFault::kFormat};
  return {RestoreFault::kNone, std::move(value)};
}

}  // namespace larder::storage
