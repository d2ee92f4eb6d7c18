#include "server/core/call.h"

#include <new>

#include "protocol/limits.h"

namespace larder::core {

storage::Key Call::find_key(size_t i) {
  if (scratch_next_ < scratch_.keys.size() && scratch_.positions[scratch_next_].index == i) {
    return scratch_.keys[scratch_next_++];
  }
  set_hashed(i, server_.store.key(arguments_[i]).hash);
  return hashed_;
}

storage::Blob* Call::blob_of(size_t i) {
  const std::string_view value = arguments_[i];
  storage::Blob* blob =
      value.size() >= protocol::kLargeBulkBytes ? client_.blob_of(value) : nullptr;
  return blob == nullptr && held_ != nullptr ? client_.transaction().blob_of(value) : blob;
}

void Call::put_argument(storage::Keyspace& db, const storage::Key& key, size_t i,
                        int64_t expire_at_ms, const storage::Tagging& tagging) {
  if (storage::Blob* blob = blob_of(i)) return db.put_blob(key, *blob, expire_at_ms, tagging);
  db.put_string(key, arguments_[i], expire_at_ms, tagging);
}

DatabaseLock Call::lock_several() {
  hash_keys();
  storage::LockedKeys locked = store().lock(scratch_.keys);
  store().prefetch(locked, scratch_.keys, client_.database());
  return {std::move(locked), use()};
}

void Call::hash_keys() {
  scratch_.positions.clear();
  scratch_.keys.clear();
  find_keys(row(), arguments_, scratch_.positions);
  for (const KeyPosition& position : scratch_.positions) {
    scratch_.keys.push_back(store().key(arguments_[position.index]));
  }
  scratch_next_ = 0;
}

void Call::publish(EventClass kind, std::string_view event, size_t database,
                   const storage::Key& key) {
  if (server_.keyspace_events.publish(kind, event, database, key)) {
    client_.set(Client::kPublished);
  }
}

// As in Redis, the row says which keys those are: of a command that reads only, all that it names,
// whether they are there or not. A script is not such a command, what it calls is.
void Call::note_reads() noexcept {
  constexpr uint32_t kAsked = kReadonly | kNoscript | kPubsub;
  reads_noted_ = true;
  if ((row().flags & kAsked) != kReadonly || !Tracking::wants_reads(client_)) return;
  try {
    scratch_.read_positions.clear();
    scratch_.read_keys.clear();
    if (!find_keys(row(), arguments_, scratch_.read_positions)) return;
    for (const KeyPosition& position : scratch_.read_positions) {
      if ((position.flags & kNotKey) == 0) scratch_.read_keys.push_back(argument(position.index));
    }
  } catch (const std::bad_alloc&) {  // as in Tracking::remember()
    return client_.set(Client::kCloseAfterReply);
  }
  server_.tracking.remember(client_, scratch_.read_keys);
}

void Call::redact(size_t i) {
  if (redacted_.empty()) redacted_.assign(arguments_.begin(), arguments_.end());
  redacted_[i] = "(redacted)";
}

DatabaseLock Call::lock_all() {
  if (held_ != nullptr) return {*held_, use()};
  return {store().lock_all(), use()};
}

void Call::work_in_slices(std::unique_ptr<Continuation> work) {
  while (work->resume(*this) != Continuation::Progress::kDone) {
    if (held_ == nullptr) return continue_with(std::move(work));
  }
}

}  // namespace larder::core
