// What a command that may wait for keys consists of, and how a handler runs one. The register of
// those that wait is blocking.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "server/core/args.h"
#include "server/core/continuation.h"
#include "server/core/reply.h"
#include "storage/keyspace.h"

namespace larder::core {

class WaitingCommand {
 public:
  virtual ~WaitingCommand() = default;

  // The type that a key must have for another attempt to be worthwhile.
  virtual storage::ValueType type() const = 0;

  // Does the command and writes its reply, be it an error. False, with nothing done and nothing
  // written, if it has to wait. `keys`: those that the handler named, locked. Runs on the loop of
  // whoever changed a key, for the attempts after the first.
  virtual bool attempt(storage::Keyspace& db, std::span<const storage::Key> keys, Reply& reply) = 0;

  // The same, to be kept while it waits: its attempt() remembers what it takes.
  virtual std::unique_ptr<WaitingCommand> keep() const = 0;
  // The client went away without the reply: what the successful attempt() took goes back to where
  // it was, if that can be. `db` holds the same keys.
  virtual void give_back(storage::Keyspace& /*db*/, std::span<const storage::Key> /*keys*/) {}
};

// What is answered where there is nothing and the command must not wait.
enum class NothingThere : uint8_t { kNull, kNullArray };

struct WaitTerms {
  size_t first_key = 1;  // among the arguments
  size_t keys = 1;       // that it locks
  size_t awaited = 1;    // of these, from the first on
  int64_t deadline_ms = Continuation::kNever;
  NothingThere nothing = NothingThere::kNullArray;
};

// The next argument as seconds, with a fraction, to wait from `now_ms` on: when they will be over,
// in milliseconds since the epoch; kNever for 0.
int64_t read_deadline(Args& args, int64_t now_ms);

// Locks the command's keys and attempts it; leaves it waiting if that fails. In a transaction or
// script it does not wait.
void run_or_wait(Call& call, const WaitTerms& terms, WaitingCommand& command);

}  // namespace larder::core
