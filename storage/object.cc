#include "storage/object.h"

#include "storage/container.h"
#include "storage/garbage.h"
#include "storage/packed.h"
#include "storage/types/packed_hash.h"

namespace larder::storage {

void Object::destroy() {
  if (is_packed()) return Packed::destroy(packed());
  if (container()->size() > Garbage::kElementsMin) return Garbage::take(container());
  delete container();
}

Object Object::copy() const {
  if (is_packed()) return {type(), encoding(), packed()->copy()};
  return {type(), encoding(), container()->copy()};
}

size_t Object::memory_bytes() const {
  return is_packed() ? packed()->memory_bytes() : container()->memory_bytes();
}

size_t Object::recount_arena_bytes() const {
  return is_packed() ? packed()->memory_bytes() : container()->recount_arena_bytes();
}

int64_t Object::next_due_ms() const {
  if (!is_timed()) return kNothingDue;
  return is_packed() ? packed_hash::next_due_ms(packed()) : container()->next_due_ms();
}

bool Object::no_live(int64_t now_ms) const {
  return is_packed() ? packed_hash::all_dead(packed(), now_ms) : container()->all_dead(now_ms);
}

bool Object::sweep(int64_t now_ms, size_t& elements) {
  if (!is_timed()) return false;
  if (is_packed()) {
    Packed* list = packed();
    const bool swept = packed_hash::sweep(list, now_ms, elements);
    *this = Object(type(), encoding(), list);
    return swept;
  }
  const bool swept = container()->sweep(now_ms, elements);
  if (!container()->any_timed()) *this = Object(type(), Encoding::kTable, container());
  return swept;
}

bool Object::move(bool (*worth_moving)(const void* block)) {
  if (!is_packed() || !worth_moving(packed())) return false;
  Packed* old = packed();
  *this = Object(type(), encoding(), old->copy());
  Packed::destroy(old);
  return true;
}

}  // namespace larder::storage
