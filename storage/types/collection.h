// What the commands on hashes, lists, sets and sorted sets have in common: finding the collection
// of a key.
#pragma once

#include "storage/keyspace.h"
#include "storage/result.h"

namespace larder::storage {

// The live entry of `key`; null if there is no such key, kWrongType if it holds something else.
// read_collection() counts a hit or a miss, find_collection() counts nothing.
inline Result<Entry*> as_collection(Entry* entry, ValueType type) {
  if (entry != nullptr && entry->type() != type) return Status::kWrongType;
  return entry;
}
inline Result<Entry*> read_collection(Keyspace& db, const Key& key, ValueType type) {
  return as_collection(db.read(key), type);
}
inline Result<Entry*> find_collection(Keyspace& db, const Key& key, ValueType type) {
  return as_collection(db.find(key), type);
}

}  // namespace larder::storage
