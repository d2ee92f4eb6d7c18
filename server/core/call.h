// One command being run: what was asked, by whom, and what a handler needs to answer. Lives on the
// stack of the client's loop for the length of one handler or one slice.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "server/core/args.h"
#include "server/core/client.h"
#include "server/core/command_table.h"
#include "server/core/continuation.h"
#include "server/core/database_lock.h"
#include "server/core/errors.h"
#include "server/core/key_positions.h"
#include "server/core/reply.h"
#include "server/core/server.h"
#include "storage/keyspace.h"

namespace larder::core {

class Call;
class Dispatcher;

// The keys of one command with their hashes. Belongs to the dispatcher, which lends it to each call
// in turn, so that commands on many keys allocate nothing.
struct KeyScratch {
  std::vector<KeyPosition> positions;
  std::vector<storage::Key> keys;
  // Of Call::note_reads(), which may come between two uses of the others.
  std::vector<KeyPosition> read_positions;
  std::vector<std::string_view> read_keys;
};

class Call {
 public:
  // `arguments` start with the command's name. `held`: the lock under which a surrounding
  // transaction or script runs, or null.
  Call(Dispatcher& dispatcher, Server& server, Client& client, const Command& command,
       std::span<const std::string_view> arguments, Reply& reply, int64_t now_ms,
       KeyScratch& scratch, const storage::LockedKeys* held = nullptr)
      : dispatcher_(dispatcher),
        server_(server),
        client_(client),
        command_(command),
        arguments_(arguments),
        reply_(reply),
        now_ms_(now_ms),
        scratch_(scratch),
        held_(held) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Who runs it, for a command that runs others (Dispatcher::run_nested).
  Dispatcher& dispatcher() { return dispatcher_; }
  Server& server() { return server_; }
  Config& config() { return server_.config; }
  storage::Store& store() { return server_.store; }
  Client& client() { return client_; }
  // Those of the loop that runs the command.
  WorkerCounters& counters() { return server_.statistics.worker(client_.worker()); }
  Reply& reply() { return reply_; }
  const CommandRow& row() const { return *command_.row; }
  const Command& command() const { return command_; }

  // Milliseconds since the epoch: the same throughout the command.
  int64_t now_ms() const { return now_ms_; }

  std::span<const std::string_view> arguments() const { return arguments_; }
  size_t argument_count() const { return arguments_.size(); }
  std::string_view argument(size_t i) const { return arguments_[i]; }
  // The blob that argument i was received into, for who wants to share it; mostly null.
  storage::Blob* blob_of(size_t i);
  // Stores argument i as Keyspace::put_string() does, a large one without a copy.
  void put_argument(storage::Keyspace& db, const storage::Key& key, size_t i, int64_t expire_at_ms,
                    const storage::Tagging& tagging = {});
  // A cursor behind the command's name, or from argument `first`.
  Args args(size_t first = 1) const { return Args(arguments_, first); }

  // Argument i as a key, with its hash: without hashing again if lock() did, and the handler asks
  // for its keys in their order.
  storage::Key key(size_t i) { return i == hashed_at_ ? hashed_ : find_key(i); }
  // The hash of argument i is known already.
  void set_hashed(size_t i, storage::KeyHash hash) {
    hashed_ = {arguments_[i], hash};
    hashed_at_ = i;
  }

  // Locks the shards of the command's keys, as its row names them, or all. A handler takes one
  // lock, after reading its arguments, and holds it until its reply is written or shorter.
  DatabaseLock lock() {
    if (held_ != nullptr) return {*held_, use()};
    return command_.key_at != 0 ? lock(key(command_.key_at)) : lock_several();
  }
  // Locks one key that the row does not name.
  DatabaseLock lock(const storage::Key& key) {
    if (held_ != nullptr) return {*held_, use()};
    return {server_.store, key, use()};
  }
  DatabaseLock lock_all();
  // The token of a surrounding transaction or script, null if there is none: then work on the whole
  // key space must be done at once, under it.
  const storage::LockedKeys* held() const { return held_; }

  // Tells who listens to keyspace notifications what the command has done to a key of the client's
  // database: in Redis' words and order. Under the key's lock, once it is done.
  void notify(EventClass kind, std::string_view event, const storage::Key& key) {
    if (server_.keyspace_events.wants(kind)) publish(kind, event, client_.database(), key);
  }
  void notify_in(size_t database, EventClass kind, std::string_view event,
                 const storage::Key& key) {
    if (server_.keyspace_events.wants(kind)) publish(kind, event, database, key);
  }
  // Tells that the key was deleted, if what the command took from it has left nothing.
  void notify_if_gone(storage::Keyspace& db, const storage::Key& key) {
    if (server_.keyspace_events.is_gone(db, key)) notify(kEventGeneric, "del", key);
  }

  // For what tells KeyspaceEvents itself: the client waits if its messages cannot be sent on.
  void note_published() {
    if (server_.keyspace_events.any_wanted()) client_.set(Client::kPublished);
  }

  // Tells Tracking which keys the command has read, if the client wants that to be remembered. The
  // first call counts that finds them locked, or the one behind the handler.
  void note_reads() noexcept;
  bool reads_noted() const { return reads_noted_; }

  // Keeps argument i, a secret, out of MONITOR and the slow log: what others may see.
  void redact(size_t i);
  std::span<const std::string_view> shown_arguments() const {
    return redacted_.empty() ? arguments_ : std::span<const std::string_view>(redacted_);
  }

  void fail(std::string_view error) { reply_.error(error); }
  void fail(storage::Status status) { reply_.error(errors::text(status)); }

  // Leaves the rest of the command to `continuation`, which will write the reply.
  void continue_with(std::unique_ptr<Continuation> rest) { continuation_ = std::move(rest); }
  std::unique_ptr<Continuation> take_continuation() { return std::move(continuation_); }

  // Does the first slice of `work` now and leaves the rest to the loop, if there is a rest; inside
  // a transaction or script (see held()) does all of it. `work` must not wait.
  void work_in_slices(std::unique_ptr<Continuation> work);

 private:
  storage::Key find_key(size_t i);
  void hash_keys();
  void publish(EventClass kind, std::string_view event, size_t database, const storage::Key& key);
  DatabaseLock lock_several();
  DatabaseLock::Use use() {
    return {.database = client_.database(),
            .now_ms = now_ms_,
            .touches = !client_.has(Client::kNoTouch),
            .reader = client_.has(Client::kTracksReads) ? this : nullptr};
  }

  Dispatcher& dispatcher_;
  Server& server_;
  Client& client_;
  const Command& command_;
  std::span<const std::string_view> arguments_;
  Reply& reply_;
  int64_t now_ms_;
  KeyScratch& scratch_;
  size_t scratch_next_ = SIZE_MAX;  // of scratch_.keys: the one expected next; SIZE_MAX: not filled
  const storage::LockedKeys* held_;
  storage::Key hashed_;  // the key hashed last: mostly there is but one
  size_t hashed_at_ = 0;
  bool reads_noted_ = false;
  std::vector<std::string_view> redacted_;  // all arguments, once one was redacted
  std::unique_ptr<Continuation> continuation_;
};

inline DatabaseLock::~DatabaseLock() {
  if (reader_ != nullptr) reader_->note_reads();
}

}  // namespace larder::core
