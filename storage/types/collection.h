// What the commands on hashes, lists, sets and sorted sets have in common: finding the collection
// of a key, and changing it so that running out of memory half-way does no harm.
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

// Changes the collection in `entry`, the live one of `key`, through `change`, which is given the
// Object by reference and lets it always say where the collection is. The database is told by the
// caller, if anything was changed. If `change` throws, what it did before stays, and is told here.
template <typename Change>
void change_collection(Keyspace& db, const Key& key, Entry& entry, Change change) {
  const size_t before = db.counted_bytes(entry);
  Object object = entry.object();
  try {
    change(object);
  } catch (...) {
    db.set_object(key, entry, object);
    db.note_resized(key, entry, before);
    throw;
  }
  entry.set_object(object);
  db.note_resized(key, entry, before);
}

}  // namespace larder::storage
