// A set of integers as one sorted run: the encoding of small sets whose members are all integers,
// two to eight bytes each where Redis' intset has as many.
//
//   u32 bytes in all | u8 width: 2, 4 or 8 | integers of that width, ascending, little endian
//
// The width is what the widest member that ever was needs. Functions that change a run take it by
// reference to its pointer, since it may move to another block; they throw std::bad_alloc, and then
// have changed nothing. Guarded by the shard's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/packed.h"

namespace larder::storage::integer_set {

// The most members that a run may get, whatever the options allow: it is copied when it moves.
inline constexpr size_t kSizeMax = size_t{1} << 26;

Packed* create();  // an empty one

size_t size(const Packed* run);
// The member with `index` smaller ones; there must be so many.
int64_t at(const Packed* run, size_t index);
bool contains(const Packed* run, int64_t value);

// False if it was there already.
bool insert(Packed*& run, int64_t value);
// False if it was not there.
bool erase(Packed*& run, int64_t value);

}  // namespace larder::storage::integer_set
