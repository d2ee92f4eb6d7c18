// What Table::sweep() is asked for, and whom it tells what it finds.
#pragma once

#include <cstdint>

#include "storage/function_ref.h"
#include "storage/key_hash.h"

namespace larder::storage {

class Entry;

// Times are milliseconds since the epoch.
struct TableSweep {
  static constexpr auto kLeave = [](Entry&) {};
  static constexpr auto kRefuse = [](KeyHash, int64_t) { return false; };

  int64_t now_ms;
  // A dead entry, taken out of the table: the callee's. With the hash of its key.
  FunctionRef<void(Entry*, KeyHash)> on_dead;
  // A live one of which elements may be dead: the callee may sweep them.
  FunctionRef<void(Entry&)> on_due = kLeave;
  // A live one that will be dead by `until_ms`: true if the callee sees to it that it is then taken
  // out by take_dead(), so that the table need not think of it.
  int64_t until_ms = now_ms;
  FunctionRef<bool(KeyHash, int64_t due_ms)> on_soon = kRefuse;
};

}  // namespace larder::storage
