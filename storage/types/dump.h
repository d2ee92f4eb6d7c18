// DUMP: a value as one string in Redis' format (storage/dump_bytes.h), which types/restore.h and
// every Redis since 7.0 read again. Hashes whose fields have expiries need Redis 7.4.
//
// Takes time and memory for the whole value, under the lock of the key's shard.
#pragma once

#include <string>

#include "storage/keyspace.h"

namespace larder::storage {

// Of `entry`, the live one of `key`. Throws std::bad_alloc.
std::string dump_value(Keyspace& db, const Key& key, Entry& entry);

}  // namespace larder::storage
