// Who wants to know of changes of keys: the one door through which storage calls upwards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/key_hash.h"

namespace larder::storage {

enum class KeyChange : uint8_t {
  kWritten,        // created, or its value or its expiry changed
  kRemoved,        // deleted, or moved away
  kExpired,        // removed because its time had passed
  kEvicted,        // removed to make room
  kFieldsExpired,  // removed because the times of all fields of the hash had passed
};

// While a store has an observer (Store::set_observer), it is told of every change of every key, on
// the thread that makes it and under the lock of the key's shard, right after the change, so before
// anybody else can see it. So it must be quick, must not ask for a lock of the store, and may take
// only locks under which nobody asks for one.
class Observer {
 public:
  virtual ~Observer() = default;

  // `key` is good for the call only.
  virtual void changed(size_t database, const Key& key, KeyChange change) = 0;
  // All keys of a database went away, or two databases changed places. All shards are locked.
  virtual void flushed(size_t database) = 0;
  virtual void swapped(size_t database, size_t other) = 0;

  // What only some want to know, beside changed(). A key was created, or put in the place of a
  // removed one by a rename, move or copy: in front of changed(). A key was read that is not there.
  // Fields of a hash, which lives on, were removed because their times had passed.
  virtual void created(size_t /*database*/, const Key& /*key*/) {}
  virtual void missed(size_t /*database*/, const Key& /*key*/) {}
  virtual void fields_expired(size_t /*database*/, const Key& /*key*/) {}
};

}  // namespace larder::storage
