// A small hash as one listpack: fields with their values, or, once a field of it was given an
// expiry, triples of field, value and expiry. Both as Redis 7.4 keeps and dumps them.
//
// The expiry of a triple is in milliseconds since the epoch, 0 for none. Triples are in the order
// of their expiries, those without one last, so that the dead ones are always the first.
//
// Guarded by the shard's lock. Functions that change a list take it by reference to its pointer,
// throw std::bad_alloc, and then have changed nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "storage/clock.h"
#include "storage/packed.h"
#include "storage/types/listpack.h"

namespace larder::storage::packed_hash {

using listpack::Element;
using listpack::Position;

// How many elements of the listpack stand for a field.
inline constexpr size_t kPair = 2;
inline constexpr size_t kTriple = 3;

size_t size(const Packed* list, size_t width);

// The position of a field, dead or alive; kNone if it is not there.
Position find(const Packed* list, size_t width, const Element& field);
// Of the field behind this one; kNone behind the last.
Position next(const Packed* list, size_t width, Position at);
Position seek(const Packed* list, size_t width, size_t index);

struct Pair {
  Element field;
  Element value;
};
Pair get(const Packed* list, Position at);
// Of a triple; kNoExpiry if it has none.
int64_t expire_at_ms(const Packed* list, Position at);

// Adds a field, which is not there yet. In pairs it has no expiry.
void add(Packed*& list, size_t width, const Pair& pair, int64_t expire_at_ms = kNoExpiry);
void set_value(Packed*& list, Position at, const Element& value);
// In place of the triple at `at`.
void replace(Packed*& triples, Position at, const Pair& pair, int64_t expire_at_ms);
void erase(Packed*& list, size_t width, Position at);

// A new list: these pairs as triples without expiries.
Packed* with_expiries(const Packed* pairs);

// Of triples: the earliest expiry, milliseconds since the epoch, the largest number if there is
// none; whether all are dead; and taking out the dead ones, which are counted down from `elements`
// (all of them go, since that is one move of what stands behind). Out of memory, they stay.
int64_t next_due_ms(const Packed* triples);
bool all_dead(const Packed* triples, int64_t now_ms);
bool sweep(Packed*& triples, int64_t now_ms, size_t& elements);

}  // namespace larder::storage::packed_hash
