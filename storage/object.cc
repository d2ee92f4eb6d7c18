#include "storage/object.h"

#include "storage/container.h"
#include "storage/garbage.h"
#include "storage/packed.h"

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

bool Object::move(bool (*worth_moving)(const void* block)) {
  if (!is_packed() || !worth_moving(packed())) return false;
  Packed* old = packed();
  *this = Object(type(), encoding(), old->copy());
  Packed::destroy(old);
  return true;
}

}  // namespace larder::storage
