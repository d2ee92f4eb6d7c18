// A client's database, locked as far as one command needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "storage/keyspace.h"

namespace larder::core {

class Call;

// Unlocked when this goes out of scope. The lock is the command's own, or the one under which a
// surrounding transaction or script runs.
class DatabaseLock {
 public:
  struct Use {
    size_t database;
    int64_t now_ms;
    bool touches = true;     // see Keyspace
    Call* reader = nullptr;  // whose reads are to be remembered for CLIENT TRACKING, before the
                             // lock is let go; it must outlive this
  };
  DatabaseLock(storage::Store& store, const storage::Key& key, const Use& use)
      : own_(store.lock(key)),
        keyspace_(own_, use.database, use.now_ms, use.touches),
        reader_(use.reader) {}
  DatabaseLock(storage::LockedKeys&& own, const Use& use)
      : own_(std::move(own)),
        keyspace_(own_, use.database, use.now_ms, use.touches),
        reader_(use.reader) {}
  DatabaseLock(const storage::LockedKeys& held, const Use& use)
      : own_(storage::LockedKeys::none_of(held.store())),
        keyspace_(held, use.database, use.now_ms, use.touches),
        reader_(use.reader) {}
  ~DatabaseLock();
  DatabaseLock(const DatabaseLock&) = delete;
  DatabaseLock& operator=(const DatabaseLock&) = delete;

  storage::Keyspace* operator->() { return &keyspace_; }
  storage::Keyspace& operator*() { return keyspace_; }

 private:
  storage::LockedKeys own_;
  storage::Keyspace keyspace_;
  Call* reader_;
};

}  // namespace larder::core
