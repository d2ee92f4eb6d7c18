#include "storage/types/packed_hash.h"

#include <algorithm>
#include <array>
#include <new>
#include <span>

namespace larder::storage::packed_hash {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

int64_t stored_expiry(const Packed* triples, Position at) {
  const Position value = listpack::next(triples, at);
  return listpack::get(triples, listpack::next(triples, value)).integer;
}

// Where a triple of this expiry belongs: before the first that dies later.
Position place_for(const Packed* triples, int64_t expire_at_ms) {
  if (expire_at_ms == kNoExpiry) return listpack::kNone;
  for (Position at = listpack::first(triples); at != listpack::kNone;
       at = next(triples, kTriple, at)) {
    const int64_t other_ms = stored_expiry(triples, at);
    if (other_ms == 0 || other_ms > expire_at_ms) return at;
  }
  return listpack::kNone;
}

}  // namespace

size_t size(const Packed* list, size_t width) {
  return listpack::count(list) / width;
}

Position find(const Packed* list, size_t width, const Element& field) {
  return listpack::find(list, listpack::first(list), field, width - 1);
}

Position next(const Packed* list, size_t width, Position at) {
  for (size_t i = 0; i < width; i++) at = listpack::next(list, at);
  return at;
}

Position seek(const Packed* list, size_t width, size_t index) {
  return listpack::seek(list, static_cast<int64_t>(index * width));
}

Pair get(const Packed* list, Position at) {
  return {listpack::get(list, at), listpack::get(list, listpack::next(list, at))};
}

int64_t expire_at_ms(const Packed* list, Position at) {
  const int64_t stored = stored_expiry(list, at);
  return stored == 0 ? kNoExpiry : stored;
}

void add(Packed*& list, size_t width, const Pair& pair, int64_t expire_at_ms) {
  const int64_t stored = expire_at_ms == kNoExpiry ? 0 : expire_at_ms;
  const std::array<Element, kTriple> elements{pair.field, pair.value,
                                              Element{.is_integer = true, .integer = stored}};
  const Position before = width == kTriple ? place_for(list, expire_at_ms) : listpack::kNone;
  listpack::insert(list, before, std::span(elements).first(width));
}

void set_value(Packed*& list, Position at, const Element& value) {
  listpack::replace(list, listpack::next(list, at), value);
}

void replace(Packed*& triples, Position at, const Pair& pair, int64_t expire_at_ms) {
  // In a copy, which is given up if there is no memory half-way. `pair` may point into the old one.
  OwnedPacked changed(triples->copy());
  listpack::erase(changed.get(), at, kTriple);
  add(changed.get(), kTriple, pair, expire_at_ms);
  Packed::destroy(triples);
  triples = changed.release();
}

void erase(Packed*& list, size_t width, Position at) {
  listpack::erase(list, at, width);
}

Packed* with_expiries(const Packed* pairs) {
  OwnedPacked triples(listpack::create());
  for (Position at = listpack::first(pairs); at != listpack::kNone; at = next(pairs, kPair, at)) {
    add(triples.get(), kTriple, get(pairs, at));
  }
  return triples.release();
}

int64_t next_due_ms(const Packed* triples) {
  const Position at = listpack::first(triples);
  const int64_t stored = at != listpack::kNone ? stored_expiry(triples, at) : 0;
  return stored == 0 ? kNever : stored;
}

bool all_dead(const Packed* triples, int64_t now_ms) {
  const Position at = listpack::last(triples);
  if (at == listpack::kNone) return false;
  const int64_t latest_ms = listpack::get(triples, at).integer;
  return latest_ms != 0 && latest_ms <= now_ms;
}

bool sweep(Packed*& triples, int64_t now_ms, size_t& elements) {
  const Position begin = listpack::first(triples);
  size_t dead = 0;
  for (Position at = begin; at != listpack::kNone; at = next(triples, kTriple, at), dead++) {
    const int64_t stored = stored_expiry(triples, at);
    if (stored == 0 || stored > now_ms) break;
  }
  elements -= std::min(elements, dead + 1);
  if (dead == 0) return false;
  try {
    listpack::erase(triples, begin, dead * kTriple);
  } catch (const std::bad_alloc&) {  // they stay, unseen
    return false;
  }
  return true;
}

}  // namespace larder::storage::packed_hash
