// What a client has queued since MULTI, and EXEC.
//
// Each command is copied with its arguments into one block of a few chunks, so that queueing
// allocates seldom and giving up a long queue takes no time; arguments that were received into
// blobs are shared instead. Key names are hashed when they are queued: EXEC locks the shards of all
// keys at once, whichever database they will be in by then.
//
// Belongs to the client's loop, but for the sizes, which any thread may read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "storage/blob.h"
#include "storage/key_hash.h"

namespace larder::storage {
class LockedKeys;
class Store;
}  // namespace larder::storage

namespace larder::core {

class Call;
class Client;
struct Command;

class Transaction {
 public:
  // One command with its arguments. Lives until end().
  struct Queued {
    const Command* command;
    Queued* next;
    std::span<const std::string_view> arguments;
  };

  // MULTI, and what ends it; all but open(), the sizes and what is const is for between the two.
  // end() frees all.
  void begin();
  void end();
  bool open() const { return size() >= 0; }

  // Queues a command of `client`, whose arguments may go when this returns. Throws std::bad_alloc,
  // and then has queued nothing. Its keys are to be named, all that it may touch.
  void add(Client& client, const Command& command, std::span<const std::string_view> arguments);
  void add_key(storage::KeyHash hash);
  void add_all_keys() { queue_->all_keys = true; }

  // Something could not be queued: EXEC will fail.
  void fail() { queue_->failed = true; }
  bool failed() const { return open() && queue_->failed; }

  const Queued* first() const { return open() ? queue_->first : nullptr; }
  // CommandFlag of all commands together.
  uint32_t flags() const { return open() ? queue_->flags : 0; }
  // Locks the keys of all commands.
  storage::LockedKeys lock(storage::Store& store) const;
  // The blob that an argument of a queued command is in; null if it is none, or there is no
  // transaction. Quick if they are asked for in their order.
  storage::Blob* blob_of(std::string_view argument);

  // Any thread. The number of commands, -1 behind no MULTI; the bytes of their arguments; and what
  // all that takes.
  int64_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t argument_bytes() const { return argument_bytes_.load(std::memory_order_relaxed); }
  size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  std::byte* allocate(size_t bytes);
  void keep(Client& client, std::span<const std::string_view> arguments, std::string_view* views);
  void note_memory(size_t bytes);

  std::atomic<int64_t> size_{-1};
  std::atomic<size_t> argument_bytes_{0};
  std::atomic<size_t> memory_bytes_{0};

  struct Queue {
    Queued* first = nullptr;
    Queued* last = nullptr;
    uint32_t flags = 0;
    bool failed = false;
    bool all_keys = false;
    std::vector<uint32_t> shards;  // of their keys, in no order
    std::vector<storage::BlobRef> blobs;
    size_t blob_found = 0;  // the one that blob_of() found last
    std::vector<std::unique_ptr<std::byte[]>> chunks;
    std::byte* free = nullptr;  // in the last chunk
    size_t free_bytes = 0;
  };
  std::unique_ptr<Queue> queue_;  // null behind no MULTI
};

// EXEC behind MULTI, once it is known that everything could be queued: runs all commands under one
// lock and answers with their replies, or with null if a watched key has changed. Ends the
// transaction.
void run_transaction(Call& call);

}  // namespace larder::core
