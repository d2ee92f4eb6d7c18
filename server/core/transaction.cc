#include "server/core/transaction.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "server/core/call.h"
#include "server/core/dispatch.h"
#include "server/core/output.h"
#include "server/core/script_runner.h"

namespace larder::core {
namespace {

// A short transaction should not take a page, a long one not thousands of allocations.
constexpr size_t kChunkBytesMin = 1024;
constexpr size_t kChunkBytesMax = 64 * 1024;

// More entries than there are shards by so much are worth sorting.
constexpr size_t kShardsKept = 4 * storage::Store::kShards;

void sort_out(std::vector<uint32_t>& shards) {
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
}

// The reply, or part of a reply, that begins at `begin`, if CLIENT REPLY says that nobody wants it.
void silence(const Client& client, Output& out, size_t begin) {
  if (client.has(Client::kReplySkip) || client.has(Client::kReplyOff)) out.truncate(begin);
}

// As each command may change whether replies are wanted (CLIENT REPLY), and in which version
// (HELLO), every part is looked at by itself.
void run_queued(Call& call, const storage::LockedKeys& held) {
  Client& client = call.client();
  Output& out = call.reply().output();
  const size_t head_begin = out.size();
  call.reply().array(static_cast<size_t>(client.transaction().size()));
  silence(client, out, head_begin);
  for (const auto* queued = client.transaction().first(); queued; queued = queued->next) {
    const size_t begin = out.size();
    call.dispatcher().run_nested(call,
                                 {.command = *queued->command,
                                  .arguments = queued->arguments,
                                  .held = held,
                                  .version = client.resp()},
                                 out);
    if ((queued->command->row->flags & kAnswersByPush) == 0) silence(client, out, begin);
  }
}

}  // namespace

void Transaction::begin() {
  queue_ = std::make_unique<Queue>();
  size_.store(0, std::memory_order_relaxed);
}

void Transaction::end() {
  queue_.reset();
  argument_bytes_.store(0, std::memory_order_relaxed);
  memory_bytes_.store(0, std::memory_order_relaxed);
  size_.store(-1, std::memory_order_relaxed);
}

void Transaction::note_memory(size_t bytes) {
  memory_bytes_.store(memory_bytes() + bytes, std::memory_order_relaxed);
}

std::byte* Transaction::allocate(size_t bytes) {
  bytes = (bytes + alignof(Queued) - 1) / alignof(Queued) * alignof(Queued);
  if (queue_->free_bytes < bytes) {
    const size_t usual =
        std::min(kChunkBytesMin << std::min<size_t>(queue_->chunks.size(), 6), kChunkBytesMax);
    const size_t size = std::max(usual, bytes);
    queue_->chunks.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
    queue_->free = queue_->chunks.back().get();
    queue_->free_bytes = size;
    note_memory(size);
  }
  std::byte* place = queue_->free;
  queue_->free += bytes;
  queue_->free_bytes -= bytes;
  return place;
}

// Copies the arguments behind `views`, or shares their blobs, and lets `views` point there.
void Transaction::keep(Client& client, std::span<const std::string_view> arguments,
                       std::string_view* views) {
  auto* text = reinterpret_cast<char*>(views + arguments.size());
  for (size_t i = 0; i < arguments.size(); i++) {
    const std::string_view argument = arguments[i];
    if (storage::Blob* blob = client.blob_of(argument); blob != nullptr) {
      new (views + i) std::string_view(argument);
      queue_->blobs.push_back(storage::BlobRef::share(*blob));
      note_memory(blob->memory_bytes());
    } else {
      if (!argument.empty()) std::memcpy(text, argument.data(), argument.size());
      new (views + i) std::string_view(text, argument.size());
      text += argument.size();
    }
  }
}

void Transaction::add(Client& client, const Command& command,
                      std::span<const std::string_view> arguments) {
  size_t bytes = 0;
  size_t copied_bytes = 0;
  size_t blobs = 0;
  for (const std::string_view argument : arguments) {
    const bool shared = client.blob_of(argument) != nullptr;
    bytes += argument.size();
    copied_bytes += shared ? 0 : argument.size();
    blobs += shared ? 1 : 0;
  }
  if (blobs > 0) queue_->blobs.reserve(queue_->blobs.size() + blobs);
  std::byte* block = allocate(sizeof(Queued) + arguments.size_bytes() + copied_bytes);
  auto* views = reinterpret_cast<std::string_view*>(block + sizeof(Queued));
  keep(client, arguments, views);
  auto* queued = new (block) Queued{&command, nullptr, {views, arguments.size()}};
  (queue_->last != nullptr ? queue_->last->next : queue_->first) = queued;
  queue_->last = queued;
  queue_->flags |= command.row->flags;
  argument_bytes_.store(argument_bytes() + bytes, std::memory_order_relaxed);
  size_.store(size() + 1, std::memory_order_relaxed);
}

void Transaction::add_key(storage::KeyHash hash) {
  if (queue_->shards.size() >= kShardsKept) sort_out(queue_->shards);
  queue_->shards.push_back(static_cast<uint32_t>(storage::Store::shard_of(hash)));
}

storage::LockedKeys Transaction::lock(storage::Store& store) const {
  return queue_->all_keys ? store.lock_all() : store.lock_shards(queue_->shards);
}

storage::Blob* Transaction::blob_of(std::string_view argument) {
  if (!open()) return nullptr;
  for (size_t i = 0; i < queue_->blobs.size(); i++) {
    const size_t at = (queue_->blob_found + i) % queue_->blobs.size();
    if (queue_->blobs[at]->data() != argument.data()) continue;
    queue_->blob_found = at;
    return queue_->blobs[at].get();
  }
  return nullptr;
}

namespace {

void run_all(Call& call) {
  Client& client = call.client();
  bool changed = false;
  {
    // The watches end while the keys are held: whatever changes a watched key after that comes
    // after this transaction for everybody, as it cannot have seen what that will do.
    const storage::LockedKeys held = client.transaction().lock(call.store());
    changed = call.server().watches.unwatch_all(client, call.now_ms());
    if (!changed) run_queued(call, held);
  }
  client.end_transaction();
  if (!changed) return;
  const size_t begin = call.reply().output().size();
  call.reply().null_array();
  silence(client, call.reply().output(), begin);
}

}  // namespace

void run_transaction(Call& call) {
  if ((call.client().transaction().flags() & kRunsScript) == 0) return run_all(call);
  call.dispatcher().scripts().run_aside(call, run_all);
}

}  // namespace larder::core
